"""Parquet files that are read without an engine: to see whether they can be, or for a few rows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from solatium.errors import reason
from solatium.storage.location import Location
from solatium.storage.parquet_footer import known_columns

_FEW_ROWS = 1_000
_FEW_BYTES = 200_000


@dataclass(frozen=True)
class Opened:
    """A file that is open. Where its footer was `refused`, for a reason, columns are `left_out`."""

    file: pq.ParquetFile
    refused: str = ""
    left_out: tuple[str, ...] = ()


@contextmanager
def opened(place: Location, **options: Any) -> Iterator[Opened]:
    """A file with the columns that can be read; `options` are those of `pq.ParquetFile`.

    ArrowException, OSError or UnicodeDecodeError where it cannot be read.
    """
    with ExitStack() as stack:
        source = stack.enter_context(place.reading())
        try:
            found = Opened(pq.ParquetFile(source, **options))
        except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
            known = known_columns(source)
            if known is None:
                raise
            file = pq.ParquetFile(known.file, **options)
            found = Opened(file, reason(error), known.left_out)
        with found.file:
            yield found


def rows_read(place: Location, columns: list[str] | None = None) -> int:
    """How many rows a file has, by reading these columns, or all, to their end.

    ArrowException or OSError where it cannot be read, or where a page is not as its checksum says.
    """
    rows = 0
    with opened(place, page_checksum_verification=True) as found:
        for batch in found.file.iter_batches(columns=columns):
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
