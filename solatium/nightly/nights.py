"""The nights of a run: its dates one after the other, each ended by a commit record.

docs/rules.md sections 1, 9 and 10. What a night leaves for the next one is the lineage, a value.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from uuid import uuid4

from rich.console import Console

from solatium import engine
from solatium.contracts.calendar import moved
from solatium.errors import LostLeaseError, SolatiumError, reason
from solatium.landing import event_order
from solatium.landing.gates import AcceptedGate, QuarantineGates, accepted_on
from solatium.landing.zone import LandingZone
from solatium.laws.verdict import Expectations
from solatium.nightly import progress, run_log
from solatium.nightly.context import Context
from solatium.nightly.lineage import Lineage
from solatium.nightly.night import Handled, Night
from solatium.nightly.plan import Plan
from solatium.nightly.progress import Stages, log
from solatium.nightly.request import Report, Request
from solatium.nightly.results import results_of
from solatium.nightly.tally import Tally
from solatium.settings.regimes import Regimes
from solatium.storage.lease import Lease
from solatium.version import VERSION
from solatium.warehouse.commits import Commit
from solatium.warehouse.diagnosis import is_explained
from solatium.warehouse.tables import Warehouse

Again = Mapping[date, Sequence[str]]


class _CopiedError(Exception):
    """The engine refuses files that others can read; from now on it reads copies of them."""


@dataclass(frozen=True)
class _Done:
    """A night that is done: what the next one stands on, what was counted, and what to say."""

    lineage: Lineage
    tally: Tally
    notes: tuple[str, ...] = ()


class Nights:
    """Handles the dates of a plan.

    `seen` is the newest date that readers see, `passed` has the gates by which dates that lack
    input are let pass.
    """

    def __init__(
        self,
        request: Request,
        landing: LandingZone,
        warehouse: Warehouse,
        plan: Plan,
        expectations: Expectations,
        passed: Mapping[date, Sequence[AcceptedGate]],
        seen: date | None,
    ) -> None:
        self.request = request
        self.landing = landing
        self.warehouse = warehouse
        self.plan = plan
        self.expectations = expectations
        self.passed = passed
        self.seen = seen
        self.run_id = uuid4().hex
        self.started = datetime.now(UTC)
        self.regimes = Regimes(request.settings)

    def handle(self, lineage: Lineage, console: Console, lease: Lease) -> Report:
        """Handles every date that is not quiet; what was done."""
        self.warehouse.prepare(lineage.newest)
        self.warehouse.rewind(lineage.base, lineage.newest)
        tables = ("bonus_ledger", "bonus_waived")
        posted = {day for table in tables for day in self.warehouse.business_dates(table)}
        lineage = replace(lineage, posted=frozenset(posted))
        grace_days = self.request.settings.grace_days
        arrivals = [day for day in self.landing.dates() if self.landing.arrived(day)]
        most = {day for day in arrivals if self.plan.first <= day < self.request.day}
        handled, notes, tally = list[date](), list[str](), Tally()
        again: Again = self.plan.again  # until a night has taken them
        with progress.shown(len(most) + 1, console, lease.renew) as stages:
            day: date | None = self.plan.first
            while day is not None:
                if again or not self._is_quiet(day, lineage):
                    done = self._night_or_again(day, lineage, again, tally, stages)
                    lineage, tally, again = done.lineage, done.tally, {}
                    notes += done.notes
                    handled.append(day)
                    stages.night_done()
                day = lineage.next_after(day, self.request.day, arrivals, grace_days)
            seconds = stages.seconds()
        notes += event_order.notes(tally.unordered)
        notes += [
            f"--accept-gate {gate}: not needed"
            for gate in self.request.accepted
            if str(gate) not in tally.gates_accepted
        ]
        first = moved(self.plan.first, -grace_days)
        results = results_of(self.warehouse, first, self.request.day)
        return Report(handled, notes, tally, results.rows, results.held, seconds)

    def _is_quiet(self, day: date, lineage: Lineage) -> bool:
        """Whether a night would leave every table as it is."""
        if day >= self.request.day or self.landing.arrived(day):
            return False
        return lineage.is_quiet(day, self.request.settings.grace_days)

    def _night_or_again(
        self, day: date, lineage: Lineage, again: Again, so_far: Tally, stages: Stages
    ) -> _Done:
        """A night; one that fails is taken back.

        One that the engine fails is handled once more by itself, and so is one that met files which
        the engine can read as copies only.
        """
        try:
            try:
                return self._night(day, lineage, again, so_far, stages)
            except Exception as error:
                notes = self._notes_on(error, day)
                self.warehouse.rewind(lineage.base, lineage.newest)
                done = self._night(day, lineage, again, so_far, stages)
                return replace(done, notes=notes)
        except Exception:
            self._take_back(lineage)
            raise
        except BaseException:  # it is ended from outside, which is all that it says
            with suppress(LostLeaseError):
                self._take_back(lineage)
            raise
        finally:
            if self.request.data_docs is not None:
                self.expectations.write_docs(self.request.data_docs.path)

    def _notes_on(self, error: Exception, day: date) -> tuple[str, ...]:
        """What is said of a night that is handled once more; the error itself where it is not."""
        if isinstance(error, _CopiedError):
            return ()
        is_passing = engine.is_passing_fault(error) and self.warehouse.engine.answers()
        if not is_passing or is_explained(self.warehouse.root, error):
            raise error
        failed = f"the engine failed ({reason(error)})"
        note = f"{day}: {failed}; the night was taken back and handled again"
        log.warning("%s", note)
        return (note,)

    def _take_back(self, lineage: Lineage) -> None:
        """Takes back what a night that failed has written; the next run would do it too.

        LostLeaseError where the warehouse is another run's by now: whatever the night failed by,
        this is why.
        """
        try:
            self.warehouse.rewind(lineage.newest, lineage.newest)
        except LostLeaseError:
            raise
        except Exception as error:
            log.warning("what was written is left for the next run to take back: %s", reason(error))

    def _night(
        self, day: date, lineage: Lineage, again: Again, so_far: Tally, stages: Stages
    ) -> _Done:
        gates = self._gates(day, lineage, again)
        with self.warehouse.scratch() as scratch:
            context = Context(
                warehouse=self.warehouse,
                landing=self.landing,
                scratch=scratch,
                settings=self.request.settings,
                regimes=self.regimes,
                day=day,
                stages=stages,
                gates=gates,
                expectations=self.expectations,
                again=again,
            )
            night = Night(
                context,
                lineage.commits,
                self._closed_before(lineage),
                lineage.posted_from(context.last_closed),
            )
            try:
                handled = night.handle()
            except SolatiumError:
                raise
            except Exception:
                if self.landing.verify(self.warehouse.engine, scratch.folder, [*again, day]):
                    raise _CopiedError from None
                raise
        passed = list(dict.fromkeys([*map(str, self.passed.get(day, ())), *gates.passed]))
        tally = so_far + handled.tally + Tally(gates_accepted=passed)
        if day == self.request.day:
            self._log_run(tally)
        commit = self._commit(handled, day, lineage, again, passed, context.last_closed)
        return _Done(lineage.then(commit), tally)

    def _closed_before(self, lineage: Lineage) -> date | None:
        """The last business date that was closed when the run began."""
        if not lineage.found:
            return None
        return moved(lineage.found[-1].day, -self.request.settings.grace_days)

    def _commit(
        self,
        handled: Handled,
        day: date,
        lineage: Lineage,
        again: Again,
        passed: Sequence[str],
        last_closed: date,
    ) -> Commit:
        base, settings = lineage.base, self.request.settings
        return self.warehouse.commit(
            Commit(
                number=lineage.newest.number + 1 if lineage.newest else 1,
                parent=base.number if base else None,
                day=day,
                run_id=self.run_id,
                engine=self.request.engine,
                version=VERSION,
                config_digest=settings.digest(),
                judging=settings.judging(),
                awaited=handled.awaited,
                judged_from=handled.judged_from,
                settled=max(lineage.settled, last_closed),
                files={taken: self.landing.arrived(taken) for taken in (*again, day)},
                rows={taken: self.landing.rows_by_table(taken) for taken in (*again, day)},
                hidden_until=self.seen if self.seen and day < self.seen else None,
                gates_accepted=tuple(passed),
            )
        )

    def _gates(self, day: date, lineage: Lineage, again: Again) -> QuarantineGates:
        """The gates of a night; of any arrival date, since one taken again may concern others."""
        days = {*(commit.day for commit in lineage.commits), *again, day}
        accepted = {
            each: accepted_on(
                each,
                self.request.accepted,
                [(commit.gates_accepted, commit.files) for commit in lineage.found],
                self.landing.arrived(each),
            )
            for each in (days if again else [day])
        }
        return QuarantineGates(
            day, self.request.settings.gates.max_quarantine_share, accepted, self.request.rejects
        )

    def _log_run(self, tally: Tally) -> None:
        row = run_log.row(
            self.run_id,
            self.request.day,
            self.started,
            self.request.engine,
            self.request.settings.digest(),
            tally,
        )
        run_log.append(self.warehouse, row)
