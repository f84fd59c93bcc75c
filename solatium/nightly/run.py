"""A run: which dates are to be handled, on which ground, and the commit record of each.

docs/rules.md sections 1, 9 and 10. A run handles every date up to D that is not handled yet. It
also goes back, to the first date that would now be handled otherwise: one that is asked for again,
whose landing files are others than they were, or that another configuration judged. Going back is
taking the tables back to the commit before that date; the dates from there on are then handled
again, in order, and the ledger posts what differs.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import uuid4

from pyspark.sql import functions as F
from rich.console import Console

from solatium import __version__, contracts, engine
from solatium.contracts.calendar import shifted
from solatium.contracts.outcomes import HELD
from solatium.dataframes.counting import count_where
from solatium.engine import Engine
from solatium.errors import SolatiumError, UsageError, reason
from solatium.landing import event_order
from solatium.landing.gates import AcceptedGate, Gates, accepted_on
from solatium.landing.zone import LandingZone
from solatium.laws.verdict import Gate, gate_apart
from solatium.nightly import progress
from solatium.nightly.campaigns import campaigns_by_date
from solatium.nightly.context import Context
from solatium.nightly.night import TABLES, Night
from solatium.nightly.progress import Stages, log
from solatium.nightly.tally import Tally
from solatium.settings.differences import Difference, differences, differences_of_all_dates, span
from solatium.settings.load import Settings
from solatium.settings.regimes import Regimes
from solatium.storage.lease import Lease
from solatium.storage.location import Location
from solatium.warehouse.diagnosis import diagnosed
from solatium.warehouse.tables import Commit, Warehouse

_ONE_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Request:
    """What a run is asked to do: to handle all dates up to `day`.

    `again_from` is a date from which everything is judged anew. `rescan` looks at the landing files
    of all arrival dates, not only of the last `rescan_days`. `restate` lets another configuration
    judge the closed dates too. `accepted` are gates that may be passed. In
    `data_docs` the checks of every night are written down as pages.
    """

    landing: Location
    warehouse: Location
    settings: Settings
    engine: str
    day: date
    again_from: date | None = None
    rescan: bool = False
    restate: bool = False
    accepted: tuple[AcceptedGate, ...] = ()
    data_docs: Location | None = None


@dataclass
class Report:
    """What a run did, for its closing summary.

    A row of `results` is one business date: its windows and the sums of their numbers.
    """

    handled: list[date] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    tally: Tally = field(default_factory=Tally)
    results: list[dict[str, Any]] = field(default_factory=list)
    held: list[str] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class _Plan:
    """The first date to handle, and the earlier arrival dates to take again with it, by table."""

    first: date
    again: dict[date, list[str]]
    notes: tuple[str, ...]


def run(
    request: Request,
    console: Console,
    running: Engine | None = None,
    expectations: Gate | None = None,
) -> Report:
    """Does what is asked, on the engine that is `running`, or else on one that it starts.

    Every night is held against `expectations`, or else against all that there are.

    Raises a SolatiumError where it cannot, with nothing left half-written.
    """
    if not request.landing.is_folder():
        raise UsageError(f"{request.landing}: there is no landing zone; expected a folder")
    if request.warehouse.path.resolve() == request.landing.path.resolve():
        raise UsageError(f"{request.landing}: landing zone and warehouse must be two folders")
    landing = LandingZone(request.landing, request.settings.sources)
    holder = {"engine": request.engine, "date": request.day.isoformat()}
    with (
        request.warehouse.plainly_named() as root,
        diagnosed(root),
        root.held(holder) as lease,
    ):
        # what can be refused is refused before an engine starts
        lineage = Warehouse.lineage(root)
        if request.again_from is not None and lineage:
            # dates that were handled later stand on those that are judged anew, and follow them
            request = replace(request, day=max(request.day, lineage[-1].day))
        plan = _plan(request, landing, root, lineage)
        arrivals = [*plan.again, *_days(plan.first, request.day)]
        notes = [*plan.notes, *landing.check(arrivals)]
        if lease.taken_over:
            notes.insert(0, f"taking over from a run that did not end well: {lease.taken_over}")
        memory_mb = request.settings.embedded_memory_mb
        starting = engine.running(request.engine, memory_mb=memory_mb)
        loading = gate_apart(docs=request.data_docs is not None)
        with (
            nullcontext(expectations) if expectations else loading as checks,
            nullcontext(running) if running else starting as started,
        ):
            warehouse = Warehouse(started, root, TABLES, lease)
            dates = _Run(request, landing, warehouse, lineage, plan, notes, checks)
            return dates.handle(console, lease)


# What is to be handled


def _plan(
    request: Request, landing: LandingZone, root: Location, lineage: Sequence[Commit]
) -> _Plan:
    arrivals = landing.dates()
    earliest = min([day for day in arrivals if day <= request.day], default=request.day)
    if not lineage:
        return _Plan(earliest, {}, ())
    newest = lineage[-1].day
    if request.day < newest:
        raise UsageError(
            f"{request.day} is before {newest}, the newest date that this warehouse has handled",
            [f"give --date {newest} or later; backfill judges earlier dates anew"],
        )
    reasons: dict[date, str] = {}
    if request.again_from is not None:
        reasons[request.again_from] = "as was asked"
    differing = _differing(request, root, lineage)
    if differing:
        # a business date is first judged by the run of that date
        first = min(difference.first for difference in differing)
        keys = ", ".join(dict.fromkeys(difference.name for difference in differing))
        reasons[max(first, min(earliest, lineage[0].day))] = f"other settings: {keys}"
    next_day = min(shifted(newest, _ONE_DAY), request.day)
    start = min(earliest, lineage[0].day)
    first = max(min([*reasons, next_day]), start)
    base = [commit for commit in lineage if commit.day < first][-1:]
    if not Warehouse.kept(root, base) and base:
        first = start
        reasons[first] = f"the tables of {base[0].day}, on which others stand, are no longer kept"
    notes = [f"judging anew from {day} on: {reason}" for day, reason in sorted(reasons.items())]
    again = _changed_arrivals(request, landing, lineage, first)
    notes += [
        f"taking dt={day} again: its files have changed: {', '.join(tables)}"
        for day, tables in again.items()
    ]
    return _Plan(first, again, tuple(notes))


def _differing(request: Request, root: Location, lineage: Sequence[Commit]) -> list[Difference]:
    """What would judge handled dates otherwise than they were, so that they must be judged again.

    Dates that are open are judged again by every run. But settings that concern all dates alike
    decide what came in, and count for open dates too. UsageError where closed dates would be judged
    otherwise, and nobody asked for it.
    """
    newest = lineage[-1]
    then = Settings.from_judging(newest.judging)
    if request.settings.judging() == then.judging():
        return []
    last_closed = shifted(newest.day, -timedelta(days=then.grace_days))
    judged = campaigns_by_date(root, newest, last_closed)
    # the first night may have closed dates before its own
    first = min([lineage[0].day, *judged])
    if first > last_closed:
        return differences_of_all_dates(request.settings, then, first, newest.day)
    closed = [
        *differences_of_all_dates(request.settings, then, first, last_closed),
        *differences(request.settings, then, judged),
    ]
    if closed and not request.restate:
        raise _other_judgement(closed, last_closed)
    return closed


def _other_judgement(closed: Sequence[Difference], last_closed: date) -> UsageError:
    first = min(difference.first for difference in closed)
    last = max(difference.last for difference in closed)
    dates = f"closed date{'' if first == last else 's'} {span(first, last)}"
    advice = ["give --restate to have the past judged anew by these settings, or take them back"]
    if not all(difference.concerns_all_dates for difference in closed):
        advice.append(
            f"to have them from {shifted(last_closed, _ONE_DAY)} on, the first date that is open, "
            "write them under changes"
        )
    return UsageError(
        f"this configuration would judge the {dates} otherwise than the warehouse was built "
        "with; nothing was changed",
        [*(str(difference) for difference in closed), *advice],
    )


def _changed_arrivals(
    request: Request, landing: LandingZone, lineage: Sequence[Commit], first: date
) -> dict[date, list[str]]:
    """Arrival dates before `first` whose files are not those that were handled, and the tables.

    What a night that is now taken back had taken again is looked at as well, however old it is.
    """
    handled: dict[date, dict[str, list[tuple[str, int, int]]]] = {}
    taken_again: set[date] = set()
    for commit in lineage:
        if commit.day < first:
            handled |= commit.files
        else:
            taken_again |= commit.files.keys()
    oldest = shifted(request.day, -timedelta(days=request.settings.rescan_days))
    changed = {}
    for day in sorted({*landing.dates(), *handled}):
        is_looked_at = day > oldest or request.rescan or day in taken_again
        if day >= first or not is_looked_at:
            continue
        now, then = landing.arrived(day), handled.get(day, {})
        if tables := [name for name in contracts.LANDING if now.get(name) != then.get(name)]:
            changed[day] = tables
    return changed


def _days(first: date, last: date) -> list[date]:
    return [first + timedelta(days=number) for number in range((last - first).days + 1)]


# Handling it


class _Run:
    def __init__(
        self,
        request: Request,
        landing: LandingZone,
        warehouse: Warehouse,
        lineage: list[Commit],
        plan: _Plan,
        notes: list[str],
        expectations: Gate,
    ) -> None:
        self.request = request
        self.landing = landing
        self.warehouse = warehouse
        self.plan = plan
        self.run_id = uuid4().hex
        self.started = datetime.now(UTC)
        self.newest = lineage[-1] if lineage else None
        self.commits = tuple(lineage)  # as the run found them
        self.expectations = expectations
        self.lineage = [commit for commit in lineage if commit.day < plan.first]
        self.taken_back = [commit for commit in lineage if commit.day >= plan.first]
        self.settled = lineage[-1].settled if lineage else date.min
        self.regimes = Regimes(request.settings)
        self.grace = timedelta(days=request.settings.grace_days)
        self.closed_before = shifted(lineage[-1].day, -self.grace) if lineage else None
        self.again = plan.again  # until a night has taken them
        self.report = Report(notes=notes)

    def handle(self, console: Console, lease: Lease) -> Report:
        for note in self.report.notes:
            log.info("%s", note)
        self.warehouse.prepare(self.newest)
        self.warehouse.rewind(self._base(), self.newest)
        days = _days(self.plan.first, self.request.day)
        with progress.shown(len(days), console, lease.renew) as stages:
            for day in days:
                if self._is_quiet(day):
                    stages.night_done()
                    continue
                try:
                    self._night(day, stages)
                except BaseException:
                    self._take_back()
                    raise
                finally:
                    if self.request.data_docs is not None:
                        self.expectations.write_docs(self.request.data_docs.path)
                stages.night_done()
            self.report.seconds = stages.seconds()
        self._collect_results()
        self.report.notes += event_order.notes(self.report.tally.unordered)
        used = self.report.tally.gates_accepted
        self.report.notes += [
            f"--accept-gate {gate}: not needed"
            for gate in self.request.accepted
            if str(gate) not in used
        ]
        return self.report

    def _take_back(self) -> None:
        """Takes back what a night that failed has written; the next run would do it too."""
        try:
            self.warehouse.rewind(self.newest, self.newest)
        except Exception as error:
            log.warning("what was written is left for the next run to take back: %s", reason(error))

    def _base(self) -> Commit | None:
        return self.lineage[-1] if self.lineage else None

    def _is_quiet(self, day: date) -> bool:
        """Whether a date would leave every table as it is: nothing arrived, nothing is open.

        What nights that were taken back had posted for a date is looked at when it closes again.
        """
        if self.again or shifted(day, -self.grace) <= self.settled:
            return False
        base = self._base()
        last_closed = shifted(day, -self.grace)
        is_open = base and any(last_closed <= awaited <= day for awaited in base.awaited)
        return day < self.request.day and not is_open and not self.landing.arrived(day)

    def _posted_from(self, day: date) -> date | None:
        """The first date for which the ledger may hold what nights taken back had posted."""
        closes = shifted(day, -self.grace)
        if closes > self.settled:
            return None
        return min([closes, *(commit.judged_from for commit in self.taken_back)])

    def _night(self, day: date, stages: Stages) -> None:
        with self.warehouse.scratch() as scratch:
            settings = self.request.settings
            context = Context(
                warehouse=self.warehouse,
                landing=self.landing,
                scratch=scratch,
                settings=settings,
                regimes=self.regimes,
                day=day,
                stages=stages,
                gates=self._gates(day),
                expectations=self.expectations,
                again=self.again,
            )
            night = Night(context, self.lineage)
            try:
                awaited = night.handle(self.closed_before, self._posted_from(day))
            except SolatiumError:
                raise
            except Exception:
                days = [*self.again, day]
                self.landing.verify(self.warehouse.engine, scratch.folder, days)
                raise
        night.tally.gates_accepted = context.gates.passed
        self.report.tally += night.tally
        self.report.handled.append(day)
        if day == self.request.day:
            self._log_run()
        base = self._base()
        self.settled = max(self.settled, night.last_closed)
        self.newest = self.warehouse.commit(
            Commit(
                number=self.newest.number + 1 if self.newest else 1,
                parent=base.number if base else None,
                day=day,
                run_id=self.run_id,
                engine=self.request.engine,
                version=__version__,
                config_digest=settings.digest(),
                judging=settings.judging(),
                awaited=awaited,
                judged_from=night.first,
                settled=self.settled,
                files={taken: self.landing.arrived(taken) for taken in (*self.again, day)},
                gates_accepted=tuple(night.tally.gates_accepted),
            )
        )
        self.lineage.append(self.newest)
        self.taken_back = []
        self.again = {}

    def _gates(self, day: date) -> Gates:
        """The gates of a night; of any arrival date, since one taken again may concern others."""
        days = {*(commit.day for commit in self.lineage), *self.again, day}
        accepted = {
            each: accepted_on(each, self.request.accepted, self.commits, self.landing.arrived(each))
            for each in (days if self.again else [day])
        }
        return Gates(day, self.request.settings.gates.max_quarantine_share, accepted)

    def _log_run(self) -> None:
        tally = self.report.tally
        row = {
            "run_id": self.run_id,
            "date": self.request.day,
            "started_at": self.started,
            "ended_at": datetime.now(UTC),
            "engine": self.request.engine,
            "version": __version__,
            "config_digest": self.request.settings.digest(),
            "rows_in": tally.rows_in,
            "rows_quarantined": tally.rows_quarantined,
            "quarantined_by_reason": json.dumps(tally.quarantined_by_reason, sort_keys=True),
            "windows_judged": tally.windows_judged,
            "windows_restated": tally.windows_restated,
            "windows_held": tally.windows_held,
            "restated_by_reason": json.dumps(tally.restated_by_reason()),
            "entries_posted": tally.entries_posted,
            "entries_sum": tally.entries_sum,
            "gates_accepted": tally.gates_accepted,
        }
        table = contracts.warehouse("run_log")
        rows = self.warehouse.engine.frame([row], table)
        self.warehouse.append("run_log", rows)

    def _collect_results(self) -> None:
        """Sums the windows of each business date that was judged: a row a date, a few in all."""
        numbers = ["participants", "qualified", "ready", "entries", "winners", "losers"]
        is_judged = F.col("business_date").between(
            F.lit(shifted(self.plan.first, -self.grace)), F.lit(self.request.day)
        )
        judged = self.warehouse.read("window_results").where(is_judged)
        sums = judged.groupBy("business_date").agg(
            F.count("*").alias("windows"), *(F.sum(name).alias(name) for name in numbers)
        )
        bonuses = (
            self.warehouse.read("bonus_awards")
            .where(is_judged)
            .groupBy("business_date")
            .agg(
                count_where(F.col("amount") > 0).alias("bonuses"),
                F.sum("amount").alias("bonus_amount"),
            )
        )
        rows = sums.join(bonuses, on="business_date", how="left").orderBy("business_date").collect()
        self.report.results = [row.asDict() for row in rows]
        held = judged.where(F.col("status").isin(*HELD))
        self.report.held = [
            f"{row.business_date}: window {row.window_id} of {row.commodity_id}: {row.status}"
            for row in held.orderBy("business_date", "commodity_id", "window_id").collect()
        ]
