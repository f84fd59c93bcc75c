"""A Delta table whose data files the engine reads and writes as plain Parquet.

Its log is read and written by the `deltalake` package, in milliseconds: Spark's Delta asks Spark
several queries for each. For other readers it is a Delta table like any other.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from functools import partial
from uuid import uuid4

import pyarrow as pa
from pyspark.sql import DataFrame

from solatium.contracts import Table
from solatium.engine import Engine
from solatium.storage import parquet
from solatium.storage.location import Location
from solatium.warehouse import delta_commit
from solatium.warehouse.constraints import checked
from solatium.warehouse.delta_commit import LogFile, NewFile
from solatium.warehouse.replaced import Replaced

_AT_ONCE = 16  # files whose footers are read


@dataclass(frozen=True)
class FileTable:
    """The table in `folder`; what is written lies in `staging` until it is whole."""

    engine: Engine
    folder: Location
    table: Table
    staging: Location
    bounded: tuple[str, ...]  # columns whose least and greatest value the log has for each file

    def read(self, version: int, view: str) -> DataFrame:
        """The rows of a version; it needs no view, as no log is asked again."""
        del view
        return self._rows_of(delta_commit.files(self.folder, version))

    def read_dates(self, version: int, column: str, dates: Collection[date]) -> DataFrame:
        """The rows of a version of some dates, by which the table lies; other files are unknown."""
        files = delta_commit.files(self.folder, version)
        return self._rows_of([file for file in files if file.partition[column] in dates])

    def _rows_of(self, files: Sequence[LogFile]) -> DataFrame:
        if parquet.are_few(sum(file.rows for file in files), sum(file.size for file in files)):
            return self.engine.rows_at_hand(self._at_hand(files), self.table.spark_schema())
        paths = [self.engine.file_path(self.folder / file.path) for file in files]
        # with a schema, or Spark would open a file for it and guess the types of partitions
        reader = self.engine.spark.read.schema(self.table.spark_schema())
        reader = reader.option("basePath", self.folder.address)
        return reader.parquet(*paths).select(*self.table.names)

    def _at_hand(self, files: Sequence[LogFile]) -> pa.Table:
        schema = self.table.arrow_schema()
        parts = [schema.empty_table()]
        for file in files:
            rows = parquet.rows(self.folder / file.path)
            for name, day in file.partition.items():
                rows = rows.append_column(name, pa.repeat(pa.scalar(day), len(rows)))
            parts.append(rows.select(self.table.names).cast(schema))
        return pa.concat_tables(parts)

    def write(
        self, rows: DataFrame, replaced: Replaced, before: int, dates: Collection[date]
    ) -> None:
        """Makes the version after `before`: with these rows, without those that they replace.

        Where there are neither, `before` stays the newest version. Of which `dates` the rows are,
        Spark need not know.
        """
        del dates
        removed = [
            file
            for file in delta_commit.files(self.folder, before)
            if replaced.takes(file.partition)
        ]
        added = self._written(rows)
        if added or removed:
            delta_commit.commit(self.folder, self.table, before, added, removed)

    def _written(self, rows: DataFrame) -> list[NewFile]:
        """Files of these rows in the table's folder, which no version names yet."""
        place = self.staging / f"{self.table.name}-{uuid4().hex}"
        writer = checked(rows, self.table).write
        if self.table.partition_by:
            writer = writer.partitionBy(*self.table.partition_by)
        writer.parquet(place.address)
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            found = list(pool.map(partial(NewFile.of, place, self.bounded), place.data_files()))
        files = [file for file in found if file.rows]  # Spark writes a file where there are none
        place.move_files([file.path for file in files], self.folder)
        place.remove_tree()
        return files
