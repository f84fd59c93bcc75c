"""DuckDB as publishing uses it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from solatium.packages import optional

_ROWS_AT_ONCE = 65_536


@contextmanager
def duckdb_connection(file: Path | None = None) -> Iterator[Any]:
    """A DuckDB connection of its own: to a file, or in memory."""
    duckdb = optional("duckdb", extra="publish")
    with duckdb.connect(":memory:" if file is None else str(file)) as connection:
        yield connection


def batches(connection: Any, query: str) -> Any:
    """The rows of a query as a reader of Arrow batches, which are made as they are read."""
    relation = connection.sql(query)
    # its name in DuckDB 1, and in DuckDB 2
    read = getattr(relation, "to_arrow_reader", None) or relation.fetch_arrow_reader
    return read(_ROWS_AT_ONCE)
