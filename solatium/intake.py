"""Taking in one arrival date: the shell around `ingest`, which reads, gates and writes.

docs/rules.md section 2. Everything is judged, and every gate passed, before anything is written.
Earlier arrival dates whose files have changed since come first (`corrections`).
"""

from __future__ import annotations

from dataclasses import dataclass

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from solatium import contracts, ingest, row_rules, windows
from solatium.context import Context
from solatium.contracts import EVENTS
from solatium.corrections import Corrected, Corrections
from solatium.gates import Judged, counted
from solatium.placing import Placing, days
from solatium.tally import Tally

_WINDOW = list(windows.KEY)


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
    """Rows of one landing table, judged by themselves and by their ids, not yet by windows."""

    good: DataFrame
    bad: DataFrame  # as quarantine rows
    aside: DataFrame | None  # repeats and conflicts
    judged: Judged


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
        start = before = self.scratch.keep(self.placing.in_force(), "windows_before")
        corrected = None
        if self.context.again:
            corrected = Corrections(self.context, self.tally, self.placing).take(before)
            before = corrected.in_force
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
                stage.rows_out += self.warehouse.append("windows", good.where(~is_late))
                self._set_aside("windows", good.where(is_late).withColumn("reason", F.lit("late")))
            in_force = self.scratch.keep(self.placing.in_force(), "windows_in_force")
            changed = self.scratch.keep(windows.changed(before, in_force), "windows_changed")
            moved = windows.moved(changed)
            has_moved = moved.count() > 0
            for source in EVENTS:
                if has_moved:
                    self.placing.follow(source, moved, in_force)
                if source in arrivals:
                    good = arrivals[source].good
                    accepted, aside = ingest.placed(good, in_force, self.settings.grace_days)
                    stage.rows_out += self.warehouse.append(source, accepted)
                    self._set_aside(source, aside)
            stage.rows_in = self.tally.rows_in
        if corrected is not None:
            changed = self.scratch.keep(windows.changed(start, in_force), "windows_changed_in_all")
        return Known(start, in_force, changed, corrected)

    # Judging

    def _arrival(self, source: str, before: DataFrame) -> _Arrival:
        with self.context.stages.stage(f"read {source}", self.day) as stage:
            stage.rows_in = self.context.landing.rows(source, self.day)
            raw = self.context.landing.read(
                self.warehouse.engine, self.scratch.folder, source, self.day
            )
            good, bad = ingest.arrivals(raw, source, self.day)
            bad = self.scratch.keep(bad, f"bad_{source}")
            reasons, quarantined = counted(bad.groupBy("reasons").count().collect())
            aside, shown = None, bad
            if source == "windows":
                good = self.scratch.keep(good, "arrived_windows")
            elif source in EVENTS:
                good, aside = self._without_repeats(source, good, before)
                if aside is not None:
                    conflicts = aside.where(F.col("reason") == ingest.CONFLICT)
                    if number := conflicts.count():
                        reasons[ingest.CONFLICT] = number
                        quarantined += number
                    contract = contracts.landing(source)
                    shown = bad.unionByName(row_rules.set_aside(conflicts, contract))
            stage.rows_out = stage.rows_in - quarantined
        judged = Judged(source, self.day, stage.rows_in, quarantined, reasons, shown)
        return _Arrival(good, bad, aside, judged)

    def _without_repeats(
        self, source: str, rows: DataFrame, before: DataFrame
    ) -> tuple[DataFrame, DataFrame | None]:
        """The rows less their repetitions, and those that repeat another event, or its id."""
        named = rows.select(*_WINDOW).distinct()
        dates = days(before.join(named, on=_WINDOW, how="left_semi"), "business_date")
        accepted = self.warehouse.read(source).where(F.col("business_date").isin(dates))
        aside = self.warehouse.read(f"_set_aside_{source}")
        earlier = accepted.select(*rows.columns).unionByName(aside.select(*rows.columns))
        hashes = self.scratch.keep(ingest.repeated(rows, earlier), f"repeated_{source}")
        if hashes.count() == 0:
            return rows, None
        once, others = ingest.without_repeats(rows, earlier, hashes, source)
        return once, self.scratch.keep(others, f"repeats_{source}")

    def _pass_gates(self, arrivals: dict[str, _Arrival]) -> None:
        for arrival in arrivals.values():
            self.tally.rows_in += arrival.judged.rows
            self.tally.quarantined_by_reason += arrival.judged.reasons
        self.context.gates.pass_all(arrival.judged for arrival in arrivals.values())

    # Writing

    def _set_aside(self, source: str, aside: DataFrame) -> None:
        counts = self.placing.set_aside(source, aside)
        self.tally.rows_quarantined += counts.total()
        counts.pop(ingest.CONFLICT, None)  # counted with the gates
        self.tally.quarantined_by_reason.update(counts)
