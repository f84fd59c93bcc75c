"""A command at work on a warehouse: its record, and what it says when it has ended.

Whatever ends a command, the record of the attempt, `--summary-json` and those who watch the run say
how. None of them stands in the way of the work: where they cannot be written, the work goes on.
"""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console, RenderableType

from solatium.errors import exit_status_of, facts_of
from solatium.warehouse.attempts import Attempt

if TYPE_CHECKING:
    from solatium.observe.watch import Watch
    from solatium.storage.location import Location

_going_on: set[Work] = set()


class Work:
    """A command that goes on, and what it has to say when it has succeeded."""

    def __init__(self, attempt: Attempt, summary_json: str | None, watch: Watch | None) -> None:
        self.said: RenderableType | None = None
        self._facts: dict[str, Any] = {}
        self._attempt = attempt
        self._summary_json = summary_json
        self._watch = watch

    def says(self, said: RenderableType, facts: Mapping[str, Any] | None = None) -> None:
        """What people read, and what machines read."""
        self.said = said
        self._facts = dict(facts or {})

    def begin(self) -> None:
        _going_on.add(self)
        self._attempt.begin()
        if self._watch is not None:
            self._watch.begun(self._attempt.facts())

    def end(self, status: int, problem: dict[str, Any] | None) -> None:
        """Completes the record, and gives the facts of the run to all who want them."""
        _going_on.discard(self)
        self._attempt.end(status, problem)
        facts = self._attempt.facts() | {"error": problem} | ({} if problem else self._facts)
        _write_summary(self._summary_json, facts)
        if self._watch is not None:
            self._watch.ended(facts)


@contextmanager
def work(
    command: str,
    warehouse: str,
    arguments: Mapping[str, object],
    summary_json: str | None = None,
    watch: Watch | None = None,
) -> Iterator[Work]:
    """Records the attempt, and prints what the command says once its work is committed."""
    done = Work(Attempt(_root(warehouse), command, arguments), summary_json, watch)
    done.begin()
    try:
        yield done
    except BaseException as error:
        done.end(exit_status_of(error), facts_of(error))
        raise
    done.end(0, None)
    if done.said is not None:
        _print(done.said, to_stderr=summary_json == "-")


def end_all(status: int, error: str) -> None:
    """Ends what is at work in this process, which is about to end."""
    for done in list(_going_on):
        done.end(status, {"headline": error, "problems": []})


def _root(warehouse: str) -> Location:
    from solatium.storage.location import Location

    return Location.parse(warehouse)


def _write_summary(place: str | None, facts: Mapping[str, Any]) -> None:
    if place is None:
        return
    from solatium.storage.local import LocalLocation

    text = json.dumps(facts, indent=1, ensure_ascii=False) + "\n"
    try:
        if place == "-":
            sys.stdout.write(text)
            sys.stdout.flush()
        else:
            LocalLocation(Path(place)).replace_text(text)
    except OSError as error:
        logging.getLogger("solatium").warning("--summary-json %s: %s", place, error.strerror)
        if place == "-":
            close_output()


def _print(said: RenderableType, *, to_stderr: bool) -> None:
    """The closing summary. What was committed stays committed where nobody can read it."""
    console = Console(stderr=to_stderr)
    with console.capture() as text:  # rich itself ends the process at a closed pipe
        if isinstance(said, str):
            console.print(said, highlight=False, markup=False, soft_wrap=True)
        else:
            console.print(said)
    try:
        console.file.write(text.get())
        console.file.flush()
    except (OSError, ValueError) as error:
        close_output()
        with suppress(OSError, ValueError):
            sys.stderr.write(f"solatium: done and committed; the summary is lost: {error}\n")


def close_output() -> None:
    """Or Python complains once more when it ends."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
