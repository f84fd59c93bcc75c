"""A lease on a folder: one run has it, tells who it is, and notices when it has it no longer.

Between rivals on one machine the lock of the operating system decides; it ends with the process
that has it, however that ends. A note beside the lock says who has it, and when that run last gave
a sign of life. A note without a lock is that of a dead run.

Someone may delete or replace the lock file while a run works, and then another run can lock the new
one. So a holder looks again (`check`) before it writes, and right before it makes anything visible:
whoever finds that lock or note are not those it made has lost its lease, and stops.
"""

from __future__ import annotations

import fcntl
import getpass
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from filelock import FileLock, Timeout

from solatium.errors import BusyError, LostLeaseError

_LOCK = "_lock"
_NOTE = "_holder.json"


_held: set[Lease] = set()


class Lease:
    """What a run has while it holds a folder.

    `taken_over` says who held it before and left without giving it back; None where nobody did.
    """

    def __init__(self, folder: Path, facts: Mapping[str, Any]) -> None:
        self.folder = folder
        self.taken_over = _described(_read(folder / _NOTE))
        now = _now()
        self._facts = {"token": uuid4().hex, **facts, "since": now, "sign_of_life": now}
        self._lock = _identity(folder / _LOCK)
        # put in place whole, and from then on written through this descriptor: a sign of life of
        # a run that has lost its lease cannot spoil the note of the run that has it now
        draft = folder / f".{_NOTE}.{self._facts['token']}"
        self._note = os.open(draft, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o644)
        os.pwrite(self._note, self._text(), 0)
        _held.add(self)
        os.replace(draft, folder / _NOTE)

    def is_held(self) -> bool:
        """Whether the lock and the note in the folder are still those that this run made."""
        mine = os.fstat(self._note)
        return (
            self._lock is not None
            and _identity(self.folder / _LOCK) == self._lock
            and _identity(self.folder / _NOTE) == (mine.st_dev, mine.st_ino)
            and _read(self.folder / _NOTE).get("token") == self._facts["token"]
        )

    def check(self) -> None:
        """LostLeaseError where the lease is lost."""
        if not self.is_held():
            holder = _described(_read(self.folder / _NOTE))
            advice = "what was not committed stays unseen; give the same command again"
            raise LostLeaseError(
                f"{self.folder}: this run no longer holds the warehouse: its {_LOCK} or {_NOTE} "
                "was removed or replaced",
                [f"held now by {holder}" if holder else "nobody holds it now", advice],
            )

    def renew(self) -> None:
        """Gives a sign of life; LostLeaseError where the lease is lost."""
        self.check()
        self._facts["sign_of_life"] = _now()
        os.pwrite(self._note, self._text(), 0)  # of the same length as before

    def give_back(self) -> None:
        """Takes the note away, unless it is another's."""
        if self in _held:
            _held.discard(self)
            if self.is_held():
                (self.folder / _NOTE).unlink()
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
        who = {"user": _user(), "pid": os.getpid(), "host": os.uname().nodename}
        lease = Lease(folder, {**who, **holder})
        try:
            lease.check()
            yield lease
        finally:
            lease.give_back()
    finally:
        lock.release()


def give_all_back() -> None:
    """Gives back what this process holds, which is about to end."""
    for lease in list(_held):
        lease.give_back()


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
    facts = _read(folder / _NOTE)
    if not facts:
        return ["who holds it is not written down yet; try again in a moment"]
    stuck = f"if it is stuck, end process {facts.get('pid')} on {facts.get('host')}"
    return [
        _described(facts) or "",
        "wait until it has ended, then give the same command again",
        f"{stuck}: the warehouse is free as soon as that has ended; leave {_LOCK} where it is",
    ]


def _described(facts: Mapping[str, Any]) -> str | None:
    shown = {key: value for key, value in facts.items() if key not in ("token", "sign_of_life")}
    words = [f"{key} {value}" for key, value in shown.items()]
    if "sign_of_life" in facts:
        words.append(f"no sign of life since {facts['sign_of_life']}")
    return ", ".join(words) or None


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


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container may run as a number that has no name
        return str(os.getuid())


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
