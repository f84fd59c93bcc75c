"""`solatium vacuum`."""

from __future__ import annotations

from typing import Annotated

import typer

from solatium.cli.options import (
    Config,
)
from solatium.cli.work import work


def vacuum(
    warehouse: Annotated[str, typer.Option(metavar="FOLDER", help="The warehouse.")],
    config: Config = None,
    is_rehearsal: Annotated[
        bool,
        typer.Option("--dry-run", metavar="", help="Say what would be freed, and remove nothing."),
    ] = False,
) -> None:
    """Remove the files of versions that are no longer kept: of dates older than retention_days.

    The newest tables stay whole. As of a date that is not kept they can no longer be
    read, and a backfill to before what is kept handles all dates again.

    solatium vacuum --warehouse wh --dry-run
    """
    from solatium.cli import show
    from solatium.settings.load import load
    from solatium.storage.location import Location
    from solatium.warehouse import vacuum as removal

    retention_days = load(config).retention_days
    with work("vacuum", warehouse, {"dry_run": is_rehearsal}) as done:
        freed = removal.vacuum(Location.parse(warehouse), retention_days, is_rehearsal=is_rehearsal)
        done.says(show.of_vacuum(freed))
