"""A publishing sends what changed, all of it or nothing, and one at a time."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from harness import Nights
from sampled import sampled
from stars import KEY, SHELVES, Shelf, expected
from two_nights import MONDAY, TUESDAY, copied

from solatium.contracts.star import DIMENSIONS
from solatium.engine import Engine
from solatium.errors import BusyError, SolatiumError, UsageError, WarehouseError
from solatium.publish import publication
from solatium.publish.publishing import Published
from solatium.publish.star import Star
from solatium.warehouse.snapshot import Snapshot

ROOT = Path(__file__).resolve().parents[2]
OTHER_KEY = bytes(32)


@pytest.fixture
def nights(embedded_session: Engine, after_two_nights: Nights) -> Nights:
    return after_two_nights


@pytest.fixture
def monday(nights: Nights) -> Snapshot:
    return Snapshot.of(nights.warehouse, MONDAY)


@pytest.fixture
def tuesday(nights: Nights) -> Snapshot:
    return Snapshot.of(nights.warehouse, TUESDAY)


def facts(published: Published) -> dict[str, tuple[int, ...]]:
    """Of each fact that something was sent of: how many dates and rows were sent."""
    return {
        one.table: (len(one.dates), one.rows)
        for one in published.sent
        if one.table not in DIMENSIONS and one.dates
    }


def test_a_second_publishing_sends_the_dates_that_changed(
    monday: Snapshot, tuesday: Snapshot, shelf: Shelf
) -> None:
    first = shelf.publish(monday)
    assert first.because == "it is the first publishing"
    second = shelf.publish(tuesday)
    assert second.because == ""
    # each date is closed by its own night; only quarantine has something new of Monday
    assert {day for one in second.sent for day in one.dates} == {TUESDAY}
    rows = shelf.rows()
    assert facts(second) == {
        name: (1, len([row for row in rows[name] if row[column] == TUESDAY]))
        for name, column in (
            ("fact_participation", "business_date"),
            ("quality_by_day", "arrival_date"),
        )
    }


def test_the_same_again_changes_nothing(tuesday: Snapshot, shelf: Shelf) -> None:
    shelf.publish(tuesday)
    before = shelf.rows()
    where = (Path(shelf.to) / "current").resolve() if shelf.kind == "folder" else None
    again = shelf.publish(tuesday)
    assert again.sent == ()
    assert shelf.rows() == before
    if where is not None:
        assert (Path(shelf.to) / "current").resolve() == where


def test_rows_that_stay_as_they_are_are_not_written(
    monday: Snapshot, database: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    database.publish(monday)
    form, digest = publication.form(), publication._digest
    monkeypatch.setattr(publication, "form", lambda: form)
    monkeypatch.setattr(publication, "_digest", lambda texts: digest(["other", *texts]))
    again = database.publish(monday)
    assert sum(one.rows for one in again.sent) > 0
    assert [(one.written, one.removed) for one in again.sent] == [(0, 0)] * len(again.sent)


def test_a_failure_leaves_the_night_before(
    monday: Snapshot, tuesday: Snapshot, shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf.publish(monday)
    before = shelf.rows()
    assert before == expected(monday)
    query = Star.query

    def breaks(star: Star, name: str) -> str:
        if name == "quality_by_day":
            raise SolatiumError("the disk is full")
        return query(star, name)

    with monkeypatch.context() as patched:
        patched.setattr(Star, "query", breaks)
        with pytest.raises(SolatiumError, match="the disk is full"):
            shelf.publish(tuesday)
    assert shelf.rows() == before
    shelf.publish(tuesday)
    assert shelf.rows() == expected(tuesday)


KILLED = """
import os, sys
from stars import Shelf
from solatium.publish.star import Star
from solatium.warehouse.snapshot import Snapshot

