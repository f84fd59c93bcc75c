"""`solatium explain`."""

from __future__ import annotations

import json
from datetime import date
from typing import Annotated

import typer
from rich.console import Console

from solatium.cli.options import Warehouse, date_option
from solatium.errors import UsageError


def explain(
    warehouse: Warehouse,
    account: Annotated[str, typer.Option(metavar="ID", help="The account.")],
    commodity: Annotated[
        str | None, typer.Option(metavar="ID", help="The commodity of the window.")
    ] = None,
    window: Annotated[
        str | None, typer.Option(metavar="ID", help="The window; without it, all of them.")
    ] = None,
    as_of: Annotated[
        date | None, date_option("--as-of", "The tables as of this date; without it, the newest.")
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", metavar="", help="Every fact, as one JSON object.")
    ] = False,
) -> None:
    """Explain what became of an account: why it won or lost, and what consoles it.

    solatium explain --warehouse wh --account u-101 --commodity sku1 --window w1
    """
    if (commodity is None) != (window is None):
        raise UsageError("give --commodity and --window, or neither for all windows")
    from solatium.explain.answer import explain as answer
    from solatium.warehouse.snapshot import Snapshot

    found = answer(Snapshot.of(warehouse, as_of), account, commodity, window)
    text = json.dumps(found.facts, ensure_ascii=False, indent=1) if as_json else str(found)
    Console().print(text, highlight=False, markup=False, soft_wrap=True)
