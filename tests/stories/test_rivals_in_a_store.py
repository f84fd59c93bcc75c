"""Runs that want the same warehouse in a store: one works, and the tables are as without the other.

docs/rules.md section 10.4. Each run is a process. It stops where it is told to, says so, and goes
on at a word; so what the others find is the same each time.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import gateway
import pytest
from harness import Nights
from rows import days, entrant, landing, ordered, window
from stopping import COMMITS, PUTS_ITS_RECORD, WRITES, Run, Stop, fifo_in, script
from stored_nights import StoreNights, same
from submitted import SubmittedNights

from solatium.engine import Engine
from solatium.storage.lease import NOTE
from solatium.warehouse import commits

pytestmark = pytest.mark.torture

FIRST, SECOND = days(0), days(1)
CONFIG: dict[str, Any] = {
    "grace_days": 0,
    "bonus": {"tiers": [{"min_failures": 1, "amount": "2.00"}]},
}

LONG, NO_TIME = "600", "0"  # seconds that a lease lasts


class Rivals:
    """Runs of one date, at one warehouse in a store."""

    def __init__(self, nights: StoreNights, within: ExitStack) -> None:
        self.nights = nights
        self._within = within
        self._config = nights.landing.parent / "config.json"
        self._config.write_text(json.dumps(CONFIG))

    def starts(self, stop: Stop | None = None, seconds: str = LONG) -> Run:
        fifo = fifo_in(self._config.parent)
        command = self.nights.command(
            SECOND,
            *("--config", str(self._config)),
            script=script(stop, seconds, fifo) if stop else (),
        )
        return Run(command, self.nights.environment(), fifo, self._within)

    def found(self) -> dict[str, bytes]:
        """All that lies in the warehouse, but who holds it, and which runs were tried."""
        store, kept = self.nights.store, self.nights.kept
        return {name: store.read(f"{kept}/{name}") for name in self.nights.files()}


@pytest.fixture(scope="module", params=["s3", "azure", "hdfs"])
def store(request: pytest.FixtureRequest) -> Iterator[Any]:
    """A store that is exact under rivals, as moto is not."""
    if request.param != "s3":
        yield request.getfixturevalue(request.param)
    else:
        with gateway.started() as there:
            yield there


@pytest.fixture(scope="module")
def alone(embedded_session: Engine, tmp_path_factory: pytest.TempPathFactory) -> Nights:
    """What comes of a run that has no rival, in a folder."""
    nights = Nights(tmp_path_factory.mktemp("alone"), embedded_session)
    nights.land(story())
    nights.run(SECOND, CONFIG)
    return nights


def story() -> dict[str, list]:
    """On each of two dates `a` wins the one unit of a window, and `b` loses."""
    rows: list[Any] = []
    for day, name in ((FIRST, "w1"), (SECOND, "w2")):
        rows += [window(window=name, day=day), ordered("a", window=name, day=day)]
        rows += [entrant(who, window=name, day=day) for who in "ab"]
    return landing(*rows)


@pytest.fixture(params=[StoreNights, SubmittedNights], ids=["embedded", "spark"])
def rivals(
    request: pytest.FixtureRequest, embedded: Engine, store: Any, tmp_path: Path
) -> Iterator[Rivals]:
    nights = request.param(tmp_path, embedded, store)
    nights.land(story())
    with ExitStack() as within:
        yield Rivals(nights, within)


def test_of_two_that_start_together_one_works_and_the_other_writes_nothing(
    rivals: Rivals, alone: Nights
) -> None:
    """One stops before its first commit, when the other has ended; a third comes meanwhile."""
    both = [rivals.starts(COMMITS), rivals.starts(COMMITS)]
    stopped = [run.stops() for run in both]
    assert sorted(stopped) == [False, True]
    holder, refused = both[stopped.index(True)], both[stopped.index(False)]
    late, before = rivals.starts(), rivals.found()
    for run in (refused, late):
        status, said = run.ends()
        assert (status, "another run holds this warehouse" in said) == (4, True), said
    assert rivals.found() == before
    status, said = holder.ends()
    assert status == 0, said
    same(alone.warehouse, rivals.nights.kept)
    root = rivals.nights.root
    note = root.store.register(f"{root.key}/{NOTE}")
    assert json.loads(note.read()[0]) == {"token": None}


@pytest.mark.parametrize("stop", [WRITES, COMMITS], ids=["a write", "its commit"])
def test_a_holder_whose_lease_was_taken_over_neither_writes_nor_takes_anything_back(
    rivals: Rivals, alone: Nights, stop: Stop
) -> None:
    """It slept from before a write until its lease had ended and the next run was at work."""
    slept = rivals.starts(stop, NO_TIME)
    assert slept.stops()
    holder = rivals.starts(COMMITS)
    assert holder.stops()
    before = rivals.found()
    status, said = slept.ends()
    assert (status, "this run no longer holds the warehouse" in said) == (4, True), said
    assert "held now by " in said
    assert rivals.found() == before
    status, said = holder.ends()
    assert status == 0, said
    assert "taking over from a run that did not end well: " in said
    same(alone.warehouse, rivals.nights.kept)


def test_a_record_that_is_put_too_late_is_refused(rivals: Rivals, alone: Nights) -> None:
    """It slept from after its last look at the lease until the next run had committed."""
    slept = rivals.starts(PUTS_ITS_RECORD, NO_TIME)
    assert slept.stops()
    status, said = rivals.starts().ends()
    assert status == 0, said
    before = rivals.found()
    status, said = slept.ends()
    assert (status, "this run no longer holds the warehouse" in said) == (4, True), said
    assert rivals.found() == before
    same(alone.warehouse, rivals.nights.kept)
    assert [commit.day for commit in commits.lineage(rivals.nights.root)] == [FIRST, SECOND]
