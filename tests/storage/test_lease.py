"""Rivals (docs/rules.md section 10.4): one run holds a warehouse, whatever happens to it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from deltalake import DeltaTable
from harness import Nights, table_rows, write_landing
from rows import DAY, days, entrant, landing, ordered, window

from solatium import contracts
from solatium.engine import Engine
from solatium.errors import BusyError, LostLeaseError, StoreError, WarehouseError
from solatium.nightly.night import Night
from solatium.storage.folder_lease import FolderLease
from solatium.storage.local import LocalLocation
from solatium.warehouse import commits
from solatium.warehouse.commits import Commit
from solatium.warehouse.delta_log import DeltaLog
from solatium.warehouse.tables import Warehouse

HERE = Path(__file__).parents[1] / "support"
ENVIRONMENT = os.environ | {
    "PYTHONPATH": os.pathsep.join(
        [str(HERE), str(HERE.parents[1]), os.environ.get("PYTHONPATH", "")]
    )
}
FACTS = {"engine": "spark", "date": "2026-03-09"}
CONFIG = {"grace_days": 0, "bonus": {"tiers": [{"min_failures": 1, "amount": "2.00"}]}}

RIVAL = """
import sys
from solatium.errors import BusyError
from solatium.storage.local import LocalLocation
from solatium.storage.location import Location

for line in sys.stdin:  # each line is a round
    try:
        with Location.parse(sys.argv[1]).held({"engine": "spark", "date": "2026-03-09"}):
            print("held", flush=True)
            sys.stdin.readline()
        print("given back", flush=True)
    except BusyError as error:
        print("refused:", error.problems[0], flush=True)
