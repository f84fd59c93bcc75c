"""The answer to "why did I lose?": the facts of an account, as JSON, as sentences and as HTML."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from html import escape
from typing import Any

from solatium.errors import UsageError
from solatium.explain import sentences
from solatium.explain.consolation import awarded_under_budgets, consolation_facts
from solatium.explain.draw import draw_facts
from solatium.explain.records import Records, records_of
from solatium.explain.screening import screening_facts
from solatium.warehouse.snapshot import Snapshot
from solatium.warehouse.window_entries import allocations
from solatium.warehouse.window_facts import utc


@dataclass(frozen=True)
class Explanation:
    """What became of an account, in one window or in all, as of a date.

    `facts` has them under the names of the tables, as `--json` prints them: money as text with two
    places, times in UTC. `str()` gives sentences; a notebook shows HTML.
    """

    facts: dict[str, Any]

    def __str__(self) -> str:
        parts = [sentences.title(self.facts)]
        for window in self.facts["windows"]:
            lines = (f"  {line}" for line in sentences.of_window(window))
            parts.append("\n".join([sentences.heading(window), *lines]))
        parts.append("\n".join(sentences.of_account(self.facts)))
        return "\n\n".join(parts)

    def _repr_html_(self) -> str:
        parts = [f"<h3>{escape(sentences.title(self.facts))}</h3>"]
        for window in self.facts["windows"]:
            items = "".join(f"<li>{escape(line)}</li>" for line in sentences.of_window(window))
            parts.append(f"<h4>{escape(sentences.heading(window))}</h4><ul>{items}</ul>")
        parts += [f"<p>{escape(line)}</p>" for line in sentences.of_account(self.facts)]
        return "".join(parts)


def explain(
    tables: Snapshot,
    account_id: str,
    commodity_id: str | None = None,
    window_id: str | None = None,
) -> Explanation:
    """What became of an account in one window, or in all of them in history order.

    Raises a UsageError with near names for an account or a window that is unknown.
    """
    if (commodity_id is None) != (window_id is None):
        raise UsageError("give the commodity and the window, or neither for all windows")
    records = records_of(tables, account_id, commodity_id, window_id)
    return Explanation(_plain(_facts(tables, records)))


def _facts(tables: Snapshot, records: Records) -> dict[str, Any]:
    outcome_source = tables.settings.outcome_source
    allocated = allocations(tables, [here.window for here in records.windows])
    awarded = awarded_under_budgets(tables, [here.window for here in records.windows])
    return {
        "account_id": records.account_id,
        "as_of": tables.day,
        "windows": [
            {
                "commodity_id": here.window.key[0],
                "window_id": here.window.key[1],
                "business_date": here.window.business_date,
                "is_closed": here.window.last_arrival <= tables.day,
                **screening_facts(tables, here),
                **draw_facts(tables, here, allocated[here.window.key]),
                **consolation_facts(here, outcome_source, awarded),
            }
            for here in records.windows
        ],
        "history": [
            {name: value for name, value in row.items() if name != "account_id"}
            for row in records.history
        ],
        "payouts": [
            {name: value for name, value in row.items() if name != "account_id"}
            for row in records.payouts
        ],
    }


def _plain(value: Any) -> Any:
    """The same as JSON has it."""
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, Decimal):
        return f"{value:.2f}"
    if isinstance(value, datetime):
        return utc(value)
    return value.isoformat() if isinstance(value, date) else value
