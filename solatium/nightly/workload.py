"""How many rows a run may read, as far as footers and logs tell before an engine starts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date

from solatium import contracts
from solatium.contracts.calendar import moved
from solatium.landing.zone import LandingZone
from solatium.storage.location import Location
from solatium.warehouse.commits import Commit
from solatium.warehouse.snapshot import SnapshotTable

# Tables that grow with all accounts there ever were, and are read whole.
_WHOLE = ("accounts", "account_history")


def rows_to_read(
    landing: LandingZone,
    days: Iterable[date],
    root: Location,
    lineage: Sequence[Commit],
    grace_days: int,
) -> int:
    """Rows that arrive on these `days`, those of dates that were open, and of all accounts.

    `landing` has checked the days.
    """
    arriving = sum(landing.rows(table, day) for day in set(days) for table in contracts.LANDING)
    if not lineage:
        return arriving
    newest = lineage[-1]
    was_open = moved(newest.day, -grace_days)
    found = [rows for commit in lineage for day, rows in commit.rows.items() if day >= was_open]
    known = [SnapshotTable(root, contracts.warehouse(name), newest).rows for name in _WHOLE]
    return arriving + sum(sum(rows.values()) for rows in found) + sum(known)
