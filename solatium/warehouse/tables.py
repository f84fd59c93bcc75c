"""The warehouse: Delta tables under one folder, read and written through one engine.

What was written after the newest commit record (`commits`) is half a night: the next run takes it
back before it begins.

    <warehouse>/<table>            the tables of docs/tables.md
    <warehouse>/_<name>            what the pipeline keeps for itself
    <warehouse>/_commits           the commit records
    <warehouse>/_newest_commit     the number of the newest, so that the loss of some is noticed
    <warehouse>/_scratch           frames kept within one run, unless they are kept nearer
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from uuid import uuid4

from deltalake import DeltaTable
from deltalake.exceptions import CommitFailedError
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from solatium.contracts import Table
from solatium.engine import Engine
from solatium.errors import StoreError, WarehouseError, reason
from solatium.storage.lease import Lease
from solatium.storage.location import Location
from solatium.warehouse import constraints, delta_commit
from solatium.warehouse.commits import REBUILD, Commit, record
from solatium.warehouse.delta_log import DeltaLog
from solatium.warehouse.engine_table import EngineTable
from solatium.warehouse.file_table import FileTable
from solatium.warehouse.replaced import ALL, NOTHING, Replaced
from solatium.warehouse.scratch import Scratch

# Tables that record decisions: a date that is judged again adds to them and takes nothing back.
DECISIONS = (
    "bonus_ledger",
    "bonus_ledger_digests",
    "bonus_payouts",
    "bonus_waived",
    "run_log",
)


_LOG_KEPT = {"delta.logRetentionDuration": "interval 3650 days"}

# By these, files of a table in one piece are told apart: each is of one arrival, or one run.
_DATES_OF_FILES = ("dt", "run_date")


class Warehouse:
    """Reads and writes the tables of one warehouse through one engine."""

    def __init__(
        self, engine: Engine, root: Location, tables: Sequence[Table], lease: Lease | None = None
    ) -> None:
        """Who writes has a `lease` on `root`; who only reads needs none."""
        self.engine = engine
        self.root = root
        self.tables = {table.name: table for table in tables}
        self._kept: dict[str, int] = {}  # versions that are known to be on the disk
        self.lease = lease
        self._written: dict[str, int] = {}  # the version of each table that this run made
        self._frames: dict[str, DataFrame] = {}  # of versions of tables, by the names of views
        self._id = uuid4().hex  # a session may have the views of other warehouses too

    def commit(self, commit: Commit) -> Commit:
        """Makes all that was written visible together, as the record that it gives back.

        What the record names is on the disk before the record is, so that a machine that is lost
        takes both with it or none.
        """
        commit = replace(commit, tables={name: self._own_version(name) for name in self.tables})
        self._keep(commit)
        try:
            self._check_lease()
            record(self.root, commit.number).create_text(commit.to_json())
        except FileExistsError:
            raise WarehouseError(
                f"{self.root}: commit {commit.number} exists already: another run wrote here",
                ["nothing of this date was made visible; give the same command again"],
            ) from None
        try:
            (self.root / "_newest_commit").replace_text(str(commit.number))
        except (OSError, StoreError) as error:  # the night is done, and the next one writes it
            said = error.strerror if isinstance(error, OSError) else reason(error)
            logging.getLogger("solatium").warning("%s: %s", self.root / "_newest_commit", said)
        return commit

    def _keep(self, commit: Commit) -> None:
        """Has the disk keep what the tables have that it may not have kept yet."""
        self.root.sync(
            f"{name}/{file}"
            for name, version in commit.tables.items()
            for file in self._log(name).files_since(self._kept.get(name, -1), version)
        )
        self._kept = dict(commit.tables)

    # Rivals

    def _check_lease(self) -> None:
        if self.lease is not None:
            self.lease.check()

    def _own_version(self, name: str) -> int:
        """The newest version of a table; WarehouseError where another made it.

        A run that has lost its lease, or was killed while its engine went on, may end a write late.
        """
        version = self.version(name)
        if version != self._written.get(name, version):
            raise WarehouseError(
                f"{self.root / name}: version {version} was written by another run; this one wrote "
                f"{self._written[name]}",
                ["nothing of this date was made visible; end the other run, then repeat this one"],
            )
        return version

    # Preparing

    def prepare(self, head: Commit | None) -> None:
        """Creates the tables that are not there, empty, and clears what dead runs left.

        Raises WarehouseError where the logs of tables lack what the newest commit `head` names.
        """
        self._check_lease()
        self._kept = dict(head.tables) if head else {}
        problems = [
            problem
            for name, version in self._kept.items()
            if name in self.tables
            for problem in self._log(name).problems(version)
        ]
        if problems:
            raise damaged(self.root, problems)
        (self.root / "_scratch").remove_tree()
        for folder in (self.root, self.root / "_commits"):
            folder.remove_drafts()
        for name, table in self.tables.items():
            delta_log = self._log(name)
            if name not in self._kept:
                if not delta_log.is_whole(_created(table)):  # or a run was killed while it made it
                    delta_log.folder.remove_tree()
                    with _repeatable(self.root / name):
                        self._create(table)
                self._kept[name] = -1
            delta_log.drop_torn(after=max(self._kept[name], _created(table)))
            delta_log.drop_misleading_hint()
            self.engine.unhinted(delta_log.folder)

    def _create(self, table: Table) -> None:
        delta = DeltaTable.create(
            (self.root / table.name).uri,
            schema=table.stored_schema(),
            description=table.description(),
            partition_by=list(table.partition_by),
            configuration=_LOG_KEPT | _skipping(table),
        )
        if rules := constraints.named(table):
            delta.alter.add_constraint(rules)

    def rewind(self, base: Commit | None, head: Commit | None) -> None:
        """Takes the tables back to `base` (None: empty), those of decisions to `head`.

        LostLeaseError where they are another run's by now.
        """
        self._check_lease()
        for name, table in self.tables.items():
            commit = head if name in DECISIONS else base
            version = commit.tables.get(name) if commit else None
            if version is None:
                version = _created(table)
            if self.version(name) != version:
                with _repeatable(self.root / name):
                    self.engine.restore(self.root / name, version)
                self.engine.unhinted(self._log(name).folder)
            self._written[name] = self.version(name)

    # Tables

    def read(self, name: str, commit: Commit | None = None) -> DataFrame:
        """A table as it stands now, whatever is written later; or as of a commit."""
        version = self.version(name) if commit is None else commit.tables[name]
        view = f"{name}_{version}_{self._id}"
        if view not in self._frames:
            self._frames[view] = self._stored(name).read(version, view)
        return self._frames[view]

    def read_dates(self, name: str, dates: Iterable[date]) -> DataFrame:
        """The rows of these business dates of a table, by which it lies, as it stands now."""
        wanted = sorted(set(dates))
        stored = self._stored(name)
        if isinstance(stored, FileTable):
            rows = stored.read_dates(self.version(name), "business_date", wanted)
        else:
            rows = self.read(name)
        return rows.where(F.col("business_date").isin(wanted))

    def _drop_frames(self) -> None:
        if self.engine.keeps_logs:
            for view in self._frames:
                self.engine.spark.catalog.dropTempView(view)
        self._frames.clear()

    def rows(self, name: str, dates: Iterable[date]) -> int:
        """How many rows a table has of these business dates, by its log alone."""
        wanted = set(dates)
        files = delta_commit.files(self.root / name, self.version(name))
        return sum(file.rows for file in files if file.partition["business_date"] in wanted)

    def business_dates(self, name: str) -> set[date]:
        """The business dates that a table has files of, by its log alone."""
        files = delta_commit.files(self.root / name, self.version(name))
        return {file.partition["business_date"] for file in files}

    def append(self, name: str, rows: DataFrame, dates: Collection[date] = ()) -> int:
        """Adds rows to a table; how many.

        `dates` are all that the rows have of the column by which the table lies, where they are
        known, and the rows cost little to compute again. It takes less to write them then.
        """
        return self._write(name, rows, NOTHING, dates)

    def replace(
        self,
        name: str,
        rows: DataFrame,
        *,
        column: str,
        dates: Iterable[date],
        by_date: bool = False,
    ) -> int:
        """Puts `rows` in the place of a table's rows of these dates; how many were written.

        The table lies by the `column`: whole files are replaced. With `by_date` they are computed
        for each date, which takes less where that costs little (`append`).
        """
        if column not in self.tables[name].partition_by:
            raise ValueError(f"{name} does not lie by {column}")
        replaced = Replaced.of(column, dates)
        if not replaced.dates:
            return 0
        one_by_one = by_date or len(replaced.dates) == 1
        return self._write(name, rows, replaced, replaced.dates if one_by_one else ())

    def overwrite(self, name: str, rows: DataFrame) -> int:
        """Puts `rows` in the place of all rows of a table; how many."""
        return self._write(name, rows, ALL)

    def _write(
        self, name: str, rows: DataFrame, replaced: Replaced, dates: Collection[date] = ()
    ) -> int:
        self._check_lease()
        before = self._own_version(name)
        self._stored(name).write(self.tables[name].shape(rows), replaced, before, dates)
        delta_log = self._log(name)
        self.engine.unhinted(delta_log.folder)
        version = self.version(name)
        if delta_log.has(version + 1):
            raise self._lagging(name, version + 1)
        self._written[name] = version
        return sum(map(delta_log.rows_added, range(before + 1, self._written[name] + 1)))

    def _stored(self, name: str) -> EngineTable | FileTable:
        """A table, by the engine's own Delta or as the files that it is."""
        folder, table = self.root / name, self.tables[name]
        if self.engine.keeps_logs:
            return EngineTable(self.engine, folder, table)
        return FileTable(self.engine, folder, table, self.root / "_scratch", _bounded(table))

    def version(self, name: str) -> int:
        """The newest version of a table; StoreError where it is older than what this run wrote."""
        version = self._log(name).newest()
        if version is None:
            raise damaged(self.root, [f"{self._log(name).folder}: no Delta log"])
        if version < self._written.get(name, version):
            raise self._lagging(name, self._written[name])
        return version

    def _lagging(self, name: str, version: int) -> StoreError:
        """A night must not go on without rows that it has written."""
        return StoreError(
            f"{self._log(name).folder}: its list lacks version {version}, which is there",
            [
                "nothing of this date was made visible; give the same command again",
                "a warehouse needs a store whose lists show at once what was written",
            ],
        )

    def _log(self, name: str) -> DeltaLog:
        return DeltaLog(self.root / name)

    # Scratch

    @contextmanager
    def scratch(self) -> Iterator[Scratch]:
        """A place for frames that a night uses more than once; emptied at the end.

        Its name is its own: tasks of a run that was killed may still write, and S3 keeps the marks
        of folders that Spark has made, which Spark then takes for frames that are there.
        """
        folder = self.root / "_scratch"
        with self.engine.scratch(folder / uuid4().hex) as place:
            try:
                yield Scratch(self.engine, place)
                self._drop_frames()  # after a failure nobody goes on, and the engine may be gone
            finally:
                if self.lease is None or self.lease.is_held():
                    folder.remove_tree()


