"""Taking in one arrival date: the shell around `ingest`, which reads, gates and writes.

docs/rules.md section 2. Everything is judged, and every gate passed, before anything is written.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from solatium import contracts, ingest, row_rules, windows
from solatium.context import Context
from solatium.contracts import EVENTS
from solatium.errors import InputError

_SAMPLE = 5
_WINDOW = list(windows.KEY)


@dataclass
class Tally:
    """What a night counts for the run log and the summary."""

    rows_in: int = 0
    rows_quarantined: int = 0
    quarantined_by_reason: Counter[str] = field(default_factory=Counter)
    windows_judged: int = 0
    windows_restated: int = 0
    windows_held: int = 0
    entries_posted: int = 0
    entries_sum: Decimal = Decimal(0)
    gates_accepted: list[str] = field(default_factory=list)

    def __iadd__(self, other: Tally) -> Tally:
        for name in vars(self):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        return self


@dataclass(frozen=True)
class Known:
    """The windows in force after an intake, and those that are not as they were before it."""

    in_force: DataFrame
    changed: DataFrame


@dataclass(frozen=True)
class _Arrival:
    """Rows of one landing table, judged by themselves and by their ids, not yet by windows."""

    rows: int
    good: DataFrame
    bad: DataFrame  # as quarantine rows
    conflicts: DataFrame | None
    quarantined: int
    reasons: Counter[str]


class Intake:
    """Takes in the landing rows of one arrival date `day`."""

    def __init__(self, context: Context, tally: Tally) -> None:
        self.context = context
        self.warehouse = context.warehouse
        self.scratch = context.scratch
        self.settings = context.settings
        self.day = context.day
        self.tally = tally

    def take(self) -> Known:
        """Accepts, sets aside and quarantines what arrived; InputError where a gate is shut."""
        before = self.scratch.keep(self._in_force(), "windows_before")
        files = self.context.landing.arrived(self.day)
        arrivals = {
            source: self._arrival(source, before) for source in contracts.LANDING if source in files
        }
        self._pass_gates(arrivals)
        with self.context.stages.stage("accept", self.day) as stage:
            for source, arrival in arrivals.items():
                if arrival.reasons:
                    self._quarantine(arrival.bad)
                if arrival.conflicts is not None:
                    self._set_aside(source, arrival.conflicts)
            if "accounts" in arrivals:
                stage.rows_out += self.warehouse.append("accounts", arrivals["accounts"].good)
            if "windows" in arrivals:
                good, is_late = arrivals["windows"].good, windows.is_late(self.settings)
                stage.rows_out += self.warehouse.append("windows", good.where(~is_late))
                self._set_aside("windows", good.where(is_late).withColumn("reason", F.lit("late")))
            in_force = self.scratch.keep(self._in_force(), "windows_in_force")
            changed = self.scratch.keep(windows.changed(before, in_force), "windows_changed")
            moved = changed.where(~F.col("old_date").eqNullSafe(F.col("new_date")))
            has_moved = moved.count() > 0
            for source in EVENTS:
                if has_moved:
                    self._judge_again(source, moved, in_force)
                if source in arrivals:
                    good = arrivals[source].good
                    accepted, aside = ingest.placed(good, in_force, self.settings.grace_days)
                    stage.rows_out += self.warehouse.append(source, accepted)
                    self._set_aside(source, aside)
            stage.rows_in = self.tally.rows_in
        return Known(in_force, changed)

    def _in_force(self) -> DataFrame:
        late = self.warehouse.read("_set_aside_windows").drop("reason")
        visible = self.warehouse.read("windows")
        return windows.in_force(visible, late, self.settings, self.context.regimes)

    # Judging

    def _arrival(self, source: str, before: DataFrame) -> _Arrival:
        with self.context.stages.stage(f"read {source}", self.day) as stage:
            stage.rows_in = self.context.landing.rows(source, self.day)
            raw = self.context.landing.read(
                self.warehouse.engine, self.scratch.folder, source, self.day
            )
            good, bad = ingest.arrivals(raw, source, self.day)
            bad = self.scratch.keep(bad, f"bad_{source}")
            counted = bad.groupBy("reasons").count().collect()
            reasons = Counter[str]()
            for row in counted:
                for reason in row["reasons"]:
                    reasons[reason] += row["count"]
            quarantined = sum(row["count"] for row in counted)
            conflicts = None
            if source == "windows":
                good = self.scratch.keep(good, "arrived_windows")
            elif source in EVENTS:
                good, conflicts = self._without_repeats(source, good, before)
                if conflicts is not None and (number := conflicts.count()):
                    reasons["event_id_conflict"] = number
                    quarantined += number
            stage.rows_out = stage.rows_in - quarantined
        return _Arrival(stage.rows_in, good, bad, conflicts, quarantined, reasons)

    def _without_repeats(
        self, source: str, rows: DataFrame, before: DataFrame
    ) -> tuple[DataFrame, DataFrame | None]:
        """The rows less their repetitions, and those that have another event's id."""
        named = rows.select(*_WINDOW).distinct()
        dates = days(before.join(named, on=_WINDOW, how="left_semi"), "business_date")
        accepted = self.warehouse.read(source).where(F.col("business_date").isin(dates))
        aside = self.warehouse.read(f"_set_aside_{source}")
        earlier = accepted.select(*rows.columns).unionByName(aside.select(*rows.columns))
        hashes = self.scratch.keep(ingest.repeated(rows, earlier), f"repeated_{source}")
        if hashes.count() == 0:
            return rows, None
        once, conflicts = ingest.without_repeats(rows, earlier, hashes, source)
        return once, self.scratch.keep(conflicts, f"conflicts_{source}")

    def _pass_gates(self, arrivals: dict[str, _Arrival]) -> None:
        """InputError where too many rows of a table are bad."""
        most = self.settings.gates.max_quarantine_share
        problems = []
        for source, arrival in arrivals.items():
            self.tally.rows_in += arrival.rows
            self.tally.quarantined_by_reason += arrival.reasons
            if arrival.quarantined <= most * arrival.rows:
                continue
            if source in self.context.gates:
                self.tally.gates_accepted.append(str(self.context.gates[source]))
            else:
                reasons = ", ".join(f"{code} {n}" for code, n in arrival.reasons.most_common())
                bad = arrival.bad
                if arrival.conflicts is not None:
                    contract = contracts.landing(source)
                    bad = bad.unionByName(row_rules.set_aside(arrival.conflicts, contract))
                sample = bad.select("reasons", "payload").limit(_SAMPLE).collect()
                problems.append(
                    f"{source}, dt={self.day}: {arrival.quarantined} of {arrival.rows} rows are "
                    f"bad ({reasons}), such as"
                )
                problems += [
                    f"  {', '.join(row['reasons'])}: {row['payload'][:200]}" for row in sample
                ]
        if problems:
            raise InputError(
                f"{self.day} was not handled: more rows are bad than gates.max_quarantine_share "
                f"({most}) allows. Correct the files, set a wider gate, or let one pass with "
                "--accept-gate TABLE:DATE:REASON",
                problems,
            )

    # Writing

    def _quarantine(self, rows: DataFrame) -> None:
        self.tally.rows_quarantined += self.warehouse.append("quarantine", rows)

    def _set_aside(self, source: str, aside: DataFrame) -> None:
        """Keeps rows that are not accepted: typed for the pipeline, and as text for people."""
        aside = self.scratch.keep(aside, f"aside_{source}")
        counts = {row["reason"]: row["count"] for row in aside.groupBy("reason").count().collect()}
        if counts:
            counts.pop("event_id_conflict", None)  # counted with the gates
            self.tally.quarantined_by_reason.update(counts)
            self.warehouse.append(f"_set_aside_{source}", aside)
            self._quarantine(row_rules.set_aside(aside, contracts.landing(source)))

    def _judge_again(self, source: str, moved: DataFrame, in_force: DataFrame) -> None:
        """Places the earlier rows of windows that have turned up, or are on another date now."""
        table = f"_set_aside_{source}"
        aside = self.warehouse.read(table)
        by_window = F.col("reason") != "event_id_conflict"
        hit = aside.where(by_window).join(moved.select(*_WINDOW), on=_WINDOW, how="left_semi")
        old_dates = days(moved, "old_date")
        accepted = self.warehouse.read(source).where(F.col("business_date").isin(old_dates))
        leaving = accepted.join(moved.select(*_WINDOW), on=_WINDOW, how="left_semi")
        again = self.scratch.keep(
            hit.drop("reason").unionByName(leaving.drop("business_date")), f"again_{source}"
        )
        if again.count() == 0:
            return
        now_accepted, now_aside = ingest.placed(again, in_force, self.settings.grace_days)
        arrival_dates = sorted({*days(hit, "dt"), *days(now_aside, "dt")})
        staying = aside.where(F.col("dt").isin(arrival_dates)).exceptAll(
            hit.where(F.col("dt").isin(arrival_dates)).select(*aside.columns)
        )
        self.warehouse.replace(
            table,
            staying.unionByName(now_aside.select(*aside.columns)),
            column="dt",
            dates=arrival_dates,
        )
        self._show_again(source, arrival_dates)
        remaining = accepted.join(moved.select(*_WINDOW), on=_WINDOW, how="left_anti")
        self.warehouse.replace(source, remaining, column="business_date", dates=old_dates)
        self.warehouse.append(source, now_accepted)

    def _show_again(self, source: str, arrival_dates: list[date]) -> None:
        """Brings the quarantine of these dates in line with what is set aside."""
        of_dates = F.col("dt").isin(arrival_dates)
        quarantine = self.warehouse.read("quarantine").where(of_dates)
        is_set_aside = F.array_contains(
            F.array(*(F.lit(code) for code in row_rules.QUARANTINED_LATER)),
            F.element_at("reasons", 1),
        )
        others = quarantine.where((F.col("source") != source) | ~is_set_aside)
        aside = self.warehouse.read(f"_set_aside_{source}").where(of_dates)
        shown = row_rules.set_aside(aside, contracts.landing(source))
        self.warehouse.replace(
            "quarantine", others.unionByName(shown), column="dt", dates=arrival_dates
        )


def days(frame: DataFrame, column: str) -> list[date]:
    """The distinct dates in a column, in order, nulls left out: a few, brought to the driver."""
    found: Iterable = frame.select(column).where(F.col(column).isNotNull()).distinct().collect()
    return sorted(row[column] for row in found)
