"""Frames that are kept within one night."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pyspark.sql import DataFrame
from pyspark.sql import types as T

from solatium.engine import Engine
from solatium.storage.location import Location


@dataclass(frozen=True)
class Scratch:
    """Keeps frames as Parquet files, so that they are computed once.

    Files cut the plan that led to a frame; a cache does not, and a night's plans would grow into
    each other until describing them costs more than running them.

    A name is used once: frames are read when they are needed, and one that was written over would
    give other rows to those who hold it.
    """

    engine: Engine
    folder: Location

    def part(self, name: str) -> Scratch:
        """A place for the frames of one room, whose names are its own."""
        return Scratch(self.engine, self.folder / name)

    def keep(self, frame: DataFrame, name: str) -> DataFrame:
        """The same rows, from then on read instead of computed. ValueError for a name in use."""
        return self.keep_parts([frame], name)

    def keep_parts(self, parts: Iterable[DataFrame], name: str) -> DataFrame:
        """The rows of all parts, which have the same columns, computed one part after the other.

        ValueError for a name in use.
        """
        folder = self.folder / name
        if folder.exists():
            raise ValueError(f"{folder}: a frame of this name is kept already")
        folders, schemas = [], []
        for number, part in enumerate(parts):
            schemas.append(part.schema)
            folders.append(folder / str(number))
            part.write.parquet(folders[-1].address)
        return self.engine.kept(folders, _of_all(schemas))


def _of_all(schemas: Sequence[T.StructType]) -> T.StructType:
    """The schema of rows of all parts: a column may hold null where it may in one of them."""
    return T.StructType(
        [
            T.StructField(same[0].name, same[0].dataType, any(field.nullable for field in same))
            for same in zip(*(schema.fields for schema in schemas), strict=True)
        ]
    )
