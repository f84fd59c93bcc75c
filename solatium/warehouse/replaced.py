"""Which rows of a table a write takes out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
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

    def takes(self, partition: Mapping[str, date]) -> bool:
        """Whether it takes out the rows of a file that lies under these dates."""
        if self.nothing:
            return False
        return self.column is None or partition[self.column] in self.dates


NOTHING, ALL = Replaced(nothing=True), Replaced()
