"""`solatium rollback`: what it did, in words."""

from __future__ import annotations

from datetime import date

from rich.console import Console

from solatium.nightly.rollback import RolledBack, rollback
from solatium.storage.location import Location


def roll_back(warehouse: str, to: date, engine_name: str, *, dry_run: bool) -> None:
    """Rolls back, or as a dry run only says what would change."""
    done = rollback(Location.parse(warehouse), to, engine_name, dry_run=dry_run)
    Console().print(_said(done), highlight=False, markup=False, soft_wrap=True)


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
