"""Taking in one arrival date: the shell around `ingest`, which reads, gates and writes.

docs/rules.md section 2. Everything is judged, and every gate passed, before anything is written.
Earlier arrival dates whose files have changed since come first (`corrections`).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from solatium import contracts
from solatium.contracts import EVENTS
from solatium.contracts.keys import WINDOW
from solatium.dataframes.compare import days
from solatium.landing import duplicates, row_rules
from solatium.landing.event_order import unordered
from solatium.landing.gates import Judged, counted
from solatium.nightly.changed_files import Corrected, Corrections
from solatium.nightly.context import Context
from solatium.nightly.placement import Placing
from solatium.nightly.tally import Tally
from solatium.rules import windows


@dataclass(frozen=True)
class Known:
    """What an intake leaves: the windows in force `before` it and after it, and what changed.

    `changed` are windows that are not as they were before, with `old_date` and `new_date`;
    `corrected` is what other files of earlier arrival dates have changed, if any did.
    """

    before: DataFrame
    in_force: DataFrame
    changed: DataFrame
    corrected: Corrected | None


@dataclass(frozen=True)
class _Arrival:
    """Rows of one landing table, judged by themselves and by their ids, not yet by windows.

    `bad` are quarantine rows, `aside` repeats and conflicts, None where there are none. `named` has
    the keys of the windows that events name, with `dt`.
    """

    good: DataFrame
    bad: DataFrame
    judged: Judged
    aside: DataFrame | None = None
    named: DataFrame | None = None


class Intake:
    """Takes in the landing rows of one arrival date `day`."""

    def __init__(self, context: Context, tally: Tally) -> None:
        self.context = context
        self.warehouse = context.warehouse
        self.scratch = context.scratch
        self.settings = context.settings
        self.day = context.day
        self.tally = tally
        self.placing = Placing(context)

    def take(self) -> Known:
        """Accepts, sets aside and quarantines what arrived; InputError where a gate is shut."""
        versions = self.placing.versions()
        start = before = self.scratch.keep(self.placing.in_force(versions), "windows_before")
        corrected = None
        if self.context.again:
            corrected = Corrections(self.context, self.tally, self.placing).take(versions, before)
            versions, before = corrected.versions, corrected.in_force
        files = self.context.landing.arrived(self.day)
        arrivals = {
            source: self._arrival(source, before) for source in contracts.LANDING if source in files
        }
        self._pass_gates(arrivals)
        with self.context.stages.stage("accept", self.day) as stage:
            for source, arrival in arrivals.items():
                if arrival.judged.reasons:
                    self.tally.rows_quarantined += self.placing.quarantine(arrival.bad)
                if arrival.aside is not None:
                    self._set_aside(source, arrival.aside)
            if "accounts" in arrivals:
                stage.rows_out += self.warehouse.append("accounts", arrivals["accounts"].good)
            if "windows" in arrivals:
                good, is_late = arrivals["windows"].good, windows.is_late(self.settings)
                visible = good.where(~is_late)
                stage.rows_out += self.warehouse.append("windows", visible)
                versions = versions.unionByName(visible.select(*versions.columns))
                self._set_aside("windows", good.where(is_late).withColumn("reason", F.lit("late")))
            in_force = self.scratch.keep(self.placing.in_force(versions), "windows_in_force")
            changed = self.scratch.keep(windows.changed(before, in_force), "windows_changed")
            moved = windows.moved(changed)
            has_moved = moved.count() > 0
            for source in EVENTS:
                if has_moved:
                    self.placing.follow(source, moved, in_force)
                if source in arrivals:
                    stage.rows_out += self._place(source, arrivals[source], in_force)
            stage.rows_in = self.tally.rows_in
        if corrected is not None:
            changed = self.scratch.keep(windows.changed(start, in_force), "windows_changed_in_all")
        return Known(start, in_force, changed, corrected)

    # Judging

    def _arrival(self, source: str, before: DataFrame) -> _Arrival:
        with self.context.stages.stage(f"read {source}", self.day) as stage:
            stage.rows_in = self.context.landing.rows(source, self.day)
            rows = self.context.landing.read(
                self.warehouse.engine, self.scratch.folder, source, self.day
            )
            if source in EVENTS:
                arrival = self._events(source, rows, before)
                if found := unordered(rows, arrival.good, source, self.day):
                    self.tally.unordered.append(found)
            else:
                arrival = self._versions(source, rows)
            stage.rows_out = stage.rows_in - arrival.judged.quarantined
            return arrival

    def _versions(self, source: str, rows: DataFrame) -> _Arrival:
        good, bad = duplicates.arrivals(rows, source, self.day)
        bad = self.scratch.keep(bad, f"bad_{source}")
        judged = self._judged(source, bad)
        if not judged.quarantined:
            good = self._as_they_are(source, rows)
        if source == "windows":
            good = self.scratch.keep(good, "arrived_windows")
        return _Arrival(good, bad, judged)

    def _events(self, source: str, rows: DataFrame, before: DataFrame) -> _Arrival:
        """Only rows that are malformed, and such with the id of another, are looked at closely."""
        named = rows.select(*WINDOW).distinct().withColumn("dt", F.lit(self.day))
        named = self.scratch.keep(named, f"windows_of_{source}")
        earlier = self._earlier(source, named, before)
        hashes = duplicates.doubtful(rows, earlier, source)
        hashes = self.scratch.keep(hashes, f"doubtful_hashes_{source}")
        plain = self._as_they_are(source, rows)
        if hashes.count() == 0:
            _, nothing = duplicates.arrivals(rows.limit(0), source, self.day)
            number = self.context.landing.rows(source, self.day)
            judged = Judged(source, self.day, number, 0, Counter(), nothing)
            return _Arrival(plain, nothing, judged, named=named)
        doubtful = self.scratch.keep(
            duplicates.among(rows, hashes, how="left_semi"), f"doubtful_{source}"
        )
        good, bad = duplicates.arrivals(doubtful, source, self.day)
        known = duplicates.among(earlier, hashes, how="left_semi")
        stays, aside = duplicates.without_repeats(good, known, source)
        bad = self.scratch.keep(bad, f"bad_{source}")
        aside = self.scratch.keep(aside, f"repeats_{source}")
        good = duplicates.among(plain, hashes, how="left_anti").unionByName(stays)
        return _Arrival(good, bad, self._judged(source, bad, aside), aside, named)

    def _as_they_are(self, source: str, rows: DataFrame) -> DataFrame:
        """Rows of which none breaks a rule."""
        return rows.select(*contracts.landing(source).names, F.lit(self.day).alias("dt"))

    def _earlier(self, source: str, named: DataFrame, before: DataFrame) -> DataFrame:
        """The rows of windows that are named now, and all that are set aside, of earlier dates."""
        columns = [*contracts.landing(source).names, "dt"]
        dates = days(before.join(named, on=WINDOW, how="left_semi"), "business_date")
        accepted = self.warehouse.read(source).where(F.col("business_date").isin(dates))
        aside = self.warehouse.read(f"_set_aside_{source}")
        return accepted.select(*columns).unionByName(aside.select(*columns))

    def _judged(self, source: str, bad: DataFrame, aside: DataFrame | None = None) -> Judged:
        """The rows in numbers; of those that are set aside conflicts count as bad."""
        reasons, quarantined = counted(bad.groupBy("reasons").count().collect())
        if aside is not None:
            conflicts = aside.where(F.col("reason") == duplicates.CONFLICT)
            if number := conflicts.count():
                reasons[duplicates.CONFLICT] = number
                quarantined += number
                bad = bad.unionByName(row_rules.set_aside(conflicts, contracts.landing(source)))
        rows = self.context.landing.rows(source, self.day)
        return Judged(source, self.day, rows, quarantined, reasons, bad)

    def _pass_gates(self, arrivals: dict[str, _Arrival]) -> None:
        for arrival in arrivals.values():
            self.tally.rows_in += arrival.judged.rows
            self.tally.quarantined_by_reason += arrival.judged.reasons
        self.context.gates.pass_all(arrival.judged for arrival in arrivals.values())

    # Writing

    def _place(self, source: str, arrival: _Arrival, in_force: DataFrame) -> int:
        """Accepts events, and sets aside those of windows that are unknown or too old."""
        accepted, aside = duplicates.placed(arrival.good, in_force, self.settings.grace_days)
        number = self.warehouse.append(source, accepted)
        assert arrival.named is not None  # as of all events
        _, elsewhere = duplicates.placed(arrival.named, in_force, self.settings.grace_days)
        if elsewhere.head(1):  # or the rows need not be gone through once more
            self._set_aside(source, aside)
        return number

    def _set_aside(self, source: str, aside: DataFrame) -> None:
        counts = self.placing.set_aside(source, aside)
        self.tally.rows_quarantined += counts.total()
        counts.pop(duplicates.CONFLICT, None)  # counted with the gates
        self.tally.quarantined_by_reason.update(counts)
