"""Puts rows into a landing zone, runs nights on it, and reads the tables back as rows."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import defaultdict
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import yaml
from deltalake import DeltaTable
from rich.console import Console

from solatium import contracts
from solatium.engine import Engine
from solatium.laws.suites import Suites
from solatium.laws.verdict import Expectations
from solatium.nightly.request import Report, Request
from solatium.nightly.run import run
from solatium.settings.load import from_mapping
from solatium.storage.location import Location

Row = dict[str, Any]

# What a session of Connect leaves behind, which would make Spark's another one of it.
_MARKS = ("SPARK_REMOTE", "SPARK_CONNECT_MODE_ENABLED", "SPARK_API_MODE")

# For tables of a few rows: nothing to spread, to compile or to plan anew. A test session is too
# short for what Java compiles with care, and other tests want the cores that it would take.
QUICK_SPARK = {
    "spark.driver.extraJavaOptions": (
        "-XX:+UseSerialGC -XX:MetaspaceSize=512m -XX:Tier4InvocationThreshold=50000 "
        "-XX:Tier4MinInvocationThreshold=6000 -XX:Tier4CompileThreshold=150000 "
        "-XX:Tier4BackEdgeThreshold=400000"
    ),
    "spark.sql.shuffle.partitions": "1",
    "spark.default.parallelism": "1",
    "spark.sql.adaptive.enabled": "false",
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.databricks.delta.snapshotPartitions": "1",
}


def write_landing(folder: Path, landing: dict[str, list[Row]], part: str = "part-0") -> None:
    """Writes rows as one file for each table and arrival date."""
    for table, rows in landing.items():
        by_date = defaultdict(list)
        for row in rows:
            by_date[row["dt"]].append(row)
        for day, some in by_date.items():
            write_rows(folder / table / f"dt={day}" / f"{part}.parquet", table, some)


def write_rows(path: Path, table: str, rows: list[Row]) -> None:
    """Writes a file of a landing table; all of its columns may be null, as in a careless log."""
    contract = contracts.landing(table)
    wide = {"int": pa.int64(), "decimal(18,2)": pa.decimal128(38, 6)}
    if any((row.get("sequence") or 0) >= 2**63 for row in rows):
        wide["bigint"] = pa.uint64()
    fields = [pa.field(c.name, wide.get(c.type, c.arrow_type())) for c in contract.columns]
    columns = {f.name: pa.array([row.get(f.name) for row in rows], f.type) for f in fields}
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(columns, schema=pa.schema(fields)), path)


def table_rows(warehouse: Path | str, table: str) -> list[Row]:
    """The rows of a table of a warehouse, which is a folder or a place in a store."""
    return DeltaTable(f"{warehouse}/{table}").to_pyarrow_table().to_pylist()


def contents(warehouse: Path) -> dict[str, list[str]]:
    """All that a reader finds in a warehouse: the rows of every table, and the commit records."""
    names = (log.parent.name for log in sorted(warehouse.glob("*/_delta_log")))
    found = {name: sorted(map(repr, table_rows(warehouse, name))) for name in names}
    commits = sorted((warehouse / "_commits").glob("*.json"))
    return found | {"_commits": [commit.read_text() for commit in commits]}


def environment() -> dict[str, str]:
    """What a process gets that is to start a session of its own."""
    return {name: value for name, value in os.environ.items() if name not in _MARKS}


class Nights:
    """A landing zone and a warehouse in a folder, and the runs between them."""

    def __init__(self, folder: Path, running: Engine) -> None:
        self.landing = folder / "landing"
        self.warehouse = folder / "warehouse"
        self.landing.mkdir(parents=True, exist_ok=True)
        self.running = running
        self.expectations = Expectations(Suites(()))

    def land(self, landing: dict[str, list[Row]], part: str = "part-0") -> None:
        """Puts rows into the landing zone, in files named `part`."""
        write_landing(self.landing, landing, part)

    def run(self, day: date, config: dict[str, Any] | None = None, **options: Any) -> Report:
        """`solatium nightly --date DAY`, in this process.

        Without the laws of expectations/, which take time: tests of their own hold nights to them.
        """
        request = Request(
            landing=Location.parse(str(self.landing)),
            warehouse=Location.parse(str(self.warehouse)),
            settings=from_mapping(config or {}),
            engine=self.running.name,
            day=day,
            **options,
        )
        return run(request, Console(stderr=True), self.running, self.expectations)

    def run_elsewhere(self, engine: str, day: date, config: dict[str, Any], *options: str) -> None:
        """`solatium nightly --engine ENGINE --date DAY`, in a process of its own."""
        place = self.landing.parent / "config.yaml"
        place.write_text(yaml.safe_dump(json.loads(json.dumps(config, default=str))))
        places = ["--landing", str(self.landing), "--warehouse", str(self.warehouse)]
        command = ["nightly", "--engine", engine, *places, "--config", str(place), *options]
        ended = subprocess.run(
            [sys.executable, "-m", "solatium.cli", *command, "--date", str(day)],
            env=environment(),
            capture_output=True,
            text=True,
        )
        assert ended.returncode == 0, ended.stderr

    def rows(self, table: str) -> list[Row]:
        return table_rows(self.warehouse, table)
