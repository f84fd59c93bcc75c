"""The row that a run leaves in `run_log` (docs/rules.md section 10)."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from typing import Any

from solatium import contracts
from solatium.nightly.tally import Tally
from solatium.version import VERSION
from solatium.warehouse.tables import Warehouse


def row(
    run_id: str, day: date, started: datetime, engine: str, config_digest: str, tally: Tally
) -> dict[str, Any]:
    """The row of a run that ends now; `day` is the last date that it handled."""
    return {
        "run_id": run_id,
        "date": day,
        "started_at": started,
        "ended_at": datetime.now(UTC),
        "engine": engine,
        "version": VERSION,
        "config_digest": config_digest,
        "rows_in": tally.rows_in,
        "rows_quarantined": tally.rows_quarantined,
        "quarantined_by_reason": json.dumps(tally.quarantined_by_reason, sort_keys=True),
        "windows_judged": tally.windows_judged,
        "windows_restated": tally.windows_restated,
        "windows_held": tally.windows_held,
        "restated_by_reason": json.dumps(tally.restated_by_reason()),
        "entries_posted": tally.entries_posted,
        "entries_sum": tally.entries_sum,
        "gates_accepted": tally.gates_accepted,
    }


def append(warehouse: Warehouse, found: dict[str, Any]) -> None:
    """Adds the row, which readers see with the commit record of the run's last date."""
    table = contracts.warehouse("run_log")
    warehouse.append("run_log", warehouse.engine.frame([found], table))
