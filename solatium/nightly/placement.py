"""Where well-formed rows are kept: accepted by business date, or set aside with a reason.

docs/rules.md section 2. Rows come to another place when a window turns up, moves or vanishes, or
when files change; the quarantine, which shows people what is set aside, is kept in line.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import date

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from solatium import contracts
from solatium.contracts.keys import WINDOW
from solatium.dataframes.compare import days
from solatium.dataframes.joins import named_by
from solatium.landing import duplicates, row_rules
from solatium.nightly.context import Context
from solatium.rules import windows


class Placement:
    """Writes accepted rows, rows that are set aside, and the quarantine."""

    def __init__(self, context: Context) -> None:
        self.context = context

    def versions(self) -> DataFrame:
        """The versions of windows that are in the warehouse now.

        They are kept: each night adds files to their table, and they are gone through often.
        """
        return self.context.scratch.keep(self.context.warehouse.read("windows"), "window_versions")

    def in_force(self, versions: DataFrame) -> DataFrame:
        """The windows in force by these versions, and by those that are set aside as late."""
        late = self.context.warehouse.read("_set_aside_windows").drop("reason")
        return windows.in_force(versions, late, self.context.settings, self.context.regimes)

    def quarantine(self, rows: DataFrame) -> int:
        """Adds quarantine rows; how many."""
        return self.context.warehouse.append("quarantine", rows)

    def set_aside(self, source: str, aside: DataFrame) -> Counter[str]:
        """Adds rows that are not accepted, typed and, but repeats, as text; how many by reason.

        They are gone through several times, so they should be kept.
        """
        found = aside.groupBy("reason").count().collect()
        counts = Counter({row["reason"]: row["count"] for row in found})
        if counts:
            self.context.warehouse.append(f"_set_aside_{source}", aside)
        repeats = counts.pop(duplicates.REPEAT, 0)
        if counts:
            shown = _but_repeats(aside) if repeats else aside
            self.quarantine(row_rules.set_aside(shown, contracts.landing(source)))
        return counts

    def follow(self, source: str, moved: DataFrame, in_force: DataFrame) -> None:
        """Brings earlier rows to where windows are that have turned up, moved or vanished.

        `moved` has the keys of these windows, and the `old_date` where their rows are now.
        """
        table = f"_set_aside_{source}"
        aside = self.context.warehouse.read(table)
        by_window = F.col("reason").isin(*duplicates.BY_WINDOW)
        keys = F.broadcast(moved.select(*WINDOW))
        hit = aside.where(by_window).join(keys, on=WINDOW, how="left_semi")
        old_dates = days(moved, "old_date")
        accepted = self.context.warehouse.read(source).where(F.col("business_date").isin(old_dates))
        leaving = accepted.join(keys, on=WINDOW, how="left_semi")
        again = self.context.scratch.keep(
            hit.drop("reason").unionByName(leaving.drop("business_date")), f"again_{source}"
        )
        if again.isEmpty():
            return
        now_accepted, now_aside = duplicates.placed(
            again, named_by(moved, in_force), self.context.settings.grace_days
        )
        arrival_dates = sorted({*days(hit, "dt"), *days(now_aside, "dt")})
        staying = aside.where(F.col("dt").isin(arrival_dates)).exceptAll(
            hit.where(F.col("dt").isin(arrival_dates)).select(*aside.columns)
        )
        self.context.warehouse.replace(
            table,
            staying.unionByName(now_aside.select(*aside.columns)),
            column="dt",
            dates=arrival_dates,
        )
        self.show(source, arrival_dates)
        remaining = accepted.join(keys, on=WINDOW, how="left_anti")
        self.context.warehouse.replace(source, remaining, column="business_date", dates=old_dates)
        self.context.warehouse.append(source, now_accepted)

    def show(
        self, source: str, arrival_dates: Iterable[date], malformed: DataFrame | None = None
    ) -> None:
        """Brings the quarantine of these dates in line with what is set aside.

        Its malformed rows stay, unless others are given to take their place.
        """
        arrival_dates = list(arrival_dates)
        quarantine = self.context.warehouse.read("quarantine").where(
            F.col("dt").isin(arrival_dates)
        )
        is_set_aside = F.array_contains(
            F.array(*(F.lit(code) for code in row_rules.QUARANTINED_LATER)),
            F.element_at("reasons", 1),
        )
        of_source = F.col("source") == source
        others = quarantine.where(
            ~of_source if malformed is not None else ~of_source | ~is_set_aside
        )
        table = f"_set_aside_{source}"
        if table in self.context.warehouse.tables:
            aside = self.context.warehouse.read(table).where(F.col("dt").isin(arrival_dates))
            shown = row_rules.set_aside(_but_repeats(aside), contracts.landing(source))
            others = others.unionByName(shown)
        if malformed is not None:
            others = others.unionByName(malformed)
        self.context.warehouse.replace("quarantine", others, column="dt", dates=arrival_dates)


def _but_repeats(aside: DataFrame) -> DataFrame:
    return aside.where(F.col("reason") != duplicates.REPEAT)
