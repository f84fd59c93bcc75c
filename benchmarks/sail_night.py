"""The night of benchmarks/spark_night.py, on the engine that solatium embeds.

It says how much of a night the engine takes for the same tables, by other plans than solatium's.

    python -m benchmarks.sail_night LANDING OUT DATE
"""

from __future__ import annotations

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow.parquet as pq

from benchmarks.compare import TABLES
from benchmarks.spark_night import night
from solatium import contracts, engine


def main(landing: Path, out: Path, date: str) -> None:
    with (
        engine.running("embedded") as running,
        TemporaryDirectory(prefix="night-by-hand-") as steps,
    ):
        night(running.spark, landing, out, Path(steps), date)
    for table in TABLES:  # Sail writes no file where there is no row
        file = out / f"{table}.parquet"
        if not file.exists():
            pq.write_table(contracts.warehouse(table).arrow_schema().empty_table(), file)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])
