"""What a simulation has to come to, in plain Python, on the rows of the reference.

It judges as the reference does, but for the policy of the windows and the seed of a draw; and it
counts what was judged, without code of the library.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal
from fractions import Fraction
from hashlib import sha256
from math import ceil
from typing import Any

from reference.accounts import Accounts
from reference.arrivals import Door, open_door
from reference.awards import Award, awards_of
from reference.configuration import Settings
from reference.history import Streaks, counted_outcomes
from reference.night import Judged, by_business_date
from reference.outcomes import Rush, replay
from reference.rush import hold
from reference.screening import screened
from reference.windows import Window, due_windows
from rows import Landing, Row

Key = tuple[str, str | None, str | None, str]  # section, group, currency, name
Found = dict[Key, Any]
Before = tuple[int, bool]  # a streak, and whether it got stock

_COMPETED = ("won", "forfeited", "voided", "lost", "cannot_fit")
_ALLOCATED = _COMPETED[:3]
_NAMES = {"won": "winners", "lost": "losers", "forfeited": "forfeits"}
_COUNTED = {"won": "counted_wins", "lost": "counted_losses", "forfeited": "counted_forfeits"}


@dataclass(frozen=True)
class WhatIf:
    """The dates `first` to `last` of what `config` had judged up to `newest`, judged by `other`."""

    config: Row
    other: Row
    landing: Landing
    newest: date
    first: date
    last: date
    policy: str | None = None

    def judged(self, seed: str | None = None) -> tuple[Judged, list[Before]]:
        """What they come to, and the streak before of each account that competed.

        `seed` is that of a draw; without one it is the windows' own.
        """
        then, now = Settings(self.config), Settings(self.other)
        door, door_now = self.doors(then, now)
        accounts = Accounts(door.accepted["accounts"])
        judged, before = Judged(Streaks(now.scope)), list[Before]()
        for windows in by_business_date(due_windows(door, then, self.newest)):
            if windows[0].business_date < self.first:
                rushes = [replay(w, screened(w, accounts), judged.streaks) for w in windows]
                for outcome in counted_outcomes(rushes, then):
                    judged.streaks.apply(outcome)
        for windows in by_business_date(due_windows(door_now, now, self.newest)):
            if not self.first <= windows[0].business_date <= self.last:
                continue
            for window in windows:
                change(window, self.policy, seed)
            rushes = [replay(w, screened(w, accounts), judged.streaks) for w in windows]
            before += _streaks_before(rushes, judged.streaks)
            outcomes = counted_outcomes(rushes, now)
            for outcome in outcomes:
                judged.streaks.apply(outcome)
            judged.rushes += rushes
            judged.counted += outcomes
            judged.awards += awards_of(outcomes, accounts)
        return judged, before

    def doors(self, then: Settings, now: Settings) -> tuple[Door, Door]:
        """What was accepted; with less grace, what of it would have come in time."""
        door = open_door(self.landing, then, self.newest)
        if now.grace >= then.grace:
            return door, door
        strict = open_door(self.landing, now, self.newest)
        for table in ("participation", "payment", "orders"):
            accepted = door.accepted[table]
            strict.accepted[table] = [row for row in strict.accepted[table] if row in accepted]
        return door, strict


def change(window: Window, policy: str | None, seed: str | None) -> None:
    """Gives a window the policy, and the seed of a draw where it was not held without it."""
    was_held = hold(window)[1] is not None
    if policy is not None:
        window.row = {**window.row, "policy": policy}
    if seed is not None and not was_held:
        drawn = {"draw_seed": seed, "seed_commitment": None}
        window.versions = [{**version, **drawn} for version in window.versions]


def seed_of(seed: str, number: int) -> str:
    return sha256(f"{seed}|{number}".encode()).hexdigest()


def at_ranks(values: list[Any]) -> tuple[Any, ...] | None:
    """Least, 2.5 %, median, 97.5 % and greatest: each the value at a rank, rounded up."""
    ordered = sorted(value for value in values if value is not None)
    shares = (Fraction(0), Fraction(25, 1000), Fraction(1, 2), Fraction(975, 1000), Fraction(1))
    ranks = [max(1, ceil(share * len(ordered))) for share in shares]
    return tuple(ordered[rank - 1] for rank in ranks) if ordered else None


def _streaks_before(rushes: Iterable[Rush], streaks: Streaks) -> list[Before]:
    """For each account that competed: its streak before the date, and whether it got stock."""
    found = []
    for rush in rushes:
        for result in rush.results:
            row = result.row()
            if row["outcome"] in _COMPETED:
                streak = streaks.points(row["account_id"], rush.window)
                found.append((streak, row["outcome"] in _ALLOCATED))
    return found


def numbers(judged: Judged, before: list[Before]) -> Found:
    """Every number of a simulation by its name; numbers of nothing are left out."""
    found: Found = {}

    def put(name: str, number: int) -> None:
        found["in_all", None, None, name] = number

    rushes = judged.rushes
    put("windows", len(rushes))
    put("held_windows", sum(rush.held for rush in rushes))
    applicants = [a for rush in rushes for a in rush.applicants]
    put("participants", len(applicants))
    put("qualified", sum(a.qualified for a in applicants))
    put("ready", sum(a.ready for a in applicants))
    allocations = [(rush, result.row()) for rush in rushes for result in rush.results]
    for outcome, number in Counter(row["outcome"] for _, row in allocations).items():
        put(_NAMES.get(outcome, outcome), number)
    for result, number in Counter(one.result for one in judged.counted).items():
        put(_COUNTED[result], number)
    put("longest_streak", max((one.streak for one in judged.counted), default=0))
    entries: dict[tuple[Any, ...], list[dict[str, Any]]] = defaultdict(list)
    for rush, row in allocations:
        if row["outcome"] in _COMPETED:
            window = rush.window
            place = (*window.key, row["entry_id"], window["unit"], window["policy"])
            entries[place].append(row)
    teams, points = [], []
    for (*_, unit, policy), rows in entries.items():
        got = any(row["outcome"] in _ALLOCATED for row in rows)
        if unit == "team":
            teams.append((len(rows), got))
        if policy == "weighted_lottery":
            points.append((rows[0]["weight"] - 1, got))
    found |= _success("success_by_team_size", teams, 8)
    found |= _success("success_by_points", points, 10)
    found |= _success("success_by_streak_before", before, 10)
    last = {(one.account_id, one.scope): one.streak for one in judged.counted}
    for streak, number in Counter(min(streak, 10) for streak in last.values()).items():
        found["streaks_after", _label(streak, 10), None, "accounts"] = number
    return found | _costs(judged.awards)


def _success(section: str, some: list[tuple[int, bool]], most: int) -> Found:
    found: Found = {}
    competed = Counter(min(group, most) for group, _ in some)
    allocated = Counter(min(group, most) for group, got in some if got)
    for group, number in competed.items():
        place = section, _label(group, most), None
        found[*place, "competed"] = number
        found[*place, "allocated"] = allocated[group]
        share = Decimal(allocated[group]) / number
        found[*place, "share"] = share.quantize(Decimal("0.0001"), ROUND_HALF_EVEN)
    return found


def _label(group: int, most: int) -> str:
    return f"{group} or more" if group == most else str(group)


def _costs(awards: list[Award]) -> Found:
    found: Found = defaultdict(int)
    for award in awards:
        row, bonus = award.row(), award.loss.window.settings["bonus"]
        tier = max(
            t["min_failures"] for t in bonus["tiers"] if t["min_failures"] <= award.loss.streak
        )
        place = "consolation", None, row["currency"]
        found[*place, "awards"] += 1
        found[*place, "by_tiers"] += row["raw_amount"]
        found[*place, "awarded"] += row["amount"]
        found[*place, "cut"] += row["raw_amount"] - row["amount"]
        place = "consolation_by_tier", str(tier), row["currency"]
        found[*place, "awards"] += 1
        found[*place, "awarded"] += row["amount"]
    return dict(found)
