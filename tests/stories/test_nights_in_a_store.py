"""Nights whose landing zone and warehouse lie in a store: as if they lay in folders."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import packs
import pytest
from harness import Nights
from object_store import SECRET, ObjectStore
from rows import days, entrant, landing, ordered, window
from stored_nights import StoreNights, rows_of, same
from two_nights import CONFIG, MONDAY, STORY, TUESDAY

import solatium
from solatium.cli import app
from solatium.engine import Engine
from solatium.errors import BusyError, InputError, LostLeaseError, UsageError
from solatium.ledger.audit import audit
from solatium.nightly.night import Night
from solatium.nightly.rollback import rollback
from solatium.storage import object_lease
from solatium.storage.lease import facts_of
from solatium.storage.location import Location
from solatium.storage.object_lease import ObjectLease
from solatium.warehouse import commits
from solatium.warehouse.vacuum import vacuum


@pytest.fixture(scope="module")
def both(
    embedded_session: Engine, store: ObjectStore, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Nights, StoreNights]:
    """Monday's and Tuesday's nights, in folders and in a store; Tuesday's files have odd names."""
    folder = tmp_path_factory.mktemp("both")
    local = Nights(folder / "local", embedded_session)
    there = StoreNights(folder / "there", embedded_session, store)
    for nights in (local, there):
        for day in (MONDAY, TUESDAY):
            arrived = {name: [r for r in rows if r["dt"] == day] for name, rows in STORY.items()}
            nights.land(arrived, store.odd_part if day == TUESDAY else "part-0")
            nights.run(day, CONFIG)
    return local, there


def test_all_tables_are_those_of_a_local_warehouse(both: tuple[Nights, StoreNights]) -> None:
    local, there = both
    same(local.warehouse, there.kept)
    names = there.store.keys(there.kept)
    assert not [name for name in names if name.startswith(("_scratch", "_probe"))]
    note = there.root.store.register(f"{there.root.key}/_holder.json")
    assert json.loads(note.read()[0]) == {"token": None}


def test_readers_see_each_night_in_every_form(both: tuple[Nights, StoreNights]) -> None:
    there = both[1]
    then = solatium.open(there.kept, as_of=MONDAY)
    assert then.day == MONDAY
    table = then["allocations"]
    rows = table.arrow(["account_id"]).num_rows
    assert rows == table.rows > 0
    assert len(table.pandas()) == len(table.polars()) == rows
    assert table.duckdb().count("*").fetchall() == [(rows,)]
    assert table.spark(there.running.spark).count() == rows
    with pytest.raises(UsageError, match="there is no warehouse"):
        solatium.open(there.store.place("nothing"))


def test_its_ledger_is_audited(both: tuple[Nights, StoreNights]) -> None:
    local, there = both
    here = audit(Location.parse(str(local.warehouse)), local.running.name, local.running)
    found = audit(there.root, there.running.name, there.running)
    assert (found.entries, found.totals, found.digest) == (here.entries, here.totals, here.digest)