query = Star.query
Star.query = lambda star, name: os._exit(9) if name == "quality_by_day" else query(star, name)
kind, to, schema, warehouse = sys.argv[1:]
Shelf(kind, to, schema or None).publish(Snapshot.of(warehouse))
"""


def test_a_killed_process_leaves_the_night_before(
    nights: Nights, monday: Snapshot, tuesday: Snapshot, shelf: Shelf
) -> None:
    shelf.publish(monday)
    arguments = [shelf.kind, shelf.to, shelf.schema or "", str(nights.warehouse)]
    ended = subprocess.run(
        [sys.executable, "-c", KILLED, *arguments],
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests/support")])},
    )
    assert ended.returncode == 9
    assert shelf.rows() == expected(monday)
    shelf.publish(tuesday)
    assert shelf.rows() == expected(tuesday)


def test_a_first_publishing_that_fails_leaves_nothing(
    monday: Snapshot, shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(Star, "query", lambda star, name: "select error('no')")
        with pytest.raises(Exception, match="no"):
            shelf.publish(monday)
    assert shelf.publish(monday).because == "it is the first publishing"


def test_a_rival_is_refused(
    monday: Snapshot, tuesday: Snapshot, shelf: Shelf, tmp_path: Path
) -> None:
    shelf.publish(monday)
    if shelf.kind == "duckdb":  # gives a file to one process, not to one connection
        code = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print(flush=True); input()"
        rival = subprocess.Popen(
            [sys.executable, "-c", code, shelf.to],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert rival.stdout is not None
        rival.stdout.readline()
        try:
            with pytest.raises(BusyError, match="another process has the file open"):
                shelf.publish(tuesday)
        finally:
            rival.communicate(b"\n")
    else:
        with shelf.target.opened():
            with pytest.raises(BusyError, match="another publishing is at work"):
                shelf.publish(tuesday)
            # who reads waits for nobody
            assert shelf.rows() == expected(monday)
    shelf.publish(tuesday)
    assert shelf.rows() == expected(tuesday)


@pytest.mark.parametrize("shelf", sampled(SHELVES, ["postgres"]), indirect=True)
def test_a_file_of_the_warehouse_that_is_gone(
    nights: Nights, monday: Snapshot, shelf: Shelf, tmp_path: Path
) -> None:
    """As where a vacuum came between."""
    copy = copied(nights, tmp_path / "copy")
    tables = Snapshot.of(copy.warehouse, TUESDAY)
    shelf.publish(monday)
    for file in copy.warehouse.glob(f"screened_participants/business_date={TUESDAY}/*.parquet"):
        file.unlink()
    with pytest.raises(WarehouseError, match=r"cannot be read(.|\n)*the same command again"):
        shelf.publish(tables)
    assert shelf.rows() == expected(monday)


@pytest.mark.parametrize("shelf", sampled(SHELVES, ["postgres"]), indirect=True)
def test_another_key_gives_everybody_another_name(tuesday: Snapshot, shelf: Shelf) -> None:
    shelf.publish(tuesday)
    again = shelf.publish(tuesday, OTHER_KEY)
    assert again.because == "accounts have other names now"
    rows = shelf.rows()
    assert rows == expected(tuesday, OTHER_KEY)
    before = {row["account_key"] for row in expected(tuesday, KEY)["dim_account"]}
    assert not before & {row["account_key"] for row in rows["dim_account"]}


@pytest.mark.parametrize("shelf", sampled(SHELVES, ["postgres"]), indirect=True)
def test_pseudonyms_hide_every_id(tuesday: Snapshot, shelf: Shelf) -> None:
    """Also those that are hashes of ids, and that whoever knows the ids could make again."""
    shelf.publish(tuesday)
    texts = {text for rows in shelf.rows().values() for row in rows for text in row.values()}
    hidden = {
        id_
        for name in tuesday
        for column in ("account_id", "team_id", "entry_id", "payout_id", "ticket")
        if column in tuesday[name].columns
        for id_ in tuesday[name].arrow([column])[column].to_pylist()
    }
    assert len(hidden) > 10
    assert not (hidden - {None}) & texts
    shelf.publish(tuesday, None)
    assert shelf.rows() == expected(tuesday, None)


def test_tables_of_another_form_are_made_again(
    monday: Snapshot, shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(publication, "form", lambda: "an older one")
        shelf.publish(monday)
    assert "have another form" in shelf.publish(monday).because
    assert shelf.rows() == expected(monday)


def test_tables_of_others_are_left_alone(monday: Snapshot, database: Shelf) -> None:
    schema = (
        f'create schema if not exists "{(database.schema or "").replace(chr(34), chr(34) * 2)}"'
    )
    if database.kind == "postgres":
        database.execute(schema)
    database.execute("create table fact_award (mine int)")
    with pytest.raises(UsageError, match="fact_award, which solatium did not publish"):
        database.publish(monday)
    assert database.query("select * from fact_award").num_rows == 0


def test_views_of_analysts_stay(monday: Snapshot, tuesday: Snapshot, database: Shelf) -> None:
    database.publish(monday)
    database.execute("create view mine as select count(*) as n from fact_participation")
    database.publish(tuesday)
    [row] = database.query("select n from mine").to_pylist()
    assert row["n"] == len(expected(tuesday)["fact_participation"])


def test_a_folder_of_others_is_left_alone(monday: Snapshot, tmp_path: Path) -> None:
    (tmp_path / "report.html").write_text("mine")
    with pytest.raises(UsageError, match=r"expected an empty folder.*found report\.html"):
        Shelf("folder", str(tmp_path)).publish(monday)
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]


def test_a_folder_keeps_what_somebody_may_still_read(
    monday: Snapshot, tuesday: Snapshot, tmp_path: Path
) -> None:
    shelf = Shelf("folder", str(tmp_path / "star"))
    shelf.publish(monday)
    old = (tmp_path / "star" / "current").resolve()
    shelf.publish(tuesday)
    new = (tmp_path / "star" / "current").resolve()
    assert old.is_dir()
    # a date that did not change is the same file under a further name
    same = f"fact_participation/{MONDAY}.parquet"
    assert (old / same).samefile(new / same)
    shelf.publish(monday)
    assert not old.exists()
    assert new.is_dir()


def test_a_record_that_cannot_be_read(monday: Snapshot, tmp_path: Path) -> None:
    shelf = Shelf("folder", str(tmp_path / "star"))
    shelf.publish(monday)
    (tmp_path / "star" / "current" / "publication.json").write_text("{")
    with pytest.raises(SolatiumError, match="expected the record of a publication"):
        shelf.publish(monday)