@contextmanager
def _repeatable(table: Location) -> Iterator[None]:
    """WarehouseError where the Delta library takes its own commit, whose answer was lost, for
    another's; the next run finds what was written, and goes on."""
    try:
        yield
    except CommitFailedError as error:
        raise WarehouseError(
            f"{table}: {reason(error)}", ["give the same command again"]
        ) from error


def damaged(root: Location, problems: Sequence[str]) -> WarehouseError:
    """What is wrong with the files of a warehouse, and what can be done about it."""
    to_do = ["restore these files from a backup, or the whole folder", REBUILD]
    if root.may_lag:
        to_do.insert(0, "a list that lags looks the same: give the same command again first")
    return WarehouseError(f"{root}: the warehouse is damaged", [*problems, *to_do])


def _skipping(table: Table) -> dict[str, str]:
    """Of which columns Delta's log has the least and the greatest value of each file.

    Not of others than dates: each file holds accounts and windows of all kinds, so that no reader
    could pass over one, and logs, which are read often, are smaller without.
    """
    if columns := _bounded(table):
        return {"delta.dataSkippingStatsColumns": ",".join(columns)}
    return {"delta.dataSkippingNumIndexedCols": "0"}


def _bounded(table: Table) -> tuple[str, ...]:
    dates = [name for name in _DATES_OF_FILES if name in table.names]
    return tuple(name for name in dates if name not in table.partition_by)


def _created(table: Table) -> int:
    """The version of a table that was created, and is still empty."""
    return 1 if constraints.named(table) else 0
