"""What lies behind an error of an engine or a library: a disk, a bound of memory, damaged files, a
store.

Looked for when a run has failed, so that a run that does not fail pays nothing for it.
"""

from __future__ import annotations

import errno
import logging
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager

import pyarrow as pa
from deltalake import DeltaTable

from solatium.errors import SolatiumError, StoreError, WarehouseError, reason, said
from solatium.storage.location import Location
from solatium.storage.parquet import rows_read
from solatium.storage.store_errors import failed_by_a_store
from solatium.warehouse import commits
from solatium.warehouse.commits import Commit
from solatium.warehouse.delta_log import DeltaLog
from solatium.warehouse.tables import damaged

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_REFUSING = (*_FULL, errno.EROFS, errno.EIO)
_NUMBERED = re.compile(r"\(os error (\d+)\)")  # as Rust says it
_NO_MEMORY = re.compile("Failed to allocate additional|Resources exhausted")  # Sail, of its bound
_MOST_COMMITS = 40  # of them a run may have read older versions of tables


@contextmanager
def diagnosed(root: Location) -> Iterator[None]:
    """Tells an error that comes from the disk, a bound of memory, damaged files or a store as what
    it is.

    Raises WarehouseError with every damaged file of a warehouse, and what to do about them. A store
    may also say what is damaged by an error of its own, so it is blamed where nothing is.
    """
    try:
        yield
    except SolatiumError:
        raise
    except Exception as error:
        number = refusal(error)
        if number is not None:
            raise _refused(root, number, error) from error
        if _NO_MEMORY.search(said(error)):
            raise SolatiumError(
                "the embedded engine needs more memory than embedded_memory_mb lets it have; "
                "nothing of its last night is visible",
                [
                    "joins are made in memory: set a greater embedded_memory_mb, or null for all",
                    "--engine spark goes on on the disk",
                    f"it was noticed by: {reason(error)}",
                ],
            ) from error
        logging.getLogger("solatium").warning(
            "the run failed; looking for damaged files in %s", root
        )
        try:
            problems = damages(root)
        except StoreError as other:
            raise failed_by_a_store(error) or other from None
        if problems:
            raise damaged(root, [*problems, f"it was noticed by: {reason(error)}"]) from error
        if failed := failed_by_a_store(error):
            raise failed from None
        raise


def is_explained(root: Location, error: BaseException) -> bool:
    """Whether a disk, a bound of memory or damaged files are behind an error of an engine."""
    return (
        refusal(error) is not None
        or _NO_MEMORY.search(said(error)) is not None
        or bool(damages(root))
    )


def refusal(error: BaseException) -> int | None:
    """The error number with which a disk refused to write or to read, where that is the cause."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError) and cause.errno in _REFUSING:
            return cause.errno
        text = said(cause)
        for number in _REFUSING:
            numbered = (int(match) for match in _NUMBERED.findall(text))
            if number in numbered or os.strerror(number) in text:
                return number
        cause = cause.__cause__ or cause.__context__
    return None


def _refused(root: Location, number: int, error: Exception) -> WarehouseError:
    place = getattr(error, "filename", None) or root
    if number in _FULL:
        advice = "make room on its disk, and on that of temporary files (TMPDIR, spark.local.dir)"
    else:
        advice = "have its disk looked at"
    return WarehouseError(
        f"{place}: {os.strerror(number)}; the run ended, and nothing of its last night is visible",
        [f"{advice}; then give the same command again"],
    )


def damages(root: Location) -> list[str]:
    """What is damaged of the tables that the newest commits name: the first commit's that has any.

    Each file is read to its end once. StoreError where a store does not answer.
    """
    sound: set[Location] = set()
    for commit in reversed(commits.lineage(root)[-_MOST_COMMITS:]):
        problems = _damages_of(root, commit, sound)
        if problems:
            return problems
    return []


def _damages_of(root: Location, commit: Commit, sound: set[Location]) -> list[str]:
    problems = []
    for name, version in commit.tables.items():
        delta_log = DeltaLog(root / name)
        found = delta_log.problems(version) or delta_log.torn(version)
        if not found:
            try:
                delta = DeltaTable((root / name).uri, version=version)
                files = pa.table(delta.get_add_actions()).select(["path", "size_bytes"])
            except Exception as error:
                if failed := failed_by_a_store(error):
                    raise failed from None
                found = [f"{delta_log.folder}: version {version}: {reason(error)}"]
            else:
                for file in files.to_pylist():
                    place, size = root / name / file["path"], file["size_bytes"]
                    if place not in sound:
                        sound.add(place)
                        found += _damage(place, size)
        problems += found
    return problems


def _damage(place: Location, size: int) -> list[str]:
    if not place.exists():
        return [f"{place}: expected a data file of {size} bytes, found no file"]
    if place.size() != size:
        return [f"{place}: expected a data file of {size} bytes, found {place.size()}"]
    try:
        rows_read(place)
    except (pa.ArrowException, OSError) as error:
        return [f"{place}: expected a readable Parquet file, found {reason(error)}"]
    return []
