"""Replay rush-sale allocations from logs, and pay consolation bonuses for the failures."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import date
    from os import PathLike

    from solatium.warehouse.snapshot import Snapshot

__version__ = "0.1.0"


def open(warehouse: str | PathLike[str], as_of: date | str | None = None) -> Snapshot:
    """The tables of a warehouse, as they stood after the newest night up to the date `as_of`.

        tables = solatium.open("wh", as_of="2026-11-01")
        tables["allocations"].pandas(columns=["account_id", "outcome"])

    Without `as_of`, as they stand now. All tables are of the same night, and stay so whatever is
    written later; half a night is never seen. Reading waits for no run, and no run for it.

    Raises a UsageError (`solatium.errors`) where there is no warehouse, where nothing had been
    handled by then, and where `solatium vacuum` has removed what was. docs/rules.md section 10.
    """
    from solatium.warehouse.snapshot import Snapshot

    return Snapshot.of(warehouse, as_of)
