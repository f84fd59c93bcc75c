"""Numbers of a simulation as people read them: titles, names, amounts and what changed."""

from __future__ import annotations

from decimal import Decimal

from solatium.report import forms
from solatium.simulate.numbers import Key, Value
from solatium.simulate.simulation import Simulated

TITLES = {
    "in_all": "In all",
    "success_by_team_size": "Success by members of a team",
    "success_by_points": "Success by points that weigh",
    "success_by_streak_before": "Success by losses in a row before",
    "streaks_after": "Accounts by losses in a row after",
    "consolation": "Consolation",
    "consolation_by_tier": "Consolation by tier",
}

# How the groups of a section are named before their numbers.
GROUPS = {
    "success_by_team_size": "members",
    "success_by_points": "points",
    "success_by_streak_before": "losses in a row",
    "streaks_after": "losses in a row",
    "consolation_by_tier": "from so many losses on",
}

_NAMES = {"by_tiers": "by the tiers", "longest_streak": "longest streak, losses"}


def name(key: Key) -> str:
    """What a number counts, in words."""
    return _NAMES.get(key.name, forms.words(key.name))


def value(key: Key, number: Value) -> str:
    """A number in its form; a share that is not there is empty."""
    if number is None:
        return ""
    if key.kind == "money":
        return forms.money(number, key.currency or "")
    return forms.share(float(number)) if key.kind == "share" else forms.count(int(number))


def change(key: Key, was: Value, now: Value) -> str:
    """The difference with its sign; of shares in points of a percent."""
    if was is None or now is None or was == now:
        return ""
    by = Decimal(now) - Decimal(was)
    sign = "+" if by > 0 else "-"
    if key.kind == "share":
        return f"{sign}{abs(by) * 100:.1f} pp"
    return sign + value(key, abs(by))


def title(simulated: Simulated) -> str:
    request = simulated.request
    return f"What if: business dates {request.first} to {request.last}"


def asked(simulated: Simulated) -> list[str]:
    """What was put in the place of what was, a line for each."""
    request = simulated.request
    lines = [str(one) for one in simulated.differences]
    if request.policy is not None:
        lines.append(f"policy of all windows: {request.policy}")
    if not lines:
        lines.append("the same settings and policies as in the warehouse")
    if request.draws:
        lines.append(
            f"{request.draws:,} draws by seeds from {request.seed!r}: SHA-256 of "
            f"{request.seed}|1 to {request.seed}|{request.draws}"
        )
    return lines
