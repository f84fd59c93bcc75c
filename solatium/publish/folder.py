"""A folder of Parquet files as a target.

    <folder>/current                    a link to the folder of the newest publication
    <folder>/publication-0000000007/    a publication, whole: nothing in it changes any more
        publication.json                what it shows
        dim_window.parquet              a dimension is one file
        fact_award/2026-11-01.parquet   a fact has a file for each of its dates

Readers read through `current`. A publishing makes a new folder, in which files of dates that have
not changed are further names of the same files, and then replaces the link. The publication before
stays, for those who are reading it.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq
from filelock import FileLock, Timeout

from solatium.contracts.model import Table
from solatium.contracts.star import DIMENSIONS, star
from solatium.errors import BusyError, SolatiumError, UsageError
from solatium.publish import statements
from solatium.publish.connections import batches, duckdb_connection
from solatium.publish.loading import Sent
from solatium.publish.pseudonyms import Names
from solatium.publish.publication import ACCOUNTS, Changes, Publication
from solatium.publish.star import Star
from solatium.storage.local import LocalLocation
from solatium.warehouse.snapshot import Snapshot

CURRENT = "current"
_LOCK = ".lock"
_DRAFT = ".current.new"
_RECORD = "publication.json"
_NUMBERED = re.compile(r"publication-(\d{10})")
# The only file of a fact without dates, so that whoever reads its files finds its columns.
_EMPTY = "none"


@dataclass(frozen=True)
class Folder:
    """A folder, which is made if it is missing."""

    path: Path

    def __str__(self) -> str:
        return str(self.path)

    @contextmanager
    def opened(self) -> Iterator[Edition]:
        """Holds the folder; what was written is seen once nothing has failed."""
        LocalLocation(self.path).make_folder()
        others = [name for name in os.listdir(self.path) if not _is_ours(name)]
        if others:
            raise UsageError(
                f"{self}: expected an empty folder, or one with publications; found {others[0]}"
            )
        lock = FileLock(self.path / _LOCK)
        try:
            lock.acquire(blocking=False)
        except Timeout:
            raise BusyError(
                f"{self}: another publishing is at work",
                ["wait until it has ended, then give the same command again"],
            ) from None
        try:
            edition = Edition(self.path)
            try:
                yield edition
                edition.show()
            except BaseException:
                edition.drop()
                raise
        finally:
            lock.release()


class Edition:
    """The publication that readers see, and the next one beside it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve()
        link = self._folder / CURRENT
        self._old = link.resolve() if link.is_symlink() else None
        numbers = [int(m[1]) for m in map(_NUMBERED.fullmatch, os.listdir(folder)) if m]
        self._new = self._folder / f"publication-{max(numbers, default=0) + 1:010d}"

    def published(self) -> Publication | None:
        if self._old is None:
            return None
        try:
            return Publication.from_json((self._old / _RECORD).read_text(encoding="utf-8"))
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise SolatiumError(
                f"{self._old / _RECORD}: expected the record of a publication, found: {error}",
                [f"remove {self._folder / CURRENT}, and all is published again"],
            ) from error

    def write(self, tables: Snapshot, names: Names, asked: Changes, now: Publication) -> list[Sent]:
        self._new.mkdir()
        with duckdb_connection() as connection:
            new = Star(connection, tables, names, asked)
            facts = [self._write_fact(new, contract) for contract in statements.facts()]
            dimensions = [self._write_dimension(new, name) for name in reversed(DIMENSIONS)]
        (self._new / _RECORD).write_text(now.to_json(), encoding="utf-8")
        return [*reversed(dimensions), *facts]

    def show(self) -> None:
        """Has readers see what was written, and takes away what is older than the one before."""
        if self._new.is_dir():
            files = LocalLocation(self._new).data_files()
            LocalLocation(self._new).sync(file.path for file in files)
            draft = self._folder / _DRAFT
            draft.unlink(missing_ok=True)
            draft.symlink_to(self._new.name)
            draft.replace(self._folder / CURRENT)
            LocalLocation(self._folder).sync([self._new.name])
        kept = {self._new, self._old} if self._new.is_dir() else {self._old, *self._before_old()}
        for name in os.listdir(self._folder):
            if _NUMBERED.fullmatch(name) and self._folder / name not in kept:
                shutil.rmtree(self._folder / name)

    def drop(self) -> None:
        """Takes away what was written, unless readers see it already."""
        if (self._folder / CURRENT).resolve() != self._new:
            shutil.rmtree(self._new, ignore_errors=True)

    def _before_old(self) -> list[Path]:
        """The publication before the one that readers see, which somebody may still read."""
        names = sorted(n for n in os.listdir(self._folder) if _NUMBERED.fullmatch(n))
        before = [n for n in names if self._old is not None and n < self._old.name]
        return [self._folder / name for name in before[-1:]]

    # Facts

    def _write_fact(self, new: Star, contract: Table) -> Sent:
        part = new.changes.facts[contract.name]
        folder = self._new / contract.name
        folder.mkdir()
        removed = 0
        if self._old is not None and not new.changes.makes_tables:
            for file in sorted((self._old / contract.name).glob("*.parquet")):
                if file.stem == _EMPTY:
                    continue
                if date.fromisoformat(file.stem) in part.dates:
                    removed += pq.read_metadata(file).num_rows
                else:
                    _link(file, folder / file.name)
        rows = _write_by_date(new, contract, folder) if part.sent else 0
        files = sorted(folder.glob("*.parquet")) or [folder / f"{_EMPTY}.parquet"]
        if files[0].stem == _EMPTY:
            pq.write_table(_schema(contract).empty_table(), files[0])
        new.connection.register(contract.name, ds.dataset(files, schema=_schema(contract)))
        return Sent(contract.name, part.sent, rows, rows, removed)

    # Dimensions

    def _write_dimension(self, new: Star, name: str) -> Sent:
        """Its new rows, and of the earlier ones those that stay."""
        contract, connection = star(name), new.connection
        connection.execute(f"create temp table {statements.new(name)} as {new.query(name)}")
        [[rows]] = connection.execute(f"select count(*) from {statements.new(name)}").fetchall()
        query = f"select * from {statements.new(name)}"
        removed = 0
        if self._old is not None and not new.changes.makes_tables:
            old = pq.read_table(self._old / f"{name}.parquet")
            connection.register("_old", old)
            all_are_new = name != ACCOUNTS or new.changes.accounts is None
            [key] = contract.key
            others = (
                f"from _old d where not exists "
                f"(select 1 from {statements.new(name)} n where n.{key} = d.{key})"
            )
            leaves = statements.unnamed(contract, "d", all_are_new=all_are_new)
            [[removed]] = connection.execute(f"select count(*) {others} and {leaves}").fetchall()
            query += f" union all select * {others} and not ({leaves})"
        place = self._new / f"{name}.parquet"
        written = connection.sql(f"{query} order by all").to_arrow_table().cast(_schema(contract))
        pq.write_table(written, place, compression="zstd")
        connection.register(name, written)
        return Sent(name, (), rows, rows, removed)


