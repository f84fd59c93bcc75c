"""The command `solatium`: its commands, and the exit status of each way that one may end.

Each command loads what it needs when it is called: the engine's packages take a second.
"""

from __future__ import annotations

import json
import logging
import shlex
import sys
import tempfile
import traceback
from contextlib import suppress
from datetime import datetime
from typing import Annotated, Literal

import typer
from rich.console import Console

from solatium import garbage
from solatium.cli import ending
from solatium.cli.audit_ledger import audit_ledger
from solatium.cli.backfill import backfill
from solatium.cli.catalog import catalog
from solatium.cli.config import show_config
from solatium.cli.demo import demo
from solatium.cli.evidence import evidence
from solatium.cli.explain import explain
from solatium.cli.generate import generate
from solatium.cli.nightly import nightly
from solatium.cli.options import Command
from solatium.cli.publish import publish
from solatium.cli.report import report
from solatium.cli.rollback import rollback
from solatium.cli.runs import runs
from solatium.cli.simulate import simulate
from solatium.cli.tables import tables
from solatium.cli.vacuum import vacuum
from solatium.cli.work import close_output
from solatium.errors import SolatiumError
from solatium.resources import data_folder
from solatium.secrets import masked
from solatium.storage import lease
from solatium.version import VERSION

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Replays rush sales night by night from a platform's logs, audits who won, and turns "
    "repeated failures into consolation bonuses, in a ledger that never pays twice.",
    epilog="Start with: solatium demo. The rules and the tables are explained in rules.md and "
    f"tables.md, in {data_folder('docs')}. Exit status: 0 done; 2 wrong usage or configuration; "
    "3 input refused; "
    "4 another run holds the warehouse; 130 or 143 ended by a signal; 1 anything else.",
)
for command in (
    *(nightly, backfill, rollback),
    *(explain, report, evidence, simulate, demo, generate),
    *(publish, catalog, tables, runs, vacuum),
):
    app.command(cls=Command)(command)
app.command("config", cls=Command)(show_config)
app.command("audit-ledger", cls=Command)(audit_ledger)


@app.callback(invoke_without_command=True)
def _options(
    version: Annotated[
        bool, typer.Option("--version", metavar="", help="Show the version.")
    ] = False,
    log_format: Annotated[
        Literal["text", "json"],
        typer.Option(help="How log lines are written: as text, or as one JSON object a line."),
    ] = "text",
) -> None:
    if version:
        Console().print(f"solatium {VERSION}", highlight=False)
        raise typer.Exit
    logging.root.handlers[0].setFormatter(_Json() if log_format == "json" else _Text())


class _Text(logging.Formatter):
    """The time with its zone, and the message."""

    def format(self, record: logging.LogRecord) -> str:
        return f"{_time(record)} {super().format(record)}"


class _Json(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        facts = {
            "time": _time(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": super().format(record),
        }
        return json.dumps(facts, ensure_ascii=False)


def _time(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created).astimezone().isoformat(timespec="milliseconds")


def main(arguments: list[str] | None = None) -> None:
    """The command; ends the process with the exit status of docs/rules.md section 10."""
    if arguments is None:  # as a process of its own
        garbage.collect_rarely()
        ending.listen()
    for stream in (sys.stdout, sys.stderr):
        with suppress(AttributeError, ValueError):  # a stream of another kind, or a closed one
            stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING)
    logging.root.handlers[0].setFormatter(_Text())
    logging.getLogger("solatium").setLevel(logging.INFO)
    try:
        app(args=arguments, prog_name="solatium")
    except ending.Ended as error:
        lease.give_all_back()  # where the signal came while one was being taken
        _say(f"ended by {error}; give the same command again")
        sys.exit(error.exit_status)
    except SolatiumError as error:
        _say(str(error))
        sys.exit(error.exit_status)
    except BrokenPipeError:
        close_output()  # whoever read it has read enough
        sys.exit(SolatiumError.exit_status)
    except OSError as error:
        if error.filename is None:
            _say(_unexpected(error, arguments))
        else:
            _say(f"{error.filename}: {error.strerror}")
        sys.exit(SolatiumError.exit_status)
    except Exception as error:
        _say(_unexpected(error, arguments))
        sys.exit(SolatiumError.exit_status)


def _say(text: str) -> None:
    with suppress(OSError, ValueError):
        sys.stderr.write(masked(f"solatium: {text}\n"))


def _unexpected(error: Exception, arguments: list[str] | None) -> str:
    """One line for an error that nobody foresaw; the traceback goes to a file."""
    given = sys.argv[1:] if arguments is None else arguments
    command = masked(shlex.join(["solatium", *map(str, given)]))
    said = masked(" ".join(f"{type(error).__name__}: {error}".split())[:300])
    try:
        with tempfile.NamedTemporaryFile(
            "w", prefix="solatium-", suffix=".txt", delete=False, encoding="utf-8"
        ) as file:
            file.write(masked("".join(traceback.format_exception(error))))
        where = f"; the traceback is in {file.name}"
    except OSError:
        where = ""
    again = f"what was not committed stays unseen; give it again: {command}"
    return f"unexpected {said}; {again}{where}"


if __name__ == "__main__":
    main()
