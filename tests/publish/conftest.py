"""Places to publish to: a schema of a PostgreSQL server, a DuckDB file, a folder."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from pathlib import Path

import postgres
import pytest
from stars import SHELVES, Shelf

# A name that needs its quotes.
ODD_SCHEMA = 'Star "one" ü'
_numbers = count(1)


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    with postgres.server() as url:
        yield url


@pytest.fixture(params=SHELVES)
def shelf(request: pytest.FixtureRequest, tmp_path: Path) -> Shelf:
    """A place of each kind where nothing was published yet."""
    return made(request, request.param, tmp_path)


@pytest.fixture(params=["postgres", "duckdb"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Shelf:
    """A place of each kind that keeps keys and answers SQL."""
    return made(request, request.param, tmp_path)


def made(request: pytest.FixtureRequest, kind: str, folder: Path) -> Shelf:
    if kind == "postgres":
        url = request.getfixturevalue("postgres_url")
        return Shelf(kind, url, f"{ODD_SCHEMA} {next(_numbers)}")
    return Shelf(kind, str(folder / {"duckdb": "star.duckdb", "folder": "star"}[kind]))
