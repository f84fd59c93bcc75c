"""The warehouse: Delta tables under one folder, and the commit records that make them one truth.

Delta is atomic for each table; a night writes many. A night ends with one commit record, a file of
its own that names the version of every table. What was written after the newest record is half a
night: the next run takes it back before it begins. The records form a chain by `parent`, and
`lineage` is the chain that leads to the newest one.

    <warehouse>/<table>            the tables of docs/tables.md
    <warehouse>/_<name>            what the pipeline keeps for itself
    <warehouse>/_commits           the commit records
    <warehouse>/_scratch           frames kept within one run
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import date
from typing import Any

from deltalake import DeltaTable
from pyspark.sql import DataFrame

from solatium.contracts import Column, Table
from solatium.engine import Engine
from solatium.errors import WarehouseError
from solatium.storage import Location

# Tables that record decisions: a date that is judged anew adds to them and takes nothing back.
DECISIONS = ("bonus_ledger", "bonus_payouts", "bonus_waived", "run_log")

# Beside the commit records: the tables of older commits than the one it is named after may be gone.
OLDEST_KEPT = ".oldest_kept"

_LOG_KEPT = {"delta.logRetentionDuration": "interval 3650 days"}


@dataclass(frozen=True)
class Commit:
    """What a handled date left: the version of every table, and what it was made from.

    `files` are the landing files of the arrival date `day`, as the listing showed them, by table;
    `awaited` the business dates, on which windows in force fall, that were not closed before it;
    `judged_from` the first business date that was judged; `settled` the last one that the ledger
    was ever posted for, by nights since taken back too; `gates_accepted` the shut gates that
    a person let it pass, as TABLE:DATE:REASON.
    """

    number: int
    parent: int | None
    day: date
    run_id: str
    engine: str
    version: str
    config_digest: str
    judging: dict[str, str]
    awaited: tuple[date, ...]
    judged_from: date
    settled: date
    files: dict[str, list[tuple[str, int, int]]]
    gates_accepted: tuple[str, ...] = ()
    tables: dict[str, int] = field(default_factory=dict)

    def to_json(self) -> str:
        return json.dumps(asdict(self), default=str, indent=1)

    @classmethod
    def from_json(cls, text: str) -> Commit:
        facts: dict[str, Any] = json.loads(text)
        facts["day"] = date.fromisoformat(facts["day"])
        facts["gates_accepted"] = tuple(facts["gates_accepted"])
        facts["awaited"] = tuple(date.fromisoformat(day) for day in facts["awaited"])
        for name in ("judged_from", "settled"):
            facts[name] = date.fromisoformat(facts[name])
        facts["files"] = {
            table: [(str(path), int(size), int(ns)) for path, size, ns in files]
            for table, files in facts["files"].items()
        }
        return cls(**facts)


class Warehouse:
    """Reads and writes the tables of one warehouse through one engine."""

    def __init__(self, engine: Engine, root: Location, tables: Sequence[Table]) -> None:
        self.engine = engine
        self.root = root
        self.tables = {table.name: table for table in tables}

    # Commit records

    @staticmethod
    def lineage(root: Location) -> list[Commit]:
        """The commits that led to the newest one, oldest first; none in a new warehouse."""
        folder = root / "_commits"
        numbers = {int(name[:-5]): name for name in folder.names() if name.endswith(".json")}
        chain: list[Commit] = []
        number = max(numbers, default=None)
        while number is not None:
            if number not in numbers:
                raise WarehouseError(
                    f"{root}: commit record {number} is missing",
                    [f"restore {folder / f'{number:010d}.json'} from a backup"],
                )
            commit = Commit.from_json((folder / numbers[number]).read_text())
            chain.append(commit)
            number = commit.parent
        return chain[::-1]

    @staticmethod
    def kept(root: Location, commits: Sequence[Commit]) -> list[Commit]:
        """Those commits of a lineage whose tables are still there, for a vacuum has left them."""
        names = (root / "_commits").names()
        oldest = max((int(n.split(".")[0]) for n in names if n.endswith(OLDEST_KEPT)), default=0)
        return [commit for commit in commits if commit.number >= oldest]

    def commit(self, commit: Commit) -> Commit:
        """Makes all that was written visible together, as the record that it gives back."""
        commit = replace(commit, tables={name: self.version(name) for name in self.tables})
        try:
            record = self.root / "_commits" / f"{commit.number:010d}.json"
            record.create_text(commit.to_json())
        except FileExistsError:
            raise WarehouseError(
                f"{self.root}: commit {commit.number} exists already: another run wrote here",
                ["nothing of this date was made visible; give the same command again"],
            ) from None
        return commit

    # Preparing

    def prepare(self) -> None:
        """Creates the tables that are not there, empty, and clears the scratch of dead runs."""
        (self.root / "_scratch").remove_tree()
        for table in self.tables.values():
            if not self._log(table.name).is_folder():
                delta = DeltaTable.create(
                    (self.root / table.name).uri,
                    schema=table.arrow_schema(),
                    partition_by=list(table.partition_by),
                    configuration=_LOG_KEPT,
                )
                if rules := _constraints(table.columns):
                    delta.alter.add_constraint(rules)
            self.engine.unhinted(self._log(table.name))

    def rewind(self, base: Commit | None, head: Commit | None) -> None:
        """Takes the tables back to `base` (None: empty), those of decisions to `head`."""
        for name, table in self.tables.items():
            commit = head if name in DECISIONS else base
            version = commit.tables.get(name) if commit else None
            if version is None:
                version = 1 if _constraints(table.columns) else 0
            if self.version(name) != version:
                self.engine.restore(self.root / name, version)
                self.engine.unhinted(self._log(name))

    # Tables

    def read(self, name: str, commit: Commit | None = None) -> DataFrame:
        """A table as it stands now, whatever is written later; or as of a commit."""
        version = self.version(name) if commit is None else commit.tables[name]
        reader = self.engine.spark.read.format("delta").option("versionAsOf", version)
        return reader.load(str(self.root / name)).select(*self.tables[name].names)

    def append(self, name: str, rows: DataFrame) -> int:
        """Adds rows to a table; how many."""
        return self._write(name, rows, mode="append")

    def replace(self, name: str, rows: DataFrame, *, column: str, dates: Iterable[date]) -> int:
        """Puts `rows` in the place of a table's rows of these dates; how many were written."""
        days = ", ".join(f"DATE'{day.isoformat()}'" for day in sorted(set(dates)))
        if not days:
            return 0
        return self._write(name, rows, mode="overwrite", replaceWhere=f"{column} IN ({days})")

    def overwrite(self, name: str, rows: DataFrame) -> int:
        """Puts `rows` in the place of all rows of a table; how many."""
        return self._write(name, rows, mode="overwrite")

    def _write(self, name: str, rows: DataFrame, *, mode: str, **options: str) -> int:
        table = self.tables[name]
        before = self.version(name)
        settled = self.engine.settled(table.shape(rows), table)
        writer = settled.write.format("delta").mode(mode).options(**options)
        if table.partition_by:
            writer = writer.partitionBy(*table.partition_by)
        writer.save(str(self.root / name))
        self.engine.unhinted(self._log(name))
        return sum(self._rows_added(name, v) for v in range(before + 1, self.version(name) + 1))

    # Delta logs, read as the files that they are: a version costs a listing, on both engines

    def version(self, name: str) -> int:
        """The newest version of a table."""
        log = self._log(name)
        versions = [int(n[:-5]) for n in log.names() if n.endswith(".json") and n[:-5].isdigit()]
        if not versions:
            raise WarehouseError(f"{log}: no Delta log", ["restore the table from a backup"])
        return max(versions)

    def _rows_added(self, name: str, version: int) -> int:
        # by line feeds alone: texts in the statistics may hold other separators of lines
        lines = (self._log(name) / f"{version:020d}.json").read_text().split("\n")
        actions = [json.loads(line) for line in lines if line]
        adds = [action["add"] for action in actions if "add" in action]
        return sum(json.loads(add["stats"])["numRecords"] for add in adds)

    def _log(self, name: str) -> Location:
        return self.root / name / "_delta_log"

    # Scratch

    @contextmanager
    def scratch(self) -> Iterator[Scratch]:
        """A place for frames that a night uses more than once; emptied at the end."""
        folder = self.root / "_scratch"
        try:
            yield Scratch(self.engine, folder)
        finally:
            folder.remove_tree()


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
        path = str(self.folder / name)
        frame.write.mode("overwrite").parquet(path)
        return self.engine.spark.read.schema(frame.schema).parquet(path)


def _constraints(columns: Iterable[Column]) -> dict[str, str]:
    """Delta CHECK constraints by name, of the columns that have a list of allowed values."""
    return {
        f"{column.name}_is_known": f"{column.name} IN ({', '.join(map(repr, column.values))})"
        for column in columns
        if column.values and column.type == "string"
    }
