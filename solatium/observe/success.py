"""When a warehouse was last brought up to date, which a run that failed cannot say of itself."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time

import pyarrow.compute as pc

from solatium.storage.location import Location
from solatium.warehouse import commits
from solatium.warehouse.snapshot import Snapshot


@dataclass(frozen=True)
class Success:
    """A run that was done: when it ended, and the newest date it handled, as midnight UTC.

    Both in seconds since 1970.
    """

    at: float
    day: float

    @classmethod
    def of(cls, ended: datetime, day: date) -> Success:
        return cls(ended.timestamp(), datetime.combine(day, time(), UTC).timestamp())


NEVER = Success(0, 0)


def newest_success(warehouse: str) -> Success | None:
    """The last run that readers of a warehouse see, by its run log.

    NEVER where nothing was committed yet; None where the warehouse cannot be read.
    """
    try:
        if not commits.published(Location.parse(warehouse)):
            return NEVER
        log = Snapshot.of(warehouse)["run_log"].arrow(columns=["ended_at", "date"])
    except Exception:  # of a library, which has errors of its own kinds
        return None
    if not log.num_rows:
        return NEVER
    return Success.of(pc.max(log["ended_at"]).as_py(), pc.max(log["date"]).as_py())
