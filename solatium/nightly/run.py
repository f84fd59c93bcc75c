"""A run: handles the dates of its plan, one after the other, and ends each with a commit record.

docs/rules.md sections 1, 9 and 10. Going back is taking the tables back to the commit before the
first date of the plan. The dates from there on are then handled again, in order, and the ledger
posts what differs. Readers see none of it before the run has reached the newest date that they have
seen (`warehouse.commits`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import replace
from datetime import UTC, date, datetime
from uuid import uuid4

from pyspark.sql import functions as F
from rich.console import Console

from solatium import engine
from solatium.contracts.calendar import moved
from solatium.contracts.internal import TABLES
from solatium.contracts.outcomes import HELD
from solatium.dataframes.counting import count_where
from solatium.engine import Engine
from solatium.errors import InputError, SolatiumError, UsageError, reason
from solatium.landing import completeness, event_order
from solatium.landing.completeness import Arrived
from solatium.landing.gates import AcceptedGate, Gates, accepted_on
from solatium.landing.zone import LandingZone
from solatium.laws.verdict import Gate, gate_apart
from solatium.nightly import plan as plans
from solatium.nightly import progress, run_log
from solatium.nightly.context import Context
from solatium.nightly.night import Night
from solatium.nightly.plan import Plan
from solatium.nightly.progress import Stages, log
from solatium.nightly.request import Report, Request, refuse_future
from solatium.settings.regimes import Regimes
from solatium.storage.lease import Lease
from solatium.version import VERSION
from solatium.warehouse import commits
from solatium.warehouse.commits import Commit
from solatium.warehouse.diagnosis import diagnosed, is_explained
from solatium.warehouse.tables import Warehouse


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
    refuse_future(request)
    if not request.landing.is_folder():
        raise UsageError(f"{request.landing}: there is no landing zone; expected a folder")
    _refuse_nested(request)
    landing = LandingZone(request.landing, request.settings.sources, request.settings.ignored_files)
    holder = {"engine": request.engine, "date": request.day.isoformat()}
    with (
        request.warehouse.plainly_named() as root,
        diagnosed(root),
        root.held(holder) as lease,
    ):
        # what can be refused is refused before an engine starts
        lineage, seen = commits.lineage(root), commits.published(root)
        commits.refuse_older(root, lineage)
        if request.again_from is not None:
            # dates that were handled later stand on those that are judged again, and follow them
            request = replace(request, day=plans.of_backfill(request, lineage, seen))
        plan = plans.plan_of(request, landing, root, lineage, seen)
        arrivals = [day for day in landing.dates() if plan.first <= day < request.day]
        notes = [*plan.notes, *landing.notes, *landing.check([*plan.again, *arrivals, request.day])]
        accepted = _accept_shortages(request, landing, lineage, seen, plan, notes)
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
            dates = _Run(request, landing, warehouse, lineage, seen, plan, notes, checks, accepted)
            return dates.handle(console, lease)


def _refuse_nested(request: Request) -> None:
    """UsageError where one of landing zone and warehouse lies inside the other, links followed."""
    landing, warehouse = request.landing.resolved(), request.warehouse.resolved()
    if warehouse == landing:
        raise UsageError(f"{request.landing}: landing zone and warehouse must be two folders")
    for inner, outer, what in (
        (warehouse, landing, "the warehouse lies inside the landing zone"),
        (landing, warehouse, "the landing zone lies inside the warehouse"),
    ):
        if inner.is_within(outer):
            raise UsageError(
                f"{inner}: {what} {outer}", ["name two folders, neither of them inside the other"]
            )
    if request.rejects is not None:
        rejects = request.rejects.resolved()
        for outer, what in ((landing, "landing zone"), (warehouse, "warehouse")):
            if rejects.is_within(outer):
                raise UsageError(
                    f"--write-rejects {request.rejects}: it lies inside the {what} {outer}",
                    ["name a folder outside of it, so that no run takes its rows for input"],
                )


def _accept_shortages(
    request: Request,
    landing: LandingZone,
    lineage: Sequence[Commit],
    seen: Sequence[Commit],
    plan: Plan,
    notes: list[str],
) -> dict[date, list[AcceptedGate]]:
    """The gates by which dates that lack input are let pass; InputError with all that are shut.

    Adds notes on tables that fell silent.
    """
    gates = request.settings.gates
    handled = max((commit.day for commit in (*lineage[-1:], *seen[-1:])), default=None)
    rows: dict[date, dict[str, int]] = {}
    for commit in lineage:
        rows |= commit.rows
    earlier = [Arrived(day, rows[day]) for day in sorted(rows) if handled and day <= handled]
    first = plan.first if handled is None else max(plan.first, moved(handled, 1))
    judged = bool(gates.required_tables) or gates.min_share_of_usual is not None
    days = {day for day in landing.dates() if first <= day <= request.day and landing.arrived(day)}
    if judged:  # a date without any file is the worst of them
        days |= {moved(first, number) for number in range((request.day - first).days + 1)}
    new = [Arrived(day, landing.rows_by_table(day)) for day in sorted(days)]
    notes += completeness.silences(earlier, new)
    if not judged:
        return {}
    shut, passed = [], dict[date, list[AcceptedGate]]()
    for shortage in completeness.shortages(
        earlier, new, required=gates.required_tables, share=gates.min_share_of_usual
    ):
        is_meant = (shortage.table, shortage.day)
        gate = next((g for g in request.accepted if (g.table, g.day) == is_meant), None)
        if gate is None:
            shut.append(str(shortage))
        else:
            passed.setdefault(gate.day, []).append(gate)
    if shut:
        raise InputError(
            f"{request.landing}: input is missing; nothing was handled. Deliver the files, or let "
            "a date pass without them with --accept-gate TABLE:DATE:REASON",
            shut,
        )
    return passed


class _CopiedError(Exception):
    """The engine refuses files that others can read; from now on it reads copies of them."""


class _Run:
    def __init__(
        self,
        request: Request,
        landing: LandingZone,
        warehouse: Warehouse,
        lineage: list[Commit],
        seen: Sequence[Commit],
        plan: Plan,
        notes: list[str],
        expectations: Gate,
        passed: dict[date, list[AcceptedGate]],
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
        self.seen = seen[-1].day if seen else None  # the newest date that readers see
        self.passed = passed  # gates of dates that lack input
        self.arrivals = [day for day in landing.dates() if landing.arrived(day)]
        self.posted: set[date] = set()  # business dates that the ledger holds anything for
        self.regimes = Regimes(request.settings)
        grace_days = request.settings.grace_days
        self.closed_before = moved(lineage[-1].day, -grace_days) if lineage else None
        self.again = plan.again  # until a night has taken them
        self.report = Report(notes=notes)

    def handle(self, console: Console, lease: Lease) -> Report:
        for note in self.report.notes:
            log.info("%s", note)
        self.warehouse.prepare(self.newest)
        self.warehouse.rewind(self._base(), self.newest)
        tables = ("bonus_ledger", "bonus_waived")
        self.posted = {day for table in tables for day in self.warehouse.business_dates(table)}
        most = {day for day in self.arrivals if self.plan.first <= day < self.request.day}
        with progress.shown(len(most) + 1, console, lease.renew) as stages:
            for day in self._days():
                try:
                    self._night_or_again(day, stages)
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

    def _night_or_again(self, day: date, stages: Stages) -> None:
        """A night that the engine fails is taken back and handled once more by itself.

        So is one that met files which the engine can read as copies only.
        """
        try:
            self._night(day, stages)
        except Exception as error:
            if not isinstance(error, _CopiedError):
                is_passing = engine.is_passing_fault(error) and self.warehouse.engine.answers()
                if not is_passing or is_explained(self.warehouse.root, error):
                    raise
                failed = f"the engine failed ({reason(error)})"
                note = f"{day}: {failed}; the night was taken back and handled again"
                log.warning("%s", note)
                self.report.notes.append(note)
            self.warehouse.rewind(self._base(), self.newest)
            self._night(day, stages)

    def _take_back(self) -> None:
        """Takes back what a night that failed has written; the next run would do it too."""
        try:
            self.warehouse.rewind(self.newest, self.newest)
        except Exception as error:
            log.warning("what was written is left for the next run to take back: %s", reason(error))

    def _base(self) -> Commit | None:
        return self.lineage[-1] if self.lineage else None

    def _days(self) -> Iterator[date]:
        """The dates to handle, in order; those that would leave every table as it is are left out.

        Which they are depends on what the dates before have left.
        """
        day: date | None = self.plan.first
        while day is not None:
            if self.again or not self._is_quiet(day):
                yield day
            day = self._after(day)

    def _is_quiet(self, day: date) -> bool:
        """Whether nothing arrived on a date, nothing is open, and nothing posted is to be compared.

        What nights that were taken back had posted for a date is looked at when it closes again.
        """
        grace_days = self.request.settings.grace_days
        if moved(day, -grace_days) in self.posted and moved(day, -grace_days) <= self.settled:
            return False
        base = self._base()
        is_open = base and any(
            awaited <= day <= moved(awaited, grace_days) for awaited in base.awaited
        )
        return day < self.request.day and not is_open and not self.landing.arrived(day)

    def _after(self, day: date) -> date | None:
        """The first date after `day` that need not be quiet; None after the last one."""
        last = self.request.day
        if day >= last:
            return None
        base, grace_days = self._base(), self.request.settings.grace_days
        found = [last, *(arrival for arrival in self.arrivals if day < arrival < last)]
        for awaited in base.awaited if base else ():
            if day < moved(awaited, grace_days):
                found.append(max(moved(day, 1), awaited))
        closing = (moved(posted, grace_days) for posted in self.posted)
        found += [closes for closes in closing if closes > day]
        return min(found)

    def _posted_from(self, day: date) -> date | None:
        """The first date for which the ledger may hold what nights taken back had posted."""
        closes = moved(day, -self.request.settings.grace_days)
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
                if self.landing.verify(self.warehouse.engine, scratch.folder, days):
                    raise _CopiedError from None
                raise
        passed = [*map(str, self.passed.get(day, ())), *context.gates.passed]
        night.tally.gates_accepted = list(dict.fromkeys(passed))
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
                version=VERSION,
                config_digest=settings.digest(),
                judging=settings.judging(),
                awaited=awaited,
                judged_from=night.first,
                settled=self.settled,
                files={taken: self.landing.arrived(taken) for taken in (*self.again, day)},
                rows={taken: self.landing.rows_by_table(taken) for taken in (*self.again, day)},
                hidden_until=self.seen if self.seen and day < self.seen else None,
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
            each: accepted_on(
                each,
                self.request.accepted,
                [(commit.gates_accepted, commit.files) for commit in self.commits],
                self.landing.arrived(each),
            )
            for each in (days if self.again else [day])
        }
        return Gates(
            day, self.request.settings.gates.max_quarantine_share, accepted, self.request.rejects
        )

    def _log_run(self) -> None:
        row = run_log.row(
            self.run_id,
            self.request.day,
            self.started,
            self.request.engine,
            self.request.settings.digest(),
            self.report.tally,
        )
        run_log.append(self.warehouse, row)

    def _collect_results(self) -> None:
        """Sums the windows of each business date that was judged: a row a date, a few in all."""
        numbers = ["participants", "qualified", "ready", "entries", "winners", "losers"]
        is_judged = F.col("business_date").between(
            F.lit(moved(self.plan.first, -self.request.settings.grace_days)),
            F.lit(self.request.day),
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
