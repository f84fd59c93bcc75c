"""Nights in a store, and their tables beside those of a local warehouse."""

from __future__ import annotations

import shutil
import sys
from datetime import date
from pathlib import Path
from typing import Any

import harness
import spark_in_stores
from harness import Nights, table_rows
from object_store import ObjectStore
from rich.console import Console

import solatium
from solatium.engine import Engine
from solatium.nightly.request import Report, Request
from solatium.nightly.run import run
from solatium.settings.load import from_mapping
from solatium.storage import objects
from solatium.storage.lease import NOTE
from solatium.storage.location import Location
from solatium.storage.objects import ObjectLocation
from solatium.warehouse import attempts

# what hangs on when and by whom, not on what
_OF_THE_RUN = ("run_id", "started_at", "ended_at", "engine")


class StoreNights(Nights):
    """The same nights; landing zone and warehouse are URIs."""

    def __init__(self, folder: Path, running: Engine, store: ObjectStore) -> None:
        super().__init__(folder, running)
        self.store = store
        self.landed, self.kept = store.place("landing"), store.place("warehouse")
        if running.name == "spark":
            spark_in_stores.tell(running.spark)

    @property
    def root(self) -> ObjectLocation:
        return objects.located(self.kept)

    def files(self) -> list[str]:
        """The names of all files in its warehouse, but of the notes of who holds it, and of which
        runs were tried."""
        names = self.store.keys(self.kept)
        return [name for name in names if name.partition("/")[0] not in (NOTE, attempts.FOLDER)]

    def data_files(self) -> int:
        """How many files with rows its tables have."""
        names = self.store.keys(self.kept)
        return len([n for n in names if n.endswith(".parquet") and "_delta_log" not in n])

    def land(self, landing: dict[str, list[dict[str, Any]]], part: str = "part-0") -> None:
        shutil.rmtree(self.landing)
        super().land(landing, part)
        self.store.put_folder(self.landing, self.landed)

    def run(self, day: date, config: dict[str, Any] | None = None, **options: Any) -> Report:
        request = Request(
            landing=Location.parse(self.landed),
            warehouse=self.root,
            settings=from_mapping(config or {}),
            engine=self.running.name,
            day=day,
            **options,
        )
        return run(request, Console(stderr=True), self.running, self.expectations)

    def command(self, day: date, *options: str, script: tuple[str, ...] = ()) -> list[str]:
        """`solatium nightly` as a process of its own, by a script of the tests if one is given."""
        places = ["--landing", self.landed, "--warehouse", self.kept]
        what = script or ("-m", "solatium.cli")
        return [sys.executable, *what, "nightly", "--date", str(day), *places, *options]

    def environment(self) -> dict[str, str]:
        """What such a process gets."""
        return harness.environment()

    def rows(self, table: str) -> list[dict[str, Any]]:
        return table_rows(self.kept, table)


def rows_of(warehouse: str | Path) -> dict[str, list[dict[str, Any]]]:
    tables = solatium.open(warehouse)
    return {
        name: [
            {column: value for column, value in row.items() if column not in _OF_THE_RUN}
            for row in table.arrow().to_pylist()
        ]
        for name, table in tables.items()
    }


def same(one: str | Path, other: str | Path) -> None:
    left, right = rows_of(one), rows_of(other)
    assert left.keys() == right.keys()
    for name in left:
        assert sorted(map(repr, left[name])) == sorted(map(repr, right[name])), name
