"""`solatium config`."""

from __future__ import annotations

from datetime import date
from typing import Annotated

import typer
from rich.console import Console

from solatium.cli.options import (
    Config,
    date_option,
)


def show_config(
    config: Config = None,
    day: Annotated[
        date | None,
        date_option(
            "--date", "The business date of a window; without it, the settings before any change."
        ),
    ] = None,
    campaign: Annotated[
        str | None, typer.Option(metavar="ID", help="The campaign of a window; without it, none.")
    ] = None,
) -> None:
    """Check the settings, and show which are in force, and where each of them comes from.

    solatium config --config night.yaml --date 2026-11-01 --campaign spring
    """
    from solatium.cli import show
    from solatium.settings.in_force import in_force

    found = in_force(config, day, campaign or None)
    console = Console()
    if console.is_terminal:
        console.print(show.settings(found))
    else:
        console.out(show.settings_as_text(found), highlight=False)
