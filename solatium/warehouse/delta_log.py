"""The log of a Delta table, read as the files that it is: a version costs a listing.

A night adds entries to the logs of many tables, and its commit record says which of them count.
Entries after those may be of half a night. Where a machine was lost, they may also be torn: never
whole on the disk, and never a version for anybody.

    <table>/_delta_log/<version>.json                the entries
    <table>/_delta_log/<version>.checkpoint.parquet  all entries up to a version, in one
    <table>/_delta_log/_last_checkpoint              a hint at the newest of these
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from solatium.storage.location import Location

_ENTRY = re.compile(r"(\d{20})\.json")
_CHECKPOINT = re.compile(r"(\d{20})\.checkpoint\..*parquet")
_OF_VERSION = re.compile(r"(\d{20})\.")


@dataclass(frozen=True)
class DeltaLog:
    """The log of the Delta table in the folder `table`."""

    table: Location

    @property
    def folder(self) -> Location:
        return self.table / "_delta_log"

    def entry(self, version: int) -> Location:
        return self.folder / f"{version:020d}.json"

    def newest(self) -> int | None:
        """The newest version; None where there is no entry."""
        return max(self._numbers(_ENTRY), default=None)

    def has(self, version: int) -> bool:
        """Whether there is an entry of this version, whatever a list says."""
        try:
            self.entry(version).size()
        except FileNotFoundError:
            return False
        return True

    def rows_added(self, version: int) -> int:
        """How many rows the files of a version have."""
        return sum(json.loads(add["stats"])["numRecords"] for add in self._adds(version))

    # What may be wrong with it

    def problems(self, version: int) -> list[str]:
        """Why a version cannot be read, as far as a listing tells; its entries are not opened."""
        entries, checkpoint = self._numbers(_ENTRY), self._checkpoint(version)
        if not entries:
            return [f"{self.folder}: expected a log with version {version}, found no entry"]
        return [
            f"{self.entry(number)}: expected a log entry, found "
            + ("an empty file" if number in entries else "no file")
            for number in range(checkpoint + 1, version + 1)
            if number not in entries or not self.entry(number).size()
        ]

    def torn(self, version: int) -> list[str]:
        """The entries and checkpoints, of those that make a version, that are no whole JSON."""
        found = []
        for number in range(self._checkpoint(version) + 1, version + 1):
            try:
                self._actions(number)
            except (OSError, ValueError) as error:
                found.append(f"{self.entry(number)}: expected a log entry, found: {error}")
        return found

    def is_whole(self, version: int) -> bool:
        """Whether all entries up to a version are there, each whole."""
        return not (self.problems(version) or self.torn(version))

    # What the next run mends

    def drop_torn(self, after: int) -> None:
        """Takes away what a lost machine may leave of a night without a record, after `after`.

        That is everything from the first entry on that is not whole, which nobody could ever read,
        and checkpoints, which readers can do without.
        """
        newest = self.newest()
        if newest is None or newest <= after:
            return
        whole = after
        while whole < newest and self._is_entry(whole + 1):
            whole += 1
        for name in reversed(self.folder.names()):  # the newest first, so that no gap is made
            match = _OF_VERSION.match(name)
            most = after if _CHECKPOINT.fullmatch(name) else whole
            if match and int(match[1]) > most:
                (self.folder / name).remove_file()

    def drop_misleading_hint(self) -> None:
        """Takes away a hint that cannot be read, or that names a checkpoint that is not there."""
        hint = self.folder / "_last_checkpoint"
        if not hint.exists():
            return
        try:
            version = json.loads(hint.read_text())["version"]
        except (ValueError, KeyError, TypeError):
            version = None
        if version not in self._numbers(_CHECKPOINT):
            hint.remove_file()

    # What must be on the disk before a record names it

    def files_since(self, before: int, version: int) -> list[str]:
        """Files of the table on which `version` rests and `before` does not, below its folder.

        They are the log's own, and the data files that the versions between have added and kept.
        """
        data: dict[str, None] = {}
        for number in range(before + 1, version + 1):
            for action in self._actions(number):
                if "add" in action:
                    data[unquote(action["add"]["path"])] = None
                elif "remove" in action:
                    data.pop(unquote(action["remove"]["path"]), None)
        own = [
            f"_delta_log/{name}"
            for name in self.folder.names()
            if (match := _OF_VERSION.match(name)) and before < int(match[1]) <= version
        ]
        return [*data, *own]

    def _is_entry(self, version: int) -> bool:
        try:
            return bool(self._actions(version))
        except (OSError, ValueError):
            return False

    def _adds(self, version: int) -> Iterator[dict[str, Any]]:
        return (action["add"] for action in self._actions(version) if "add" in action)

    def _actions(self, version: int) -> list[dict[str, Any]]:
        # by line feeds alone: texts in the statistics may hold other separators of lines
        lines = self.entry(version).read_text().split("\n")
        return [json.loads(line) for line in lines if line]

    def _checkpoint(self, version: int) -> int:
        """The newest checkpoint on which a version rests; -1 for none."""
        return max((v for v in self._numbers(_CHECKPOINT) if v <= version), default=-1)

    def _numbers(self, pattern: re.Pattern[str]) -> set[int]:
        matches = map(pattern.fullmatch, self.folder.names())
        return {int(match[1]) for match in matches if match}
