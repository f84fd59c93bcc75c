"""A damaged warehouse: a run says which file it is and what to do, and changes nothing.

docs/architecture.md "When a run is ended".
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from deltalake import DeltaTable
from golden import race
from harness import Nights
from rows import days, landing

from solatium.cli import show
from solatium.contracts import WAREHOUSE
from solatium.engine import Engine
from solatium.errors import SolatiumError, StoreError, WarehouseError
from solatium.storage.local import LocalLocation
from solatium.storage.location import Location
from solatium.warehouse import diagnosis
from solatium.warehouse.diagnosis import diagnosed
from solatium.warehouse.tables import damaged

FIRST, SECOND = DATES = [days(number) for number in range(2)]
CONFIG = {
    "grace_days": 0,
    "bonus": {"tiers": [{"min_failures": 1, "amount": "2.00"}]},
}

Damage = Callable[[Path], Path]


@pytest.fixture(scope="module")
def handled(running: Engine, tmp_path_factory: pytest.TempPathFactory) -> Nights:
    """A date that was handled, and a second that has arrived."""
    nights = Nights(tmp_path_factory.mktemp("handled"), running)
    nights.land(
        landing(*(race(f"race-{n}", "front", "ann", "ben", day=day) for n, day in enumerate(DATES)))
    )
    nights.run(FIRST, CONFIG)
    return nights


@pytest.fixture
def nights(handled: Nights, tmp_path: Path) -> Nights:
    """A copy, in a place of its own."""
    shutil.copytree(handled.landing.parent, tmp_path / "copy")
    return Nights(tmp_path / "copy", handled.running)


def entry(table: str, version: int, how: Callable[[bytes], bytes | None]) -> Damage:
    """Damage to a log entry; a negative version counts from the newest."""

    def damage(warehouse: Path) -> Path:
        entries = sorted((warehouse / table / "_delta_log").glob("*.json"))
        return put(entries[version], how)

    return damage


def data(table: str, how: Callable[[bytes], bytes | None]) -> Damage:
    """Damage to a data file of the newest version."""

    def damage(warehouse: Path) -> Path:
        files = DeltaTable(warehouse / table).file_uris()
        return put(Path(files[0].removeprefix("file://")), how)

    return damage


def record(number: int, how: Callable[[bytes], bytes | None]) -> Damage:
    def damage(warehouse: Path) -> Path:
        return put(warehouse / "_commits" / f"{number:010d}.json", how)

    return damage


def folder(name: str) -> Damage:
    """A folder that is emptied."""

    def damage(warehouse: Path) -> Path:
        shutil.rmtree(warehouse / name)
        (warehouse / name).mkdir()
        return warehouse / name

    return damage


def put(file: Path, how: Callable[[bytes], bytes | None]) -> Path:
    content = how(file.read_bytes())
    if content is None:
        file.unlink()
    else:
        file.write_bytes(content)
    return file


def gone(_: bytes) -> None:
    return None


def emptied(_: bytes) -> bytes:
    return b""


def halved(content: bytes) -> bytes:
    return content[: len(content) // 2]


def noise(content: bytes) -> bytes:
    """In the middle; of the same size."""
    quarter = len(content) // 4
    return content[:quarter] + b"\xff" * (len(content) - 2 * quarter) + content[-quarter:]


def without(key: str) -> Callable[[bytes], bytes]:
    def lacking(content: bytes) -> bytes:
        facts = json.loads(content)
        del facts[key]
        return json.dumps(facts).encode()

    return lacking


# What a listing or a record tells, before an engine starts
KNOWN = {
    "entry-in-the-middle-gone": entry("windows", 1, gone),
    "entry-in-the-middle-empty": entry("bonus_ledger", 1, emptied),
    "newest-entry-gone": entry("bonus_ledger", -1, gone),
    "newest-entry-empty": entry("account_history", -1, emptied),
    "log-gone": folder("bonus_ledger/_delta_log"),
    "table-gone": folder("window_results"),
    "record-gone": record(1, gone),
    "record-empty": record(1, emptied),
    "record-halved": record(1, halved),
    "record-of-noise": record(1, noise),
    "record-without-a-key": record(1, without("settled")),
    "record-without-tables": record(1, without("tables")),
    "no-records": folder("_commits"),
}

# What a night stumbles over
NOTICED = {
    "entry-halved": entry("accounts", 2, halved),
    "newest-entry-of-noise": entry("_account_history_closed", -1, noise),
    "data-gone": data("_account_history_closed", gone),
    "data-empty": data("accounts", emptied),
    "data-halved": data("windows", halved),
    "data-of-noise": data("bonus_ledger", noise),
}


def refused(nights: Nights, damage: Damage) -> str:
    file = damage(nights.warehouse)
    before = state(nights.warehouse)
    with pytest.raises(WarehouseError) as refusal:
        nights.run(SECOND, CONFIG)
    told = str(refusal.value)
    assert str(file) in told
    assert "from a backup" in told
    assert "name a new folder as the warehouse" in told
    assert not (nights.warehouse / "_commits" / "0000000002.json").exists()
    now = state(nights.warehouse)
    assert {name: now.get(name) for name in before} == before
    return told


def state(warehouse: Path) -> dict[str, bytes]:
    """All files that a reader may need."""
    return {
        str(path.relative_to(warehouse)): path.read_bytes()
        for path in warehouse.rglob("*")
        if path.is_file() and path.suffix != ".crc" and path.name[0] != "_"
    }


@pytest.mark.parametrize("damage", KNOWN)
def test_damage_that_a_listing_shows_is_told_at_once(nights: Nights, damage: str) -> None:
    refused(nights, KNOWN[damage])
    tables = {path.parent.parent.name for path in nights.warehouse.glob("*/_delta_log/*.json")}
    assert all((nights.warehouse / name).is_dir() for name in tables)


@pytest.mark.parametrize(
    "damage",
    [
        name if name == "data-empty" else pytest.param(name, marks=pytest.mark.torture)
        for name in NOTICED
    ],
)
def test_damage_that_stops_a_night_is_told(nights: Nights, damage: str) -> None:
    told = refused(nights, NOTICED[damage])
    assert "it was noticed by: " in told


@pytest.mark.torture
def test_a_hint_that_misleads_is_no_damage(nights: Nights) -> None:
    for table, hint in (("windows", "noise"), ("accounts", '{"version": 3, "size": 9}')):
        (nights.warehouse / table / "_delta_log" / "_last_checkpoint").write_text(hint)
    nights.run(SECOND, CONFIG)
    assert len(nights.rows("windows")) == 2


def test_damage_is_told_to_who_lists_the_tables(nights: Nights) -> None:
    file = entry("orders", 1, halved)(nights.warehouse)
    root = LocalLocation(nights.warehouse)
    with pytest.raises(WarehouseError) as refusal, diagnosed(root):
        show.tables(WAREHOUSE, root)
    assert str(file) in str(refusal.value)


def test_damage_is_told_by_the_name_that_people_know(tmp_path: Path) -> None:
    """An oddly named warehouse is reached through a link of another name."""
    place = LocalLocation(tmp_path / "an odd 100%")
    with pytest.raises(WarehouseError) as refusal, place.plainly_named() as root:
        raise damaged(root, [f"{root / 'orders'}: gone"])
    assert str(refusal.value).count(str(place)) == 2
    assert f"{place / 'orders'}: gone" in refusal.value.problems


@pytest.mark.parametrize(
    ("place", "first"), [("s3://a-bucket/wh", "give the same command again"), ("/wh", "restore")]
)
def test_in_a_store_a_list_that_lags_looks_like_damage(
    place: str, first: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So the first advice there is to look again, before anything is restored."""
    monkeypatch.setenv("AWS_REGION", "eu-central-1")
    told = damaged(Location.parse(place), ["wh/orders: gone"]).problems
    assert first in told[1]
    assert "restore these files from a backup" in " ".join(told)


