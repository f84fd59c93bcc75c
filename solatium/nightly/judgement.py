"""Judging windows: what the accounts did, who was qualified, who was allocated, what it came to.

docs/rules.md sections 3 to 6. All windows of a date are judged, or those that something has
touched: then the rows of its other windows stay as they are.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import date

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from solatium.contracts import EVENTS
from solatium.contracts.calendar import shifted
from solatium.contracts.outcomes import HELD
from solatium.dataframes.counting import count_where
from solatium.nightly.context import Context
from solatium.nightly.dated_tables import DatedTables, window_keys
from solatium.nightly.tally import Tally
from solatium.rules import platform_audit, refunds, window_results
from solatium.rules.accounts import account_versions
from solatium.rules.activity import activity
from solatium.rules.allocation import allocate, allocations, rushes
from solatium.rules.bonus import bonus_awards
from solatium.rules.screening import looks_at_devices, people, screen, screened_participants
from solatium.rules.windows import numbered
from solatium.warehouse.scratch import Scratch


@dataclass(frozen=True)
class Due:
    """Windows that are judged at once, on dates that see the same arrival dates.

    All windows of the `whole` dates are judged. Of the `partly` dates only the `windows` are, and
    `instead_of` has the keys of those whose rows they replace: their own, and those of windows that
    are no longer on these dates. `windows` are all that are judged.
    """

    windows: DataFrame
    whole: list[date]
    partly: list[date] = field(default_factory=list)
    instead_of: DataFrame | None = None

    @property
    def dates(self) -> list[date]:
        return sorted([*self.partly, *self.whole])


@dataclass(frozen=True)
class Judged:
    """How many windows were judged, and how many of them are held, by business date."""

    windows: Counter[date]
    held: Counter[date]

    def tally(self, whole: Collection[date], closed_before: date | None) -> Tally:
        """The same for the run log; `whole` dates up to `closed_before` are restated."""
        again = Counter(
            {
                (day, "again"): self.windows[day]
                for day in whole
                if closed_before and day <= closed_before and self.windows[day]
            }
        )
        return Tally(
            windows_judged=self.windows.total(),
            windows_held=self.held.total(),
            windows_restated=again.total(),
            restated=again,
        )


class Judge:
    """Judges windows, and writes what it finds."""

    def __init__(self, context: Context, tables: DatedTables) -> None:
        self.context = context
        self.tables = tables
        self._versions: dict[date, DataFrame] = {}  # of accounts, by the last date in sight

    def account_versions(self, day: date) -> DataFrame:
        """The account versions that windows of a business date may see (`screening`)."""
        cutoff = min(self.context.day, shifted(day, self.context.grace))
        if cutoff not in self._versions:
            scratch = self.context.scratch.part(f"accounts_until_{cutoff}")
            in_sight = self.context.warehouse.read("accounts").where(F.col("dt") <= F.lit(cutoff))
            found = account_versions(in_sight, scratch.keep)
            self._versions[cutoff] = scratch.keep(found, "versions")
        return self._versions[cutoff]

    def judge(self, due: Due, past: DataFrame) -> Judged:
        """Judges windows, whose dates have `past` as the `account_history` before them."""
        stage_of, day = self.context.stages.stage, self.context.day
        settings, regimes = self.context.settings, self.context.regimes
        scratch = self.context.scratch.part(f"judged_{due.dates[0]}")
        windows = scratch.keep(numbered(due.windows), "windows")
        with stage_of("gather activity", day) as stage:
            acts = self._activity(due, windows, scratch)
            acted = stage.rows_out = acts.count()
        with stage_of("screen", day) as stage:
            stage.rows_in = acted
            versions = self.account_versions(due.dates[0])
            screened = screen(acts, versions, windows, regimes, scratch.keep)
            table = screened_participants(screened, windows)
            number = stage.rows_out = self._put("screened_participants", table, due)
            present = scratch.keep(people(screened), "people")
        with stage_of("allocate", day) as stage:
            stage.rows_in = number
            allocated = allocate(screened, present, windows, past, settings, regimes, scratch.keep)
            number = stage.rows_out = self._put("allocations", allocations(allocated, windows), due)
        others = platform_audit.others(screened, acts)
        with stage_of("count and audit", day) as stage:
            stage.rows_in = number
            sold = window_results.sold(acts)
            results = window_results.window_results(windows, present, rushes(allocated), sold)
            self._put("window_results", results, due)
            audit = platform_audit.audit_discrepancies(allocated, others, windows)
            stage.rows_out = self._put("audit_discrepancies", audit, due)
            judged = self._counted(due)
        if due.whole:  # of others late payments may have come, which are no activity
            with stage_of("list refunds", day) as stage:
                here = windows.where(F.col("business_date").isin(due.whole))
                owed = refunds.refunds_of(allocated, others, here)
                stage.rows_out = self.tables.put("refunds_due", owed, due.whole)
        return judged

    def award(self, dates: Sequence[date], latest: DataFrame) -> int:
        """Awards the counted losses of these dates again; how many awards there are then.

        `latest` are the latest versions of the accounts, as `bonus.bonus_awards` needs them.
        """
        awards = bonus_awards(
            self.tables.of("account_outcomes", dates),
            self.tables.of("allocations", dates),
            self.tables.windows(dates),
            latest,
            self.context.regimes,
            self.context.scratch.part(f"awarded_{dates[0]}").keep,
        )
        return self.tables.put("bonus_awards", awards, dates)

    def _activity(self, due: Due, windows: DataFrame, scratch: Scratch) -> DataFrame:
        """What accounts did, gathered from the logs by as many parts of accounts as it takes."""
        logs = [self._of(source, due) for source in EVENTS]
        rows = sum(self.tables.rows(source, due.dates) for source in EVENTS)
        parts_of = self.context.warehouse.engine.parts
        if due.partly and parts_of(rows) > 1:  # few windows need not as many parts
            rows = sum(log.count() for log in logs)
        devices = looks_at_devices(self.context.regimes)
        return activity(logs, windows, parts_of(rows), scratch.keep_parts, devices=devices)

    def _put(self, table: str, rows: DataFrame, due: Due) -> int:
        return self.tables.put(table, rows, due.dates, due.instead_of, due.partly)

    def _of(self, table: str, due: Due) -> DataFrame:
        """The rows of the windows that are judged."""
        if not due.partly:
            return self.tables.of(table, due.whole)
        partly = self.tables.of(table, due.partly, window_keys(due.windows))
        return partly.unionByName(self.tables.of(table, due.whole)) if due.whole else partly

    def _counted(self, due: Due) -> Judged:
        is_held = F.col("status").isin(*HELD)
        rows = (
            self._of("window_results", due)
            .groupBy("business_date")
            .agg(F.count("*").alias("judged"), count_where(is_held).alias("held"))
            .collect()
        )
        return Judged(
            Counter({row["business_date"]: row["judged"] for row in rows}),
            Counter({row["business_date"]: row["held"] for row in rows}),
        )
