"""The landing files that a window was judged from, by the commit records, and their SHA-256.

docs/rules.md section 5.7. A commit record knows each file's table, arrival date, name and size. The
SHA-256 needs the files themselves.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from hashlib import file_digest
from os import SEEK_END

import pyarrow.compute as pc

from solatium import contracts
from solatium.contracts import EVENTS
from solatium.errors import UsageError
from solatium.storage.location import Location
from solatium.warehouse import commits
from solatium.warehouse.snapshot import Snapshot
from solatium.warehouse.window_facts import WindowFacts

NOT_READ = "the landing zone was not given"
GONE = "the file is gone"
CHANGED = "the file has another size than the commit record says"

_Listing = dict[date, dict[str, list[tuple[str, int, int]]]]


@dataclass(frozen=True)
class LandingFile:
    """A file as the night knew it; `sha256` is None where `note` says why."""

    table: str
    dt: date
    name: str
    size: int
    sha256: str | None
    note: str | None


class LandingFiles:
    """Looks up the files of windows; each file is read once, for however many windows."""

    def __init__(self, tables: Snapshot, landing: str | None) -> None:
        self._tables = tables
        self._root = None if landing is None else Location.parse(landing)
        if self._root is not None and not self._root.is_folder():
            raise UsageError(f"--landing {landing}: there is no such folder")
        self._known = _known(tables)
        self._digests: dict[tuple[str, date, str], tuple[str | None, str | None]] = {}

    def of(self, window: WindowFacts) -> list[LandingFile]:
        """Files of the dates on which the window's rows arrived, and those of accounts in sight."""
        last = min(self._tables.day, window.last_arrival)
        arrived: dict[str, set[date]] = {
            "windows": {version.row["dt"] for version in window.versions},
            "accounts": {day for day in self._known if day <= last},
        }
        for source in EVENTS:
            arrived[source] = self._arrived(source, window)
        return [
            self._file(table, day, name, size)
            for table in contracts.LANDING
            for day in sorted(arrived[table])
            for name, size, _ in self._known.get(day, {}).get(table, [])
        ]

    def _arrived(self, source: str, window: WindowFacts) -> set[date]:
        rows = self._tables[source].where(window.here, ["dt"])
        return set(pc.unique(rows["dt"]).to_pylist())

    def _file(self, table: str, day: date, name: str, size: int) -> LandingFile:
        key = (table, day, name)
        if key not in self._digests:
            self._digests[key] = self._digest(table, day, name, size)
        digest, note = self._digests[key]
        return LandingFile(table, day, name, size, digest, note)

    def _digest(self, table: str, day: date, name: str, size: int) -> tuple[str | None, str | None]:
        if self._root is None:
            return None, NOT_READ
        place = self._root / table / f"dt={day}" / name
        if not place.exists():
            return None, GONE
        with place.reading() as file:
            if file.seek(0, SEEK_END) != size:
                return None, CHANGED
            file.seek(0)
            return file_digest(file, "sha256").hexdigest(), None


def _known(tables: Snapshot) -> _Listing:
    """The files of each arrival date, by the newest commit that took it."""
    return dict(_newest(tables))


def _newest(tables: Snapshot) -> Iterator[tuple[date, dict[str, list[tuple[str, int, int]]]]]:
    for commit in commits.built(tables.root):
        if commit.number <= tables.commit.number:
            yield from commit.files.items()
