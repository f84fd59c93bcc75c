"""A Delta table that the engine itself reads and writes, with its log."""

from __future__ import annotations

from dataclasses import dataclass

from pyspark.sql import DataFrame

from solatium.contracts import Table
from solatium.engine import Engine
from solatium.storage.location import Location
from solatium.warehouse import delta_commit
from solatium.warehouse.replaced import NOTHING, Replaced


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

    def write(self, rows: DataFrame, replaced: Replaced, before: int) -> None:
        """Makes the version after `before`: with these rows, without those that they replace.

        Sail takes three times as long to replace rows of dates that have none as to append.
        """
        if replaced.column is not None:
            files = delta_commit.files(self.folder, before)
            if not any(replaced.takes(file.partition) for file in files):
                replaced = NOTHING
        writer = self.engine.settled(rows, self.table).write.format("delta")
        writer = writer.mode("append" if replaced.nothing else "overwrite")
        if replaced.column is not None:
            days = ", ".join(f"DATE'{day.isoformat()}'" for day in sorted(replaced.dates))
            writer = writer.option("replaceWhere", f"{replaced.column} IN ({days})")
        if self.table.partition_by:
            writer = writer.partitionBy(*self.table.partition_by)
        writer.save(self.folder.address)
