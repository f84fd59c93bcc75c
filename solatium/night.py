"""One night: the way of a handled date through all rooms, from the landing zone to the ledger.

The steps are pure functions of data frames; reading, keeping and writing happens here. Readers see
nothing of it before the commit record, which `run` writes when the night is done.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date, timedelta
from functools import partial

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from solatium import contracts, history, ingest, laws, ledger, statistics, windows
from solatium.activity import activity
from solatium.allocation import allocate
from solatium.bonus import bonus_awards, latest_accounts
from solatium.context import Context
from solatium.contracts import EVENTS, Table
from solatium.intake import Intake, Tally, days
from solatium.screening import account_versions, screen
from solatium.warehouse import Commit

# All tables of a warehouse: those of docs/tables.md, and the pipeline's own.
TABLES: tuple[Table, ...] = (
    *(contracts.warehouse(name) for name in contracts.WAREHOUSE),
    *(ingest.set_aside_table(source) for source in (*EVENTS, "windows")),
    history.CLOSED,
)


class Night:
    """Handles one date, on the tables as they stood after the dates before it."""

    def __init__(self, context: Context, lineage: Sequence[Commit]) -> None:
        self.context = context
        self.warehouse = context.warehouse
        self.scratch = context.scratch
        self.settings = context.settings
        self.regimes = context.regimes
        self.day = context.day
        self.last_closed = context.last_closed
        self.lineage = lineage
        self.tally = Tally()
        self.written: Counter[str] = Counter()  # rows by table

    def handle(
        self, closed_before: date | None, posted_from: date | None = None
    ) -> tuple[date, ...]:
        """Does all of the night; gives the business dates that later nights must still judge.

        `closed_before` is the last business date that was closed when the run began, `posted_from`
        the first for which the ledger may hold what a night that was taken back had posted.
        """
        self.closed_before = closed_before
        self.posted_from = posted_from
        known = Intake(self.context, self.tally).take()
        self.in_force = known.in_force
        self.first = self._first_touched(known.changed)
        self.with_windows = {
            *days(self.in_force, "business_date"),
            *days(known.changed, "old_date"),
        }
        groups = self._groups()
        judged = [day for dates in groups for day in dates]
        opening = self._opening()
        if groups:
            self._judge_all(groups, opening)
        self._list_refunds(judged)
        closed = self._newly_closed()
        self._post(closed)
        self._check(judged, closed, opening)
        return tuple(sorted(day for day in self.with_windows if day > self.last_closed))

    # Which dates

    def _first_touched(self, changed: DataFrame) -> date:
        """The first date to judge: the first open one, or a closed one that a window touches.

        A window touches a closed date when it leaves it for another, or when its seed comes late.
        """
        touched = changed.agg(F.min(F.least("old_date", "new_date"))).collect()[0][0]
        return min(self.last_closed, touched or self.last_closed)

    def _groups(self) -> list[list[date]]:
        """The dates to judge, in groups that can be judged at once.

        Dates of a group see the same arrival dates, as open ones do. And a weighted lottery needs
        the history of all dates before its own, so that only the first of a group may have one.
        Dates on which no window falls, nor has fallen, have nothing to judge.
        """
        weighted = self.in_force.where(F.col("policy") == "weighted_lottery")
        alone = set(days(weighted, "business_date"))
        groups: list[list[date]] = []
        for day in sorted(self.with_windows):
            if not self.first <= day <= self.day:
                continue
            if groups and groups[-1][0] >= self.last_closed and day not in alone:
                groups[-1].append(day)
            else:
                groups.append([day])
        return groups

    def _of(self, table: str, dates: Sequence[date]) -> DataFrame:
        return self.warehouse.read(table).where(F.col("business_date").isin(list(dates)))

    def _windows(self, dates: Sequence[date]) -> DataFrame:
        return self.in_force.where(F.col("business_date").isin(list(dates)))

    def _accounts_in_sight(self, dates: Sequence[date]) -> DataFrame:
        cutoff = min(self.day, dates[0] + self.context.grace)
        return self.warehouse.read("accounts").where(F.col("dt") <= F.lit(cutoff))

    # The rooms

    def _judge_all(self, groups: list[list[date]], opening: DataFrame) -> None:
        """Judges, counts and awards one group after the other, each on the history before it."""
        past = closed = opening
        for dates in groups:
            self._judge(dates, past)
            outcomes = self._count(dates, past)
            if dates[0] <= self.last_closed:
                closing = outcomes.where(F.col("business_date") <= F.lit(self.last_closed))
                closed = history.account_history(past, closing, self.in_force)
            past = self._fold(dates, past, outcomes, is_last=dates is groups[-1])
            self._award(dates)
        if groups[0][0] <= self.last_closed:
            self.warehouse.overwrite(history.CLOSED.name, closed)

    def _judge(self, dates: list[date], past: DataFrame) -> None:
        due = self._windows(dates)
        with self.context.stages.stage("gather activity", self.day) as stage:
            participation, payment, orders = (self._of(source, dates) for source in EVENTS)
            acts = self.scratch.keep(activity(participation, payment, orders, due), "activity")
            acted = stage.rows_out = acts.count()
        with self.context.stages.stage("screen", self.day) as stage:
            stage.rows_in = acted
            versions = self.scratch.keep(
                account_versions(self._accounts_in_sight(dates)), "account_versions"
            )
            screened = screen(acts, versions, due, self.regimes)
            stage.rows_out = self._replace("screened_participants", screened, dates)
        with self.context.stages.stage("allocate", self.day) as stage:
            stage.rows_in = self.written["screened_participants"]
            screened = self._of("screened_participants", dates)
            allocations = allocate(
                screened, acts, due, past, self.settings, self.regimes, self.scratch.keep
            )
            stage.rows_out = self._replace("allocations", allocations, dates)
        with self.context.stages.stage("count and audit", self.day) as stage:
            stage.rows_in = self.written["allocations"]
            allocations = self._of("allocations", dates)
            results = statistics.window_results(due, screened, allocations, acts)
            self._replace("window_results", results, dates)
            self._tally_windows(self._of("window_results", dates))
            audit = statistics.audit_discrepancies(allocations, acts, due)
            stage.rows_out = self._replace("audit_discrepancies", audit, dates)

    def _tally_windows(self, results: DataFrame) -> None:
        is_held = F.col("status").isin(*windows.HELD)
        is_restated = F.col("business_date") <= F.lit(self.closed_before)
        counts = results.agg(
            F.count("*"), F.count(F.when(is_held, 1)), F.count(F.when(is_restated, 1))
        ).collect()[0]
        self.tally.windows_judged += counts[0]
        self.tally.windows_held += counts[1]
        self.tally.windows_restated += counts[2]

    def _count(self, dates: list[date], past: DataFrame) -> DataFrame:
        with self.context.stages.stage("count outcomes", self.day) as stage:
            stage.rows_in = self.written["allocations"]
            outcomes = history.account_outcomes(
                self._of("allocations", dates),
                self._windows(dates),
                past,
                self.settings,
                self.regimes,
            )
            stage.rows_out = self._replace("account_outcomes", outcomes, dates)
            return self._of("account_outcomes", dates)

    def _fold(
        self, dates: list[date], past: DataFrame, outcomes: DataFrame, *, is_last: bool
    ) -> DataFrame:
        """Account history after the dates, onto what it was before them."""
        with self.context.stages.stage("fold history", self.day) as stage:
            stage.rows_in = self.written["account_outcomes"]
            whole = history.account_history(past, outcomes, self.in_force)
            if is_last:
                stage.rows_out = self.warehouse.overwrite("account_history", whole)
                return whole
            return self.scratch.keep(whole, f"account_history_{dates[-1]}")

    def _opening(self) -> DataFrame:
        """Account history as of the day before the first date that is judged."""
        if self.first == self.last_closed:
            return self.warehouse.read(history.CLOSED.name)
        day = F.col("business_date")
        outcomes = self.warehouse.read("account_outcomes").where(day < F.lit(self.first))
        judged_since = self.first
        for commit in reversed(self.warehouse.kept(self.warehouse.root, self.lineage)):
            until = commit.day - self.context.grace
            if until < judged_since:  # no later night has judged anew what this one had closed
                closed = self.warehouse.read(history.CLOSED.name, commit)
                since = outcomes.where(day > F.lit(until))
                return history.account_history(closed, since, self.in_force)
            judged_since = min(judged_since, commit.judged_from)
        nothing = self.warehouse.read(history.CLOSED.name).limit(0)
        return history.account_history(nothing, outcomes, self.in_force)

    def _award(self, dates: list[date]) -> None:
        with self.context.stages.stage("award", self.day) as stage:
            stage.rows_in = self.written["account_outcomes"]
            awards = bonus_awards(
                self._of("account_outcomes", dates),
                self._of("allocations", dates),
                self._windows(dates),
                latest_accounts(self._accounts_in_sight(dates)),
                self.regimes,
                self.scratch.keep,
            )
            stage.rows_out = self._replace("bonus_awards", awards, dates)

    def _list_refunds(self, dates: list[date]) -> None:
        """Refunds of the dates judged, and of closed windows that new payment rows name."""
        with self.context.stages.stage("list refunds", self.day) as stage:
            late = self.warehouse.read("_set_aside_payment").where("reason = 'late'")
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

    def _newly_closed(self) -> list[date]:
        """The closed dates of which the ledger may not hold what is awarded."""
        first = min(self.first, self.posted_from or self.first)
        span = (self.last_closed - first).days
        return [first + timedelta(days=number) for number in range(span + 1)]

    def _post(self, closed: list[date]) -> None:
        with self.context.stages.stage("post", self.day) as stage:
            if self.posted_from is None and not self.with_windows & set(closed):
                return
            posting = ledger.post(
                self._of("bonus_awards", closed),
                self.warehouse.read("bonus_ledger"),
                self.warehouse.read("bonus_waived"),
                self.in_force,
                closed,
                run_date=self.day,
                regimes=self.regimes,
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

    def _check(self, dates: list[date], closed: list[date], opening: DataFrame) -> None:
        """InputError where what came in, or what came out, breaks a law of conservation."""
        if not self.context.expectations.tables:
            return
        with self.context.stages.stage("check laws", self.day):
            of = partial(self._of, dates=dates)
            due = self._windows(dates)
            accounts = self.warehouse.read("accounts").where(F.col("dt") == F.lit(self.day))
            posted = self.warehouse.read("bonus_ledger")
            waived = self.warehouse.read("bonus_waived")
            awards = self._of("bonus_awards", closed)
            found = {
                "windows": laws.windows_in_force(due),
                "accounts": laws.account_versions(accounts),
                "balances": laws.balances(awards, posted, waived, self.in_force, closed),
                "payouts": laws.payouts(self.warehouse.read("bonus_payouts"), posted, self.day),
            }
            if dates:
                budget = self.regimes.setting(lambda r: r.bonus.daily_budget, "decimal(18,2)")
                budgets = due.select("business_date", "campaign_id", budget.alias("daily_budget"))
                found |= {
                    **{source: laws.events(source, of(source), due) for source in EVENTS},
                    "rush": laws.rush(
                        due,
                        of("screened_participants"),
                        of("allocations"),
                        of("window_results"),
                        of("account_outcomes"),
                        of("bonus_awards"),
                        of("audit_discrepancies"),
                        of("refunds_due"),
                        outcome_source=self.settings.outcome_source,
                    ),
                    "streaks": laws.streaks(
                        of("account_outcomes"), opening, self.warehouse.read("account_history")
                    ),
                    "budgets": laws.budgets(of("bonus_awards"), self.in_force, budgets.distinct()),
                    "unearned": laws.unearned(of("bonus_awards"), of("account_outcomes")),
                }
            parameters = {"grace_days": self.settings.grace_days}
            self.context.expectations.refuse(found, day=self.day, parameters=parameters)

    def _replace(self, table: str, rows: DataFrame, dates: Sequence[date]) -> int:
        number = self.warehouse.replace(table, rows, column="business_date", dates=dates)
        self.written[table] += number
        return number
