"""What a run has read and written, as its commit records and the logs of the tables say."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date

from solatium import contracts
from solatium.storage.location import Location
from solatium.warehouse import commits
from solatium.warehouse.commits import Commit
from solatium.warehouse.delta_log import DeltaLog


@dataclass(frozen=True)
class Read:
    """A landing table: the arrival dates that were read, and their rows, files and bytes."""

    table: str
    dates: tuple[date, ...]
    rows: int
    files: int
    size: int


@dataclass(frozen=True)
class Written:
    """A warehouse table that has a new version.

    `rows` are those of the files that its new versions added; None where its log cannot be read.
    """

    table: str
    version: int
    rows: int | None


@dataclass(frozen=True)
class Traces:
    """The landing tables that a run has read, and the warehouse tables that it has written."""

    read: tuple[Read, ...] = ()
    written: tuple[Written, ...] = ()


def traces_of(root: Location, before: Commit | None) -> Traces:
    """What was committed since `before`, the newest commit when the run began."""
    made = commits.since(root, before.number if before else 0)
    if not made:
        return Traces()
    return Traces(_read(made), _written(root, before, made[-1]))


def _read(made: Sequence[Commit]) -> tuple[Read, ...]:
    files: dict[tuple[str, date], list[tuple[str, int, int]]] = {}
    rows: dict[tuple[str, date], int] = {}
    for commit in made:  # of a date that was taken again the later one counts
        for day, tables in commit.files.items():
            files |= {(table, day): some for table, some in tables.items()}
        for day, numbers in commit.rows.items():
            rows |= {(table, day): number for table, number in numbers.items()}
    found = []
    for table in contracts.LANDING:
        dates = sorted(day for name, day in files if name == table and files[name, day])
        if dates:
            some = [file for day in dates for file in files[table, day]]
            total = sum(rows.get((table, day), 0) for day in dates)
            size = sum(size for _, size, _ in some)
            found.append(Read(table, tuple(dates), total, len(some), size))
    return tuple(found)


def _written(root: Location, before: Commit | None, after: Commit) -> tuple[Written, ...]:
    found = []
    for table in contracts.WAREHOUSE:
        old = before.tables.get(table, -1) if before else -1
        new = after.tables.get(table, -1)
        if new > old:
            rows = None
            with suppress(OSError, ValueError, KeyError, TypeError):
                log = DeltaLog(root / table)
                rows = sum(log.rows_added(version) for version in range(old + 1, new + 1))
            found.append(Written(table, new, rows))
    return tuple(found)
