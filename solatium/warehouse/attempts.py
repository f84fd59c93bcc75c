"""A record of every attempt to work on a warehouse, whether it succeeded, failed or was killed.

They lie beside the tables and are for people: no run reads them, and none waits for them. Where one
cannot be written, it is missing.
"""

from __future__ import annotations

import getpass
import json
import os
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from solatium.errors import SolatiumError
from solatium.storage.location import Location
from solatium.version import VERSION

FOLDER = "_attempts"
_MOST = 500  # records that are kept


class Attempt:
    """One command at work on the warehouse in `root`, from now on."""

    def __init__(self, root: Location, command: str, arguments: Mapping[str, object]) -> None:
        self._root = root
        started = datetime.now(UTC)
        self._name = f"{started:%Y%m%dT%H%M%S.%f}-{uuid4().hex[:8]}.json"
        self._facts: dict[str, Any] = {
            "command": command,
            "arguments": {k: str(v) for k, v in arguments.items() if v not in (None, False)},
            "started_at": started.isoformat(timespec="seconds"),
            "ended_at": None,
            "exit_status": None,
            "error": None,
            "user": _user(),
            "host": os.uname().nodename,
            "pid": os.getpid(),
            "version": VERSION,
        }

    def facts(self) -> dict[str, Any]:
        """What the record says."""
        return dict(self._facts)

    def begin(self) -> None:
        """Writes the record, in a warehouse that is there; a new one gets it at the end."""
        self._write()

    def end(self, status: int, error: object) -> None:
        """Completes the record."""
        self._facts |= {
            "ended_at": datetime.now(UTC).isoformat(timespec="seconds"),
            "exit_status": status,
            "error": error,
        }
        self._write()

    def _write(self) -> None:
        with suppress(OSError, SolatiumError):
            if not (self._root / "_commits").is_folder():
                return
            folder = self._root / FOLDER
            folder.make_folder()
            (folder / self._name).replace_text(json.dumps(self._facts, ensure_ascii=False))
            for old in _names(folder)[:-_MOST]:
                (folder / old).remove_file()


def read(root: Location) -> list[dict[str, Any]]:
    """The attempts on the warehouse in `root`, newest first."""
    folder = root / FOLDER
    names = _names(folder)
    texts = folder.read_texts(names)
    found = []
    for name in reversed(names):
        with suppress(OSError, ValueError):
            found.append(json.loads(texts[name]))
    return found


def _names(folder: Location) -> list[str]:
    return [name for name in folder.names() if name.endswith(".json") and name[0] != "."]


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container may run as a number that has no name
        return str(os.getuid())
