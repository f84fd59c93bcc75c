"""One night: the way of a handled date through all rooms, from the landing zone to the ledger.

The steps are pure functions of data frames; reading, keeping and writing happens here. Readers see
nothing of it before the commit record, which `run` writes when the night is done.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import reduce

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from solatium import contracts
from solatium.contracts.calendar import moved
from solatium.contracts.internal import HISTORY_CLOSED
from solatium.contracts.keys import WINDOW
from solatium.dataframes.compare import days
from solatium.ledger import posting
from solatium.nightly import closing, law_check
from solatium.nightly.closing import Posted
from solatium.nightly.context import Context
from solatium.nightly.dated_tables import DatedTables
from solatium.nightly.intake import Intake, Known
from solatium.nightly.judgement import Due, Judge
from solatium.nightly.law_check import Books, Counted
from solatium.nightly.lives import ID
from solatium.nightly.past_history import PastHistory
from solatium.nightly.restatement import Restated, Restatement
from solatium.nightly.tally import Tally
from solatium.rules import history, refunds
from solatium.rules.accounts import latest_accounts, latest_accounts_by_date
from solatium.version import VERSION
from solatium.warehouse.commits import Commit


@dataclass(frozen=True)
class Handled:
    """What a night left: the dates that later nights must judge, and what it counted.

    `judged_from` is the first business date whose awards the ledger may not have held.
    """

    awaited: tuple[date, ...]
    judged_from: date
    tally: Tally


class Night:
    """Handles one date, on the tables as they stood after the dates before it.

    `closed_before` is the last business date that was closed when the run began, `posted_from` the
    first for which the ledger may hold what a night that was taken back had posted.
    """

    def __init__(
        self,
        context: Context,
        lineage: Sequence[Commit],
        closed_before: date | None,
        posted_from: date | None,
    ) -> None:
        self.context = context
        self.lineage = lineage
        self.closed_before = closed_before
        self.posted_from = posted_from

    def handle(self) -> Handled:
        """Does all of the night; what it wrote becomes visible with its commit record."""
        last_closed, day = self.context.last_closed, self.context.day
        known = Intake(self.context).take()
        tables = DatedTables(self.context.warehouse, known.in_force)
        judge = Judge(self.context, tables)
        past = PastHistory(self.context.warehouse, self.lineage, known.before, self.context.grace)
        with_windows = {
            *days(known.in_force, "business_date"),
            *days(known.changed, "old_date"),
        }
        fresh_from = self._fresh_from()
        restatement = Restatement(
            self.context, known, tables, judge, past, fresh_from, self.closed_before
        )
        fresh = sorted(each for each in with_windows if fresh_from <= each <= day)
        restated = restatement.restate(with_windows, fresh)
        counted, judged = self._judge_fresh(fresh, fresh_from, restated, past, tables, judge)
        self._award(judge, tables, [*(restated.to_award if restated else []), *fresh])
        self._close_history(restated, past, tables, with_windows)
        self._list_refunds(restated, known, tables, fresh_from)
        first = min([last_closed, *([restated.first] if restated else [])])
        books = self._books(tables, first)
        posted = Posted.nothing()
        if self.posted_from is not None or with_windows & set(books.closed):
            posted = self._post(tables, books)
        self._check(tables, books, fresh, restated, counted)
        tally = known.tally + judged + (restated.tally if restated else Tally())
        return Handled(
            awaited=tuple(sorted(each for each in with_windows if each > last_closed)),
            judged_from=first,
            tally=tally + Tally(entries_posted=posted.entries, entries_sum=posted.total),
        )

    def _fresh_from(self) -> date:
        """The first date that is judged as a whole: no night has, or not by the same rules."""
        last_closed, day = self.context.last_closed, self.context.day
        if not self.lineage:
            return last_closed
        base = self.lineage[-1]
        judging = self.context.settings.judging()
        if base.judging != judging or base.judging_version != VERSION:
            return last_closed
        return min(day, max(last_closed, moved(base.day, 1)))

    # The rooms

    def _judge_fresh(
        self,
        fresh: list[date],
        since: date,
        restated: Restated | None,
        past: PastHistory,
        tables: DatedTables,
        judge: Judge,
    ) -> tuple[Counted | None, Tally]:
        """Judges and counts whole dates, one group after the other.

        `since` is the first date that may be among them. What was counted of them, and the history
        around it; None where neither they nor earlier dates changed any.
        """
        recounted = restated.recounted if restated else None
        opening = past.before(since)
        opening = recounted.lives.put_into(opening) if recounted else opening
        tally, so_far = Tally(), opening
        for dates in tables.groups(fresh):
            if restated is None or dates[0] not in restated.with_them:
                judged = judge.judge(Due(tables.windows(dates), dates), so_far)
                tally += judged.tally(dates, self.closed_before)
            counted = self._count(tables, dates, so_far)
            so_far = self._fold(tables, dates, so_far, counted, is_last=dates[-1] == fresh[-1])
        if not fresh:
            if recounted is None:
                return None, tally
            self.context.warehouse.overwrite("account_history", opening)
        return Counted(tables.of("account_outcomes", fresh), opening), tally

    def _count(self, tables: DatedTables, dates: list[date], past: DataFrame) -> int:
        """Counts the outcomes of the dates; how many there are."""
        with self.context.stages.stage("count outcomes", self.context.day) as stage:
            stage.rows_in = tables.rows("allocations", dates)
            outcomes = history.account_outcomes(
                tables.of("allocations", dates),
                tables.windows(dates),
                past,
                self.context.settings,
                self.context.regimes,
            )
            stage.rows_out = tables.put("account_outcomes", outcomes, dates)
            return stage.rows_out

    def _fold(
        self,
        tables: DatedTables,
        dates: list[date],
        past: DataFrame,
        counted: int,
        *,
        is_last: bool,
    ) -> DataFrame:
        """Account history after the dates, onto what it was before them."""
        with self.context.stages.stage("fold history", self.context.day) as stage:
            stage.rows_in = counted
            outcomes = tables.of("account_outcomes", dates)
            whole = history.account_history(past, outcomes, tables.windows(dates))
            if is_last:
                stage.rows_out = self.context.warehouse.overwrite("account_history", whole)
                return self.context.warehouse.read("account_history")
            return self.context.scratch.keep(whole, f"account_history_{dates[-1]}")

    def _award(self, judge: Judge, tables: DatedTables, dates: list[date]) -> None:
        """Awards the counted losses of these dates: open ones see the same account versions."""
        last_closed = self.context.last_closed
        closed = [each for each in dates if each < last_closed]
        still_open = [each for each in dates if each >= last_closed]
        if not dates:
            return
        with self.context.stages.stage("award", self.context.day) as stage:
            stage.rows_in = tables.rows("account_outcomes", dates)
            number = 0
            if closed:
                lost = tables.of("account_outcomes", closed).where("result = 'lost'")
                accounts = self.context.warehouse.read("accounts")
                grace_days = self.context.settings.grace_days
                number += judge.award(closed, latest_accounts_by_date(accounts, lost, grace_days))
            if still_open:
                latest = latest_accounts(judge.account_versions(still_open[0]))
                number += judge.award(still_open, latest)
            stage.rows_out = number

    def _close_history(
        self,
        restated: Restated | None,
        past: PastHistory,
        tables: DatedTables,
        with_windows: set[date],
    ) -> None:
        """Brings the history as of the last closed date in line.

        It gains the outcomes of the dates that have closed since the night before; accounts with
        another history are counted from the first date that changed for them.
        """
        last_closed = self.context.last_closed
        until = date.min
        if self.lineage:
            until = moved(self.lineage[-1].day, -self.context.settings.grace_days)
        recounted = restated.recounted if restated and restated.first <= last_closed else None
        closing_dates = [each for each in with_windows if until < each <= last_closed]
        if not closing_dates and recounted is None:
            return
        day = F.col("business_date")
        outcomes = self.context.warehouse.read("account_outcomes")
        outcomes = outcomes.where(day <= F.lit(last_closed))
        closed, added = past.closed, outcomes.where(day > F.lit(until))
        if restated and recounted:
            ids = recounted.lives.ids
            again = outcomes.where(day >= F.lit(restated.first))
            again = again.join(ids, on=ID, how="left_semi")
            added = added.join(ids, on=ID, how="left_anti").unionByName(again)
            closed = closed.join(ids, on=ID, how="left_anti").unionByName(recounted.opening)
        first = min([*closing_dates, *([restated.first] if restated and recounted else [])])
        windows = tables.in_force.where(day.between(first, last_closed))
        with self.context.stages.stage("close history", self.context.day) as stage:
            whole = history.account_history(closed, added, windows)
            stage.rows_out = self.context.warehouse.overwrite(HISTORY_CLOSED.name, whole)

    def _list_refunds(
        self, restated: Restated | None, known: Known, tables: DatedTables, before: date
    ) -> None:
        """Refunds of earlier windows that were judged again, or paid for since."""
        late = self.context.warehouse.read("_set_aside_payment").where("reason = 'late'")
        keys = [late.where(F.col("dt") == F.lit(self.context.day)).select(*WINDOW)]
        if restated:
            keys.append(restated.windows)
        if known.payments is not None:
            keys.append(known.payments)
        named = F.broadcast(reduce(DataFrame.unionByName, keys).distinct())
        # windows that have moved are on two dates
        sides = [known.in_force, *([known.before] if restated else [])]
        is_earlier = F.col("business_date") < F.lit(before)
        earlier = [side.where(is_earlier).join(named, on=WINDOW, how="left_semi") for side in sides]
        dates = sorted({day for side in earlier for day in days(side, "business_date")})
        if not dates:
            return
        with self.context.stages.stage("list refunds", self.context.day) as stage:
            due, columns = earlier[0], contracts.landing("payment").names
            payments = tables.of("payment", dates).select(*columns)
            held = refunds.advance_held(payments.unionByName(late.select(*columns)), due)
            owed = refunds.refunds_due(held, tables.of("allocations", dates), due)
            stage.rows_out = tables.put("refunds_due", owed, dates, named)

    def _books(self, tables: DatedTables, first: date) -> Books:
        """The closed dates whose awards the ledger may not hold, and where it may hold them."""
        first = min(first, self.posted_from or first)
        span = (self.context.last_closed - first).days
        closed = [first + timedelta(days=number) for number in range(span + 1)]
        columns = (*WINDOW, "business_date")
        posted = self.context.warehouse.read("bonus_ledger").select(*columns)
        waived = self.context.warehouse.read("bonus_waived").select(*columns)
        dated_windows = posting.dated_windows(posted.unionByName(waived), tables.in_force, closed)
        return Books(closed, sorted({*closed, *days(dated_windows, "business_date")}))

    def _post(self, tables: DatedTables, books: Books) -> Posted:
        with self.context.stages.stage("post", self.context.day) as stage:
            found = posting.post(
                tables.of("bonus_awards", books.closed),
                tables.of("bonus_ledger", books.dates),
                tables.of("bonus_waived", books.dates),
                tables.in_force,
                books.closed,
                run_date=self.context.day,
                regimes=self.context.regimes,
            )
            scratch = self.context.scratch.part("posting")
            posted = closing.write(self.context.warehouse, scratch, found, self.context.day)
            stage.rows_out = posted.entries
            return posted

    def _check(
        self,
        tables: DatedTables,
        books: Books,
        fresh: list[date],
        restated: Restated | None,
        counted: Counted | None,
    ) -> None:
        """InputError where what came in, or what came out, breaks a law of conservation."""
        if not self.context.expectations.suites.tables:
            return
        with self.context.stages.stage("check laws", self.context.day):
            law_check.check(self.context, tables, books, fresh, restated, counted)
