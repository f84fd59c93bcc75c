"""A DuckDB file as a target: all of a publishing in one transaction.

DuckDB gives the file to one process that writes, and to none that reads meanwhile. It checks
foreign keys before a transaction ends, so that rows of dimensions which nothing names any more
leave in a second transaction, right after the first.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from solatium.contracts.star import DIMENSIONS, FACTS, STAR
from solatium.errors import BusyError, SolatiumError, UsageError
from solatium.packages import optional
from solatium.publish import loading, statements
from solatium.publish.connections import duckdb_connection
from solatium.publish.loading import Sent
from solatium.publish.pseudonyms import Names
from solatium.publish.publication import Changes, Publication
from solatium.publish.queries import DUCKDB_TYPES
from solatium.publish.star import Star
from solatium.warehouse.snapshot import Snapshot

SUFFIXES = (".duckdb", ".db")


@dataclass(frozen=True)
class DuckDbFile:
    """The schema `main` of a DuckDB file, which is made if it is missing."""

    path: Path

    def __str__(self) -> str:
        return str(self.path)

    @contextmanager
    def opened(self) -> Iterator[Transaction]:
        """A transaction on the file; it commits where nothing fails."""
        duckdb = optional("duckdb", extra="publish")
        if not self.path.parent.is_dir() or self.path.is_dir():
            raise UsageError(
                f"{self}: expected a DuckDB file, or a name for one in a folder that exists"
            )
        is_new = not self.path.exists()
        try:
            with duckdb_connection(self.path) as connection:
                connection.execute("begin transaction")
                transaction = Transaction(self, connection)
                yield transaction
                connection.execute("commit")
                transaction.tidy()
        except BaseException as error:
            if is_new and not isinstance(error, BusyError):
                self.path.unlink(missing_ok=True)
            if isinstance(error, duckdb.Error):
                raise self._refused(error) from error
            raise

    def _refused(self, error: Exception) -> SolatiumError:
        said = " ".join(str(error).split())
        if "set lock on file" in said:
            return BusyError(
                f"{self}: another process has the file open: {said}",
                ["wait until it has closed the file, then give the same command again"],
            )
        if "not a valid DuckDB" in said:
            return UsageError(f"{self}: expected a DuckDB file: {said}")
        return SolatiumError(f"{self}: DuckDB refuses: {said}", ["nothing was changed there"])


class Transaction:
    """A transaction on a file, as what is published needs it."""

    types: ClassVar[Mapping[str, str]] = DUCKDB_TYPES
    declares_keys_first: ClassVar[bool] = (
        True  # DuckDB adds no foreign key to a table that is there
    )

    def __init__(self, target: DuckDbFile, connection: Any) -> None:
        self._target = target
        self._connection = connection
        self._untidy: tuple[Changes, Publication] | None = None

    def published(self) -> Publication | None:
        """What the file shows; UsageError where its tables are not of a publishing."""
        there = {
            name
            for [name] in self._connection.execute(
                "select table_name from duckdb_tables() where schema_name = 'main' "
                "and database_name = current_database() union all select view_name "
                "from duckdb_views() where schema_name = 'main' and not internal "
                "and database_name = current_database()"
            ).fetchall()
        }
        if statements.STATE in there:
            [[text]] = self._connection.execute(
                f"select publication from {statements.STATE}"
            ).fetchall()
            return Publication.from_json(text)
        if taken := sorted(there & {*STAR}):
            raise UsageError(
                f"{self._target}: it has {', '.join(taken)}, which solatium did not publish",
                ["name another file"],
            )
        return None

    def write(self, tables: Snapshot, names: Names, asked: Changes, now: Publication) -> list[Sent]:
        star = Star(self._connection, tables, names, asked)
        if asked.makes_tables:
            for name in (*FACTS, *reversed(DIMENSIONS), statements.STATE):
                self.execute(f"drop table if exists {name}")
            sent = loading.make(self, star)
            loading.remember(self, now)
            return sent
        sent = loading.change(self, star)
        loading.remember(self, now, is_tidy=False)
        self._untidy = (asked, now)
        return sent

    def tidy(self) -> None:
        """The second transaction."""
        if self._untidy is not None:
            asked, now = self._untidy
            self._connection.execute("begin transaction")
            loading.tidy(self, asked)
            loading.remember(self, now)
            self._connection.execute("commit")

    def execute(self, statement: str, values: Sequence[Any] = ()) -> int:
        found = self._connection.execute(statement, list(values)).fetchone()
        return int(found[0]) if found and isinstance(found[0], int) else 0

    def fill(self, star: Star, name: str) -> int:
        return self.execute(f"insert into {name} {star.query(name)}")

    def stage(self, star: Star, name: str) -> int:
        return self.execute(f"create temp table {statements.new(name)} as {star.query(name)}")
