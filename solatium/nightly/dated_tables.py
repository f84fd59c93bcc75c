"""A warehouse's tables by business date, with the windows that are in force in a night."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from solatium.contracts.keys import WINDOW
from solatium.dataframes.compare import days
from solatium.rules.weights import judged_together
from solatium.warehouse.tables import Warehouse


@dataclass(frozen=True)
class DatedTables:
    """Reads and replaces rows of business dates; `in_force` are all windows in force."""

    warehouse: Warehouse
    in_force: DataFrame

    def of(
        self,
        table: str,
        dates: Collection[date],
        keys: DataFrame | None = None,
        on: Sequence[str] = WINDOW,
    ) -> DataFrame:
        """The rows of a table of these business dates; with `keys` those with one of them."""
        rows = self.warehouse.read_dates(table, dates)
        return rows if keys is None else rows.join(keys, on=list(on), how="left_semi")

    def windows(self, dates: Collection[date]) -> DataFrame:
        """The windows in force of these business dates."""
        return self.in_force.where(F.col("business_date").isin(list(dates)))

    def rows(self, table: str, dates: Collection[date]) -> int:
        """How many rows a table has of these business dates."""
        return self.warehouse.rows(table, dates)

    def groups(self, dates: Collection[date]) -> list[list[date]]:
        """The dates in order, in groups that can be judged, or counted, at once."""
        weighted = days(self.in_force.where("policy = 'weighted_lottery'"), "business_date")
        return judged_together(dates, set(weighted))

    def put(
        self,
        table: str,
        rows: DataFrame,
        dates: Sequence[date],
        instead_of: DataFrame | None = None,
        partly: Sequence[date] | None = None,
        on: Sequence[str] = WINDOW,
    ) -> int:
        """Puts `rows` in the place of a table's rows of these dates; how many were written.

        With `instead_of` only in the place of the rows with its keys, on all dates or on those that
        are replaced `partly`; its columns are those of `on`. The others stay, and are written again
        with them.
        """
        if instead_of is not None:
            staying = self.of(table, dates if partly is None else partly)
            staying = staying.join(instead_of, on=list(on), how="left_anti")
            rows = staying.unionByName(rows)
        return self.warehouse.replace(
            table,
            rows,
            column="business_date",
            dates=dates,
            by_date=instead_of is not None,  # then most rows stay, and are only read
        )


def window_keys(windows: DataFrame) -> DataFrame:
    """The keys of windows, for a join that sends them to all tasks."""
    return F.broadcast(windows.select(*WINDOW))
