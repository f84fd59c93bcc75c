"""What a vacuum removes and what it keeps (docs/rules.md section 10), and that nights go on after
it as if nothing had happened."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from compare import differences
from deltalake import DeltaTable
from harness import Nights, contents
from two_nights import CONFIG, MONDAY, TUESDAY, WEDNESDAY, copied, reference_tables

import solatium
from solatium.cli import app
from solatium.contracts.internal import TABLES
from solatium.errors import BusyError, LostLeaseError, UsageError, WarehouseError
from solatium.storage.local import LocalLocation
from solatium.warehouse import commits
from solatium.warehouse.tables import Warehouse
from solatium.warehouse.vacuum import Vacuumed, vacuum


@pytest.fixture
def nights(after_two_nights: Nights, tmp_path: Path) -> Nights:
    """A copy of Monday's and Tuesday's nights."""
    return copied(after_two_nights, tmp_path)


def vacuumed(nights: Nights, retention_days: int = 1, **options: bool) -> Vacuumed:
    return vacuum(LocalLocation(nights.warehouse), retention_days, **options)


def data_files(nights: Nights, below: str = "*") -> set[Path]:
    """What holds rows, or was to hold some."""
    return {
        path
        for path in nights.warehouse.glob(f"{below}/**/*.parquet")
        if "_delta_log" not in path.parts
    }


def named_files(nights: Nights, *, newest: int) -> set[Path]:
    """The data files that the newest commits name, in the versions that they name."""
    with LocalLocation(nights.warehouse).plainly_named() as root:
        return {
            nights.warehouse / name / add["path"]
            for commit in commits.lineage(root)[-newest:]
            for name, version in commit.tables.items()
            for add in DeltaTable((root / name).uri, version=version)
            .get_add_actions(flatten=True)
            .to_struct_array()
            .to_pylist()
        }


def all_tables(nights: Nights, day: object = None) -> dict[str, list[str]]:
    tables = solatium.open(nights.warehouse, day)  # type: ignore[arg-type]
    return {name: sorted(map(repr, t.arrow().to_pylist())) for name, t in tables.items()}


# What goes, what stays, and how it goes on


@pytest.mark.spark_at_length
def test_nights_after_a_vacuum_give_the_tables_of_a_warehouse_that_had_none(
    nights: Nights,
) -> None:
    """Wednesday's judges Tuesday anew, on the history as of Monday, which is no longer kept."""
    before = all_tables(nights)
    done = vacuumed(nights)
    assert [commit.day for commit in done.kept] == [TUESDAY]
    assert [commit.day for commit in done.removed] == [MONDAY]
    assert data_files(nights) == named_files(nights, newest=1)
    assert all_tables(nights) == before
    assert nights.run(WEDNESDAY, CONFIG).handled == [WEDNESDAY]
    assert differences(nights.warehouse, reference_tables(WEDNESDAY)) == []
    assert all_tables(nights, TUESDAY) == before


@pytest.mark.torture
def test_a_backfill_further_back_than_what_is_kept_begins_at_the_start(nights: Nights) -> None:
    vacuumed(nights)
    report = nights.run(TUESDAY, CONFIG, again_from=TUESDAY)
    assert report.handled == [MONDAY, TUESDAY]
    assert report.notes[0] == (
        f"judging again from {MONDAY} on: the tables of {MONDAY}, on which others stand, are no "
        "longer kept"
    )
    nights.run(WEDNESDAY, CONFIG)
    assert differences(nights.warehouse, reference_tables(WEDNESDAY)) == []
    # and the dates that it handled anew are kept, until the next vacuum
    assert [solatium.open(nights.warehouse, day).day for day in (MONDAY, TUESDAY)] == [
        MONDAY,
        TUESDAY,
    ]


def test_all_is_kept_of_as_many_dates_as_the_setting_says(nights: Nights) -> None:
    before, files = contents(nights.warehouse), data_files(nights)
    done = vacuumed(nights, retention_days=2)
    assert [commit.day for commit in done.kept] == [MONDAY, TUESDAY]
    assert done.removed == []
    assert data_files(nights) == files == named_files(nights, newest=2)
    assert contents(nights.warehouse) == before
    assert all_tables(nights, MONDAY)


def test_a_rehearsal_says_what_would_go_and_removes_nothing(nights: Nights) -> None:
    files = data_files(nights)
    rehearsed = vacuumed(nights, is_rehearsal=True)
    assert data_files(nights) == files
    assert all_tables(nights, MONDAY)
    done = vacuumed(nights)
    assert (rehearsed.kept, rehearsed.removed) == (done.kept, done.removed)
    assert rehearsed.tables == done.tables
    assert sum(freed.size for freed in done.tables) > 0
    assert all(freed.files == 0 for freed in vacuumed(nights).tables)


def test_tables_that_are_no_longer_kept_are_refused_by_name(nights: Nights) -> None:
    early = solatium.open(nights.warehouse, MONDAY)
    vacuumed(nights)
    with pytest.raises(UsageError) as refused:
        solatium.open(nights.warehouse, MONDAY)
    assert f"the tables as of {MONDAY} were removed by solatium vacuum" in str(refused.value)
    assert f"the oldest that are kept are those of {TUESDAY}" in str(refused.value)
    with pytest.raises(WarehouseError, match="of account_history is gone"):
        early["account_history"].arrow()
    # a longer retention brings nothing back
    vacuumed(nights, retention_days=90)
    with pytest.raises(UsageError, match="removed by solatium vacuum"):
        solatium.open(nights.warehouse, MONDAY)


