"""Why an account was qualified or not: its application, its version, each reason (section 4).

A reason has what was `found` of the account and what was `required` of it.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from solatium.explain.records import InWindow, event_order
from solatium.warehouse.snapshot import Snapshot
from solatium.warehouse.window_facts import Row, WindowFacts

_VERSION = (
    "updated_at",
    "dt",
    "registered_at",
    "status",
    "credit_score",
    "blacklisted",
    "person_id",
)
_SCREENED = ("joined_at", "team_id", "quantity", "qualified", "advance_state", "advance_net")
_EVENT = ["account_id", "event_type", "device_id", "event_time", "sequence", "event_id"]


def screening_facts(tables: Snapshot, here: InWindow) -> dict[str, Any]:
    """The application in force, the version that was seen, the reasons and the advance."""
    row, terms = here.row("screened_participants"), here.window.row
    facts: dict[str, Any] = {
        "application_open": terms["application_open"],
        "application_close": terms["application_close"],
        "events": [
            {
                "event_time": event["event_time"],
                "event_type": event["event_type"],
                "in_period": _in_period(here.window, event),
            }
            for event in here.events
        ],
        "account_version": here.version and {name: here.version[name] for name in _VERSION},
    }
    if row is None:
        return facts | dict.fromkeys(_SCREENED) | {"reasons": [], "advance_required": None}
    reasons = [
        {"code": code, **_found_and_required(tables, here, row, code)} for code in row["reasons"]
    ]
    required = terms["advance_amount"] * max(row["quantity"], 0)
    return (
        facts
        | {name: row[name] for name in _SCREENED}
        | {"reasons": reasons, "advance_required": required}
    )


def _found_and_required(tables: Snapshot, here: InWindow, row: Row, code: str) -> dict[str, Any]:
    """What stands against the account, and what the rule asks for."""
    window, seen = here.window, here.version or {}
    terms, rules = window.row, window.regime.screening
    found: Any
    required: Any
    match code:
        case "outside_application_period":
            found = [event["event_time"] for event in here.events]
            required = [terms["application_open"], terms["application_close"]]
        case "withdrawn":
            event = _latest(window, here.events)
            found, required = event and event["event_time"], "a join that is not withdrawn"
        case "account_unknown":
            found, required = None, terms["application_close"]
        case "account_not_active":
            found, required = seen["status"], "active"
        case "account_blacklisted":
            found, required = seen["blacklisted"], False
        case "account_too_new":
            least = timedelta(days=rules.min_account_age_days)
            found = seen["registered_at"]
            required = _before(terms["application_open"], least)
        case "credit_too_low":
            found, required = seen["credit_score"], rules.min_credit_score
        case "quantity_not_allowed":
            found, required = row["quantity"], [1, terms["limit_per_account"]]
        case "team_missing":
            found, required = None, "a team_id"
        case "shared_device":
            found = _accounts_of_device(tables, here)
            required = rules.max_accounts_per_device
        case _:  # duplicate_person
            found, required = _first_of_person(tables, here), 1
    return {"found": found, "required": required}


def _before(moment: datetime, span: timedelta) -> datetime | None:
    """None where the calendar has no such time, so that no account is old enough."""
    try:
        return moment - span
    except OverflowError:
        return None


def _in_period(window: WindowFacts, event: Row) -> bool:
    opens, closes = window.row["application_open"], window.row["application_close"]
    return bool(opens <= event["event_time"] < closes)


def _latest(window: WindowFacts, events: Any) -> Row | None:
    """The event in force: the latest in the application period."""
    in_period = [event for event in events if _in_period(window, event)]
    return max(in_period, key=event_order, default=None)


def _accounts_of_device(tables: Snapshot, here: InWindow) -> int:
    """How many accounts of the window have a join in force from the account's device."""
    event = _latest(here.window, here.events)
    device = event and event["device_id"]
    log = tables["participation"]
    named = log.where({**here.window.here, "device_id": device}, ["account_id"])
    ids = set(named["account_id"].to_pylist())
    rows = log.where({**here.window.here, "account_id": ids}, _EVENT).to_pylist()
    by_account: dict[str, list[Row]] = {}
    for row in rows:
        by_account.setdefault(row["account_id"], []).append(row)
    latest = (_latest(here.window, events) for events in by_account.values())
    return sum(
        one is not None and one["event_type"] == "join" and one["device_id"] == device
        for one in latest
    )


def _first_of_person(tables: Snapshot, here: InWindow) -> str | None:
    """The account of the same person that joined first, and so takes part."""
    person = (here.version or {}).get("person_id")
    known = tables["accounts"].where({"person_id": person}, ["account_id"])
    ids = set(known["account_id"].to_pylist())
    rows = tables["screened_participants"].where(
        {**here.window.here, "account_id": ids}, ["account_id", "joined_at", "qualified"]
    )
    clean = [row for row in rows.to_pylist() if row["qualified"]]
    first = min(clean, key=lambda row: (row["joined_at"], row["account_id"]), default=None)
    return first and first["account_id"]
