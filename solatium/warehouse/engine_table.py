"""A Delta table that the engine itself reads and writes, with its log."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from functools import reduce

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from solatium.contracts import Table
from solatium.engine import Engine
from solatium.storage.location import Location
from solatium.warehouse import delta_commit
from solatium.warehouse.replaced import NOTHING, Replaced

# Of so many dates rows are computed for each date, which takes less than to sort them.
_FEW_DATES = 3


@dataclass(frozen=True)
class EngineTable:
    """The table in `folder`, by the engine's own Delta."""

    engine: Engine
    folder: Location
    table: Table

    def read(self, version: int, view: str) -> DataFrame:
        """The rows of a version, as the view of that name.

        So its log is replayed once. Sail would do it again for every plan, and whenever columns are
        asked for, which in a small night of many takes longer than to read the rows.
        """
        reader = self.engine.spark.read.format("delta").option("versionAsOf", version)
        rows = reader.load(self.folder.address).select(*self.table.names)
        rows.createOrReplaceTempView(view)
        return self.engine.spark.table(view)

    def write(
        self, rows: DataFrame, replaced: Replaced, before: int, dates: Collection[date]
    ) -> None:
        """Makes the version after `before`: with these rows, without those that they replace.

        `dates` are those of the rows, by which the table lies, or none where they are not known.
        Sail takes three times as long to replace rows of dates that have none as to append.
        """
        if replaced.column is not None:
            files = delta_commit.files(self.folder, before)
            if not any(replaced.takes(file.partition) for file in files):
                replaced = NOTHING
        writer = self._settled(rows, dates).write.format("delta")
        writer = writer.mode("append" if replaced.nothing else "overwrite")
        if replaced.column is not None:
            days = ", ".join(f"DATE'{day.isoformat()}'" for day in sorted(replaced.dates))
            writer = writer.option("replaceWhere", f"{replaced.column} IN ({days})")
        if self.table.partition_by:
            writer = writer.partitionBy(*self.table.partition_by)
        writer.save(self.folder.address)

    def _settled(self, rows: DataFrame, dates: Collection[date]) -> DataFrame:
        """The rows, date by date where these are known and few.

        Sail sorts what it writes by the dates by which a table lies, and has all of it in memory to
        do so, unless its plan says that each part has one date.
        """
        if not 0 < len(dates) <= _FEW_DATES:
            return self.engine.settled(rows, self.table)
        (column,) = self.table.partition_by
        each = (
            rows.where(F.col(column) == F.lit(day)).withColumn(column, F.lit(day))
            for day in sorted(dates)
        )
        settled = [self.engine.settled(part, self.table) for part in each]
        return reduce(DataFrame.unionByName, settled)
