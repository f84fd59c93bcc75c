"""Parquet files that are read by themselves: to see whether they can be, or for a few rows."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq

from solatium.storage.location import Location

_FEW_ROWS = 1_000
_FEW_BYTES = 200_000


def rows_read(place: Location, columns: list[str] | None = None) -> int:
    """How many rows a file has, by reading these columns, or all, to their end.

    ArrowException or OSError where it cannot be read, or where a page is not as its checksum says.
    """
    rows = 0
    with (
        place.reading() as source,
        pq.ParquetFile(source, page_checksum_verification=True) as file,
    ):
        for batch in file.iter_batches(columns=columns):
            batch.validate(full=True)
            rows += batch.num_rows
    return rows


def are_few(rows: int, size: int) -> bool:
    """Whether so many rows, of so many bytes, are as well kept in memory as in files."""
    return rows <= _FEW_ROWS and size <= _FEW_BYTES


def rows(place: Location) -> pa.Table:
    """All rows of a file, with times in microseconds, also where Spark once wrote them as INT96."""
    with place.reading() as source:
        return pq.read_table(source, partitioning=None, coerce_int96_timestamp_unit="us")


def few_rows(folder: Location) -> pa.Table | None:
    """The rows of all files below a folder where they are few; else None."""
    files = folder.data_files()
    if not are_few(0, sum(file.size for file in files)):
        return None
    found = pa.concat_tables(rows(folder / file.path) for file in files)
    return found if are_few(found.num_rows, 0) else None
