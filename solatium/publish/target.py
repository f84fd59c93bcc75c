"""What every target of a publishing does, and the packages that they need."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

from solatium.errors import SolatiumError
from solatium.publish.loading import Sent
from solatium.publish.pseudonyms import Names
from solatium.publish.publication import Changes, Publication
from solatium.warehouse.snapshot import Snapshot


class Opened(Protocol):
    """A target that is held against rivals."""

    def published(self) -> Publication | None:
        """What it shows; None where nothing was published. UsageError where it is of others."""

    def write(self, tables: Snapshot, names: Names, asked: Changes, now: Publication) -> list[Sent]:
        """Writes what is asked; readers see it, all at once, when the target is closed."""


class Target(Protocol):
    """A place for the star; as text, what people know it by."""

    def opened(self) -> AbstractContextManager[Opened]:
        """Holds it; BusyError where another publishing does. A failure changes nothing."""


@contextmanager
def duckdb_connection(file: Path | None = None) -> Iterator[Any]:
    """A DuckDB connection of its own: to a file, or in memory."""
    duckdb = package("duckdb", "duckdb")
    with duckdb.connect(":memory:" if file is None else str(file)) as connection:
        yield connection


def package(module: str, name: str) -> Any:
    """A package that publishing needs; SolatiumError where it is missing."""
    try:
        return import_module(module)
    except ImportError as error:
        raise SolatiumError(
            f"this needs {name}: {error}", ["pip install 'solatium[publish]'"]
        ) from error
