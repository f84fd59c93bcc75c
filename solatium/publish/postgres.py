"""A PostgreSQL database as a target: bulk loads by ADBC, all of a publishing in one transaction.

Readers see the old rows until it commits, and wait for nothing. libpq's environment holds: a
password may come from PGPASSWORD or ~/.pgpass.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any, ClassVar

from solatium.contracts.star import DIMENSIONS, FACTS, STAR
from solatium.errors import BusyError, SolatiumError, UsageError
from solatium.packages import optional
from solatium.publish import loading, statements
from solatium.publish.connections import batches, duckdb_connection
from solatium.publish.loading import Sent
from solatium.publish.passwords import shown, without_passwords
from solatium.publish.pseudonyms import Names
from solatium.publish.publication import Changes, Publication
from solatium.publish.star import Star
from solatium.warehouse.snapshot import Snapshot

_LONGEST_NAME = 63  # bytes; PostgreSQL cuts off what is longer
_KEY = 'text collate "C"'  # bytes compare as the rules have it, and quickly


@dataclass(frozen=True)
class Postgres:
    """The schema `schema` of the database that `url` names."""

    url: str
    schema: str

    def __post_init__(self) -> None:
        name = self.schema
        is_good = 0 < len(name.encode()) <= _LONGEST_NAME and name.isprintable()
        if not is_good or name.startswith("pg_") or name == "information_schema":
            raise UsageError(
                f"--schema {name!r}: expected a name of 1 to {_LONGEST_NAME} bytes",
                ["it is none of PostgreSQL's own, which begin with pg_"],
            )

    def __str__(self) -> str:
        return f"{shown(self.url)}, schema {self.schema}"

    @contextmanager
    def opened(self) -> Iterator[Transaction]:
        """A transaction that keeps rivals from the schema; it commits where nothing fails."""
        dbapi = optional("adbc_driver_postgresql.dbapi", extra="publish")
        try:
            with closing(dbapi.connect(self.url)) as connection, connection.cursor() as cursor:
                transaction = Transaction(self, cursor)
                transaction.begin()
                yield transaction
                connection.commit()
        except dbapi.Error as error:
            # the driver's own error may hold the URL, and a traceback would show it
            raise self._refused(error) from None

    def _refused(self, error: Exception) -> SolatiumError:
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        said = [without_passwords(line, self.url) for line in lines if "Query was" not in line]
        advice = "nothing was changed there; give the same command again when it is mended"
        kind = UsageError if "Failed to connect" in said[0] else SolatiumError
        return kind(f"{self}: PostgreSQL refuses: {said[0]}", [*said[1:4], advice])


class Transaction:
    """A transaction on a schema, as what is published needs it."""

    types: ClassVar[Mapping[str, str]] = {
        "string": "text",
        "timestamp": "timestamptz",
        "decimal(18,2)": "numeric(18,2)",
        "key": _KEY,
    }
    declares_keys_first: ClassVar[bool] = (
        False  # one index at a time, and one join for a foreign key, is quicker
    )

    def __init__(self, target: Postgres, cursor: Any) -> None:
        self._target = target
        self._cursor = cursor

    def begin(self) -> None:
        schema = self._target.schema
        lock = "select pg_try_advisory_xact_lock(hashtextextended($1, 0))"
        if not self._value(lock, f"solatium publish {schema}"):
            raise BusyError(
                f"{self._target}: another publishing is at work",
                ["wait until it has ended, then give the same command again"],
            )
        name = _quoted(schema)
        # asked first: `if not exists` asks for the right to make schemas even where there is one
        if not self._value("select count(*) from pg_namespace where nspname = $1", schema):
            self.execute(f"create schema {name}")
        self.execute(f"set local search_path to {name}")
        # or the server would go on with a long statement of a process that was killed
        self._rows(
            "select set_config(name, '5s', true) from pg_settings "
            "where name = 'client_connection_check_interval'"
        )

    def published(self) -> Publication | None:
        """What the schema shows; UsageError where its tables are not of a publishing."""
        schema = self._target.schema
        there = {
            name
            for [name] in self._rows(
                "select c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace "
                "where n.nspname = $1",
                schema,
            )
        }
        if statements.STATE in there:
            [[text]] = self._rows(f"select publication from {statements.STATE}")
            return Publication.from_json(text)
        if taken := sorted(there & {*STAR}):
            raise UsageError(
                f"{self._target}: it has {', '.join(taken)}, which solatium did not publish",
                ["name another --schema"],
            )
        return None

    def write(self, tables: Snapshot, names: Names, asked: Changes, now: Publication) -> list[Sent]:
        with duckdb_connection() as connection:
            star = Star(connection, tables, names, asked)
            if asked.makes_tables:
                everything = ", ".join([*FACTS, *reversed(DIMENSIONS), statements.STATE])
                self.execute(f"drop table if exists {everything}")
                sent = loading.make(self, star)
            else:
                # of a date that is new the server expects one row, and would look for each new
                # row in all rows of that date
                self.execute("set local enable_nestloop = off")
                sent = loading.change(self, star)
                self.execute("set local enable_nestloop = on")
                sent = loading.with_removed(sent, loading.tidy(self, asked))
        for one in sent:
            if one.written or one.removed:
                self.execute(f"analyze {one.table}")  # dashboards ask for new dates too
        loading.remember(self, now)
        return sent

    def execute(self, statement: str, values: Sequence[Any] = ()) -> int:
        self._cursor.execute(statement, tuple(values) or None)
        return int(self._cursor.rowcount)

    def fill(self, star: Star, name: str) -> int:
        return self._load(star, name, name, mode="append", db_schema_name=self._target.schema)

    def stage(self, star: Star, name: str) -> int:
        new = statements.new(name)
        self.execute(f"create temp table {new} (like {name}) on commit drop")
        rows = self._load(star, name, new, mode="append", temporary=True)
        self.execute(f"analyze {new}")
        return rows

    def _load(self, star: Star, name: str, into: str, **how: Any) -> int:
        rows = batches(star.connection, star.query(name))
        return int(self._cursor.adbc_ingest(into, rows, **how))

    def _rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        self._cursor.execute(query, values or None)
        return list(self._cursor.fetchall())

    def _value(self, query: str, *values: Any) -> Any:
        [[value]] = self._rows(query, *values)
        return value


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