def test_a_store_that_fails_an_engine_or_a_library_is_named_and_no_damage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may fail the search for damage too."""
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "a-secret-of-this-store")
    root = LocalLocation(tmp_path)
    said = "Generic S3 error\n  \x1b[31m↳\x1b[0m PUT a-secret-of-this-store: operation timed out"
    for failing in ([], [StoreError("a bad day")]):
        monkeypatch.setattr(diagnosis, "damages", lambda _, failing=failing: given(failing))
        with pytest.raises(StoreError, match="a store failed") as refusal, diagnosed(root):
            raise OSError(f"Kernel error -> {said}")
        told, advice = refusal.value.problems
        assert told == "Generic S3 error ↳ PUT ***: operation timed out"
        assert "give the same command again" in advice


def given(failing: list[Exception]) -> list[str]:
    if failing:
        raise failing[0]
    return []


def test_a_store_that_fails_the_search_for_damage_is_no_damage(
    nights: Nights, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(*_: object, **__: object) -> DeltaTable:
        raise OSError("Generic S3 error: operation timed out")

    monkeypatch.setattr(diagnosis, "DeltaTable", failing)
    with pytest.raises(StoreError), diagnosed(LocalLocation(nights.warehouse)):
        raise ValueError("what an engine says")


def test_a_night_that_needs_more_memory_says_which_setting_bounds_it(tmp_path: Path) -> None:
    root = LocalLocation(tmp_path)
    with pytest.raises(SolatiumError, match="embedded_memory_mb") as refusal, diagnosed(root):
        raise RuntimeError("Resources exhausted: Failed to allocate additional 8.0 MB for a join")
    assert "--engine spark" in str(refusal.value)
