"""`solatium report`."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from solatium.cli.options import (
    Warehouse,
    date_option,
)
from solatium.errors import UsageError


def report(
    warehouse: Warehouse,
    out: Annotated[Path, typer.Option(metavar="FILE", help="The page to write, as HTML.")],
    day: Annotated[
        date | None,
        date_option("--date", "The business date to report; without it, the newest with a window."),
    ] = None,
    first: Annotated[
        date | None, date_option("--from", "The first of several business dates.")
    ] = None,
    last: Annotated[date | None, date_option("--to", "The last of several business dates.")] = None,
    with_accounts: Annotated[
        bool,
        typer.Option("--with-accounts", metavar="", help="Name accounts; without it, none is."),
    ] = False,
) -> None:
    """Write business dates as one page: who came, who won, what it cost, what to look at.

    The page is one file that needs no network.

    solatium report --warehouse wh --date 2026-11-01 --out night.html
    """
    write_report(warehouse, out, day, first, last, with_accounts=with_accounts)


def write_report(
    warehouse: str,
    out: Path,
    day: date | None,
    first: date | None,
    last: date | None,
    *,
    with_accounts: bool,
) -> None:
    """Writes the page, and says where it is. UsageError for dates that do not go together."""
    from solatium.report.page import report
    from solatium.storage.local import LocalLocation
    from solatium.warehouse.snapshot import Snapshot

    if day is not None and (first is not None or last is not None):
        raise UsageError("--date is one business date; give it, or --from and --to, not both")
    page = report(Snapshot.of(warehouse), day or first, day or last, with_accounts=with_accounts)
    # written whole or not at all: a reader of the old page never sees half of the new one
    LocalLocation(out).replace_text(page)
    Console().print(f"{out}: {len(page.encode()):,} bytes", highlight=False, soft_wrap=True)
