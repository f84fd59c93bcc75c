"""Which rows of a table a write takes out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True)
class Replaced:
    """Nothing, all rows, or those of some `dates` by the `column` that the table lies by."""

    nothing: bool = False
    column: str | None = None
    dates: frozenset[date] = frozenset()

    @classmethod
    def of(cls, column: str, dates: Iterable[date]) -> Replaced:
        return cls(column=column, dates=frozenset(dates))


NOTHING, ALL = Replaced(nothing=True), Replaced()
