"""`solatium rollback`."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Annotated

import typer

from solatium.cli.options import (
    Engine,
    Warehouse,
    date_option,
    engine_named,
)
from solatium.cli.work import work

if TYPE_CHECKING:
    from solatium.nightly.rollback import RolledBack


def rollback(
    warehouse: Warehouse,
    to: Annotated[date, date_option("--to", "The date to go back to; later dates are undone.")],
    engine_name: Engine = None,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", metavar="", help="Say what would change, and change nothing."),
    ] = False,
) -> None:
    """Take the warehouse back to what it was after the night of --to.

    Dates that were not closed then are open again. Decisions stay: what the ledger got
    for them is reversed, or waived without clawback, and used up when they close again.

    solatium rollback --warehouse wh --to 2026-11-01 --dry-run
    """
    from solatium.nightly import rollback as going_back
    from solatium.storage.location import Location

    with work("rollback", warehouse, {"to": to, "dry_run": dry_run}) as done:
        found = going_back.rollback(
            Location.parse(warehouse), to, engine_named(engine_name), dry_run=dry_run
        )
        done.says(_said(found))


def _said(done: RolledBack) -> str:
    will, are = ("would be", "would be") if done.is_dry_run else ("is", "are")
    lines = [
        f"{'dry run: nothing was changed' if done.is_dry_run else 'rolled back'}",
        f"the warehouse {will} as it was after the night of {done.to}; before: {done.newest}",
        f"nights undone: {_listed(done.nights)}",
        f"closed dates that {are} open again: {_listed(done.reopened)}",
        f"ledger entries: {done.posted.entries:,}, sum {done.posted.total:,.2f}",
        f"waived instead of taken back: {done.posted.waived:,.2f}",
    ]
    if not done.is_dry_run:
        lines.append("the dates after it are handled again by the next solatium nightly")
    return "\n".join(lines)


def _listed(dates: tuple[date, ...]) -> str:
    if not dates:
        return "none"
    span = f"{dates[0]} to {dates[-1]}" if len(dates) > 1 else str(dates[0])
    return f"{len(dates)} ({span})"
