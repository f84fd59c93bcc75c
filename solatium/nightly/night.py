"""One night: the way of a handled date through all rooms, from the landing zone to the ledger.

The steps are pure functions of data frames; reading, keeping and writing happens here. Readers see
nothing of it before the commit record, which `run` writes when the night is done.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from functools import partial, reduce

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from solatium import contracts
from solatium.contracts import EVENTS
from solatium.contracts.internal import HISTORY_CLOSED
from solatium.contracts.keys import WINDOW
from solatium.dataframes.compare import days
from solatium.laws import input as arrived
from solatium.laws import money
from solatium.laws.counting import Laws
from solatium.laws.rush import rush
from solatium.laws.streaks import streaks
from solatium.ledger import posting
from solatium.nightly import closing
from solatium.nightly.context import Context
from solatium.nightly.intake import Intake
from solatium.nightly.judgement import Judging
from solatium.nightly.restatement import Restated, Restating
from solatium.nightly.tally import Tally
from solatium.rules import history, refunds
from solatium.rules.accounts import latest_accounts
from solatium.warehouse.commits import Commit


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

    def handle(
        self, closed_before: date | None, posted_from: date | None = None
    ) -> tuple[date, ...]:
        """Does all of the night; gives the business dates that later nights must still judge.

        `closed_before` is the last business date that was closed when the run began, `posted_from`
        the first for which the ledger may hold what a night that was taken back had posted.
        """
        self.posted_from = posted_from
        self.known = Intake(self.context, self.tally).take()
        self.in_force = self.known.in_force
        self.judging = Judging(self.context, self.in_force, closed_before, self.tally)
        self.with_windows = {
            *days(self.in_force, "business_date"),
            *days(self.known.changed, "old_date"),
        }
        restated = Restating(self.context, self.judging, self.known, self.lineage).restate(
            self.with_windows
        )
        self.first = restated.first if restated else self.last_closed
        opening = self.warehouse.read(HISTORY_CLOSED.name)
        # dates on which no window falls, nor has fallen, have nothing to judge
        judged = sorted(day for day in self.with_windows if self.last_closed <= day <= self.day)
        groups = self.judging.groups(judged)
        if groups:
            self._judge_all(groups, opening)
        elif restated:
            self.warehouse.overwrite("account_history", opening)
        self._list_refunds(restated)
        closed = self._newly_closed()
        self.in_books = self._in_books(closed)
        self._post(closed)
        self._check(judged, closed, opening, restated)
        return tuple(sorted(day for day in self.with_windows if day > self.last_closed))

    # The rooms

    def _judge_all(self, groups: list[list[date]], opening: DataFrame) -> None:
        """Judges, counts and awards one group after the other, each on the history before it."""
        past = closed = opening
        for dates in groups:
            self.judging.judge(self.judging.windows(dates), dates, past)
            outcomes = self._count(dates, past)
            if dates[0] <= self.last_closed < dates[-1]:
                closing = outcomes.where(F.col("business_date") <= F.lit(self.last_closed))
                closed = history.account_history(past, closing, self.in_force)
            past = self._fold(dates, past, outcomes, is_last=dates is groups[-1])
            if dates[-1] <= self.last_closed:
                closed = past
            self._award(dates)
        if groups[0][0] <= self.last_closed:
            self.warehouse.overwrite(HISTORY_CLOSED.name, closed)

    def _count(self, dates: list[date], past: DataFrame) -> DataFrame:
        with self.context.stages.stage("count outcomes", self.day) as stage:
            stage.rows_in = self.judging.written["allocations"]
            outcomes = history.account_outcomes(
                self.judging.of("allocations", dates),
                self.judging.windows(dates),
                past,
                self.settings,
                self.regimes,
            )
            stage.rows_out = self.judging.put("account_outcomes", outcomes, dates)
            return self.judging.of("account_outcomes", dates)

    def _fold(
        self, dates: list[date], past: DataFrame, outcomes: DataFrame, *, is_last: bool
    ) -> DataFrame:
        """Account history after the dates, onto what it was before them."""
        with self.context.stages.stage("fold history", self.day) as stage:
            stage.rows_in = self.judging.written["account_outcomes"]
            whole = history.account_history(past, outcomes, self.in_force)
            if is_last:
                stage.rows_out = self.warehouse.overwrite("account_history", whole)
                return self.warehouse.read("account_history")
            return self.scratch.keep(whole, f"account_history_{dates[-1]}")

    def _award(self, dates: list[date]) -> None:
        with self.context.stages.stage("award", self.day) as stage:
            stage.rows_in = self.judging.written["account_outcomes"]
            latest = latest_accounts(self.judging.account_versions(dates[0]))
            stage.rows_out = self.judging.award(dates, latest)

    def _list_refunds(self, restated: Restated | None) -> None:
        """Refunds of closed windows that were judged again, or paid for since."""
        late = self.warehouse.read("_set_aside_payment").where("reason = 'late'")
        keys = [late.where(F.col("dt") == F.lit(self.day)).select(*WINDOW)]
        if restated:
            keys.append(restated.windows)
        if self.known.corrected and self.known.corrected.payments is not None:
            keys.append(self.known.corrected.payments)
        named = F.broadcast(reduce(DataFrame.unionByName, keys).distinct())
        # windows that have moved are on two dates
        sides = [self.in_force, *([self.known.before] if restated else [])]
        is_closed = F.col("business_date") < F.lit(self.last_closed)
        closed = [side.where(is_closed).join(named, on=WINDOW, how="left_semi") for side in sides]
        dates = sorted({day for side in closed for day in days(side, "business_date")})
        if not dates:
            return
        with self.context.stages.stage("list refunds", self.day) as stage:
            due, columns = closed[0], contracts.landing("payment").names
            payments = self.judging.of("payment", dates).select(*columns)
            held = refunds.advance_held(payments.unionByName(late.select(*columns)), due)
            owed = refunds.refunds_due(held, self.judging.of("allocations", dates), due)
            stage.rows_out = self.judging.put("refunds_due", owed, dates, named)

    def _newly_closed(self) -> list[date]:
        """The closed dates of which the ledger may not hold what is awarded."""
        first = min(self.first, self.posted_from or self.first)
        span = (self.last_closed - first).days
        return [first + timedelta(days=number) for number in range(span + 1)]

    def _in_books(self, closed: list[date]) -> list[date]:
        """The business dates under which rows of the ledger may belong to closed dates."""
        columns = (*WINDOW, "business_date")
        posted = self.warehouse.read("bonus_ledger").select(*columns)
        waived = self.warehouse.read("bonus_waived").select(*columns)
        places = posting.places(posted.unionByName(waived), self.in_force, closed)
        return sorted({*closed, *days(places, "business_date")})

    def _post(self, closed: list[date]) -> None:
        with self.context.stages.stage("post", self.day) as stage:
            if self.posted_from is None and not self.with_windows & set(closed):
                return
            found = posting.post(
                self.judging.of("bonus_awards", closed),
                self.judging.of("bonus_ledger", self.in_books),
                self.judging.of("bonus_waived", self.in_books),
                self.in_force,
                closed,
                run_date=self.day,
                regimes=self.regimes,
            )
            posted = closing.write(self.warehouse, self.scratch, found, self.day)
            stage.rows_out = posted.entries
            self.tally.entries_posted += posted.entries
            self.tally.entries_sum += posted.total

    def _check(
        self,
        open_dates: list[date],
        closed: list[date],
        opening: DataFrame,
        restated: Restated | None,
    ) -> None:
        """InputError where what came in, or what came out, breaks a law of conservation."""
        if not self.context.expectations.suites.tables:
            return
        with self.context.stages.stage("check laws", self.day):
            judged = [*(restated.judged if restated else []), *open_dates]
            awarded = [*(restated.awarded if restated else []), *open_dates]
            of, read = partial(self.judging.of, dates=judged), self.warehouse.read
            due = self.judging.windows(judged)
            accounts = read("accounts").where(F.col("dt") == F.lit(self.day))
            posted = self.judging.of("bonus_ledger", self.in_books)
            waived = self.judging.of("bonus_waived", self.in_books)
            awards = self.judging.of("bonus_awards", closed)
            found = {
                "windows": arrived.windows_in_force(due),
                "accounts": arrived.account_versions(accounts),
                "balances": money.balances(awards, posted, waived, self.in_force, closed),
                "payouts": money.payouts(read("bonus_payouts"), read("bonus_ledger"), self.day),
            }
            if judged:
                found |= {source: arrived.events(source, of(source), due) for source in EVENTS}
                found["rush"] = rush(
                    due,
                    of("screened_participants"),
                    of("allocations"),
                    of("window_results"),
                    of("account_outcomes"),
                    of("bonus_awards"),
                    of("audit_discrepancies"),
                    of("refunds_due"),
                    outcome_source=self.settings.outcome_source,
                )
            if awarded:
                budget = self.regimes.setting(lambda r: r.bonus.daily_budget, "decimal(18,2)")
                budgets = self.judging.windows(awarded).select(
                    "business_date", "campaign_id", budget.alias("daily_budget")
                )
                awards = self.judging.of("bonus_awards", awarded)
                outcomes = self.judging.of("account_outcomes", awarded)
                found["budgets"] = money.budgets(awards, self.in_force, budgets.distinct())
                found["unearned"] = money.unearned(awards, outcomes)
            if open_dates:
                outcomes = self.judging.of("account_outcomes", open_dates)
                whole = read("account_history")
                found["streaks"] = streaks(outcomes, opening, whole)
            self._refuse(found)
            if restated:
                self._refuse({"streaks": self._restated_streaks(restated)})

    def _restated_streaks(self, restated: Restated) -> Laws:
        day = F.col("business_date")
        since = (day >= F.lit(restated.first)) & (day < F.lit(self.last_closed))
        outcomes = self.warehouse.read("account_outcomes").where(since)
        outcomes = outcomes.join(restated.accounts, on="account_id", how="left_semi")
        return streaks(outcomes, restated.opening, restated.closing)

    def _refuse(self, found: dict[str, Laws]) -> None:
        parameters = {"grace_days": self.settings.grace_days}
        self.context.expectations.refuse(found, day=self.day, parameters=parameters)
