"""`solatium simulate`."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from solatium.cli.options import Engine, Warehouse, date_option, engine_named
from solatium.errors import UsageError

_WIDTH = 140  # of the table in a file


def simulate(
    warehouse: Warehouse,
    first: Annotated[date, date_option("--from", "The first business date.")],
    last: Annotated[date, date_option("--to", "The last business date.")],
    config: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Other settings in YAML; without it, those by which the warehouse was judged.",
        ),
    ] = None,
    policy: Annotated[
        str | None,
        typer.Option(
            metavar="lottery|weighted_lottery|first_come", help="One policy for all windows."
        ),
    ] = None,
    draws: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help="Draw all lotteries N times, by other seeds. Without it, by the windows' own.",
        ),
    ] = None,
    seed: Annotated[
        str | None,
        typer.Option(
            metavar="TEXT", help="What the seeds of --draws follow from; without it, the text 1."
        ),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", metavar="", help="Print JSON instead of a table.")
    ] = False,
    page: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write a page too, as HTML.")
    ] = None,
    engine_name: Engine = None,
) -> None:
    """Judge business dates by other settings, and show it beside what was: who wins, what it costs.

    It takes the logs that were accepted, and changes nothing in the warehouse.

    solatium simulate --warehouse wh --from 2026-11-01 --to 2026-11-30 --config other.yaml
    """
    _refuse_odd(draws, seed)
    from solatium.cli import show_simulation
    from solatium.settings.load import load
    from solatium.simulate.as_json import as_json as written
    from solatium.simulate.request import Request
    from solatium.simulate.simulation import simulate as simulated
    from solatium.storage.local import LocalLocation
    from solatium.storage.location import Location

    settings = None if config is None else load(config)
    request = Request(first, last, settings, policy, draws or 0, "1" if seed is None else seed)
    found = simulated(Location.parse(warehouse), request, engine_named(engine_name))
    if page is not None:
        from solatium.simulate.page import page_of

        # written whole or not at all: a reader of the old page never sees half of the new one
        LocalLocation(page).replace_text(page_of(found))
    console = Console()
    if not console.is_terminal:
        console = Console(width=_WIDTH)  # or amounts would be cut
    if as_json:
        console.out(written(found), highlight=False)
    else:
        console.print(show_simulation.table(found))
        if page is not None:
            size = f"{page.stat().st_size:,} bytes"
            console.print(f"{page}: {size}", highlight=False, markup=False, soft_wrap=True)


def _refuse_odd(draws: int | None, seed: str | None) -> None:
    """UsageError for options that do not go together."""
    problems = []
    if draws is not None and draws < 1:
        problems.append(f"--draws {draws}: must be at least 1; leave it out for the windows' seeds")
    if draws is None and seed is not None:
        problems.append("--seed is for the seeds of --draws; give --draws N with it")
    if problems:
        raise UsageError("these options cannot be meant", problems)
