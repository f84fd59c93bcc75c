"""`solatium evidence`."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from solatium.cli.options import Warehouse, date_option
from solatium.errors import UsageError


def evidence(
    warehouse: Warehouse,
    out: Annotated[
        Path,
        typer.Option(
            metavar="FOLDER", help="The pack to write, as a new folder; with --all, their folder."
        ),
    ],
    commodity: Annotated[
        str | None, typer.Option(metavar="ID", help="The commodity of the window.")
    ] = None,
    window: Annotated[str | None, typer.Option(metavar="ID", help="The window.")] = None,
    every: Annotated[
        bool, typer.Option("--all", metavar="", help="All windows of a business date.")
    ] = False,
    day: Annotated[date | None, date_option("--date", "The business date of --all.")] = None,
    public: Annotated[
        bool,
        typer.Option(
            "--public", metavar="", help="Leave out all ids of accounts, teams and events."
        ),
    ] = False,
    landing: Annotated[
        str | None,
        typer.Option(
            metavar="FOLDER",
            help="The landing zone, for the SHA-256 of its files; without it, names and sizes.",
        ),
    ] = None,
) -> None:
    """Write a pack that proves a draw without solatium: what was sold, who competed, who won.

    The pack has a program, verify.py, that recomputes the draw and names what is not so.

    solatium evidence --warehouse wh --commodity sku1 --window w1 --out pack
    """
    by_window = commodity is not None and window is not None
    if every != (day is not None) or every == by_window or (commodity is None) != (window is None):
        raise UsageError(
            "give --commodity and --window for one window, or --all and --date for a business date"
        )
    from solatium.evidence.pack import pack_of, packs_of
    from solatium.warehouse.snapshot import Snapshot

    tables = Snapshot.of(warehouse)
    if day is not None:
        packs = packs_of(tables, day, out, public=public, landing=landing)
    else:
        assert commodity is not None
        assert window is not None
        packs = iter([pack_of(tables, commodity, window, out, public=public, landing=landing)])
    console = Console()
    for pack in packs:
        console.print(
            f"{pack.folder}: {pack.status}, {pack.entries:,} entries competed; "
            f"MANIFEST.sha256 has the SHA-256 {pack.manifest}",
            highlight=False,
            markup=False,
            soft_wrap=True,
        )
        if pack.unread:
            said = "without a SHA-256; window.json says why"
            console.print(f"  {pack.unread:,} landing files {said}", highlight=False)
    console.print("check a pack with: python3 -I FOLDER/verify.py", highlight=False)
