"""Commit records: what makes the tables of many writes one truth, and who may see it.

Delta is atomic for each table; a night writes many. A night ends with one commit record, a file of
its own that names the version of every table. The records form a chain by `parent`; `lineage` is
the chain that leads to the newest one.

A run that goes back handles dates again that readers have seen already. Its records are meant for
the next run alone until it has reached the newest date that was visible before: what readers see
(`published`) moves only forward. A roll back is the one exception: it is published at once.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from typing import Any

from solatium.errors import UsageError, WarehouseError
from solatium.storage.location import Location
from solatium.version import VERSION

# The form in which this code writes a warehouse; a record without one has form 1.
FORMAT = 2

_RECORD = re.compile(r"(\d{10,})\.json")
REBUILD = "or name a new folder as the warehouse: all tables but the ledger follow from the logs"

# Beside the commit records: the tables of older commits than the one it is named after may be gone.
OLDEST_KEPT = ".oldest_kept"


@dataclass(frozen=True)
class Commit:
    """What a handled date left: the version of every table, and what it was made from.

    `files` are the landing files as the listing showed them, by table, of the arrival date `day`
    and of earlier ones that were taken again, `rows` how many rows they hold by their footers;
    `awaited` the business dates, on which windows in force fall, that were not closed before it;
    `judged_from` the first business date that was judged; `settled` the last one that the ledger
    was ever posted for, by nights since taken back too; `gates_accepted` the shut gates that
    a person let it pass, as TABLE:DATE:REASON. Of a run that goes back, `hidden_until` is the date
    that readers had seen before. `judged_by` is the version of solatium whose rules judged the
    dates that are open, where that is another than the `version` that wrote the record. `format` is
    the form of the warehouse, FORMAT.
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
    files: dict[date, dict[str, list[tuple[str, int, int]]]]
    gates_accepted: tuple[str, ...] = ()
    tables: dict[str, int] = field(default_factory=dict)
    rows: dict[date, dict[str, int]] = field(default_factory=dict)
    hidden_until: date | None = None
    judged_by: str | None = None
    format: int = FORMAT

    @property
    def judging_version(self) -> str:
        """The version of solatium whose rules judged the dates that are open."""
        return self.judged_by or self.version

    @property
    def is_published(self) -> bool:
        """Whether readers may see it: it is not on the way to a date that they have seen."""
        return self.hidden_until is None or self.day >= self.hidden_until

    def to_json(self) -> str:
        facts = asdict(self)
        for name in ("files", "rows"):
            facts[name] = {day.isoformat(): some for day, some in facts[name].items()}
        return json.dumps(facts, default=str, indent=1)

    @classmethod
    def from_json(cls, text: str) -> Commit:
        """The commit of a record; another of Python's errors where it is none."""
        facts: dict[str, Any] = json.loads(text)
        facts["format"] = int(facts.get("format", 1))
        if facts["format"] > FORMAT:
            raise WarehouseError(
                f"this warehouse has form {facts['format']}, of solatium {facts['version']}; "
                f"solatium {VERSION} knows forms up to {FORMAT}",
                [f"install solatium {facts['version']} or later"],
            )
        facts["day"] = date.fromisoformat(facts["day"])
        facts["gates_accepted"] = tuple(facts["gates_accepted"])
        if hidden := facts.get("hidden_until"):
            facts["hidden_until"] = date.fromisoformat(hidden)
        facts["awaited"] = tuple(date.fromisoformat(day) for day in facts["awaited"])
        for name in ("judged_from", "settled"):
            facts[name] = date.fromisoformat(facts[name])
        facts["files"] = {
            date.fromisoformat(day): {
                table: [(str(path), int(size), int(ns)) for path, size, ns in files]
                for table, files in tables.items()
            }
            for day, tables in facts["files"].items()
        }
        facts["rows"] = {
            date.fromisoformat(day): {str(table): int(number) for table, number in some.items()}
            for day, some in facts.get("rows", {}).items()
        }
        facts["tables"] = {str(name): int(version) for name, version in facts["tables"].items()}
        return cls(**facts)


