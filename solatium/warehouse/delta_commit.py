"""Files of a Delta table as its log names them, and the entry that makes new ones a version.

By the `deltalake` package, which writes an entry only where there is none of its number.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.parquet as pq
from deltalake import CommitProperties, DeltaTable, PostCommitHookProperties
from deltalake.exceptions import CommitFailedError
from deltalake.transaction import AddAction, RemoveAction

from solatium.contracts import Table
from solatium.errors import WarehouseError
from solatium.storage.location import DataFile, Location

_CHECKPOINT_EVERY = 10  # versions, as Spark's Delta makes them
_HOOKS = PostCommitHookProperties(create_checkpoint=False, cleanup_expired_logs=False)
_ONCE = CommitProperties(max_commit_retries=0)


@dataclass(frozen=True)
class LogFile:
    """A data file of a version: `path` below the table's folder, dates by partition column."""

    path: str
    size: int
    rows: int
    partition: Mapping[str, date]


@dataclass(frozen=True)
class NewFile:
    """A data file that no version names yet; `bounds` are of its columns, as Delta writes them."""

    path: str
    size: int
    rows: int
    bounds: Mapping[str, Any]

    @classmethod
    def of(cls, folder: Location, bounded: Sequence[str], file: DataFile) -> NewFile:
        """A file below a folder as it says itself, at its end."""
        with (folder / file.path).reading() as source:
            footer = pq.read_metadata(source)
        has_bounds = bounded and footer.num_rows
        bounds = _bounds(footer, bounded) if has_bounds else {}
        return cls(file.path, file.size, footer.num_rows, bounds)

    @property
    def statistics(self) -> str:
        return json.dumps({"numRecords": self.rows, **self.bounds})


def files(folder: Location, version: int) -> list[LogFile]:
    """The data files of a version of the table in `folder`."""
    found = pa.table(DeltaTable(folder.uri, version=version).get_add_actions())
    return [
        LogFile(row["path"], row["size_bytes"], row["num_records"], row.get("partition") or {})
        for row in found.to_pylist()
    ]


def commit(
    folder: Location,
    table: Table,
    before: int,
    added: Sequence[NewFile],
    removed: Sequence[LogFile],
) -> None:
    """Makes the version after `before`. WarehouseError where another run has made one."""
    now = time.time_ns() // 1_000_000
    actions: list[AddAction | RemoveAction] = [
        RemoveAction(file.path, True, now, file.size, _texts(file.partition)) for file in removed
    ]
    actions += [
        AddAction(file.path, file.size, _by_folders(file.path), now, True, file.statistics)
        for file in added
    ]
    delta = DeltaTable(folder.uri, version=before)
    try:
        delta.create_write_transaction(
            actions,
            mode="append",  # with the files that it names removed
            schema=delta.schema(),
            partition_by=list(table.partition_by),
            commit_properties=_ONCE,
            post_commithook_properties=_HOOKS,
        )
    except CommitFailedError as error:
        raise WarehouseError(
            f"{folder}: version {before + 1} was written by another run",
            ["nothing of this date was made visible; end the other run, then repeat this one"],
        ) from error
    if (before + 1) % _CHECKPOINT_EVERY == 0:
        DeltaTable(folder.uri, version=before + 1).create_checkpoint()


def _by_folders(path: str) -> dict[str, str | None]:
    """The partition of a file by the folders in which Spark has put it, such as `dt=2026-11-01`."""
    pairs = (folder.partition("=") for folder in path.split("/")[:-1])
    return {name: unquote(value) for name, _, value in pairs}


def _texts(partition: Mapping[str, date]) -> dict[str, str | None]:
    return {name: day.isoformat() for name, day in partition.items()}


def _bounds(footer: pq.FileMetaData, columns: Sequence[str]) -> dict[str, dict[str, Any]]:
    """The least and greatest date of columns that hold no null."""
    names = footer.schema.names
    groups = range(footer.num_row_groups)
    found = {
        name: [footer.row_group(group).column(names.index(name)).statistics for group in groups]
        for name in columns
    }
    return {
        "minValues": {name: min(one.min for one in of).isoformat() for name, of in found.items()},
        "maxValues": {name: max(one.max for one in of).isoformat() for name, of in found.items()},
        "nullCount": dict.fromkeys(found, 0),
    }