def test_its_pages_and_answers_are_those_of_a_local_one(
    both: tuple[Nights, StoreNights], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    local, there = both
    said = []
    for place, zone in ((str(local.warehouse), str(local.landing)), (there.kept, there.landed)):
        out = tmp_path / f"{len(said)}"
        out.mkdir()
        capsys.readouterr()
        of_window = ["--commodity", "sku1", "--window", f"w-{MONDAY}"]
        with ends(0):
            app.main(["explain", "--warehouse", place, "--account", "ann", *of_window])
        explained = capsys.readouterr().out
        with ends(0):
            app.main(["report", "--warehouse", place, "--out", str(out / "page.html")])
        with ends(0):
            pack = ["--landing", zone, "--out", str(out / "pack")]
            app.main(["evidence", "--warehouse", place, *of_window, *pack])
        with ends(0):
            app.main(["runs", "--warehouse", place])
        assert packs.verify(out / "pack").status == 0
        digests = [file["sha256"] for file in packs.facts(out / "pack")["landing_files"]]
        assert all(digests)
        said.append((explained, (out / "page.html").stat().st_size > 10_000, len(digests)))
    assert said[0][:2] == said[1][:2]


@contextmanager
def ends(status: int) -> Iterator[None]:
    """The command ends with this status; one that succeeds may also just return."""
    code = None
    try:
        yield
    except SystemExit as error:
        code = error.code
    assert (code or 0) == status


# A warehouse that changes


def story() -> dict[str, list]:
    """On each of two dates `a` wins the one unit of a window, and `b` loses."""
    rows: list[Any] = []
    for day, name in ((days(0), "w1"), (days(1), "w2")):
        rows += [window(window=name, day=day), ordered("a", window=name, day=day)]
        rows += [entrant(who, window=name, day=day) for who in "ab"]
    return landing(*rows)


@pytest.fixture
def there(embedded: Engine, store: ObjectStore, tmp_path: Path) -> StoreNights:
    nights = StoreNights(tmp_path, embedded, store)
    nights.land(story())
    return nights


@pytest.mark.torture
def test_a_night_that_fails_or_is_killed_is_repeated_with_the_same_result(
    there: StoreNights, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Then it is rolled back, handled again and vacuumed, and the ledger stays sound."""
    first, second = days(0), days(1)
    there.run(first, CONFIG)
    with monkeypatch.context() as patched:
        check = Night._check

        def killed(night: Night, *rest: Any) -> None:
            check(night, *rest)
            raise KeyboardInterrupt

        patched.setattr(Night, "_check", killed)
        patched.setattr("solatium.nightly.nights.Nights._take_back", lambda *_: None)
        with pytest.raises(KeyboardInterrupt):
            there.run(second, CONFIG)
    assert [commit.day for commit in commits.lineage(there.root)] == [first]
    # the lease of a process that was killed
    dead = ObjectLease(there.root.store, there.root.key, facts_of({"pid": 7}))
    dead.take()
    with pytest.raises(BusyError, match=r"pid 7.*\n(.*\n)*.*its lease ends in \d+ s"):
        there.run(second, CONFIG)
    with monkeypatch.context() as patched:
        patched.setattr(object_lease, "_left", lambda *facts: 0)
        report = there.run(second, CONFIG)
    assert report.notes[0].startswith("taking over from a run that did not end well: ")
    with pytest.raises(LostLeaseError):
        dead.check()
    before = rows_of(there.kept)
    assert len(before["bonus_ledger"]) == 2

    done = rollback(there.root, first, there.running.name, there.running)
    assert done.nights == (second,)
    there.run(second, CONFIG)
    after = rows_of(there.kept)
    for name in ("allocations", "account_outcomes", "bonus_awards", "window_results"):
        assert sorted(map(repr, before[name])) == sorted(map(repr, after[name])), name
    freed = vacuum(there.root, 0, is_rehearsal=True)
    there_before = there.data_files()
    assert vacuum(there.root, 0).tables == freed.tables
    removed = sum(one.files for one in freed.tables)
    assert there_before - there.data_files() == removed > 0
    assert rows_of(there.kept) == after
    audit(there.root, there.running.name, there.running)
    with pytest.raises(UsageError, match="removed by solatium vacuum"):
        solatium.open(there.kept, as_of=first)


def test_what_lies_wrongly_in_a_landing_zone_is_named_by_its_uri(there: StoreNights) -> None:
    there.store.put(f"{there.landed}/payment/dt=2026-03-10/torn.parquet", b"PAR1 half")
    with pytest.raises(InputError, match=rf"{there.landed}/payment/dt=2026-03-10/torn.parquet: "):
        there.run(days(0), CONFIG)
    there.kept = there.landed.rpartition("/")[0]
    with pytest.raises(UsageError, match="the landing zone lies inside the warehouse"):
        there.run(days(0), CONFIG)


# The command


def test_commands_take_uris_and_keep_no_secret(
    there: StoreNights, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "night.yaml").write_text(json.dumps(CONFIG))
    where = ["--landing", there.landed, "--warehouse", there.kept.replace("s3:", "s3a:")]
    config = ["--config", str(tmp_path / "night.yaml"), "--date", str(days(0))]
    summary = ["--summary-json", str(tmp_path / "summary.json")]
    with ends(0):
        app.main(["nightly", *where, *config, *summary])
    with ends(0):
        app.main(["audit-ledger", "--warehouse", there.kept])
    with ends(2):
        wrong = f"s3://the-key-of-this-store:{SECRET}@rush/logs"
        app.main(["nightly", "--landing", wrong, "--warehouse", there.kept, *config])
    with ends(2):
        app.main(["nightly", "--landing", there.landed, "--warehouse", wrong, *config])
    with ends(0):
        app.main(["runs", "--warehouse", there.kept, "--json"])
    captured = capfd.readouterr()
    attempts = [json.loads(line) for line in captured.out.splitlines() if line.startswith("{")]
    assert [one["exit_status"] for one in attempts] == [2, 0]
    kept = [there.store.read(f"{there.kept}/{name}") for name in there.store.keys(there.kept)]
    said = [captured.out, captured.err, (tmp_path / "summary.json").read_text()]
    for secret in (SECRET, "the-key-of-this-store"):
        assert not any(secret in text for text in said)
        assert not any(secret.encode() in content for content in kept)
