"""What nobody can beat: reading the landing zone, and writing the finished tables, by pyarrow.

    python -m benchmarks.floor LANDING TABLES OUT

TABLES is a warehouse, or a folder with a Parquet file for each table. Its tables are read outside
of the clock, one at a time. The seconds of both pieces go to standard output, as JSON.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq

import solatium
from benchmarks.compare import TABLES
from solatium import contracts


@dataclass
class Clock:
    """Seconds of all that was timed by it."""

    wall: float = 0.0
    cpu: float = 0.0

    @contextmanager
    def running(self) -> Iterator[None]:
        wall, cpu = time.perf_counter(), time.process_time()
        yield
        self.wall += time.perf_counter() - wall
        self.cpu += time.process_time() - cpu


def read(landing: Path) -> Clock:
    """Reads all columns, as the accepted tables have all of them, and keeps nothing."""
    clock = Clock()
    with clock.running():
        for table in contracts.LANDING:
            for _ in ds.dataset(landing / table).to_batches():
                pass
    return clock


def write(tables: Path, out: Path) -> Clock:
    """Writes all tables, each in as many files as there are cores."""
    clock = Clock()
    cores = os.cpu_count() or 1
    for name in TABLES:
        rows = _finished(tables, name)
        share = -(-rows.num_rows // cores)
        (out / name).mkdir(parents=True)
        with clock.running(), ThreadPoolExecutor(cores) as pool:
            parts = [
                pool.submit(
                    pq.write_table,
                    rows.slice(part * share, share),
                    out / name / f"part-{part}.parquet",
                    compression="zstd",
                )
                for part in range(cores)
            ]
            for part in parts:
                part.result()
    return clock


def _finished(tables: Path, name: str) -> pa.Table:
    if (tables / "_commits").exists():
        return solatium.open(tables)[name].arrow()
    return ds.dataset(tables / f"{name}.parquet").to_table()


def main(landing: Path, tables: Path, out: Path) -> None:
    found = {"read": vars(read(landing)), "write": vars(write(tables, out))}
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
