"""A `solatium` that stops once, before it first calls a method, and goes on at a word.

    python stopping.py MODULE OWNER METHOD SECONDS FIFO ARGUMENT ...

It says "stops" and waits for a line in the FIFO. Its lease lasts for as many SECONDS, and it gives
no sign of life but at its stages.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from importlib import import_module
from pathlib import Path
from uuid import uuid4

Stop = tuple[str, str, str]
WRITES: Stop = ("solatium.warehouse.tables", "Warehouse", "_write")
COMMITS: Stop = ("solatium.warehouse.tables", "Warehouse", "commit")
PUTS_ITS_RECORD: Stop = ("solatium.storage.objects", "ObjectLocation", "create_text")
_SAID = "stops\n"


def script(stop: Stop, seconds: str, fifo: Path) -> tuple[str, ...]:
    """This script, with its own arguments."""
    return (__file__, *stop, seconds, str(fifo))


class Run:
    """A process that may stop, as this script does."""

    def __init__(
        self, command: Sequence[str], environment: Mapping[str, str], fifo: Path, within: ExitStack
    ) -> None:
        self._fifo = fifo
        self._process: subprocess.Popen[str] = within.enter_context(
            subprocess.Popen(
                command,
                text=True,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        )
        within.callback(self._end)
        self._said: list[str] = []

    def _end(self) -> None:
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)

    def stops(self) -> bool:
        """Whether it has come to where it stops; else it has ended."""
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line == _SAID:
                return True
            self._said.append(line)
        return False

    def ends(self) -> tuple[int, str]:
        """It goes on; its exit status, and what it said."""
        word = os.open(self._fifo, os.O_RDWR)  # which waits for nobody
        try:
            os.write(word, b"\n")
            said = self._process.communicate()[0]
        finally:
            os.close(word)
        return self._process.returncode, "".join(self._said) + said


def fifo_in(folder: Path) -> Path:
    place = folder / f"goes-on-{uuid4().hex}"
    os.mkfifo(place)
    return place


def main(module: str, owner: str, name: str, seconds: str, fifo: str, *arguments: str) -> None:
    from solatium.cli import app
    from solatium.storage import object_lease

    object_lease.SECONDS, object_lease.BEAT = float(seconds), 3600.0
    holder = getattr(import_module(module), owner)
    goes_on = getattr(holder, name)

    def stops(*given: object, **options: object) -> object:
        setattr(holder, name, goes_on)
        sys.stdout.write(_SAID)
        sys.stdout.flush()
        with open(fifo) as word:
            word.readline()
        return goes_on(*given, **options)

    setattr(holder, name, stops)
    app.main(list(arguments))


if __name__ == "__main__":
    main(*sys.argv[1:])
