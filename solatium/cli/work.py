"""A command at work on a warehouse: its record, and what it says when it has ended.

Whatever ends a command, the record of the attempt and `--summary-json` say how. Neither stands in
the way of the work: where they cannot be written, the work goes on.
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

from solatium.cli.ending import Ended
from solatium.errors import SolatiumError
from solatium.storage.secrets import without_secrets
from solatium.warehouse.attempts import Attempt

if TYPE_CHECKING:
    from solatium.storage.location import Location


class Work:
    """What a command has to say when it has succeeded."""

    def __init__(self) -> None:
        self.said: RenderableType | None = None
        self.facts: dict[str, Any] = {}

    def says(self, said: RenderableType, facts: Mapping[str, Any] | None = None) -> None:
        """What people read, and what machines read."""
        self.said = said
        self.facts = dict(facts or {})


@contextmanager
def work(
    command: str,
    warehouse: str,
    arguments: Mapping[str, object],
    summary_json: str | None = None,
) -> Iterator[Work]:
    """Records the attempt, and prints what the command says once its work is committed."""
    done, attempt = Work(), Attempt(_root(warehouse), command, arguments)
    attempt.begin()
    try:
        yield done
    except BaseException as error:
        problem = _problem(error)
        attempt.end(status_of(error), problem)
        _write_summary(summary_json, attempt, {"error": problem})
        raise
    attempt.end(0, None)
    _write_summary(summary_json, attempt, {"error": None, **done.facts})
    if done.said is not None:
        _print(done.said, to_stderr=summary_json == "-")


def status_of(error: BaseException) -> int:
    """The exit status of a command that ends with this error."""
    if isinstance(error, SolatiumError):
        return error.exit_status
    return error.status if isinstance(error, Ended) else 1


def _root(warehouse: str) -> Location:
    from solatium.storage.location import Location

    return Location.parse(warehouse)


def _problem(error: BaseException) -> dict[str, Any]:
    if isinstance(error, SolatiumError):
        problems = [without_secrets(problem) for problem in error.problems]
        return {"headline": without_secrets(error.headline), "problems": problems}
    said = without_secrets(f"{type(error).__name__}: {error}")
    return {"headline": said.rstrip(": "), "problems": []}


def _write_summary(place: str | None, attempt: Attempt, facts: Mapping[str, Any]) -> None:
    if place is None:
        return
    from solatium.storage.local import LocalLocation

    text = json.dumps(attempt.facts() | dict(facts), indent=1, ensure_ascii=False) + "\n"
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
