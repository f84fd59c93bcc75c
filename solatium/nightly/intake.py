"""Taking in one arrival date: the shell around `ingest`, which reads, gates and writes.

docs/rules.md section 2. Everything is judged, and every gate passed, before anything is written.
Earlier arrival dates whose files have changed since come first (`corrections`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import reduce

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from solatium import contracts
from solatium.contracts import EVENTS
from solatium.contracts.keys import WINDOW
from solatium.dataframes.compare import days
from solatium.dataframes.joins import named_by
from solatium.landing import duplicates, row_rules
from solatium.landing.event_order import unordered
from solatium.landing.gates import Quality, counted
from solatium.nightly.changed_files import Corrected, Corrections
from solatium.nightly.context import Context
from solatium.nightly.placement import Placement
from solatium.nightly.tally import Tally
from solatium.rules import windows


@dataclass(frozen=True)
class OtherAccounts:
    """Accounts of which versions came or went: their `ids`, and all versions as they were `before`.

    `first` is the first arrival date concerned.
    """

    ids: DataFrame
    before: DataFrame
    first: date


@dataclass(frozen=True)
class Known:
    """What an intake leaves: the windows in force `before` it and after it, and what changed.

    `changed` are windows that are not as they were before, with `old_date` and `new_date`. `events`
    are the landing tables of events with keys of windows whose accepted rows may have changed, and
    `payments` the keys of those with late payments among them, where files of earlier arrival dates
    changed. `accounts` is None where no account row came.
    """

    before: DataFrame
    in_force: DataFrame
    changed: DataFrame
    events: Sequence[tuple[str, DataFrame]]
    payments: DataFrame | None
    accounts: OtherAccounts | None
    tally: Tally


@dataclass(frozen=True)
class _Arrival:
    """Rows of one landing table, judged by themselves and by their ids, not yet by windows.

    `bad` are quarantine rows, `aside` repeats and conflicts, None where there are none. `named` has
    the keys of the windows that events name, with `dt`.
    """

    good: DataFrame
    bad: DataFrame
    judged: Quality
    aside: DataFrame | None = None
    named: DataFrame | None = None


class Intake:
    """Takes in the landing rows of one arrival date `day`."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.tally = Tally()
        self.placement = Placement(context)

    def take(self) -> Known:
        """Accepts, sets aside and quarantines what arrived; InputError where a gate is shut."""
        versions = self.placement.versions()
        scratch = self.context.scratch
        start = before = scratch.keep(self.placement.in_force(versions), "windows_before")
        accounts = self.context.warehouse.read("accounts")
        corrected = None
        if self.context.again:
            corrected = Corrections(self.context.within("corrections")).take(versions, before)
            self.tally += corrected.tally
            versions, before = corrected.versions, corrected.in_force
        files = self.context.landing.arrived(self.context.day)
        arrivals = {
            source: self._arrival(source, before) for source in contracts.LANDING if source in files
        }
        self._pass_gates(arrivals)
        with self.context.stages.stage("accept", self.context.day) as stage:
            for source, arrival in arrivals.items():
                if arrival.judged.reasons:
                    self.tally.rows_quarantined += self.placement.quarantine(arrival.bad)
                if arrival.aside is not None:
                    self._set_aside(source, arrival.aside)
            if "accounts" in arrivals:
                stage.rows_out += self.context.warehouse.append(
                    "accounts", arrivals["accounts"].good
                )
            if "windows" in arrivals:
                good, is_late = arrivals["windows"].good, windows.is_late(self.context.settings)
                visible = good.where(~is_late)
                stage.rows_out += self.context.warehouse.append("windows", visible)
                versions = versions.unionByName(visible.select(*versions.columns))
                late = good.where(is_late).withColumn("reason", F.lit("late"))
                self._set_aside("windows", scratch.keep(late, "late_windows"))
            in_force = scratch.keep(self.placement.in_force(versions), "windows_in_force")
            changed = scratch.keep(windows.changed(before, in_force), "windows_changed")
            moved = windows.moved(changed)
            has_moved = not moved.isEmpty()
            for source in EVENTS:
                if has_moved:
                    self.placement.follow(source, moved, in_force)
                if source in arrivals:
                    stage.rows_out += self._place(source, arrivals[source], in_force)
            stage.rows_in = sum(arrival.judged.rows for arrival in arrivals.values())
        if corrected is not None:
            changed = scratch.keep(windows.changed(start, in_force), "windows_changed_in_all")
        return Known(
            before=start,
            in_force=in_force,
            changed=changed,
            events=self._changed_events(arrivals, corrected, in_force),
            payments=None if corrected is None else corrected.payments,
            accounts=self._other_accounts("accounts" in arrivals, corrected, accounts),
            tally=self.tally,
        )

    def _changed_events(
        self, arrivals: Mapping[str, _Arrival], corrected: Corrected | None, in_force: DataFrame
    ) -> list[tuple[str, DataFrame]]:
        """Keys of windows whose accepted rows may have changed; what is late changes none."""
        found = [] if corrected is None else list(corrected.events.items())
        is_open = F.col("business_date") >= F.lit(self.context.last_closed)
        open_windows = in_force.where(is_open).select(*WINDOW)
        for source, arrival in arrivals.items():
            if arrival.named is not None:
                named = arrival.named.select(*WINDOW)
                found.append((source, named.join(open_windows, on=WINDOW, how="left_semi")))
        return found

    def _other_accounts(
        self, have_arrived: bool, corrected: Corrected | None, before: DataFrame
    ) -> OtherAccounts | None:
        ids, first = [], self.context.day
        if have_arrived:
            arrived = self.context.warehouse.read("accounts").where(F.col("dt") == F.lit(first))
            ids.append(arrived.select("account_id"))
        if corrected is not None and corrected.accounts is not None:
            ids.append(corrected.accounts)
            first = corrected.first
        if not ids:
            return None
        return OtherAccounts(reduce(DataFrame.unionByName, ids).distinct(), before, first)

    # Judging

    def _arrival(self, source: str, before: DataFrame) -> _Arrival:
        with self.context.stages.stage(f"read {source}", self.context.day) as stage:
            stage.rows_in = self.context.landing.rows(source, self.context.day)
            rows = self.context.arrived(source, self.context.day)
            if source in EVENTS:
                arrival = self._events(source, rows, before)
                if found := unordered(rows, arrival.good, source, self.context.day):
                    self.tally.unordered.append(found)
            else:
                arrival = self._versions(source, rows)
            stage.rows_out = stage.rows_in - arrival.judged.quarantined
            return arrival

    def _versions(self, source: str, rows: DataFrame) -> _Arrival:
        """Rows are looked at closely only where one of them is malformed."""
        if rows.where(row_rules.is_malformed(contracts.landing(source))).isEmpty():
            good, bad, judged = self._all_good(source, rows)
        else:
            good, bad = duplicates.arrivals(rows, source, self.context.day)
            bad = self.context.scratch.keep(bad, f"bad_{source}")
            judged = self._judged(source, bad)
        if source == "windows":
            good = self.context.scratch.keep(good, "arrived_windows")
        return _Arrival(good, bad, judged)

    def _events(self, source: str, rows: DataFrame, before: DataFrame) -> _Arrival:
        """Only rows that are malformed, and such with the id of another, are looked at closely."""
        named = rows.select(*WINDOW).distinct().withColumn("dt", F.lit(self.context.day))
        named = self.context.scratch.keep(named, f"windows_of_{source}")
        dates, are_windows = _known_of(named, before)
        earlier = self._earlier(source, named_by(named, before), dates)
        hashes = duplicates.doubtful(rows, earlier, source, WINDOW if are_windows else ())
        hashes = self.context.scratch.keep(hashes, f"doubtful_hashes_{source}")
        if hashes.isEmpty():
            return _Arrival(*self._all_good(source, rows), named=named)
        doubtful = self.context.scratch.keep(
            duplicates.among(rows, hashes, how="left_semi"), f"doubtful_{source}"
        )
        good, bad = duplicates.arrivals(doubtful, source, self.context.day)
        known = duplicates.among(earlier, hashes, how="left_semi")
        stays, aside = duplicates.without_repeats(good, known, source)
        bad = self.context.scratch.keep(bad, f"bad_{source}")
        aside = self.context.scratch.keep(aside, f"repeats_{source}")
        plain = duplicates.among(self._as_they_are(source, rows), hashes, how="left_anti")
        good = plain.unionByName(stays)
        return _Arrival(good, bad, self._judged(source, bad, aside), aside, named)

    def _all_good(self, source: str, rows: DataFrame) -> tuple[DataFrame, DataFrame, Quality]:
        """Rows of which none breaks a rule, no quarantine rows, and the numbers of both."""
        _, nothing = duplicates.arrivals(rows.limit(0), source, self.context.day)
        number = self.context.landing.rows(source, self.context.day)
        judged = Quality(source, self.context.day, number, 0, Counter(), nothing)
        return self._as_they_are(source, rows), nothing, judged

    def _as_they_are(self, source: str, rows: DataFrame) -> DataFrame:
        """Rows of which none breaks a rule."""
        return rows.select(*contracts.landing(source).names, F.lit(self.context.day).alias("dt"))

    def _earlier(self, source: str, known: DataFrame, dates: Sequence[date]) -> DataFrame:
        """Earlier rows of `known` windows that are named now, which are on these business dates.

        Also rows that are set aside, of all windows: they are few.
        """
        columns = [*contracts.landing(source).names, "dt"]
        keys = F.broadcast(known.select(*WINDOW))
        accepted = self.context.warehouse.read(source).where(F.col("business_date").isin(dates))
        accepted = accepted.join(keys, on=WINDOW, how="left_semi")
        aside = self.context.warehouse.read(f"_set_aside_{source}")
        return accepted.select(*columns).unionByName(aside.select(*columns))

    def _judged(self, source: str, bad: DataFrame, aside: DataFrame | None = None) -> Quality:
        """The rows in numbers; of those that are set aside conflicts count as bad."""
        reasons, quarantined = counted(bad.groupBy("reasons").count().collect())
        if aside is not None:
            conflicts = aside.where(F.col("reason") == duplicates.CONFLICT)
            if number := conflicts.count():
                reasons[duplicates.CONFLICT] = number
                quarantined += number
                bad = bad.unionByName(row_rules.set_aside(conflicts, contracts.landing(source)))
        rows = self.context.landing.rows(source, self.context.day)
        return Quality(source, self.context.day, rows, quarantined, reasons, bad)

    def _pass_gates(self, arrivals: dict[str, _Arrival]) -> None:
        for arrival in arrivals.values():
            self.tally.rows_in += arrival.judged.rows
            self.tally.quarantined_by_reason += arrival.judged.reasons
        self.context.gates.pass_all(arrival.judged for arrival in arrivals.values())

    # Writing

    def _place(self, source: str, arrival: _Arrival, in_force: DataFrame) -> int:
        """Accepts events, and sets aside those of windows that are unknown or too old."""
        grace_days = self.context.settings.grace_days
        assert arrival.named is not None  # as of all events
        named = named_by(arrival.named, in_force)
        accepted, aside = duplicates.placed(arrival.good, named, grace_days)
        here, elsewhere = duplicates.placed(arrival.named, named, grace_days)
        dates = days(here, "business_date")
        number = self.context.warehouse.append(source, accepted, dates)
        if not elsewhere.isEmpty():  # or the rows need not be gone through once more
            self._set_aside(source, self.context.scratch.keep(aside, f"elsewhere_{source}"))
        return number

    def _set_aside(self, source: str, aside: DataFrame) -> None:
        counts = self.placement.set_aside(source, aside)
        self.tally.rows_quarantined += counts.total()
        counts.pop(duplicates.CONFLICT, None)  # counted with the gates
        self.tally.quarantined_by_reason.update(counts)


def _known_of(named: DataFrame, before: DataFrame) -> tuple[list[date], bool]:
    """The dates of windows that events name, and whether all of these can be windows.

    Windows are few, so their ids are looked at here, and not in every row that has them.
    """
    known = named.join(before.select(*WINDOW, "business_date"), on=WINDOW, how="left")
    found = known.agg(
        F.collect_set("business_date").alias("dates"),
        F.bool_or(row_rules.names_no_window()).alias("are_none"),
    ).collect()[0]
    return sorted(found["dates"]), not found["are_none"]
