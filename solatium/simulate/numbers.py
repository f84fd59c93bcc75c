"""Numbers by name, as they were and as they would be, and what many draws come to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Literal, NamedTuple

Kind = Literal["count", "money", "share"]
Value = int | Decimal | None

# Sections in the order in which they are shown, each with the names of its numbers in theirs.
SECTIONS: dict[str, tuple[str, ...]] = {
    "in_all": (
        *("windows", "held_windows", "participants", "qualified", "ready"),
        *("winners", "losers", "forfeits", "voided", "cannot_fit", "no_attempt", "not_formed"),
        *("team_incomplete", "team_overfull"),
        *("counted_wins", "counted_losses", "counted_forfeits", "longest_streak"),
    ),
    "success_by_team_size": ("competed", "allocated", "share"),
    "success_by_points": ("competed", "allocated", "share"),
    "success_by_streak_before": ("competed", "allocated", "share"),
    "streaks_after": ("accounts",),
    "consolation": ("awards", "by_tiers", "awarded", "cut"),
    "consolation_by_tier": ("awards", "awarded"),
}

_KINDS: dict[str, Kind] = {
    **dict.fromkeys(("by_tiers", "awarded", "cut"), "money"),
    "share": "share",
}
_ZERO: dict[Kind, Value] = {"count": 0, "money": Decimal("0.00"), "share": None}


class Key(NamedTuple):
    """The name of a number: a section, a group in it, and what is counted.

    `group` is a whole number: members, points, losses in a row; None where a section has one group
    alone. `most` says whether the group holds greater numbers too.
    """

    section: str
    group: int | None
    most: bool
    currency: str | None
    name: str

    @property
    def kind(self) -> Kind:
        return _KINDS.get(self.name, "count")

    @property
    def label(self) -> str:
        """The group as people read it."""
        if self.group is None:
            return ""
        return f"{self.group} or more" if self.most else str(self.group)

    @property
    def order(self) -> tuple[int, int, str, int]:
        sections = list(SECTIONS)
        group = -1 if self.group is None else self.group
        names = SECTIONS[self.section]
        return sections.index(self.section), group, self.currency or "", names.index(self.name)


Numbers = Mapping[Key, Value]


@dataclass(frozen=True)
class Interval:
    """Of the values of all draws, in order: those at five ranks. Each is the value of some draw."""

    least: Value
    low: Value
    median: Value
    high: Value
    greatest: Value


@dataclass(frozen=True)
class Row:
    """A number as it was and as it would be: with draws the median, beside the interval."""

    key: Key
    was: Value
    would_be: Value
    interval: Interval | None


def share(part: int, whole: int) -> Decimal | None:
    """A part of a whole with four places, halves to even; None where nothing was there."""
    if not whole:
        return None
    return (Decimal(part) / whole).quantize(Decimal("0.0001"), ROUND_HALF_EVEN)


def interval(values: Iterable[Value]) -> Interval | None:
    """The interval of values; None without any. The value at P percent has rank P/100 N, up."""
    ordered = sorted(value for value in values if value is not None)
    if not ordered:
        return None

    def at(per_mille: int) -> Value:
        rank = -(-per_mille * len(ordered) // 1000)
        return ordered[max(rank, 1) - 1]

    return Interval(at(0), at(25), at(500), at(975), at(1000))


def beside(was: Numbers, draws: Sequence[Numbers], *, drawn: bool) -> tuple[Row, ...]:
    """All numbers of either side in their order; what a side does not have is 0, or no share.

    `draws` are the numbers of each draw, or of the only one where the windows' own seeds hold.
    """
    keys = {*was, *(key for numbers in draws for key in numbers)}
    rows = []
    for key in sorted(keys, key=lambda key: key.order):
        values = [numbers.get(key, _ZERO[key.kind]) for numbers in draws]
        found = interval(values) if drawn else None
        would_be = values[0] if not drawn else found.median if found else None
        rows.append(Row(key, was.get(key, _ZERO[key.kind]), would_be, found))
    return tuple(rows)
