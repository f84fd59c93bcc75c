"""Which versions of the tables are kept, and the removal of all others.

docs/rules.md section 10. A night leaves a version of every table, and the files of those before it.
Readers may ask for any of them, and a run may go back to it, as long as it is kept. First a record
beside the commits says what is no longer kept, then files are removed: a vacuum that is killed
leaves nothing that anyone still counts on, and the next one ends its work.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from deltalake import DeltaTable

from solatium.contracts.calendar import moved
from solatium.storage.lease import Lease
from solatium.storage.location import Location
from solatium.warehouse import commits
from solatium.warehouse.commits import OLDEST_KEPT, Commit


@dataclass(frozen=True)
class Freed:
    """What of one table is no longer there: files, and their size in bytes."""

    table: str
    files: int
    size: int


@dataclass(frozen=True)
class Vacuumed:
    """What a vacuum has freed, or as a rehearsal would free, and the commits that are kept.

    `tables` are those of docs/tables.md and the pipeline's own, and what runs left in scratch.
    """

    kept: list[Commit]
    removed: list[Commit]
    tables: list[Freed]
    is_rehearsal: bool


def vacuum(warehouse: Location, retention_days: int, *, is_rehearsal: bool = False) -> Vacuumed:
    """Removes the files of all versions that no kept commit names; as a rehearsal, nothing.

    Kept are the newest commit of the lineage, and those of dates after its date less
    `retention_days`, where no earlier vacuum has removed them. Half a night goes, and files that
    no version names. Raises UsageError where nothing was ever committed, BusyError while a run or
    another vacuum holds the warehouse, LostLeaseError where another took it over meanwhile.
    """
    commits.built(warehouse)  # before a folder is made for the lease
    with warehouse.plainly_named() as root, root.held({"command": "vacuum"}) as lease:
        lineage = commits.lineage(root)
        there = commits.retained(root, lineage)
        oldest = moved(lineage[-1].day, -retention_days)
        kept = [c for c in there if c.day > oldest or c is there[-1]]
        seen: list[Commit] = []
        if not lineage[-1].is_published:  # readers still see what another chain of records names
            kept, seen = there, commits.published(root)
        removed = [c for c in there if c not in kept]
        if not is_rehearsal:
            if removed:
                _say(root, kept, retention_days)
            _take_back_half_a_night(root, kept[-1])
        freed = list(_freed(root, [*seen, *kept], None if is_rehearsal else lease))
        return Vacuumed(kept, removed, freed, is_rehearsal)


def _say(root: Location, kept: Sequence[Commit], retention_days: int) -> None:
    record = root / "_commits" / f"{kept[0].number:010d}{OLDEST_KEPT}"
    facts = {"newest": kept[-1].number, "retention_days": retention_days}
    record.create_text(json.dumps(facts))


def _take_back_half_a_night(root: Location, newest: Commit) -> None:
    for name, version in newest.tables.items():
        delta = DeltaTable((root / name).uri)
        if delta.version() != version:
            newest_files = DeltaTable((root / name).uri, version=version).file_uris()
            if set(delta.file_uris()) != set(newest_files):
                delta.restore(version)


def _freed(root: Location, kept: Sequence[Commit], lease: Lease | None) -> Iterator[Freed]:
    """What there is to remove, and removes it for who has a lease."""
    newest = kept[-1]
    for name, version in newest.tables.items():
        versions = sorted({commit.tables[name] for commit in kept if name in commit.tables})
        # As of the newest commit: what was written after it is half a night. It only lists, and
        # lists what is long gone too. Were it to remove, each table would get two versions more.
        unneeded = DeltaTable((root / name).uri, version=version).vacuum(
            retention_hours=0,
            enforce_retention_duration=False,
            dry_run=True,
            full=True,
            keep_versions=versions,
        )
        sizes = {file.path: file.size for file in (root / name).data_files()}
        # a file that was removed, restored and removed again is listed as often
        there = [path for path in dict.fromkeys(unneeded) if path in sizes]
        yield Freed(name, len(there), sum(sizes[path] for path in there))
        if lease:
            for path in there:
                lease.check()
                (root / name / path).remove_file()
    scratch = root / "_scratch"
    left = scratch.data_files() if scratch.is_folder() else []
    yield Freed("_scratch", len(left), sum(file.size for file in left))
    if lease:
        lease.check()
        scratch.remove_tree()