def lineage(root: Location) -> list[Commit]:
    """The commits that led to the newest one, oldest first; none in a new warehouse."""
    found = _Records.of(root)
    return _chain(found, max([_newest_known(root), *found.names]))


def published(root: Location) -> list[Commit]:
    """The commits that led to the newest one that readers may see, oldest first."""
    found = _Records.of(root)
    for number in sorted({_newest_known(root), *found.names}, reverse=True):
        if number not in found.names or found.read(number).is_published:
            return _chain(found, number)
    return []


def _chain(found: _Records, newest: int) -> list[Commit]:
    chain: list[Commit] = []
    number = newest or None
    while number is not None:
        if number not in found.names:
            raise WarehouseError(
                f"{found.root}: commit record {number} is missing",
                [f"restore {record(found.root, number)} from a backup", REBUILD],
            )
        commit = found.read(number)
        chain.append(commit)
        number = commit.parent
    return chain[::-1]


def built(root: Location) -> list[Commit]:
    """What readers of a warehouse may see; UsageError where nothing was committed."""
    found = published(root)
    if not found:
        raise UsageError(f"{root}: there is no warehouse; solatium nightly makes one")
    return found


def refuse_older(root: Location, chain: Sequence[Commit]) -> None:
    """WarehouseError where the newest commit has an older form than this code writes."""
    if chain and chain[-1].format < FORMAT:
        then = chain[-1]
        raise WarehouseError(
            f"{root}: this warehouse has form {then.format}, of solatium {then.version}; "
            f"solatium {VERSION} writes form {FORMAT}, and goes on with no other",
            [
                "build it again from the logs: solatium nightly with a new folder as the warehouse",
                "what the old ledger posted is in its bonus_payouts; form 2 gives payouts an id",
                f"or go on with solatium {then.version}",
            ],
        )


def records(root: Location) -> list[Commit]:
    """All commits, by number: those of nights that were taken back too."""
    found = _Records.of(root)
    return [found.read(number) for number in sorted(found.names)]


def newest(root: Location) -> Commit | None:
    """The commit with the greatest number; None where there is none."""
    found = _Records.of(root)
    return found.read(max(found.names)) if found.names else None


def since(root: Location, number: int) -> list[Commit]:
    """The commits with a greater number, by number."""
    found = _Records.of(root)
    return [found.read(later) for later in sorted(found.names) if later > number]


def retained(root: Location, commits: Sequence[Commit]) -> list[Commit]:
    """Those commits of a lineage whose tables are still there, for a vacuum has left them."""
    names = (root / "_commits").names()
    oldest = max((int(n.split(".")[0]) for n in names if n.endswith(OLDEST_KEPT)), default=0)
    return [commit for commit in commits if commit.number >= oldest]


def record(root: Location, number: int) -> Location:
    return root / "_commits" / f"{number:010d}.json"


@dataclass(frozen=True)
class _Records:
    """The commit records that are there: their names by number, and their texts by name."""

    root: Location
    names: dict[int, str]
    texts: Mapping[str, str]

    @classmethod
    def of(cls, root: Location) -> _Records:
        folder = root / "_commits"
        matches = map(_RECORD.fullmatch, folder.names())
        names = {int(match[1]): match[0] for match in matches if match}
        return cls(root, names, folder.read_texts(names.values()))

    def read(self, number: int) -> Commit:
        try:
            commit = Commit.from_json(self.texts[self.names[number]])
            if commit.number != number or (commit.parent or 0) >= number:
                raise ValueError(f"number {commit.number}, parent {commit.parent}")
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            lacking = f"no {error}" if isinstance(error, KeyError) else str(error)
            place = self.root / "_commits" / self.names[number]
            raise WarehouseError(
                f"{place}: expected commit record {number}, found one that cannot be read: "
                f"{lacking}",
                ["restore it from a backup, or the whole folder", REBUILD],
            ) from error
        return commit


def _newest_known(root: Location) -> int:
    """The number of the newest commit, as it was noted beside the records; 0 without a note."""
    note = root / "_newest_commit"
    try:
        return int(note.read_text()) if note.exists() else 0
    except ValueError:  # a lost machine may leave it empty
        return 0