def test_what_killed_runs_left_goes_too(nights: Nights) -> None:
    """Files that no version names, versions that no commit names, and scratch."""
    before = all_tables(nights)
    with LocalLocation(nights.warehouse).plainly_named() as root:
        warehouse = Warehouse(nights.running, root, TABLES)
        warehouse.overwrite("allocations", warehouse.read("allocations").limit(2))
        log = len((root / "allocations" / "_delta_log").names())
    orphan = nights.warehouse / "allocations" / f"business_date={MONDAY}" / "orphan.parquet"
    orphan.write_bytes(b"half a fi")
    scratch = nights.warehouse / "_scratch" / "activity"
    scratch.mkdir(parents=True)
    (scratch / "part-0.parquet").write_bytes(b"12345")
    kept = named_files(nights, newest=2)
    assert data_files(nights) > kept
    rehearsed = vacuumed(nights, 2, is_rehearsal=True)
    assert orphan.exists()
    done = vacuumed(nights, 2)
    assert done.tables == rehearsed.tables
    assert (done.tables[-1].table, done.tables[-1].files, done.tables[-1].size) == (
        "_scratch",
        1,
        5,
    )
    assert data_files(nights) == kept
    assert not scratch.exists()
    assert all_tables(nights) == before
    assert sorted(map(repr, nights.rows("allocations"))) == before["allocations"]
    # half a night is taken back once, by one more version
    vacuumed(nights, 2)
    assert len(list((nights.warehouse / "allocations" / "_delta_log").iterdir())) == log + 1


def test_a_vacuum_that_is_killed_is_ended_by_the_next(
    nights: Nights, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it had said is no longer kept is not read, although some of it is still there."""
    before, remove_file = all_tables(nights), LocalLocation.remove_file
    removed = []

    def killed(location: LocalLocation) -> None:
        remove_file(location)
        removed.append(location)
        if len(removed) == 3:
            raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(LocalLocation, "remove_file", killed)
        with pytest.raises(KeyboardInterrupt):
            vacuumed(nights)
    assert data_files(nights) > named_files(nights, newest=1)
    with pytest.raises(UsageError, match="removed by solatium vacuum"):
        solatium.open(nights.warehouse, MONDAY)
    assert all_tables(nights) == before
    vacuumed(nights)
    assert data_files(nights) == named_files(nights, newest=1)
    assert all_tables(nights) == before


def test_it_ends_where_another_took_the_warehouse_over(
    nights: Nights, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whose files it would not know from those that no version names."""
    before, remove_file = data_files(nights), LocalLocation.remove_file

    def taken_over(location: LocalLocation) -> None:
        remove_file(location)
        (nights.warehouse / "_lock").unlink()

    with monkeypatch.context() as patched:
        patched.setattr(LocalLocation, "remove_file", taken_over)
        with pytest.raises(LostLeaseError, match="no longer holds the warehouse"):
            vacuumed(nights)
    assert len(before - data_files(nights)) == 1


def test_it_keeps_away_from_a_warehouse_that_a_run_holds(nights: Nights) -> None:
    before, files = contents(nights.warehouse), data_files(nights)
    with LocalLocation(nights.warehouse).held({"engine": "embedded"}):
        for is_rehearsal in (False, True):
            with pytest.raises(BusyError, match="another run holds this warehouse"):
                vacuumed(nights, is_rehearsal=is_rehearsal)
    assert contents(nights.warehouse) == before
    assert data_files(nights) == files


# The command


def command(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str]:
    with pytest.raises(SystemExit) as end:
        app.main([str(argument) for argument in arguments])
    said = capsys.readouterr()
    return int(end.value.code or 0), said.out + said.err


def test_the_command_says_what_it_freed(
    nights: Nights, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "config.yaml"
    config.write_text("retention_days: 1\n")
    place = ("vacuum", "--warehouse", nights.warehouse)
    status, said = command(capsys, *place)
    assert (status, "Freed" in said) == (0, True)
    assert f"kept: the tables of 2 dates, {MONDAY} to {TUESDAY}\n" in said
    status, said = command(capsys, *place, "--config", config, "--dry-run")
    assert (status, "Would be freed" in said) == (0, True)
    assert f"kept: the tables of {TUESDAY}\nno longer: {MONDAY}\n" in said
    status, said = command(capsys, *place, "--config", config)
    assert (status, "│ account_history " in said) == (0, True)
    assert f"no longer: {MONDAY}\n" in said
    (record,) = nights.warehouse.glob("_commits/*.oldest_kept")
    assert record.name == "0000000002.oldest_kept"
    assert json.loads(record.read_text()) == {"newest": 2, "retention_days": 1}


def test_the_command_needs_a_warehouse(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, said = command(capsys, "vacuum", "--warehouse", tmp_path / "none")
    assert (status, "there is no warehouse" in said) == (2, True)
    assert not (tmp_path / "none").exists()