def _write_by_date(new: Star, contract: Table, folder: Path) -> int:
    """Writes a file for each date, in the order of keys: equal rows give equal files."""
    [by] = contract.partition_by
    order = ", ".join([by, *(key for key in contract.key if key != by)])
    reader = batches(new.connection, f"{new.query(contract.name)} order by {order}")
    rows = 0
    with ExitStack() as opened:
        day, writer = None, None
        for batch in reader:
            some = pa.Table.from_batches([batch]).cast(_schema(contract))
            for each in pc.unique(some[by]).to_pylist():
                if writer is None or each != day:
                    opened.close()  # the date before
                    file = folder / f"{each.isoformat()}.parquet"
                    day, writer = each, pq.ParquetWriter(file, some.schema, compression="zstd")
                    opened.enter_context(writer)
                writer.write_table(some.filter(pc.equal(some[by], each)))
            rows += some.num_rows
    return rows


def _schema(contract: Table) -> pa.Schema:
    """The columns, which have their meanings as comments, and what the table is."""
    return contract.stored_schema().with_metadata({"comment": contract.description()})


def _link(file: Path, name: Path) -> None:
    """Another name of a file, or where a file system has none, a copy."""
    try:
        os.link(file, name)
    except OSError:
        shutil.copy2(file, name)


def _is_ours(name: str) -> bool:
    return name in (CURRENT, _LOCK, _DRAFT) or _NUMBERED.fullmatch(name) is not None
