"""A simulation: business dates of a warehouse judged again, beside what they came to.

docs/how-to/simulate.md. The history before the first date is as it was.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import date, timedelta
from tempfile import TemporaryDirectory

import pyarrow.compute as pc
import pyarrow.dataset as ds
from pyarrow.dataset import Dataset
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from solatium import contracts, engine
from solatium.engine import Engine
from solatium.nightly.past_history import PastHistory
from solatium.rules.windows import numbered
from solatium.settings.differences import Difference
from solatium.settings.load import Settings
from solatium.settings.regimes import Regimes
from solatium.simulate import windows
from solatium.simulate.committed import Committed
from solatium.simulate.counting import Judged, counted, people
from solatium.simulate.numbers import Numbers, Row, beside
from solatium.simulate.replay import Replay
from solatium.simulate.request import Request
from solatium.simulate.windows import Key, Window
from solatium.storage.location import Location
from solatium.warehouse import commits
from solatium.warehouse.commits import Commit
from solatium.warehouse.diagnosis import diagnosed
from solatium.warehouse.scratch import Scratch
from solatium.warehouse.snapshot import MICROSECONDS, Snapshot

log = logging.getLogger("solatium")

_PARQUET = ds.ParquetFileFormat(read_options=MICROSECONDS)

# Tables that are counted, and under which names a replay keeps them.
_SCREENED = "screened_participants"
_KEPT = {
    _SCREENED: "screened",
    "allocations": "allocations",
    "account_outcomes": "outcomes",
    "bonus_awards": "awards",
}


@dataclass(frozen=True)
class Simulated:
    """What was asked, of which commit, what differs, and every number of both sides."""

    root: Location
    commit: Commit
    request: Request
    differences: tuple[Difference, ...]
    rows: tuple[Row, ...]


def simulate(
    root: Location, request: Request, engine_name: str, running: Engine | None = None
) -> Simulated:
    """Judges the dates again, on the engine that is `running` or else on one that it starts.

    UsageError where there is no warehouse, or where the request cannot be meant.
    """
    lineage = commits.built(root)
    commits.refuse_older(root, lineage)
    commit = lineage[-1]
    was = Settings.from_judging(commit.judging)
    asked = request.check(root, commit, was)
    assert asked.settings is not None  # `check` fills it in
    memory = asked.settings.embedded_memory_mb
    engines = nullcontext(running) if running else engine.running(engine_name, memory_mb=memory)
    with (
        root.plainly_named() as named,
        diagnosed(named),
        TemporaryDirectory(prefix="solatium-simulate-") as folder,
        engines as started,
    ):
        scratch = Scratch(started, Location.parse(folder))
        work = _Simulation(Committed(started, named, commit), scratch, asked, was, lineage)
        rows = work.rows()
    return Simulated(root, commit, asked, asked.differences(root, commit, was), rows)


class _Simulation:
    def __init__(
        self,
        warehouse: Committed,
        scratch: Scratch,
        request: Request,
        was: Settings,
        lineage: list[Commit],
    ) -> None:
        assert request.settings is not None
        self.warehouse = warehouse
        self.scratch = scratch
        self.request = request
        self.settings = request.settings
        self.regimes = Regimes(request.settings)
        self.settings_then = was
        self.regimes_then = Regimes(was)
        self.lineage = lineage

    def rows(self) -> tuple[Row, ...]:
        """The numbers as they were and as they would be."""
        with _stage("count what was"):
            scratch = self.scratch.part("then")
            then = windows.in_force(
                self.warehouse, self.settings_then, self.regimes_then, scratch.keep
            )
            then = scratch.keep(then, "windows")
            all_then = windows.collected(then, self.settings_then)
            opening = self._opening(then)
            was = self._was(all_then)
        with _stage("gather and screen"):
            replay = self._replay({one.key: one.business_date for one in all_then}, opening)
            prepared = replay.prepare()
        draws: list[Numbers] = []
        alike: Numbers | None = None
        for number, seed in enumerate(self.request.seeds(), 1):
            with _stage(f"draw {number} of {self.request.draws}" if seed else "judge"):
                due = windows.drawn(replay.due, seed)
                scratch = self.scratch.part(f"draw_{number}")
                replay.draw(prepared, due, scratch)
                judged = self._judged(windows.collected(due, self.settings), scratch)
                alike = people(judged) if alike is None else alike
                draws.append({**alike, **counted(judged)})
                scratch.folder.remove_tree()
        return beside(was, draws, drawn=self.request.draws > 0)

    def _opening(self, then: DataFrame) -> DataFrame:
        """`account_history` before the first date: the same for both sides."""
        grace = timedelta(days=self.settings_then.grace_days)
        past = PastHistory(self.warehouse, self.lineage, then, grace)
        before = past.before(self.request.first)
        kept = self.scratch.keep(before, "opening")
        # an engine that sees beforehand that there is no row writes nothing
        return kept if (self.scratch.folder / "opening").is_folder() else before

    def _was(self, then: tuple[Window, ...]) -> Numbers:
        """The numbers of the committed tables."""
        first, last = self.request.first, self.request.last
        snapshot = Snapshot(self.warehouse.root, self.warehouse.commit_read)
        day = pc.field("business_date")
        of_period = (day >= first) & (day <= last)
        tables = {name: snapshot[name].dataset().filter(of_period) for name in _KEPT}
        found = tuple(one for one in then if first <= one.business_date <= last)
        judged = Judged(found, self.regimes_then, tables | {"opening": self._opening_kept()})
        return {**people(judged), **counted(judged)}

    def _replay(self, placed: dict[Key, date], opening: DataFrame) -> Replay:
        first, last = self.request.first, self.request.last
        is_due = F.col("business_date").between(F.lit(first), F.lit(last))
        scratch, policy = self.scratch.part("now"), self.request.policy
        due = windows.in_force(self.warehouse, self.settings, self.regimes, scratch.keep, policy)
        due = scratch.keep(numbered(due.where(is_due)), "windows")
        found = windows.collected(due, self.settings)
        if not self.request.draws:
            windows.refuse_without_seed(found)
        return Replay(
            warehouse=self.warehouse,
            scratch=self.scratch,
            settings=self.settings,
            regimes=self.regimes,
            due=due,
            found=found,
            placed=placed,
            opening=opening,
            has_less_grace=self.settings.grace_days < self.settings_then.grace_days,
        )

    def _judged(self, found: tuple[Window, ...], drawn: Scratch) -> Judged:
        """What the replay has kept: of all draws alike, and of one of them."""
        tables = {
            name: _kept(self.scratch if name == _SCREENED else drawn, kept, name)
            for name, kept in _KEPT.items()
        }
        return Judged(found, self.regimes, tables | {"opening": self._opening_kept()})

    def _opening_kept(self) -> Dataset:
        return _kept(self.scratch, "opening", "account_history")


def _kept(scratch: Scratch, name: str, table: str) -> Dataset:
    """A frame that was kept, as the rows of a table."""
    folder = scratch.folder / name
    schema = contracts.warehouse(table).arrow_schema()
    if not folder.is_folder():
        return ds.dataset(schema.empty_table())
    return ds.dataset(str(folder), schema=schema, format=_PARQUET)


@contextmanager
def _stage(name: str) -> Iterator[None]:
    start = time.perf_counter()
    yield
    log.info("%s: %.1f s", name, time.perf_counter() - start)