"""


class Rival:
    """A process that holds a folder when it is told to, until it is told otherwise."""

    def __init__(self, folder: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", RIVAL, str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=ENVIRONMENT,
        )

    def tell(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def hear(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def end(self) -> None:
        for pipe in (self.process.stdin, self.process.stdout):
            assert pipe is not None
            pipe.close()
        self.process.wait()


@contextmanager
def rivals(folder: Path, number: int) -> Iterator[list[Rival]]:
    with ExitStack() as ended:
        started = [Rival(folder) for _ in range(number)]
        for rival in started:
            ended.callback(rival.end)
        yield started


def note(folder: Path) -> dict[str, str]:
    return json.loads((folder / "_holder.json").read_text())


# Rivals


@pytest.mark.parametrize(
    ("number", "rounds"), [(8, 4), pytest.param(16, 200, marks=pytest.mark.torture)]
)
def test_of_many_that_start_together_one_holds_the_folder(
    tmp_path: Path, number: int, rounds: int
) -> None:
    """It holds it until all have tried, so that no two of them ever do."""
    winners = Counter[int]()
    with rivals(tmp_path, number) as started:
        for _ in range(rounds):
            for rival in started:
                rival.tell()
            said = [rival.hear() for rival in started]
            assert Counter(word.split(":")[0] for word in said) == {
                "held": 1,
                "refused": number - 1,
            }
            winner = said.index("held")
            winners[started[winner].process.pid] += 1
            started[winner].tell()
            assert started[winner].hear() == "given back"
            assert not (tmp_path / "_holder.json").exists()
    assert sum(winners.values()) == rounds


def test_a_rival_is_told_who_holds_it_since_when_and_its_last_sign_of_life(tmp_path: Path) -> None:
    with rivals(tmp_path, 1) as [rival], LocalLocation(tmp_path).held(FACTS) as lease:
        first = note(tmp_path)
        lease._facts["sign_of_life"] = "x" * len(first["sign_of_life"])
        rival.tell()
        holder = f"pid {os.getpid()}, host {os.uname().nodename}, engine spark, date 2026-03-09"
        told = f"{holder}, since {first['since']}, no sign of life since {first['sign_of_life']}"
        assert rival.hear().endswith(told)
        lease.renew()
        assert note(tmp_path) == first | {"sign_of_life": note(tmp_path)["sign_of_life"]}
        assert len(note(tmp_path)["token"]) == 32


# Dead holders


def test_the_lease_of_a_killed_holder_is_taken_over(tmp_path: Path) -> None:
    with rivals(tmp_path, 2) as [first, second]:
        first.tell()
        assert first.hear() == "held"
        first.process.send_signal(signal.SIGKILL)
        first.process.wait()
        left = note(tmp_path)
        with LocalLocation(tmp_path).held(FACTS) as lease:
            assert lease.taken_over is not None
            assert f"pid {first.process.pid}, " in lease.taken_over
            assert lease.taken_over.endswith(f"no sign of life since {left['sign_of_life']}")
            second.tell()
            assert f"pid {os.getpid()}" in second.hear()
        with LocalLocation(tmp_path).held(FACTS) as lease:
            assert lease.taken_over is None


def test_a_run_says_that_it_took_over_and_gives_signs_of_life_at_its_stages(
    nights: Nights, monkeypatch: pytest.MonkeyPatch
) -> None:
    renewed, renew = [], FolderLease.renew
    monkeypatch.setattr(FolderLease, "renew", lambda lease: renewed.append(renew(lease)))
    nights.land(story())
    nights.warehouse.mkdir()
    gone = json.dumps({"pid": 7, "host": "elsewhere", "since": "then"})
    (nights.warehouse / "_holder.json").write_text(gone)
    report = nights.run(DAY, CONFIG)
    assert report.notes == [
        "taking over from a run that did not end well: pid 7, host elsewhere, since then"
    ]
    assert not (nights.warehouse / "_holder.json").exists()
    assert len(renewed) >= len(report.seconds) > 5


def test_a_note_that_cannot_be_read_is_no_obstacle(tmp_path: Path) -> None:
    (tmp_path / "_holder.json").write_text("[half a")
    with LocalLocation(tmp_path).held(FACTS) as lease:
        assert lease.taken_over is None
        lease.check()


# Lost leases


def remove(*names: str) -> object:
    return lambda folder: [(folder / name).unlink() for name in names]


def other_note(folder: Path) -> None:
    (folder / "_holder.json").unlink()
    (folder / "_holder.json").write_text(json.dumps({"token": "other", "pid": 7}))


def same_file_other_token(folder: Path) -> None:
    text = (folder / "_holder.json").read_text()
    (folder / "_holder.json").write_text(text.replace(json.loads(text)["token"], "other"))


def other_lock(folder: Path) -> None:
    (folder / "new").touch()
    (folder / "new").replace(folder / "_lock")


LOSSES = {
    "no lock": remove("_lock"),
    "no note": remove("_holder.json"),
    "neither": remove("_lock", "_holder.json"),
    "another note": other_note,
    "another token": same_file_other_token,
    "another lock": other_lock,
}


@pytest.mark.parametrize("lose", LOSSES.values(), ids=LOSSES)
def test_a_holder_notices_that_it_lost_its_lease(tmp_path: Path, lose) -> None:
    with LocalLocation(tmp_path).held(FACTS) as lease:
        lease.renew()
        lose(tmp_path)
        for look in (lease.check, lease.renew):
            with pytest.raises(LostLeaseError, match="no longer holds the warehouse") as lost:
                look()
        assert lost.value.exit_status == 4
        left = sorted(path.name for path in tmp_path.iterdir())
    assert sorted(path.name for path in tmp_path.iterdir()) == left


def test_a_holder_that_lost_its_lease_leaves_the_next_one_alone(tmp_path: Path) -> None:
    with ExitStack() as held_before, ExitStack() as held:
        old = held_before.enter_context(LocalLocation(tmp_path).held(FACTS | {"date": "old"}))
        (tmp_path / "_lock").unlink()
        new = held.enter_context(LocalLocation(tmp_path).held(FACTS | {"date": "new"}))
        assert new.taken_over is not None
        with pytest.raises(LostLeaseError, match=r"held now by .* date new"):
            old.renew()
        held_before.close()
        new.renew()
        with pytest.raises(BusyError, match="date new"), LocalLocation(tmp_path).held(FACTS):
            pass


def story() -> dict[str, list]:
    """`a` wins the one unit of a window, and `b` loses."""
    applied = [entrant(who, window="w1") for who in "ab"]
    return landing(window(window="w1"), applied, ordered("a", window="w1"))


def test_what_a_run_leaves_that_is_killed_before_its_note_is_in_place_is_taken_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", killed)
    with pytest.raises(KeyboardInterrupt):
        FolderLease(tmp_path, FACTS)
    assert list(tmp_path.glob("._holder.json.*"))
    LocalLocation(tmp_path).remove_drafts()
    assert not list(tmp_path.glob("._holder.json.*"))


@pytest.mark.parametrize("fails", [pytest.param(False, marks=pytest.mark.at_length), True])
def test_a_run_that_lost_its_lease_neither_commits_nor_takes_anything_back(
    nights: Nights, monkeypatch: pytest.MonkeyPatch, fails: bool
) -> None:
    """Its night is done, and before its commit another run locks a new lock file.

    Where it fails by what the other run does to its tables, it says the same.
    """
    nights.land(story())
    root = LocalLocation(nights.warehouse)
    with ExitStack() as held, monkeypatch.context() as patched:
        check = Night._check

        def lost(night: Night, *rest: Any) -> None:
            check(night, *rest)
            (nights.warehouse / "_lock").unlink()
            held.enter_context(root.held(FACTS))
            (nights.warehouse / "_scratch" / "of the new holder").mkdir()
            if fails:
                raise WarehouseError("version 2 was written by another run")

        patched.setattr(Night, "_check", lost)
        with pytest.raises(LostLeaseError, match=r"held now by .*engine spark, date 2026-03-09"):
            nights.run(DAY, CONFIG)
        assert (nights.warehouse / "_scratch" / "of the new holder").exists()
        assert commits.lineage(root) == []
        assert len(nights.rows("bonus_ledger")) == 1  # the new holder takes it back
        assert note(nights.warehouse)["engine"] == "spark"
    nights.run(DAY, CONFIG)
    assert len(nights.rows("bonus_ledger")) == len(nights.rows("bonus_ledger_digests")) == 1


def test_reads_do_not_ask_who_holds_the_warehouse(few: Few) -> None:
    reader = Warehouse(few.warehouse.engine, few.warehouse.root, [PAYOUTS])
    assert reader.read(PAYOUTS.name).count() == 0
    assert commits.lineage(reader.root) == []


# What a run writes, and what others do


PAYOUTS = contracts.warehouse("bonus_payouts")
COMMIT = Commit(
    number=1, parent=None, day=DAY, run_id="r", engine="embedded", version="v", config_digest="c",
    judging={}, awaited=(), judged_from=DAY, settled=DAY, files={},
)  # fmt: skip


class Few(NamedTuple):
    """A warehouse of one table, and a lease on it."""

    warehouse: Warehouse
    lease: FolderLease

    def append(self) -> None:
        row = ("f" * 64, 0, "a", DAY, Decimal("2.00"), 1, "CNY")
        spark = self.warehouse.engine.spark
        self.warehouse.append(PAYOUTS.name, spark.createDataFrame([row], PAYOUTS.spark_schema()))


@pytest.fixture
def few(running: Engine, tmp_path: Path) -> Iterator[Few]:
    root = LocalLocation(tmp_path)
    with root.held(FACTS) as lease:
        warehouse = Warehouse(running, root, [PAYOUTS], lease)
        warehouse.prepare(None)
        warehouse.rewind(None, None)
        yield Few(warehouse, lease)


def test_without_a_lease_nothing_is_written_taken_back_or_committed(few: Few) -> None:
    few.append()
    (few.lease.folder / "_lock").unlink()
    version = few.warehouse.version(PAYOUTS.name)
    for work in (
        few.append,
        lambda: few.warehouse.prepare(None),
        lambda: few.warehouse.rewind(None, None),
        lambda: few.warehouse.commit(COMMIT),
    ):
        with pytest.raises(LostLeaseError):
            work()
    assert few.warehouse.version(PAYOUTS.name) == version
    assert not (few.lease.folder / "_commits").exists()


def test_what_another_wrote_is_neither_built_upon_nor_committed(few: Few) -> None:
    """The engine of a killed run may end a write late, and so may a run that lost its lease."""
    few.append()
    DeltaTable(few.warehouse.root.path / PAYOUTS.name).restore(0)
    for work in (few.append, lambda: few.warehouse.commit(COMMIT)):
        with pytest.raises(WarehouseError, match="version 2 was written by another run; this one"):
            work()
    few.warehouse.rewind(None, None)
    few.append()
    assert few.warehouse.commit(COMMIT).tables == {
        PAYOUTS.name: few.warehouse.version(PAYOUTS.name)
    }


def test_a_list_that_lags_is_noticed(few: Few, monkeypatch: pytest.MonkeyPatch) -> None:
    """Or a commit record would name a version without the rows that were written."""
    before = few.warehouse.version(PAYOUTS.name)
    with monkeypatch.context() as patched:
        patched.setattr(DeltaLog, "newest", lambda _: before)
        with pytest.raises(StoreError, match=rf"its list lacks version {before + 1}"):
            few.append()
    few.warehouse.rewind(None, None)
    few.append()
    monkeypatch.setattr(DeltaLog, "newest", lambda _: before)
    for work in (lambda: few.warehouse.read(PAYOUTS.name), lambda: few.warehouse.commit(COMMIT)):
        with pytest.raises(StoreError, match="its list lacks version"):
            work()


# Whole runs


@pytest.mark.torture
@pytest.mark.parametrize(
    ("engines", "nights"), [(("embedded",) * 4, 3), (("embedded", "spark"), 1)], ids=str
)
def test_of_runs_that_start_together_one_works_and_the_others_stop(
    tmp_path: Path, engines: tuple[str, ...], nights: int
) -> None:
    """Night after night; then the ledger is as one run makes it."""
    days_of_it = [days(number) for number in range(nights)]
    named = {day: f"w{number}" for number, day in enumerate(days_of_it)}
    rows = landing(
        [window(window=name, day=day) for day, name in named.items()],
        [entrant(who, day=day, window=name) for day, name in named.items() for who in "ab"],
        [ordered("a", window=name, day=day) for day, name in named.items()],
    )
    write_landing(tmp_path / "landing", rows)
    (tmp_path / "config.yaml").write_text(json.dumps(CONFIG))
    where = ["--landing", "landing", "--warehouse", "wh", "--config", "config.yaml"]
    refused = 0
    for day in days_of_it:
        command = [sys.executable, "-m", "solatium.cli", "nightly", *where, "--date", str(day)]
        started = [
            subprocess.Popen(
                [*command, "--engine", name],
                cwd=tmp_path,
                env=ENVIRONMENT,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                text=True,
            )
            for name in engines
        ]
        said = [process.communicate()[1] for process in started]
        ended = Counter(process.returncode for process in started)
        # one that starts when the others have ended repeats the night
        assert ended[0] >= 1, said
        assert ended[0] + ended[4] == len(engines), said
        refused += ended[4]
        for process, words in zip(started, said, strict=True):
            assert ("another run holds this warehouse" in words) == (process.returncode == 4)
    assert refused
    assert [commit.day for commit in commits.lineage(LocalLocation(tmp_path / "wh"))] == days_of_it
    posted = table_rows(tmp_path / "wh", "bonus_ledger")
    assert sorted(row["run_date"] for row in posted) == days_of_it
