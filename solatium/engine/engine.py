"""A running engine: what one does otherwise than the other, beyond the session that both have."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import reduce
from math import isqrt
from operator import or_
from typing import Any

import pyarrow as pa
from deltalake import DeltaTable
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import StructType

from solatium.contracts import Table
from solatium.engine.environment import CORES
from solatium.storage import parquet
from solatium.storage.location import Location

# Fewer rows than these come in one part. Of 5 million participations a part took some 100 bytes for
# each row; twice as much is reckoned with where memory is bounded.
_ROWS_IN_TWO_PARTS = 7_000_000
_ROWS_A_MEGABYTE = 5_000


@dataclass(frozen=True)
class Engine:
    """A running engine: its session, and what differs between them beyond it."""

    name: str
    spark: SparkSession
    memory_mb: int | None = None  # what the embedded engine may work in

    def file_path(self, location: Location) -> str:
        """How the engine wants the path of a landing file, which may hold pattern characters."""
        if self.name == "embedded":
            return location.uri
        return "".join(f"\\{c}" if c in "\\*?[]{}" else c for c in location.address)

    @property
    def merges_types(self) -> bool:
        """Whether files can be read together only where the types of all their columns agree.

        Sail merges the types of what it reads as one, also of columns that nobody asked for.
        """
        return self.name == "embedded"

    @property
    def checks_pages(self) -> bool:
        """Whether it compares pages of Parquet files with their checksums; Sail does not."""
        return self.name == "spark"

    @property
    def keeps_logs(self) -> bool:
        """Whether it reads and writes Delta tables with their logs, and does so in milliseconds.

        Spark asks itself several queries for each; it is given the data files instead. Sail does
        not find the dates by which plain Parquet files lie.
        """
        return self.name == "embedded"

    def parts(self, rows: int) -> int:
        """In how many parts so many rows are best grouped by their keys.

        Sail has all keys of a grouping in memory. Each part reads all rows again; so sixteen times
        the rows come in twice the parts, and each holds eight times as much, unless memory is
        bounded. Spark has parts of its own.
        """
        if self.name == "spark":
            return 1
        number = max(1, isqrt(isqrt(2**4 * rows // _ROWS_IN_TWO_PARTS)))
        if self.memory_mb is not None:
            number = max(number, 1 + rows // (self.memory_mb * _ROWS_A_MEGABYTE))
        return number

    def answers(self) -> bool:
        """Whether it still runs, so that what fails on it is not the engine."""
        try:
            return self.spark.range(1).count() == 1
        except Exception:
            return False

    def text(self, name: str) -> Column:
        """A column of text in landing files; Spark takes any bytes for text unless it is asked."""
        column = F.col(name)
        return F.validate_utf8(column) if self.name == "spark" else column

    def frame(self, rows: Sequence[Mapping[str, Any]], table: Table) -> DataFrame:
        """A few rows as a frame; by Arrow, as executors of Spark have no Python to read others."""
        arrow = pa.Table.from_pylist(list(rows), table.arrow_schema())
        return self.rows_at_hand(arrow, table.spark_schema())

    def rows_at_hand(self, rows: pa.Table, schema: StructType) -> DataFrame:
        """A few rows as a frame, which are part of its plan: Spark leaves out what has none."""
        return self.spark.createDataFrame(rows, schema)

    def kept(self, folders: Sequence[Location], schema: StructType) -> DataFrame:
        """The rows of folders of Parquet files that it wrote; on Spark a few stay at hand."""
        if self.name == "spark":
            parts = [parquet.few_rows(folder) for folder in folders]
            few = [part for part in parts if part is not None]
            if len(few) == len(parts):
                rows = pa.concat_tables(few, promote_options="default")  # null in one of them
                if parquet.are_few(rows.num_rows, 0):
                    return self.rows_at_hand(rows, schema)
        return self.spark.read.schema(schema).parquet(*(folder.address for folder in folders))

    def settled(self, frame: DataFrame, table: Table) -> DataFrame:
        """The same rows, ready to be written to a table with constraints.

        Sail may check constraints on rows that a filter further up takes out, and then refuses rows
        that nobody wrote. It does not look beneath a repartition, which costs it little. And Sail
        takes twice the time to plan its check of NOT NULL for every column more that may hold null:
        here they are checked at once, and made columns that cannot.

        Each part becomes a file. A table without accounts has few rows of a night, for one.
        """
        if self.name != "embedded":
            return frame
        checked = [c for c in table.columns if c.required and not c.type.startswith("array")]
        nulls = reduce(or_, (F.col(c.name).isNull() for c in checked))
        refused = F.raise_error(F.lit(f"{table.name}: null in a column that may hold none"))
        never = {
            c.name: F.lit("1970-01-01" if c.type in ("date", "timestamp") else "0").cast(c.type)
            for c in checked
        }
        return (
            frame.repartition(CORES if "account_id" in table.names else 1)
            .where(F.when(nulls, refused.cast("boolean")).otherwise(F.lit(True)))
            .select(
                *(
                    F.coalesce(name, never[name]).alias(name) if name in never else F.col(name)
                    for name in table.names
                )
            )
        )

    @contextmanager
    def scratch(self, folder: Location) -> Iterator[Location]:
        """Where frames of a night are kept: on this machine, where the engine runs here alone."""
        if self.name == "embedded":
            with folder.at_hand() as near:
                yield near
        else:
            yield folder

    def restore(self, location: Location, version: int) -> None:
        """Gives a Delta table the content of an older version, as a new version.

        By the `deltalake` package on both engines: Sail has no RESTORE, Spark's takes seconds.
        """
        DeltaTable(location.uri).restore(version)

    def unhinted(self, log: Location) -> None:
        """Takes away what hints at the newest checkpoint of a Delta log, where it misleads.

        Sail follows the hint for older versions too, and then misses the commits that they begin
        with. Without it Sail lists the log, as Delta's protocol has it.
        """
        if self.name == "embedded":
            (log / "_last_checkpoint").remove_file()
