"""`solatium runs`."""

from __future__ import annotations

import json
import os
from typing import Annotated, Any

import typer
from rich.console import Console

from solatium.cli.options import Warehouse


def runs(
    warehouse: Warehouse,
    as_json: Annotated[
        bool, typer.Option("--json", metavar="", help="One JSON object a line.")
    ] = False,
) -> None:
    """List every attempt to work on a warehouse, the newest first: also those that failed.

    run_log has the runs that committed.

    solatium runs --warehouse wh
    """
    from solatium.storage.location import Location
    from solatium.warehouse import attempts, commits

    root = Location.parse(warehouse)
    commits.built(root)
    console = Console()
    for one in attempts.read(root):
        line = json.dumps(one, ensure_ascii=False) if as_json else _line(one)
        console.print(line, highlight=False, markup=False, soft_wrap=True)


def _line(one: dict[str, Any]) -> str:
    arguments = " ".join(f"--{name} {value}" for name, value in one["arguments"].items())
    if one["exit_status"] is not None:
        end = f"exit {one['exit_status']} at {one['ended_at']}"
    elif one["host"] == os.uname().nodename and not _is_alive(one["pid"]):
        end = "ended without a word"
    else:
        end = "not ended"
    problem = f": {one['error']['headline']}" if one["error"] else ""
    who = f"{one['user']}@{one['host']} pid {one['pid']}"
    return f"{one['started_at']}  {one['command']} {arguments}  {who}  {end}{problem}"


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True
