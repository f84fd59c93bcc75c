"""`solatium tables`."""

from __future__ import annotations

from datetime import date
from typing import Annotated

import typer
from rich.console import Console

from solatium.cli.options import (
    date_option,
)
from solatium.errors import UsageError


def tables(
    warehouse: Annotated[
        str | None,
        typer.Option(metavar="FOLDER", help="The tables of this warehouse, as last committed."),
    ] = None,
    as_of: Annotated[
        date | None,
        date_option("--as-of", "The tables as they stood after the newest night up to this date."),
    ] = None,
) -> None:
    """List the tables: what a row of each is and, with --warehouse, its version and its rows.

    solatium tables --warehouse wh --as-of 2026-11-01
    """
    if as_of and not warehouse:
        raise UsageError(f"--as-of {as_of} requires --warehouse")
    from solatium import contracts
    from solatium.cli import show
    from solatium.warehouse.snapshot import Snapshot

    snapshot = Snapshot.of(warehouse, as_of) if warehouse else None
    Console().print(show.tables(contracts.WAREHOUSE, snapshot))
