"""Restating: closed dates judged again, and of them exactly what something has touched.

docs/rules.md sections 7, 8 and 10. A window of a closed date is touched when its version in force,
its date or its seed is another, when its accepted events are, when it sees another version of an
account, or when it is a weighted lottery and the points of an entrant are others because of any of
these. The accounts in such windows whose outcomes differ have their history counted again from
there on, and the dates on which that makes a difference are awarded again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import reduce

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from solatium import contracts
from solatium.contracts.internal import HISTORY_CLOSED
from solatium.contracts.keys import ACCOUNT, WINDOW
from solatium.dataframes.compare import days, differing
from solatium.dataframes.event_keys import content, time_key
from solatium.nightly.context import Context
from solatium.nightly.intake import Known
from solatium.nightly.judgement import Judging
from solatium.nightly.past_history import Past
from solatium.rules import history
from solatium.rules.accounts import latest_accounts_by_date
from solatium.warehouse.commits import Commit

_WINDOWS = replace(
    contracts.landing("windows"),
    columns=tuple(c for c in contracts.landing("windows").columns if c.name in WINDOW),
)
_ID = ["account_id"]

# What of an allocation history and bonus hang on.
_COUNTS = [*ACCOUNT, "outcome", "platform_outcome", "quantity", "attempted_at"]

Key = tuple[str, str]


@dataclass
class _Touched:
    """A window to judge again: where it was, where it is, and what has changed for it."""

    old_date: date | None
    new_date: date | None
    policy: str | None
    reasons: set[str] = field(default_factory=set)


@dataclass(frozen=True)
class Restated:
    """What was judged again of closed dates.

    `first` is the first date concerned; `judged` are dates of which windows were judged, `awarded`
    those that were awarded again. `opening` and `closing` are `account_history` of the `accounts`
    concerned, which are ids, before `first` and as of the last closed date; `windows` has the keys
    of all windows concerned.
    """

    first: date
    judged: list[date]
    awarded: list[date]
    opening: DataFrame
    closing: DataFrame
    accounts: DataFrame
    windows: DataFrame


@dataclass(frozen=True)
class _Accounts:
    """Accounts with another history: their ids, and their history before and now, at one date."""

    ids: DataFrame
    then: DataFrame
    now: DataFrame


class Restating:
    """Judges again what an intake has touched of the dates before `context.last_closed`."""

    def __init__(
        self, context: Context, judging: Judging, known: Known, lineage: Sequence[Commit]
    ) -> None:
        self.context = context
        self.warehouse = context.warehouse
        self.scratch = context.scratch
        self.settings = context.settings
        self.regimes = context.regimes
        self.judging = judging
        self.known = known
        self.lineage = lineage

    def restate(self, with_windows: Iterable[date]) -> Restated | None:
        """Judges, counts and awards again; None where no closed date is touched.

        `with_windows` are the dates on which windows fall, or fell.
        """
        versions = self._other_versions()
        touched = self._touched(versions)
        to_award = [] if versions is None else days(versions.where("other_latest"), "business_date")
        concerned = {day for one in touched.values() for day in (one.old_date, one.new_date) if day}
        concerned = {day for day in (*concerned, *to_award) if day < self.context.last_closed}
        if not concerned:
            return None
        self.past = Past(self.warehouse, self.lineage, self.known.before, self.context.grace)
        first = min(concerned)
        judged: list[date] = []
        counted_anew: set[date] = set()
        accounts: _Accounts | None = None
        since_first = [day for day in with_windows if first <= day < self.context.last_closed]
        for dates in self.judging.groups(since_first):
            if accounts is not None:
                self._touch_by_points(touched, dates[0], accounts)
            for day in dates:
                keys = [key for key, one in touched.items() if day in (one.old_date, one.new_date)]
                if keys:
                    judged.append(day)
                    found = self._judge(day, keys, touched, accounts)
                    accounts = self._with(accounts, found, day, since=dates[0])
            if accounts is not None:
                others, accounts = self._count(dates, accounts)
                counted_anew |= others
        awarded = sorted({*judged, *counted_anew, *to_award})
        self._award(awarded)
        return self._closing(first, judged, awarded, touched, accounts)

    # What is touched

    def _touched(self, versions: DataFrame | None) -> dict[Key, _Touched]:
        """The windows of closed dates that are touched directly: windows are few."""
        before = F.lit(self.context.last_closed)
        is_closed = (F.col("old_date") < before) | (F.col("new_date") < before)
        if self.known.corrected is None and not self.known.changed.where(is_closed).head(1):
            return {}
        frames = [self._because(self.known.changed.select(*WINDOW), "windows")]
        if self.known.corrected is not None:
            events = self.known.corrected.events
            frames += [self._because(keys, source) for source, keys in events.items()]
        if versions is not None:
            frames.append(self._because(versions.where("other_facts"), "accounts"))
        dates = self.known.before.select(*WINDOW, F.col("business_date").alias("old_date"))
        now = self.known.in_force.select(
            *WINDOW, F.col("business_date").alias("new_date"), "policy"
        )
        rows = (
            reduce(DataFrame.unionByName, frames)
            .distinct()
            .join(dates, on=WINDOW, how="left")
            .join(now, on=WINDOW, how="left")
            .where(is_closed)
            .collect()
        )
        touched: dict[Key, _Touched] = {}
        for row in rows:
            key = (row["commodity_id"], row["window_id"])
            one = touched.setdefault(key, _Touched(row["old_date"], row["new_date"], row["policy"]))
            one.reasons.add(row["why"])
        return touched

    def _because(self, keys: DataFrame, reason: str) -> DataFrame:
        return keys.select(*WINDOW, F.lit(reason).alias("why"))

    def _other_versions(self) -> DataFrame | None:
        """Participants of closed windows who have corrected versions, where there are any.

        Columns: ACCOUNT, `business_date`; `other_facts` says whether their window sees another
        version, `other_latest` whether another one decides on their bonus.
        """
        corrected = self.known.corrected
        if corrected is None or corrected.accounts is None:
            return None
        earliest = F.date_sub(F.lit(corrected.first), self.settings.grace_days)
        day = F.col("business_date")
        pairs = (
            self.warehouse.read("screened_participants")
            .where((day >= earliest) & (day < F.lit(self.context.last_closed)))
            .join(corrected.accounts, on=_ID, how="left_semi")
            .select(*ACCOUNT, "business_date")
            .join(F.broadcast(self.known.in_force.select(*WINDOW, "application_close")), on=WINDOW)
        )
        sides = [
            self._seen(pairs, corrected.accounts_before, "then"),
            self._seen(pairs, self.warehouse.read("accounts"), "now"),
        ]
        found = pairs.select(*ACCOUNT, "business_date")
        for side in sides:
            found = found.join(side, on=ACCOUNT, how="left")
        others = (
            (~F.col(f"{name}_then").eqNullSafe(F.col(f"{name}_now"))).alias(f"other_{name}")
            for name in ("facts", "latest")
        )
        return self.scratch.keep(found.select(*ACCOUNT, "business_date", *others), "other_versions")

    def _seen(self, pairs: DataFrame, versions: DataFrame, side: str) -> DataFrame:
        """Of each account in a window the version that it sees, and the latest in sight."""
        mark = time_key(
            F.col("updated_at"), F.col("dt").cast("string"), content(contracts.landing("accounts"))
        )
        marked = versions.select("account_id", "updated_at", "dt", mark.alias("mark"))
        in_sight = F.col("dt") <= F.date_add("business_date", self.settings.grace_days)
        in_time = F.col("updated_at") <= F.col("application_close")
        return (
            pairs.join(marked, on=_ID)
            .where(in_sight)
            .groupBy(*ACCOUNT)
            .agg(
                F.max(F.when(in_time, F.col("mark"))).alias(f"facts_{side}"),
                F.max("mark").alias(f"latest_{side}"),
            )
        )

    def _touch_by_points(
        self, touched: dict[Key, _Touched], day: date, accounts: _Accounts
    ) -> None:
        """Adds the weighted lotteries of a date that an account enters with other points."""
        facts = [*WINDOW, "campaign_id", "category", "regime"]
        weighted = self.judging.windows([day]).where("policy = 'weighted_lottery'").select(*facts)
        entrants = (
            self.judging.of("allocations", [day])
            .where(F.col("weight").isNotNull())
            .join(accounts.ids, on=_ID, how="left_semi")
            .select(*ACCOUNT, "business_date")
            .join(F.broadcast(weighted), on=WINDOW)
        )
        then, now = (
            history.points(entrants, past, self.settings, self.regimes).select(
                *ACCOUNT, F.col("points").alias(name)
            )
            for past, name in ((accounts.then, "points_then"), (accounts.now, "points_now"))
        )
        others = then.join(now, on=ACCOUNT).where("points_then <> points_now")
        for row in others.select(*WINDOW).distinct().collect():
            one = touched.setdefault(tuple(row), _Touched(day, day, "weighted_lottery"))
            one.reasons.add("points")

    # What is done about it

    def _judge(
        self,
        day: date,
        keys: list[Key],
        touched: dict[Key, _Touched],
        accounts: _Accounts | None,
    ) -> DataFrame:
        """Judges these windows of a date again; the ids of accounts for which that matters."""
        for key in keys:
            if day == (touched[key].new_date or touched[key].old_date):
                self.judging.tally.windows_restated += 1
                self.judging.tally.restated.update((day, why) for why in touched[key].reasons)
        concerned = F.broadcast(self._keys(keys))
        due = self.judging.windows([day]).join(concerned, on=WINDOW, how="left_semi")
        due = self.scratch.keep(due, f"windows_restated_{day}")
        past = self.past.closed.limit(0)
        if any(touched[key].policy == "weighted_lottery" for key in keys):
            past = self.past.before(day)
            if accounts is not None:
                past = past.join(accounts.ids, on=_ID, how="left_anti").unionByName(accounts.now)
        counts = self.judging.of("allocations", [day]).select(*_COUNTS)
        then = counts.join(concerned, on=WINDOW, how="left_semi")
        self.judging.judge(due, [day], past, instead_of=concerned)
        counts = self.judging.of("allocations", [day]).select(*_COUNTS)
        now = counts.join(concerned, on=WINDOW, how="left_semi")
        others = differing(then, now)
        anew = [key for key in keys if "windows" in touched[key].reasons]
        if anew:  # the window itself counts: what it asks for, and when
            of_windows = then.unionByName(now).join(
                F.broadcast(self._keys(anew)), on=WINDOW, how="left_semi"
            )
            others = others.unionByName(of_windows)
        return self.scratch.keep(others.select(*_ID).distinct(), f"accounts_restated_{day}")

    def _keys(self, keys: Sequence[Key]) -> DataFrame:
        rows = [dict(zip(WINDOW, key, strict=True)) for key in keys]
        return self.warehouse.engine.frame(rows, _WINDOWS)

    def _with(
        self, accounts: _Accounts | None, found: DataFrame, day: date, since: date
    ) -> _Accounts | None:
        """The accounts, and those found on a day with them, as they come to the date `since`."""
        new = found
        if accounts is not None:
            new = found.join(accounts.ids, on=_ID, how="left_anti")
        new = self.scratch.keep(new, f"accounts_new_{day}")
        if new.count() == 0:
            return accounts
        past = self.past.before(since).join(new, on=_ID, how="left_semi")
        past = self.scratch.keep(past, f"past_new_{day}")
        if accounts is None:
            return _Accounts(new, past, past)
        return _Accounts(
            accounts.ids.unionByName(new),
            accounts.then.unionByName(past),
            accounts.now.unionByName(past),
        )

    def _count(self, dates: list[date], accounts: _Accounts) -> tuple[set[date], _Accounts]:
        """Counts the outcomes of the accounts again; the dates that differ, and their history."""
        with self.context.stages.stage("count outcomes", self.context.day) as stage:
            table = "account_outcomes"
            then = self.judging.of(table, dates).join(accounts.ids, on=_ID, how="left_semi")
            allocations = self.judging.of("allocations", dates)
            now = history.account_outcomes(
                allocations.join(accounts.ids, on=_ID, how="left_semi"),
                self.judging.windows(dates),
                accounts.now,
                self.settings,
                self.regimes,
            )
            now = self.scratch.keep(now, f"outcomes_{dates[0]}")
            others = days(differing(then, now), "business_date")
            if others:
                here = now.where(F.col("business_date").isin(others))
                stage.rows_out = self.judging.put(table, here, others, accounts.ids)
        with self.context.stages.stage("fold history", self.context.day):
            return set(others), replace(
                accounts,
                ids=self.scratch.keep(accounts.ids, f"accounts_{dates[-1]}"),
                then=self._folded(accounts.then, then, self.known.before, f"then_{dates[-1]}"),
                now=self._folded(accounts.now, now, self.known.in_force, f"now_{dates[-1]}"),
            )

    def _folded(self, past: DataFrame, outcomes: DataFrame, of: DataFrame, name: str) -> DataFrame:
        return self.scratch.keep(history.account_history(past, outcomes, of), f"history_{name}")

    def _award(self, dates: list[date]) -> None:
        with self.context.stages.stage("award", self.context.day) as stage:
            lost = self.judging.of("account_outcomes", dates).where("result = 'lost'")
            latest = latest_accounts_by_date(
                self.warehouse.read("accounts"),
                lost.select("account_id", "business_date"),
                self.settings.grace_days,
            )
            stage.rows_out = self.judging.award(dates, latest)

    def _closing(
        self,
        first: date,
        judged: list[date],
        awarded: list[date],
        touched: dict[Key, _Touched],
        accounts: _Accounts | None,
    ) -> Restated:
        """Brings the history of closed dates in line, and tells what was done."""
        nothing = self.past.closed.limit(0)
        if accounts is None:
            ids = nothing.select(*_ID)
            opening = closing = nothing
        else:
            ids, closing = accounts.ids, accounts.now
            opening = self.past.before(first).join(ids, on=_ID, how="left_semi")
            others = self.past.closed.join(ids, on=_ID, how="left_anti")
            self.warehouse.overwrite(HISTORY_CLOSED.name, others.unionByName(closing))
        return Restated(first, judged, awarded, opening, closing, ids, self._keys(list(touched)))
