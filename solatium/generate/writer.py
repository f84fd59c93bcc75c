"""Writes a landing zone: Parquet files by table and arrival date, a few at a time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import date
from itertools import product
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

_MOST_ROWS = 2_000_000  # in a file, about

Place = tuple[str, date]


class LandingWriter:
    """Files `<table>/dt=YYYY-MM-DD/part-N.parquet`, numbered from 0 in the order of writing.

    Rows of one table and date go to one file, until it is large or `close` is called; no rows are
    held back. `rows` counts what was written.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.rows: Counter[str] = Counter()
        self.last_date: date | None = None
        self._open: dict[Place, tuple[pq.ParquetWriter, int]] = {}
        self._files: Counter[Place] = Counter()
        self._schemas: dict[str, pa.Schema] = {}

    def write(self, name: str, day: date, rows: pa.Table, *, alone: bool = False) -> None:
        """Adds rows; `alone` puts them into a file of their own, as rows of other types need."""
        if not rows.num_rows:
            return
        self.rows[name] += rows.num_rows
        if not alone:
            self._schemas.setdefault(name, rows.schema)
        self.last_date = max(day, self.last_date or day)
        if alone:
            with self._new_file(name, day, rows.schema) as file:
                file.write_table(rows)
            return
        place = name, day
        file, count = self._open.get(place) or (self._new_file(name, day, rows.schema), 0)
        file.write_table(rows)
        self._open[place] = file, count + rows.num_rows
        if count + rows.num_rows >= _MOST_ROWS:
            file.close()
            del self._open[place]

    def fill(self, names: Iterable[str], days: Iterable[date]) -> None:
        """Writes a file without rows where a table has none on a date, as exports do."""
        for name, day in product(names, days):
            if not self._files[name, day] and name in self._schemas:
                self._new_file(name, day, self._schemas[name]).close()

    def close(self) -> None:
        """Ends all files; what is written after goes to others."""
        for file, _ in self._open.values():
            file.close()
        self._open.clear()

    def _new_file(self, name: str, day: date, schema: pa.Schema) -> pq.ParquetWriter:
        number = self._files[name, day]
        self._files[name, day] += 1
        folder = self.folder / name / f"dt={day.isoformat()}"
        folder.mkdir(parents=True, exist_ok=True)
        return pq.ParquetWriter(folder / f"part-{number}.parquet", schema, compression="zstd")
