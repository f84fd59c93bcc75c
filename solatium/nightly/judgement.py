"""Judging windows: what the accounts did, who was qualified, who was allocated, what it came to.

docs/rules.md sections 3 to 6. Windows of open dates are judged together; of a closed date only
those that something has touched, and the rows of its other windows stay as they are.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from solatium import contracts
from solatium.contracts import EVENTS
from solatium.contracts.calendar import shifted
from solatium.contracts.keys import WINDOW
from solatium.contracts.outcomes import HELD
from solatium.dataframes.compare import days
from solatium.dataframes.counting import count_where
from solatium.nightly.context import Context
from solatium.nightly.tally import Tally
from solatium.rules import platform_audit, refunds, window_results
from solatium.rules.accounts import account_versions
from solatium.rules.activity import in_parts
from solatium.rules.allocation import allocate
from solatium.rules.bonus import bonus_awards
from solatium.rules.screening import looks_at_devices, screen
from solatium.rules.weights import judged_together


class Judging:
    """Judges windows, and has at hand what a night's rooms share: tables by business date."""

    def __init__(
        self, context: Context, in_force: DataFrame, closed_before: date | None, tally: Tally
    ) -> None:
        self.context = context
        self.warehouse = context.warehouse
        self.in_force = in_force
        self.closed_before = closed_before
        self.tally = tally
        self.written: Counter[str] = Counter()  # rows by table
        self._versions: dict[date, DataFrame] = {}  # of accounts, by the last date in sight

    def of(self, table: str, dates: Sequence[date]) -> DataFrame:
        """The rows of a table of these business dates."""
        return self.warehouse.read(table).where(F.col("business_date").isin(list(dates)))

    def windows(self, dates: Sequence[date]) -> DataFrame:
        """The windows in force of these business dates."""
        return self.in_force.where(F.col("business_date").isin(list(dates)))

    def groups(self, dates: Iterable[date]) -> list[list[date]]:
        """The dates in order, in groups that can be judged, or counted, at once."""
        weighted = days(self.in_force.where("policy = 'weighted_lottery'"), "business_date")
        return judged_together(dates, set(weighted))

    def account_versions(self, day: date) -> DataFrame:
        """The account versions that windows of a business date may see (`screening`)."""
        cutoff = min(self.context.day, shifted(day, self.context.grace))
        if cutoff not in self._versions:
            keep = self.context.scratch.keep
            in_sight = self.warehouse.read("accounts").where(F.col("dt") <= F.lit(cutoff))
            found = account_versions(in_sight, keep)
            self._versions[cutoff] = keep(found, f"account_versions_{cutoff}")
        return self._versions[cutoff]

    def put(
        self,
        table: str,
        rows: DataFrame,
        dates: Sequence[date],
        instead_of: DataFrame | None = None,
    ) -> int:
        """Puts `rows` in the place of a table's rows of these dates; how many there are then.

        With `instead_of` only in the place of the rows with its keys; the others stay.
        """
        if instead_of is not None:
            kept = self.of(table, dates)
            kept = kept.join(instead_of, on=instead_of.columns, how="left_anti")
            rows = kept.unionByName(rows)
        number = self.warehouse.replace(table, rows, column="business_date", dates=dates)
        self.written[table] += number
        return number

    def judge(
        self,
        due: DataFrame,
        dates: list[date],
        past: DataFrame,
        instead_of: DataFrame | None = None,
    ) -> None:
        """Judges the windows `due`, which are those in force on `dates`, or some of them.

        `past` is `account_history` before these dates, which see the same arrival dates. Where
        only some windows are judged, `instead_of` has their keys, and those of windows that are
        not on these dates any more.
        """
        stage_of, day = self.context.stages.stage, self.context.day
        keep = self.context.scratch.keep
        with stage_of("gather activity", day) as stage:
            acts = self._activity(dates, due)
            acted = stage.rows_out = acts.count()
        with stage_of("screen", day) as stage:
            stage.rows_in = acted
            versions = self.account_versions(dates[0])
            screened = keep(screen(acts, versions, due, self.context.regimes), "screened")
            table = contracts.warehouse("screened_participants")
            stage.rows_out = self.put(table.name, table.shape(screened), dates, instead_of)
        with stage_of("allocate", day) as stage:
            stage.rows_in = self.written["screened_participants"]
            settings, regimes = self.context.settings, self.context.regimes
            allocations = allocate(screened, due, past, settings, regimes, keep)
            stage.rows_out = self.put("allocations", allocations, dates, instead_of)
        with stage_of("count and audit", day) as stage:
            stage.rows_in = self.written["allocations"]
            allocations = self._only(self.of("allocations", dates), due, instead_of)
            results = window_results.window_results(due, screened, allocations, acts)
            self.put("window_results", results, dates, instead_of)
            judged = self._only(self.of("window_results", dates), due, instead_of)
            self._tally(judged, is_whole=instead_of is None)
            audit = platform_audit.audit_discrepancies(allocations, acts, due)
            stage.rows_out = self.put("audit_discrepancies", audit, dates, instead_of)
        if instead_of is None:  # or payments may have come that no longer count for the rush
            with stage_of("list refunds", day) as stage:
                owed = refunds.refunds_due(acts, allocations, due)
                stage.rows_out = self.put("refunds_due", owed, dates)

    def _activity(self, dates: list[date], due: DataFrame) -> DataFrame:
        """What accounts did, gathered from the logs by as many parts of accounts as it takes."""
        rows = sum(self.warehouse.rows(source, dates) for source in EVENTS)
        number = self.warehouse.engine.parts(rows)
        logs = [self.of(source, dates) for source in EVENTS]
        devices = looks_at_devices(self.context.regimes)
        parts = in_parts(logs, due, number, devices=devices)
        return self.context.scratch.keep_parts(parts, "activity")

    def award(self, dates: Sequence[date], latest: DataFrame) -> int:
        """Awards the counted losses of these dates again; how many awards there are then.

        `latest` are the latest versions of the accounts, as `bonus.bonus_awards` needs them.
        """
        awards = bonus_awards(
            self.of("account_outcomes", dates),
            self.of("allocations", dates),
            self.windows(dates),
            latest,
            self.context.regimes,
            self.context.scratch.keep,
        )
        return self.put("bonus_awards", awards, dates)

    def _only(self, rows: DataFrame, due: DataFrame, instead_of: DataFrame | None) -> DataFrame:
        if instead_of is None:
            return rows
        return rows.join(F.broadcast(due.select(*WINDOW)), on=WINDOW, how="left_semi")

    def _tally(self, results: DataFrame, *, is_whole: bool) -> None:
        """Counts windows that were judged; those of whole dates that had closed are restated.

        Where only some windows of a closed date are judged, `restatement` counts them.
        """
        is_held = F.col("status").isin(*HELD)
        by_date = results.groupBy("business_date").agg(
            F.count("*").alias("judged"), count_where(is_held).alias("held")
        )
        for row in by_date.collect():
            self.tally.windows_judged += row["judged"]
            self.tally.windows_held += row["held"]
            had_closed = self.closed_before and row["business_date"] <= self.closed_before
            if is_whole and had_closed:
                self.tally.windows_restated += row["judged"]
                self.tally.restated[row["business_date"], "again"] += row["judged"]
