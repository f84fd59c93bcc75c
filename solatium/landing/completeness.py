"""Input that is not there: tables that brought no file, or far fewer rows than they usually do.

docs/rules.md section 2.8. A platform whose payment log is missing has nobody ready, and two nights
later the date closes and money follows. So a date that is taken for the first time is looked at
before anything is handled.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from statistics import median

from solatium.contracts import EVENTS, LANDING

_USUAL = 7  # arrival dates
_RUNNING = 3  # handled dates in a row that had rows


@dataclass(frozen=True)
class Arrived:
    """Rows by landing table of one date; a table without a file is not among them."""

    day: date
    rows: Mapping[str, int]


@dataclass(frozen=True)
class Shortage:
    """A table that brought too little on a date, and what is wrong with it in words."""

    table: str
    day: date
    what: str

    def __str__(self) -> str:
        return f"{self.table}, dt={self.day}: {self.what}"


def shortages(
    earlier: Sequence[Arrived],
    new: Sequence[Arrived],
    *,
    required: Iterable[str],
    share: Decimal | None,
) -> list[Shortage]:
    """What dates taken for the first time lack, by the settings `required_tables` and
    `min_share_of_usual`. `earlier` dates were handled before; both are in order.

    The last of `new` is the date that the run is asked for. Before the first file of an event log
    or of a required table nothing can be missing.
    """
    required = tuple(required)
    counted = {*EVENTS, *required}
    begun = [one.day for one in (*earlier, *new) if counted & one.rows.keys()]
    first = min(begun, default=None)
    found: list[Shortage] = []
    usual = _Usual()
    for one in earlier:
        usual.add(one)
    for one in new:
        is_asked_for = one is new[-1]
        if is_asked_for or (first is not None and one.day >= first):
            lacking = [table for table in required if table not in one.rows]
            found += [Shortage(table, one.day, "expected a file, found none") for table in lacking]
            if share is not None:
                found += usual.scant(one, share, but=lacking)
        usual.add(one)
    return found


class _Usual:
    """The rows of each table on the last dates that had some."""

    def __init__(self) -> None:
        self._last = {table: deque[int](maxlen=_USUAL) for table in LANDING}

    def add(self, one: Arrived) -> None:
        for table, number in one.rows.items():
            if number:
                self._last[table].append(number)

    def scant(self, one: Arrived, share: Decimal, *, but: Sequence[str]) -> Iterator[Shortage]:
        """Tables, `but` some, that have fewer rows than this share of what is usual."""
        for table, some in self._last.items():
            if not some or table in but:
                continue
            usual = median([Fraction(number) for number in some])
            rows = one.rows.get(table, 0)
            if rows < Fraction(share) * usual:
                yield Shortage(
                    table,
                    one.day,
                    f"{rows:,} rows, fewer than {share} of the usual {_number(usual)} "
                    f"(the median of the last {len(some)} arrival dates that had some)",
                )


def _number(usual: Fraction) -> str:
    return f"{usual.numerator:,}" if usual.denominator == 1 else f"{float(usual):,.1f}"


def silences(earlier: Sequence[Arrived], new: Sequence[Arrived]) -> list[str]:
    """Notes on tables from which nothing came, though each of the three dates before had rows."""
    known = [*earlier, *new]
    notes = []
    for place in range(len(earlier), len(known)):
        before = known[max(0, place - _RUNNING) : place]
        for table in LANDING:
            ran = len(before) == _RUNNING and all(day.rows.get(table) for day in before)
            if ran and not known[place].rows.get(table):
                notes.append(
                    f"{table}: nothing arrived on dt={known[place].day}, though each of the three "
                    "dates before it had rows"
                )
    return notes
