"""Restating: earlier dates judged again, and of them exactly what something has touched.

docs/rules.md sections 7, 8 and 10. Open and closed dates are treated alike. The windows that are
touched (`touched`) are judged again; accounts whose outcomes in them differ have their history
counted again from there on; dates on which that makes a difference are awarded again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from solatium.contracts.keys import ACCOUNT, WINDOW
from solatium.dataframes.compare import days, differing
from solatium.nightly.context import Context
from solatium.nightly.dated_tables import DatedTables
from solatium.nightly.intake import Known
from solatium.nightly.judgement import Due, Judge
from solatium.nightly.lives import ID, Lives
from solatium.nightly.past_history import PastHistory
from solatium.nightly.tally import Tally
from solatium.nightly.touched import (
    Key,
    Touched,
    keys_frame,
    seen_versions,
    touched_by_points,
    touched_directly,
)
from solatium.rules import history

# What of an allocation history and bonus hang on.
_COUNTS = [*ACCOUNT, "outcome", "platform_outcome", "quantity", "attempted_at"]


@dataclass(frozen=True)
class Recounted:
    """Accounts whose history changed: as of the last earlier date, and before the first one."""

    lives: Lives
    opening: DataFrame


@dataclass(frozen=True)
class Restated:
    """What was judged again of earlier dates.

    `first` is the first date concerned; `judged` are dates of which windows were judged, `to_award`
    those whose losses are to be awarded again; `windows` has the keys of all windows concerned.
    `recounted` are the accounts whose history changed, and None where there are none. `with_them`
    are dates that were judged as a whole together with the last of these.
    """

    first: date
    judged: list[date]
    to_award: list[date]
    windows: DataFrame
    recounted: Recounted | None
    with_them: list[date]
    tally: Tally


class Restatement:
    """Judges again what an intake has touched of the dates before `before`."""

    def __init__(
        self,
        context: Context,
        known: Known,
        tables: DatedTables,
        judge: Judge,
        past: PastHistory,
        before: date,
        closed_before: date | None,
    ) -> None:
        self.context = context
        self.known = known
        self.tables = tables
        self.judge = judge
        self.past = past
        self.before = before
        self.closed_before = closed_before

    def restate(self, with_windows: Collection[date], fresh: Collection[date]) -> Restated | None:
        """Judges and counts again; None where no earlier date is touched.

        `with_windows` are the dates on which windows fall, or fell. `fresh` are those from `before`
        on that are judged as a whole. Some of them are judged along with the last earlier ones, if
        that can be: a pass costs more than few rows.
        """
        earlier = sorted(day for day in with_windows if day < self.before)
        if not earlier:
            return None
        versions = seen_versions(self.context, self.known, self.before)
        touched = touched_directly(self.known, versions, self.before)
        to_award = [] if versions is None else days(versions.where("other_latest"), "business_date")
        concerned = {*to_award, *(day for day in earlier if _on(touched, [day]))}
        if not concerned:
            return None
        first = min(concerned)
        lives: Lives | None = None
        judged: list[date] = []
        counted: set[date] = set()
        with_them: list[date] = []
        tally = Tally()
        since_first = [day for day in (*earlier, *fresh) if day >= first]
        for group in self.tables.groups(since_first):
            dates = [day for day in group if day < self.before]
            if not dates:
                break
            if lives is not None:
                touched = touched_by_points(touched, dates[0], self.context, self.tables, lives)
            for part in self._in_sight_of_the_same(dates):
                if keys := _on(touched, part):
                    judged += [day for day in part if _on(touched, [day])]
                    along = []
                    if part[-1] >= self.context.last_closed:
                        along = with_them = [day for day in group if day >= self.before]
                    found, judged_here = self._judge(part, along, keys, touched, lives)
                    tally += self._restated(touched, keys, part) + judged_here
                    lives = self._with(lives, found, part[0], since=dates[0])
            if lives is not None:
                others, lives = self._count(dates, lives)
                counted |= others
        to_award = sorted({*judged, *counted, *to_award})
        recounted = None
        if lives is not None:
            opening = self.past.before(first).join(lives.ids, on=ID, how="left_semi")
            recounted = Recounted(lives, opening)
        windows = keys_frame(self.context.warehouse.engine, list(touched))
        return Restated(first, judged, to_award, windows, recounted, with_them, tally)

    def _in_sight_of_the_same(self, dates: list[date]) -> list[list[date]]:
        """The dates in groups that see the same arrival dates: closed ones each by itself."""
        closed = [[day] for day in dates if day < self.context.last_closed]
        still_open = [day for day in dates if day >= self.context.last_closed]
        return [*closed, *([still_open] if still_open else [])]

    def _restated(self, touched: Touched, keys: Sequence[Key], dates: list[date]) -> Tally:
        """What is told of windows of closed dates; those of open ones are judged as ever."""
        restated: Counter[tuple[date, str]] = Counter()
        number = 0
        for key in keys:
            window = touched[key]
            day = window.new_date or window.old_date
            if day in dates and day is not None and day < self.context.last_closed:
                number += 1
                restated.update((day, why) for why in window.reasons)
        return Tally(windows_restated=number, restated=restated)

    def _judge(
        self,
        dates: list[date],
        along: list[date],
        keys: Sequence[Key],
        touched: Touched,
        lives: Lives | None,
    ) -> tuple[DataFrame, Tally]:
        """Judges these windows of the dates again; the ids of accounts for which that matters.

        All windows of the dates `along` are judged with them.
        """
        scratch = self.context.scratch.part(f"restated_{dates[0]}")
        engine = self.context.warehouse.engine
        concerned = F.broadcast(keys_frame(engine, keys))
        windows = self.tables.windows(dates).join(concerned, on=WINDOW, how="left_semi")
        if along:
            windows = windows.unionByName(self.tables.windows(along))
        windows = scratch.keep(windows, "windows")
        past = self.past.closed.limit(0)
        if any(touched[key].policy == "weighted_lottery" for key in keys):
            past = self.past.before(dates[0])
            past = past if lives is None else lives.put_into(past)
        then = self.tables.of("allocations", dates, concerned).select(*_COUNTS)
        judged = self.judge.judge(Due(windows, along, dates, concerned), past)
        tally = judged.tally(along, self.closed_before)
        now = self.tables.of("allocations", dates, concerned).select(*_COUNTS)
        others = differing(then, now).select(*ID)
        changed = [key for key in keys if "windows" in touched[key].reasons]
        if changed:  # the window itself counts: what it asks for, and when
            of_windows = then.unionByName(now).join(
                F.broadcast(keys_frame(engine, changed)), on=WINDOW, how="left_semi"
            )
            others = others.unionByName(of_windows.select(*ID))
        return scratch.keep(others.distinct(), "accounts"), tally

    def _with(self, lives: Lives | None, found: DataFrame, day: date, since: date) -> Lives | None:
        """The accounts and those found with them, as they come to the date `since`."""
        scratch = self.context.scratch.part(f"found_{day}")
        new = found
        if lives is not None:
            new = scratch.keep(found.join(lives.ids, on=ID, how="left_anti"), "new")
        if not new.head(1):
            return lives
        past = self.past.before(since).join(new, on=ID, how="left_semi")
        past = scratch.keep(past, "past")
        return Lives(new, past, past) if lives is None else lives.with_others(new, past)

    def _count(self, dates: list[date], lives: Lives) -> tuple[set[date], Lives]:
        """Counts the outcomes of the accounts again; the dates that differ, and their history."""
        scratch = self.context.scratch.part(f"counted_{dates[0]}")
        table = "account_outcomes"
        with self.context.stages.stage("count outcomes", self.context.day) as stage:
            then = self.tables.of(table, dates, lives.ids, ID)
            now = history.account_outcomes(
                self.tables.of("allocations", dates, lives.ids, ID),
                self.tables.windows(dates),
                lives.now,
                self.context.settings,
                self.context.regimes,
            )
            now = scratch.keep(now, "outcomes")
            others = days(differing(then, now), "business_date")
            if others:
                here = now.where(F.col("business_date").isin(others))
                stage.rows_out = self.tables.put(table, here, others, lives.ids, on=ID)
        with self.context.stages.stage("fold history", self.context.day):
            before = self.known.before.where(F.col("business_date").isin(dates))
            lives = lives.after(then, now, before, self.tables.windows(dates), scratch)
        return set(others), lives


def _on(touched: Touched, dates: Collection[date]) -> list[Key]:
    """The touched windows that are on these dates, or were."""
    return [key for key, window in touched.items() if any(map(window.is_on, dates))]
