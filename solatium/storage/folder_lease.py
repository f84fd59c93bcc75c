"""A lease on a local folder: a lock of the operating system, and a note on who has it.

Between rivals on one machine the lock decides; it ends with the process that has it, however that
ends. A note beside the lock says who has it, and when that run last gave a sign of life. A note
without a lock is that of a dead run.

Someone may delete or replace the lock file while a run works, and then another run can lock the new
one. So a holder looks again (`check`) before it writes, and right before it makes anything visible:
whoever finds that lock or note are not those it made has lost its lease, and stops.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from solatium.errors import BusyError, LostLeaseError
from solatium.storage.lease import NOTE, Lease, described, facts_of, now

_LOCK = "_lock"


class FolderLease(Lease):
    """What a run has while it holds a local folder."""

    def __init__(self, folder: Path, holder: Mapping[str, Any]) -> None:
        self.folder = folder
        self.taken_over = described(_read(folder / NOTE))
        self._facts = facts_of(holder)
        self._lock = _identity(folder / _LOCK)
        # put in place whole, and from then on written through this descriptor: a sign of life of
        # a run that has lost its lease cannot spoil the note of the run that has it now
        draft = folder / f".{NOTE}.{self._facts['token']}"
        self._note = os.open(draft, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o644)
        os.pwrite(self._note, self._text(), 0)
        self._taken()
        os.replace(draft, folder / NOTE)

    def is_held(self) -> bool:
        """Whether the lock and the note in the folder are still those that this run made."""
        mine = os.fstat(self._note)
        return (
            self._lock is not None
            and _identity(self.folder / _LOCK) == self._lock
            and _identity(self.folder / NOTE) == (mine.st_dev, mine.st_ino)
            and _read(self.folder / NOTE).get("token") == self._facts["token"]
        )

    def check(self) -> None:
        if not self.is_held():
            holder = described(_read(self.folder / NOTE))
            advice = "what was not committed stays unseen; give the same command again"
            raise LostLeaseError(
                f"{self.folder}: this run no longer holds the warehouse: its {_LOCK} or {NOTE} "
                "was removed or replaced",
                [f"held now by {holder}" if holder else "nobody holds it now", advice],
            )

    def renew(self) -> None:
        self.check()
        self._facts["sign_of_life"] = now()
        os.pwrite(self._note, self._text(), 0)  # of the same length as before

    def _let_go(self) -> None:
        if self.is_held():
            (self.folder / NOTE).unlink()
        os.close(self._note)

    def _text(self) -> bytes:
        return json.dumps(self._facts).encode()


@contextmanager
def leased(folder: Path, holder: Mapping[str, str]) -> Iterator[Lease]:
    """Holds a folder that exists; BusyError, with who has it, where it is held already.

    `holder` is what people should know of this run.
    """
    lock = FileLock(folder / _LOCK)
    try:
        lock.acquire(blocking=False)
    except Timeout:
        raise BusyError(f"{folder}: another run holds this warehouse", _advice(folder)) from None
    try:
        lease = FolderLease(folder, holder)
        try:
            lease.check()
            yield lease
        finally:
            lease.give_back()
    finally:
        lock.release()


def is_held(folder: Path) -> bool:
    """Whether a run holds a folder now; it is asked for an instant, and not taken."""
    try:
        descriptor = os.open(folder / _LOCK, os.O_RDWR)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)  # gives the lock back with it
    return False


def _advice(folder: Path) -> list[str]:
    facts = _read(folder / NOTE)
    if not facts:
        return ["who holds it is not written down yet; try again in a moment"]
    stuck = f"if it is stuck, end process {facts.get('pid')} on {facts.get('host')}"
    return [
        described(facts) or "",
        "wait until it has ended, then give the same command again",
        f"{stuck}: the warehouse is free as soon as that has ended; leave {_LOCK} where it is",
    ]


def _read(note: Path) -> dict[str, Any]:
    try:
        facts = json.loads(note.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return facts if isinstance(facts, dict) else {}


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        facts = path.stat()
    except FileNotFoundError:
        return None
    return facts.st_dev, facts.st_ino
