"""Parquet files that are read to their end, to see whether they can be."""

from __future__ import annotations

import pyarrow.parquet as pq

from solatium.storage.location import Location


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
