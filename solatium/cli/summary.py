"""What a run did, for machines: the facts of its closing summary."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from solatium.nightly.request import Report


def facts_of_run(report: Report) -> dict[str, Any]:
    """Names as in run_log, where it has them; money is text with two places."""
    tally = report.tally
    return {
        "handled": [day.isoformat() for day in report.handled],
        "notes": report.notes,
        "rows_in": tally.rows_in,
        "rows_quarantined": tally.rows_quarantined,
        "quarantined_by_reason": dict(sorted(tally.quarantined_by_reason.items())),
        "windows_judged": tally.windows_judged,
        "windows_restated": tally.windows_restated,
        "restated_by_reason": tally.restated_by_reason(),
        "windows_held": tally.windows_held,
        "held": report.held,
        "entries_posted": tally.entries_posted,
        "entries_sum": f"{tally.entries_sum:.2f}",
        "gates_accepted": tally.gates_accepted,
        "business_dates": [{k: _plain(v) for k, v in row.items()} for row in report.results],
        "seconds": {stage: round(spent, 3) for stage, spent in report.seconds.items()},
    }


def _plain(value: object) -> object:
    if isinstance(value, Decimal):
        return f"{value:.2f}"
    return value.isoformat() if isinstance(value, date) else value
