"""The windows of a night: what is sold when, by which policy, and what goes wrong with it."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256

import numpy as np
import pyarrow as pa

from solatium.contracts import landing
from solatium.generate.accounts import DAY, HOUR
from solatium.generate.chance import Chance, Flags, Floats, Ints, apportion
from solatium.generate.spec import GRACE_DAYS, Spec
from solatium.generate.text import money, picked, times, whole

CURRENCY = "CNY"
MINUTE = HOUR // 60

POLICIES = landing("windows").column("policy").values
FIRST_COME, LOTTERY, WEIGHTED = (
    POLICIES.index(name) for name in ("first_come", "lottery", "weighted_lottery")
)

# Policy, and whether teams compete; windows take turns, and begin at another one each night.
_TURNS = (
    (FIRST_COME, False),
    (LOTTERY, False),
    (WEIGHTED, False),
    (FIRST_COME, True),
    (LOTTERY, True),
    (WEIGHTED, True),
    (FIRST_COME, False),
    (LOTTERY, False),
)
_CATEGORIES = ("phones", "sneakers", "liquor", "tickets", "toys", "cards")
_RUSH_HOURS = (10, 12, 15, 18, 20)
_ADVANCES = (0, 1000, 2990, 9900, 20000)  # cents
_TEAMS = ((2, 3), (3, 3), (3, 5), (1, 2))  # least and most members


@dataclass(frozen=True)
class Windows:
    """The windows of one night, an array each.

    Times are microseconds since 1970, UTC; money is cents; -1 is null. `start` is the number of a
    window's first participation, `count` how many it has. A `fate` is what goes wrong, "" nothing.
    """

    night: int
    midnight: int
    name: list[str]
    commodity: list[str]
    count: Ints
    start: Ints
    campaign: Ints
    category: Ints
    policy: Ints
    is_team: Flags
    team_min: Ints
    team_max: Ints
    limit: Ints
    advance: Ints
    stock: Ints
    min_qualified: Ints
    opens: Ints
    closes: Ints
    rush: Ints
    ends: Ints
    seed: list[str]
    fate: list[str]

    def fated(self, fate: str) -> Flags:
        return np.array([name == fate for name in self.fate])

    def in_force(self) -> Ints:
        """The stock of the version in force: a restocked window has a hundredth more, and one."""
        return self.stock + np.where(self.fated("restocked"), 1 + self.stock // 100, 0)


def windows_of(spec: Spec, chance: Chance, night: int, midnight: int, day: str) -> Windows:
    """The windows of a night; the first one is the hot one.

    `midnight` is where its business date `day`, YYYYMMDD, begins.
    """
    number = np.arange(spec.window_count)

    def of(topic: str) -> Floats:
        return chance.of(f"{night} {topic}", number)

    def below(topic: str, most: int) -> Ints:
        return chance.below(f"{night} {topic}", number, most)

    count = counts(spec, of("popularity"))
    turn = (number + night) % len(_TURNS)
    policy = np.array([policy for policy, _ in _TURNS])[turn]
    is_team = np.array([is_team for _, is_team in _TURNS])[turn] & spec.teams
    size = np.array(_TEAMS)[below("team", len(_TEAMS))]
    fate = _fates(policy, of("fate"), night)
    delay = np.array([DAY if name == "postponed" else 0 for name in fate])

    rush = midnight + np.array(_RUSH_HOURS)[below("hour", len(_RUSH_HOURS))] * HOUR + delay
    commodity = below("commodity", 4 * spec.window_count)
    chosen = of("stock")
    share = np.where(number == 0, 0.05, 0.03 + 0.3 * chosen)
    stock = np.where(chosen < 0.06, 2, 1 + (count * share).astype(np.int64))
    asked = of("min_qualified")
    least = np.where(asked < 0.05, count // 2, np.where(asked < 0.10, count + 1, -1))
    return Windows(
        night=night,
        midnight=midnight,
        name=[f"W{day}-{n:05d}" for n in number],
        commodity=[f"C{n:06d}" for n in commodity],
        count=count,
        start=np.cumsum(count) - count,
        campaign=number % (spec.campaigns + 1) - 1,
        category=commodity % (len(_CATEGORIES) + 1) - 1,
        policy=policy,
        is_team=is_team,
        team_min=np.where(is_team, size[:, 0], -1),
        team_max=np.where(is_team, size[:, 1], -1),
        limit=np.where(is_team | (of("limit") < 0.7), -1, 2 + below("limit of", 3)),
        advance=np.array(_ADVANCES)[below("advance", len(_ADVANCES))],
        stock=stock,
        min_qualified=np.where(number == 0, -1, least),
        opens=midnight + HOUR + below("opens", 6) * HOUR,
        closes=rush - below("closes", 7) * 10 * MINUTE,
        rush=rush,
        ends=rush + (10 + below("ends", 110)) * MINUTE,
        seed=[sha256(f"{chance.seed}|{night}|{n}".encode()).hexdigest()[:16] for n in number],
        fate=fate,
    )


def counts(spec: Spec, popularity: Floats) -> Ints:
    """Participations of each window: a share for the hot one, which is the first; of the others by
    the rank of their popularity, the lowest first, as Zipf has it."""
    total, windows = spec.participations, len(popularity)
    if windows == 1:
        return np.array([total])
    hot = min(max(1, round(total * spec.hot)), total - windows + 1)
    ranks = np.argsort(np.argsort(popularity[1:]))
    return np.concatenate([[hot], apportion(total - hot, 1 / (ranks + 4.0))])


def _fates(policy: Ints, chances: Floats, night: int) -> list[str]:
    """What goes wrong with which windows; the larger the night, the more of each."""
    windows = len(policy)
    fate = [""] * windows
    free = [int(n) for n in np.argsort(chances) if n > 0]
    drawn = [n for n in free if policy[n] != FIRST_COME]
    for name, some, among in (
        ("seed comes late", (night % 2 == 0) + windows // 60, drawn),
        ("another seed", (night % 4 == 1) + windows // 150, drawn),
        ("no seed", (night % 4 == 3) + windows // 200, drawn),
        ("postponed", (night % 3 == 1) + windows // 100, free),
        ("restocked", 1 + windows // 20, free),
        ("corrected too late", (night % 3 == 2) + windows // 200, free),
        ("oversold", 1 + windows // 40, free),
    ):
        for n in [n for n in among if not fate[n]][:some]:
            fate[n] = name
    return fate


@dataclass(frozen=True)
class Versions:
    """Rows of the landing table and, for each, the days that it arrives after the night."""

    rows: pa.Table
    day: Ints


def versions(windows: Windows) -> Versions:
    """As announced; with the seed after the rush, where lots are drawn; and corrections."""
    number = np.arange(len(windows.name))
    is_drawn = windows.policy != FIRST_COME
    before, late = windows.fated("postponed"), windows.fated("corrected too late")
    withheld = windows.fated("no seed")
    slow = windows.fated("seed comes late")
    restocked = windows.fated("restocked")
    shown = number[is_drawn & ~withheld]
    at = windows.ends + 5 * MINUTE
    parts = [
        _rows(windows, number, np.full(len(number), windows.midnight), delayed=False),
        _rows(windows, number[before], windows.opens[before] + MINUTE),
        _rows(windows, number[restocked], windows.opens[restocked] + MINUTE, more=1),
        _rows(windows, shown, at[shown], more=restocked[shown], with_seed=True),
        _rows(windows, number[late], at[late], more=5, with_seed=True),
    ]
    # a seed that comes late may still come in time, or not, by turns
    wait = np.where(slow, np.where(number % 2 == 0, 1, GRACE_DAYS + 2), 0)
    days = [
        0 * number,
        0 * number[before],
        0 * number[restocked],
        (at[shown] - windows.midnight) // DAY + wait[shown],
        0 * number[late] + GRACE_DAYS + 1,
    ]
    return Versions(pa.concat_tables(parts), np.concatenate(days))


def _rows(
    windows: Windows,
    of: Ints,
    updated: Ints,
    *,
    delayed: bool = True,
    more: Ints | int = 0,
    with_seed: bool = False,
) -> pa.Table:
    """A version of each of these windows, with `more` percent of stock and one."""
    back = 0 if delayed else np.where(windows.fated("postponed"), DAY, 0)[of]
    is_drawn = windows.policy[of] != FIRST_COME
    stock = windows.stock[of]
    seeds = [windows.seed[n] for n in of]
    promised = [sha256(seed.encode()).hexdigest() for seed in seeds]
    is_other = windows.fated("another seed")[of]
    shown = [s[::-1] if other else s for s, other in zip(seeds, is_other, strict=True)]
    has_promise = is_drawn & (of % 5 != 4) | is_other
    position = np.arange(len(of))
    campaigns = int(windows.campaign.max()) + 1
    return pa.table(
        {
            "commodity_id": picked(windows.commodity, of),
            "window_id": picked(windows.name, of),
            "campaign_id": picked(
                [campaign_name(n) for n in range(campaigns)], windows.campaign[of]
            ),
            "category": picked(_CATEGORIES, windows.category[of]),
            "application_open": times(windows.opens[of]),
            "application_close": times(windows.closes[of] - back),
            "rush_open": times(windows.rush[of] - back),
            "rush_close": times(windows.ends[of] - back),
            "stock": whole(stock + np.where(np.asarray(more) > 0, 1 + stock * more // 100, 0)),
            "policy": picked(POLICIES, windows.policy[of]),
            "unit": picked(("individual", "team"), windows.is_team[of].astype(np.int64)),
            "team_min": whole(windows.team_min[of]),
            "team_max": whole(windows.team_max[of]),
            "limit_per_account": whole(windows.limit[of]),
            "advance_amount": money(windows.advance[of]),
            "currency": pa.array([CURRENCY] * len(of), pa.string()),
            "min_qualified": whole(windows.min_qualified[of]),
            "draw_seed": picked(shown, np.where(is_drawn & with_seed, position, -1)),
            "seed_commitment": picked(promised, np.where(has_promise, position, -1)),
            "updated_at": times(updated),
        }
    )


def campaign_name(number: int) -> str:
    return f"campaign-{number + 1}"
