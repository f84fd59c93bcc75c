"""A warehouse through everything that may happen to it: the one law, step by step.

docs/rules.md section 1.3. Files come, are corrected and go; nights run, are caught up, are killed
at any moment and given again; the past is judged anew, by other settings too; old versions are
removed. After every run all tables are those of the reference, and the ledger has only been added
to.
"""

from __future__ import annotations

import shutil
from contextlib import suppress
from dataclasses import replace
from datetime import date, timedelta
from itertools import count
from pathlib import Path
from tempfile import mkdtemp
from typing import ClassVar

import pytest
from checked_history import days_between, ledger_follows_the_awards, put, report, table_of
from compare import LEDGER, differences
from faults import TRIED, images
from harness import Nights
from histories import History, configs, histories
from hypothesis import HealthCheck, Phase, note, settings
from hypothesis import strategies as st
from hypothesis.database import DirectoryBasedExampleDatabase
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule
from reference.night import Reference
from rows import Row

from solatium.engine import Engine
from solatium.errors import UsageError
from solatium.nightly.rollback import rollback
from solatium.storage.local import LocalLocation
from solatium.warehouse.vacuum import vacuum

STEPS = 6  # in which files come and go
MOMENTS = 60  # of a tiny night; a kill at a later one comes too late
JUDGING = ("screening", "draw", "history")  # what other settings are drawn for


class Machine(RuleBasedStateMachine):
    """One landing zone and one warehouse, and the runs between them."""

    engine: ClassVar[Engine]

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(mkdtemp(prefix="machine-"))
        self.nights = Nights(self.folder, self.engine)
        self.step = 0
        self.posted: list[Row] = []

    def teardown(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)

    @initialize(history=histories(steps=STEPS))
    def begin(self, history: History) -> None:
        self.history = history
        put(self.nights, history, 0)
        self.day = history.first - timedelta(days=1)
        self.seen: set[date] = set()

    # What may happen

    @rule(later=st.integers(0, 2), lands=st.booleans())
    def nightly(self, later: int, lands: bool) -> None:
        """The next date, the same one again, or two at once; on what has come by then."""
        if lands:
            self._land()
        self._run(later)

    @rule(later=st.integers(0, 2), lands=st.booleans(), moment=st.integers(1, MOMENTS))
    def killed(self, later: int, lands: bool, moment: int) -> None:
        """A run that is killed at a moment, and the same command again."""
        if lands:
            self._land()
        numbers = count(1)
        into = self.folder / "image"
        shutil.rmtree(into, ignore_errors=True)
        self.nights.warehouse.mkdir(exist_ok=True)
        found = images(
            self.nights.warehouse,
            into,
            lambda: self._night(self._date(later)),
            wanted=lambda _: next(numbers) == moment,
        )
        for image in found[:1]:
            note(f"killed {image.name}")
            image.put(self.nights.warehouse)
            self._tried("kills")
        self._run(later)

    @precondition(lambda self: self._has_run())
    @rule(ago=st.integers(0, 3))
    def backfill(self, ago: int) -> None:
        first = max(self.day - timedelta(days=ago), self.history.first)
        self._run(0, again_from=first)

    @precondition(lambda self: self._has_run())
    @rule(other=configs("Asia/Shanghai"))
    def restate(self, other: Row) -> None:
        """By other settings; the zone, the grace and what money there is stay."""
        config = {name: part for name, part in self.history.config.items() if name not in JUDGING}
        config |= {name: other[name] for name in JUDGING if name in other}
        self.history = replace(self.history, config=config)
        self._run(0, restate=True)

    @precondition(lambda self: self._has_run())
    @rule(ago=st.integers(1, 3))
    def roll_back(self, ago: int) -> None:
        """And the same date once more, on what has come since: its tables are those of then."""
        to = self.day - timedelta(days=ago)
        running = self.nights.running
        with suppress(UsageError):  # before the first night, or what a vacuum has removed
            rollback(LocalLocation(self.nights.warehouse), to, running.name, running)
            self.day = to
            self._tried("roll backs")
        self._run(0)

    @precondition(lambda self: self._has_run())
    @rule(kept=st.integers(1, 3))
    def vacuum(self, kept: int) -> None:
        vacuum(LocalLocation(self.nights.warehouse), retention_days=kept)
        self._tried("vacuums")

    # How it is done, and judged

    def _land(self) -> None:
        """New rows, late ones, corrections; files that are gone; seeds that come late."""
        self.step = min(self.step + 1, STEPS - 1)
        put(self.nights, self.history, self.step)

    def _has_run(self) -> bool:
        return self.day >= self.history.first

    def _date(self, later: int) -> date:
        return max(self.day + timedelta(days=later), self.history.first)

    def _night(self, day: date, **options: object) -> None:
        self.nights.run(day, self.history.config, rescan=True, **options)

    def _run(self, later: int, **options: object) -> None:
        self.day = self._date(later)
        self._night(self.day, **options)
        self._tried("runs")
        self._agree()

    def _agree(self) -> None:
        rows = self.history.landing(self.step)
        self.seen |= {row["dt"] for some in rows.values() for row in some}
        reference = Reference(self.history.config)
        for day in days_between(min([*self.seen, self.day]), self.day):
            expected = reference.night(rows, day)
        found = differences(self.nights.warehouse, expected)
        found = [line for line in found if table_of(line) not in LEDGER]
        assert not found, report(self.day, found)
        self.posted = ledger_follows_the_awards(
            self.nights, self.history, expected, self.day, self.posted
        )

    def _tried(self, what: str) -> None:
        TRIED[f"state machine, {what}"] += 1


class TwoEngines(Machine):
    """The same, and runs of a process with the other engine between them."""

    @rule(later=st.integers(0, 2))
    def nightly_on_spark(self, later: int) -> None:
        self.day = self._date(later)
        self.nights.run_elsewhere("spark", self.day, self.history.config, "--rescan")
        self._tried("runs on spark")
        self._agree()


def run(machine: type[Machine], running: Engine, **changes: object) -> None:
    machine.engine = running
    machine.TestCase.settings = settings(
        deadline=None, suppress_health_check=list(HealthCheck), **changes
    )
    machine.TestCase("runTest").runTest()


def test_a_warehouse_keeps_the_law_through_a_few_steps(embedded: Engine) -> None:
    run(Machine, embedded, max_examples=1, stateful_step_count=5, derandomize=True, database=None)


@pytest.mark.torture
def test_a_warehouse_keeps_the_law_through_many_steps(embedded: Engine) -> None:
    kept = DirectoryBasedExampleDatabase(".hypothesis/examples")
    run(Machine, embedded, max_examples=100, stateful_step_count=12, database=kept)


@pytest.mark.torture
def test_a_warehouse_keeps_the_law_on_two_engines_in_turn(embedded: Engine) -> None:
    phases = [Phase.generate]  # a step takes half a minute: too long to look for smaller cases
    run(TwoEngines, embedded, max_examples=5, stateful_step_count=8, phases=phases, database=None)
