"""A lease: the right of one run to write a place. It says who it is, and notices when it is lost.

How rivals are kept out depends on where the place lies: `folder_lease`, `object_lease`. Whoever has
a lease looks again (`check`) before it writes, and right before it makes anything visible.
"""

from __future__ import annotations

import getpass
import os
from abc import ABC, abstractmethod
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

NOTE = "_holder.json"

_held: set[Lease] = set()


class Lease(ABC):
    """What a run has while it holds a place.

    `taken_over` says who held it before and left without giving it back; None where nobody did.
    """

    taken_over: str | None = None

    @abstractmethod
    def is_held(self) -> bool:
        """Whether it is still this run's."""

    @abstractmethod
    def check(self) -> None:
        """LostLeaseError where the lease is lost."""

    @abstractmethod
    def renew(self) -> None:
        """Gives a sign of life; LostLeaseError where the lease is lost."""

    def give_back(self) -> None:
        """Lets the next one have the place, unless it is another's."""
        if self in _held:
            _held.discard(self)
            self._let_go()

    def _taken(self) -> None:
        """From now on `give_all_back` knows of it."""
        _held.add(self)

    @abstractmethod
    def _let_go(self) -> None: ...


def give_all_back() -> None:
    """Gives back what this process holds, which is about to end."""
    for lease in list(_held):
        lease.give_back()


def facts_of(holder: Mapping[str, Any]) -> dict[str, Any]:
    """What a note says of this run; `holder` is what people should know of it beside."""
    since = now()
    return {
        "token": uuid4().hex,
        "user": _user(),
        "pid": os.getpid(),
        "host": os.uname().nodename,
        **holder,
        "since": since,
        "sign_of_life": since,
    }


def described(facts: Mapping[str, Any]) -> str | None:
    """What a note says, for people; None where it says nothing."""
    shown = {key: value for key, value in facts.items() if key not in ("token", "sign_of_life")}
    words = [f"{key} {value}" for key, value in shown.items()]
    if "sign_of_life" in facts:
        words.append(f"no sign of life since {facts['sign_of_life']}")
    return ", ".join(words) or None


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container may run as a number that has no name
        return str(os.getuid())
