"""Whatever ends a run, the same command again ends with the tables of an undisturbed one.

docs/rules.md section 1.3, docs/architecture.md "When a run is ended". `faults` ends runs at the
moments at which they write. A sample of them is for every day, `make torture` all of them.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable
from datetime import date, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import faults
import pytest
from deltalake import DeltaTable
from golden import race
from harness import Nights, Row, table_rows
from rows import Landing, account, days, joined, landing, ordered, refunded

from solatium.contracts.internal import TABLES
from solatium.engine import Engine
from solatium.errors import UsageError, WarehouseError
from solatium.nightly.nights import Nights as RunNights
from solatium.nightly.rollback import rollback
from solatium.storage.local import LocalLocation
from solatium.warehouse import commits

FIRST, SECOND, THIRD, FOURTH = DATES = [days(number) for number in range(4)]
CONFIG: dict[str, Any] = {
    "grace_days": 0,
    "bonus": {"tiers": [{"min_failures": 1, "amount": "2.00"}], "clawback": True},
    "gates": {"max_quarantine_share": "1"},
}


def story() -> Landing:
    """On each date a race that pays who lost it; on the next one, rows that are late for it."""
    return landing(
        *(
            [
                race(f"race-{number}", "front", "ann", "ben", day=day),
                [account("late"), joined("late", f"race-{number}", day=day, dt=day + timedelta(1))],
                refunded("ben", f"race-{number}", day=day, clock="05:00", dt=day + timedelta(1)),
            ]
            for number, day in enumerate(DATES)
        )
    )


def more() -> Landing:
    """What a second file of SECOND brings: a runner who comes in before all others."""
    rows = race("race-1", "eve", day=SECOND)[1:-1]  # without the window, and with an earlier order
    return landing(rows, ordered("eve", "race-1", day=SECOND, clock="03:00:30"))


STORY = story()

Tables = dict[str, list[str]]


def tables(warehouse: Path) -> Tables:
    """The rows of all tables, those of decisions included; of the log, for which dates runs were.

    A run that is ended when its record is there has done its work, and the next one repeats it.
    """
    return _plain({table.name: table_rows(warehouse, table.name) for table in TABLES})


def shown(warehouse: Path) -> dict[int, Tables]:
    """The rows that each commit record shows a reader, by its number; 0 is before the first."""
    found: dict[int, Tables] = {0: {}}
    for record in (warehouse / "_commits").glob("*.json"):
        commit = json.loads(record.read_text())
        rows = {
            name: DeltaTable(warehouse / name, version).to_pyarrow_table().to_pylist()
            for name, version in commit["tables"].items()
        }
        found[commit["number"]] = _plain(rows)
    return found


def _plain(rows: dict[str, list[Row]]) -> Tables:
    rows["run_log"] = [{"date": day} for day in {row["date"] for row in rows["run_log"]}]
    return {name: sorted(map(repr, some)) for name, some in rows.items()}


Act = Callable[[Nights], object]
REFUSED = object()  # what an act gives that had nothing to do; the next run cleans up after it


class Case(NamedTuple):
    """A run to be ended: `act`, on this landing zone and a warehouse as it is `before`.

    `shown` are the tables that a reader may be shown on the way, by the number of the commit;
    `after` those that an undisturbed run leaves. Readers never see an earlier date than `seen`.
    """

    running: Engine
    landing: Path
    before: Path
    act: Act
    seen: date
    shown: dict[int, Tables]
    after: Tables

    def nights(self, folder: Path) -> Nights:
        """The same landing zone, with a warehouse of its own."""
        folder.mkdir(parents=True)
        (folder / "landing").symlink_to(self.landing)
        if self.before.exists():
            shutil.copytree(self.before, folder / "warehouse")
        return Nights(folder, self.running)

    def problems(self, nights: Nights) -> list[str]:
        """What is wrong after a run was ended: for a reader at once, and after the next run."""
        found = []
        seen = shown(nights.warehouse)
        if seen[max(seen)] != self.shown[max(seen)]:
            found.append(f"a reader sees other tables than commit {max(seen)} had")
        published = commits.published(LocalLocation(nights.warehouse))
        if published and published[-1].day < self.seen:
            found.append(f"a reader sees {published[-1].day} after {self.seen}")
        was_refused = self.act(nights) is REFUSED
        seen = shown(nights.warehouse)
        if not tables(nights.warehouse) == seen[max(seen)] == self.after:
            found.append("the tables are others than those of an undisturbed run")
        own = {table.name for table in TABLES} | {"_commits", "_newest_commit", "_lock"}
        left = {path.name for path in nights.warehouse.iterdir()} - own
        left |= {path.name for path in (nights.warehouse / "_commits").glob(".*")}
        if left and not was_refused:
            found.append(f"left behind: {left}")
        return found

    def recovered(self, image: faults.Image, folder: Path, lost: str = "") -> list[str]:
        """What is wrong after a run that began with an image."""
        nights = self.nights(folder)
        image.put(nights.warehouse, lost=lost)
        try:
            found = self.problems(nights)
        except Exception as error:  # to be told together with those of other images
            found = [f"{type(error).__name__}: {error}"]
        shutil.rmtree(folder)
        faults.TRIED[f"{self.running.name}: {'lost machines' if lost else 'kills'}"] += 1
        return [f"{image.name}{f', {lost}' if lost else ''}: {problem}" for problem in found]


# What a run begins with; gives the run


def night(day: date) -> Act:
    return lambda nights: nights.run(day, CONFIG)


def nothing(nights: Nights) -> Act:
    """The first night of all creates the tables."""
    return night(FIRST)


def one_night(nights: Nights) -> Act:
    nights.run(FIRST, CONFIG)
    return night(SECOND)


def one_night_of_four(nights: Nights) -> Act:
    nights.run(FIRST, CONFIG)
    return night(FOURTH)


def other_files(nights: Nights) -> Act:
    """SECOND was handled, and has other files now: its night goes back, and posts differences."""
    nights.run(SECOND, CONFIG)
    nights.land(more(), part="part-1")
    return night(SECOND)


def half_a_night(nights: Nights) -> Act:
    """A run was killed when it had posted: its night is taken back, and done again."""
    nights.run(FIRST, CONFIG)

    def killed(_: int, name: str) -> None:
        if name.startswith("os.link _commits"):
            raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patched, faults.moments(nights.warehouse, killed):
        patched.setattr(RunNights, "_take_back", lambda *_: None)
        with pytest.raises(KeyboardInterrupt):
            nights.run(SECOND, CONFIG)
    return night(SECOND)


def backfill(nights: Nights) -> Act:
    """Three dates were handled, and two of them are handled again with other files."""
    nights.run(THIRD, CONFIG)
    nights.land(more(), part="part-1")
    return lambda nights: nights.run(THIRD, CONFIG, again_from=SECOND)


def roll_back(nights: Nights) -> Act:
    """Two dates that have closed are open again, and what was posted for them is reversed."""
    nights.run(THIRD, CONFIG)

    def rolled_back(nights: Nights) -> object:
        place = LocalLocation(nights.warehouse)
        try:
            return rollback(place, FIRST, nights.running.name, nights.running)
        except UsageError as error:  # one that was ended after its record has done its work
            if f"newest date that this warehouse has handled is {FIRST}" not in str(error):
                raise
            return REFUSED

    return rolled_back


BEGINNINGS = (nothing, one_night, one_night_of_four, other_files, half_a_night, backfill, roll_back)
# Their moments are many, and much like one another: every third is tried on the embedded engine.
LONG = (one_night_of_four, backfill)


def undisturbed(
    running: Engine,
    folder: Path,
    begin: Callable[[Nights], Act],
    wanted: Callable[[str], bool] = lambda _: False,
) -> tuple[Case, list[faults.Image]]:
    """An undisturbed run after a beginning, and those of its images that are wanted."""
    nights = Nights(folder, running)
    nights.land(STORY)
    act = begin(nights)
    before = folder / "before"
    if nights.warehouse.exists():
        shutil.copytree(nights.warehouse, before)
    images = faults.images(nights.warehouse, folder / "images", lambda: act(nights), wanted)
    published = commits.published(LocalLocation(nights.warehouse))[-1].day
    was = commits.published(LocalLocation(before))
    seen = min(published, was[-1].day) if was else published
    after = tables(nights.warehouse)
    return Case(running, nights.landing, before, act, seen, shown(nights.warehouse), after), images


# Kills, and lost machines

SAMPLE = {
    "within-a-write": "within DataFrameWriter.save of screened_participants",
    "after-the-record": "os.remove _commits/.0000000002.json",
}


@pytest.fixture(scope="module")
def sampled(
    running: Engine, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Case, list[faults.Image]]:
    """A night that posts, and some of its images."""

    def wanted(name: str) -> bool:
        return name.startswith(tuple(SAMPLE.values()))

    return undisturbed(running, tmp_path_factory.mktemp("sampled"), one_night, wanted)


@pytest.mark.parametrize("moment", SAMPLE)
def test_a_night_that_was_ended_leaves_no_trace(
    sampled: tuple[Case, list[faults.Image]], tmp_path: Path, moment: str
) -> None:
    """After its record the machine is lost: a record that is there names what is there."""
    case, images = sampled
    assert any("'ann'" in row for row in case.after["bonus_ledger"])
    [image] = [image for image in images if image.name.startswith(SAMPLE[moment])]
    lost = "empty" if moment == "after-the-record" else ""
    assert case.recovered(image, tmp_path / "now", lost) == []


@pytest.mark.spark_at_length
def test_a_first_night_that_was_ended_leaves_no_trace(running: Engine, tmp_path: Path) -> None:
    moment = "within DataFrameWriter.save of window_results"
    case, [image] = undisturbed(running, tmp_path / "undisturbed", nothing, moment.__eq__)
    assert case.recovered(image, tmp_path / "now") == []


@pytest.mark.torture
@pytest.mark.parametrize("begin", BEGINNINGS)
def test_a_night_may_be_ended_at_every_moment(
    running: Engine, tmp_path: Path, begin: Callable[[Nights], Act]
) -> None:
    """Killed at every moment, and the machine lost at every third; less often where it is slow."""
    case, images = undisturbed(running, tmp_path / "undisturbed", begin, lambda _: True)
    assert len(images) > 30
    step = 24 if running.name == "spark" else 3 if begin in LONG else 1
    problems = []
    for number, image in enumerate(images[step // 2 :: step]):
        problems += case.recovered(image, tmp_path / "now")
        if running.name == "embedded" and number % 3 == 0:
            lost = "gone" if number % 2 else "empty"
            problems += case.recovered(image, tmp_path / "now", lost)
    assert problems == []


@pytest.mark.torture
def test_a_process_may_be_killed(running: Engine, tmp_path: Path) -> None:
    """By SIGKILL: at moments spread over the run, and when new files turn up in tables."""
    case, _ = undisturbed(running, tmp_path / "undisturbed", one_night)
    ends = [("kill", number) for number in range(3, 140, 17)]
    ends += [("file", number) for number in (1, 2, 3, 5, 8)]
    problems = []
    for how, number in ends[:: 1 if running.name == "embedded" else 6]:
        folder = tmp_path / f"{how}-{number}"
        nights = case.nights(folder)
        done = child(case, folder, how, number)
        if done.returncode != -signal.SIGKILL:
            problems.append(f"{how} {number}: not killed: {done.stderr[-2000:]}")
        problems += [f"{how} {number}: {problem}" for problem in case.problems(nights)]
        faults.TRIED[f"{running.name}: processes killed"] += 1
    assert problems == []


def child(case: Case, folder: Path, how: str, number: int) -> subprocess.CompletedProcess[str]:
    """The second night in a process of its own that ends itself (`faults.main`)."""
    here = Path(__file__).parents[1] / "support"
    path = os.pathsep.join([str(here), str(here.parents[1]), os.environ.get("PYTHONPATH", "")])
    program = [sys.executable, str(here / "faults.py"), case.running.name, str(folder)]
    return subprocess.run(
        [*program, str(SECOND), json.dumps(CONFIG), how, str(number)],
        env=os.environ | {"PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )


# Disks that are full


def test_a_full_disk_is_told_and_costs_nothing_but_the_night(
    sampled: tuple[Case, list[faults.Image]], tmp_path: Path
) -> None:
    case, _ = sampled
    assert refusals(case, tmp_path, at=[60]) == []


@pytest.mark.torture
def test_a_disk_may_be_full_at_every_moment(running: Engine, tmp_path: Path) -> None:
    case, _ = undisturbed(running, tmp_path / "undisturbed", one_night)
    numbers: list[int] = []
    nights = case.nights(tmp_path / "counted")
    with faults.moments(nights.warehouse, lambda number, _: numbers.append(number)):
        case.act(nights)
    step = 3 if running.name == "embedded" else len(numbers) // 4
    assert refusals(case, tmp_path, at=numbers[::step]) == []


def refusals(case: Case, folder: Path, at: Iterable[int]) -> list[str]:
    """What is wrong with runs on a disk that is full from a moment on."""
    problems = []
    for number in at:
        nights = case.nights(folder / f"full-{number}")
        told = ""
        with faults.refusing(nights.warehouse, number):
            try:
                case.act(nights)
            except WarehouseError as error:
                told = str(error)
        is_done = max(shown(nights.warehouse)) == max(case.shown)
        if not is_done and not ("No space left" in told and "make room on its disk" in told):
            problems.append(f"{number}: {told or 'nothing is said'}")
        problems += [f"{number}: {problem}" for problem in case.problems(nights)]
        shutil.rmtree(nights.landing.parent)
        faults.TRIED[f"{case.running.name}: full disks"] += 1
    return problems


@pytest.mark.torture
@pytest.mark.parametrize("most", [400, 1500, 2500, 4000, 6000])
def test_files_may_not_grow(running: Engine, tmp_path: Path, most: int) -> None:
    """A process whose files may not have more bytes, whoever writes them."""
    case, _ = undisturbed(running, tmp_path / "undisturbed", one_night)
    nights = case.nights(tmp_path / "now")
    done = child(case, tmp_path / "now", "bytes", most)
    assert done.returncode == 1, done.stderr
    assert "WarehouseError" in done.stderr
    assert "File too large" in done.stderr
    assert case.problems(nights) == []
    faults.TRIED[f"{running.name}: full disks"] += 1
