"""One night: the way of a handled date through all rooms, from the landing zone to the ledger.

The steps are pure functions of data frames; reading, keeping and writing happens here. Readers see
nothing of it before the commit record, which `run` writes when the night is done.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date, timedelta

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from solatium import contracts, history, ingest, ledger, statistics, windows
from solatium.activity import activity
from solatium.allocation import allocate
from solatium.bonus import bonus_awards, latest_accounts
from solatium.contracts import EVENTS, Table
from solatium.intake import Intake, Tally, days
from solatium.landing import LandingZone
from solatium.progress import Stages
from solatium.screening import account_versions, screen
from solatium.settings import Settings
from solatium.warehouse import Commit, Scratch, Warehouse

# All tables of a warehouse: those of docs/tables.md, and the pipeline's own.
TABLES: tuple[Table, ...] = (
    *(contracts.warehouse(name) for name in contracts.WAREHOUSE),
    *(ingest.set_aside_table(source) for source in (*EVENTS, "windows")),
    history.CLOSED,
)


class Night:
    """Handles one date `day`, on the tables as they stood after the dates before it."""

    def __init__(
        self,
        warehouse: Warehouse,
        landing: LandingZone,
        scratch: Scratch,
        settings: Settings,
        lineage: Sequence[Commit],
        day: date,
        stages: Stages,
    ) -> None:
        self.warehouse = warehouse
        self.scratch = scratch
        self.settings = settings
        self.lineage = lineage
        self.day = day
        self.stages = stages
        self.tally = Tally()
        self.written: Counter[str] = Counter()  # rows by table
        self.grace = timedelta(days=settings.grace_days)
        self.last_closed = day - self.grace  # this night judges it for the last time
        self.intake = Intake(warehouse, landing, scratch, settings, day, stages, self.tally)

    def handle(
        self, closed_before: date | None, posted_from: date | None = None
    ) -> tuple[date, ...]:
        """Does all of the night; gives the business dates that later nights must still judge.

        `closed_before` is the last business date that was closed when the run began, `posted_from`
        the first for which the ledger may hold what a night that was taken back had posted.
        """
        self.closed_before = closed_before
        self.posted_from = posted_from
        known = self.intake.take()
        self.in_force = known.in_force
        self.first = self._first_touched(known.changed)
        self.with_windows = {
            *days(self.in_force, "business_date"),
            *days(known.changed, "old_date"),
        }
        groups = self._groups()
        for dates in groups:
            self._judge(dates)
        if groups:
            self._fold_history()
        for dates in groups:
            self._award(dates)
        self._list_refunds()
        self._post()
        return tuple(sorted(day for day in self.with_windows if day > self.last_closed))

    # Which dates

    def _first_touched(self, changed: DataFrame) -> date:
        """The first date to judge: the first open one, or a closed one that a window touches.

        A window touches a closed date when it leaves it for another, or when its seed comes late.
        """
        touched = changed.agg(F.min(F.least("old_date", "new_date"))).collect()[0][0]
        return min(self.last_closed, touched or self.last_closed)

    def _groups(self) -> list[list[date]]:
        """The dates to judge, in groups that see the same arrival dates: open ones together.

        Dates on which no window falls, nor has fallen, have nothing to judge.
        """
        span = (self.day - self.first).days
        dates = [self.first + timedelta(days=number) for number in range(span + 1)]
        dates = [day for day in dates if day in self.with_windows]
        closed_before = [[day] for day in dates if day < self.last_closed]
        open_dates = [day for day in dates if day >= self.last_closed]
        return [*closed_before, open_dates] if open_dates else closed_before

    def _of(self, table: str, dates: Sequence[date]) -> DataFrame:
        return self.warehouse.read(table).where(F.col("business_date").isin(list(dates)))

    def _windows(self, dates: Sequence[date]) -> DataFrame:
        return self.in_force.where(F.col("business_date").isin(list(dates)))

    def _accounts_in_sight(self, dates: Sequence[date]) -> DataFrame:
        cutoff = min(self.day, dates[0] + self.grace)
        return self.warehouse.read("accounts").where(F.col("dt") <= F.lit(cutoff))

    # The rooms

    def _judge(self, dates: list[date]) -> None:
        due = self._windows(dates)
        with self.stages.stage("gather activity", self.day) as stage:
            participation, payment, orders = (self._of(source, dates) for source in EVENTS)
            acts = self.scratch.keep(activity(participation, payment, orders, due), "activity")
            acted = stage.rows_out = acts.count()
        with self.stages.stage("screen", self.day) as stage:
            stage.rows_in = acted
            versions = self.scratch.keep(
                account_versions(self._accounts_in_sight(dates)), "account_versions"
            )
            screened = screen(acts, versions, due, self.settings.screening)
            stage.rows_out = self._replace("screened_participants", screened, dates)
        with self.stages.stage("allocate", self.day) as stage:
            stage.rows_in = self.written["screened_participants"]
            screened = self._of("screened_participants", dates)
            allocations = allocate(screened, acts, due, self.scratch.keep)
            stage.rows_out = self._replace("allocations", allocations, dates)
        with self.stages.stage("count and audit", self.day) as stage:
            stage.rows_in = self.written["allocations"]
            allocations = self._of("allocations", dates)
            results = statistics.window_results(due, screened, allocations, acts)
            self._replace("window_results", results, dates)
            self._tally_windows(self._of("window_results", dates))
            audit = statistics.audit_discrepancies(allocations, acts, due)
            stage.rows_out = self._replace("audit_discrepancies", audit, dates)

    def _tally_windows(self, results: DataFrame) -> None:
        is_held = F.col("status").isin("seed_missing", "seed_mismatch")
        is_restated = F.col("business_date") <= F.lit(self.closed_before)
        counts = results.agg(
            F.count("*"), F.count(F.when(is_held, 1)), F.count(F.when(is_restated, 1))
        ).collect()[0]
        self.tally.windows_judged += counts[0]
        self.tally.windows_held += counts[1]
        self.tally.windows_restated += counts[2]

    def _fold_history(self) -> None:
        with self.stages.stage("fold history", self.day) as stage:
            dates = self._all_dates()
            opening = self._opening()
            outcomes = history.account_outcomes(
                self._of("allocations", dates), self._windows(dates), opening, self.settings
            )
            stage.rows_in = self._replace("account_outcomes", outcomes, dates)
            outcomes = self._of("account_outcomes", dates)
            whole = history.account_history(opening, outcomes, self.in_force)
            stage.rows_out = self.warehouse.overwrite("account_history", whole)
            if dates[0] <= self.last_closed:
                closing = outcomes.where(F.col("business_date") <= F.lit(self.last_closed))
                closed = history.account_history(opening, closing, self.in_force)
                self.warehouse.overwrite(history.CLOSED.name, closed)

    def _opening(self) -> DataFrame:
        """Account history as of the day before the first date that is judged."""
        if self.first == self.last_closed:
            return self.warehouse.read(history.CLOSED.name)
        day = F.col("business_date")
        outcomes = self.warehouse.read("account_outcomes").where(day < F.lit(self.first))
        judged_since = self.first
        for commit in reversed(self.lineage):
            until = commit.day - self.grace
            if until < judged_since:  # no later night has judged anew what this one had closed
                closed = self.warehouse.read(history.CLOSED.name, commit)
                since = outcomes.where(day > F.lit(until))
                return history.account_history(closed, since, self.in_force)
            judged_since = min(judged_since, commit.judged_from)
        nothing = self.warehouse.read(history.CLOSED.name).limit(0)
        return history.account_history(nothing, outcomes, self.in_force)

    def _award(self, dates: list[date]) -> None:
        with self.stages.stage("award", self.day) as stage:
            stage.rows_in = self.written["account_outcomes"]
            awards = bonus_awards(
                self._of("account_outcomes", dates),
                self._of("allocations", dates),
                self._windows(dates),
                latest_accounts(self._accounts_in_sight(dates)),
                self.settings.bonus,
            )
            stage.rows_out = self._replace("bonus_awards", awards, dates)

    def _list_refunds(self) -> None:
        """Refunds of the dates judged, and of closed windows that new payment rows name."""
        with self.stages.stage("list refunds", self.day) as stage:
            late = self.warehouse.read("_set_aside_payment").where("reason = 'late'")
            dates = self._all_dates()
            if dates:
                anew = self._refunds(self._windows(dates), dates, late)
                stage.rows_out = self._replace("refunds_due", anew, dates)
            named = late.where(F.col("dt") == F.lit(self.day)).select(*windows.KEY).distinct()
            closed = self.in_force.where(F.col("business_date") < F.lit(self.first)).join(
                named, on=list(windows.KEY), how="left_semi"
            )
            dates = days(closed, "business_date")
            if dates:
                others = self._of("refunds_due", dates).join(
                    closed.select(*windows.KEY), on=list(windows.KEY), how="left_anti"
                )
                anew = self._refunds(closed, dates, late)
                stage.rows_out += self._replace("refunds_due", others.unionByName(anew), dates)

    def _refunds(self, due: DataFrame, dates: Sequence[date], late: DataFrame) -> DataFrame:
        columns = contracts.landing("payment").names
        payments = self._of("payment", dates).select(*columns).unionByName(late.select(*columns))
        return statistics.refunds_due(payments, self._of("allocations", dates), due)

    def _post(self) -> None:
        with self.stages.stage("post", self.day) as stage:
            first = min(self.first, self.posted_from or self.first)
            span = (self.last_closed - first).days
            closed = [first + timedelta(days=number) for number in range(span + 1)]
            if self.posted_from is None and not self.with_windows & set(closed):
                return
            posting = ledger.post(
                self._of("bonus_awards", closed),
                self.warehouse.read("bonus_ledger"),
                self.warehouse.read("bonus_waived"),
                self.in_force,
                closed,
                run_date=self.day,
                clawback=self.settings.bonus.clawback,
            )
            entries = self.scratch.keep(posting.entries, "ledger_entries")
            waived = self.scratch.keep(posting.waived, "ledger_waived")
            total = entries.agg(F.sum("amount")).collect()[0][0]
            if total is not None:
                stage.rows_out = self.warehouse.append("bonus_ledger", entries)
                self.warehouse.append("bonus_payouts", ledger.payouts(entries))
                self.tally.entries_posted += stage.rows_out
                self.tally.entries_sum += total
            if waived.count():
                self.warehouse.append("bonus_waived", waived)

    def _all_dates(self) -> list[date]:
        return [day for dates in self._groups() for day in dates]

    def _replace(self, table: str, rows: DataFrame, dates: Sequence[date]) -> int:
        number = self.warehouse.replace(table, rows, column="business_date", dates=dates)
        self.written[table] += number
        return number
