"""Frames that are kept within one night."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from pyspark.sql import DataFrame

from solatium.engine import Engine
from solatium.storage.location import Location


@dataclass(frozen=True)
class Scratch:
    """Keeps frames as Parquet files, so that they are computed once.

    Files cut the plan that led to a frame; a cache does not, and a night's plans would grow into
    each other until describing them costs more than running them.
    """

    engine: Engine
    folder: Location

    def keep(self, frame: DataFrame, name: str) -> DataFrame:
        """The same rows, from then on read instead of computed."""
        return self.keep_parts([frame], name)

    def keep_parts(self, parts: Iterable[DataFrame], name: str) -> DataFrame:
        """The rows of all parts, which have the same columns, computed one part after the other."""
        paths = []
        for number, part in enumerate(parts):
            schema = part.schema
            paths.append((self.folder / name / str(number)).address)
            part.write.mode("overwrite").parquet(paths[-1])
        return self.engine.spark.read.schema(schema).parquet(*paths)
