"""What the tables of a snapshot have about one account, window by window."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from difflib import get_close_matches
from typing import Any

import pyarrow.compute as pc

from solatium import contracts
from solatium.contracts.calendar import moved
from solatium.errors import UsageError
from solatium.warehouse.snapshot import Snapshot
from solatium.warehouse.window_facts import (
    Key,
    Row,
    WindowFacts,
    content,
    due_window,
    facts_of,
)

# Tables with a row at most for an account in a window, beside its outcomes.
_OF_WINDOW = (
    "screened_participants",
    "allocations",
    "bonus_awards",
    "refunds_due",
    "audit_discrepancies",
)
# An account that took no part may have rows of these.
_WHERE_IT_OCCURS = ("screened_participants", "refunds_due", "audit_discrepancies")
_NEAR = 3
_LIKE_IT = 1000  # ids that are compared with an unknown one


@dataclass(frozen=True)
class InWindow:
    """An account in a window that was judged: its rows by table, and the window's own.

    `streak_before` is that after the account's last counted outcome before this window, in the
    same scope. `version` is the account's version that the window sees, `latest` the one that
    decides on its bonus. `events` are its participation events in their order.
    """

    window: WindowFacts
    result: Row
    rows: dict[str, Row]
    version: Row | None
    latest: Row | None
    events: tuple[Row, ...]
    streak_before: int
    ledger: tuple[Row, ...] = ()
    waived: tuple[Row, ...] = ()
    awards_of_day: tuple[Row, ...] = ()  # of the account, of the same date and campaign

    def row(self, table: str) -> Row | None:
        return self.rows.get(table)


@dataclass(frozen=True)
class Records:
    """All that is known of an account; `windows` are in history order."""

    account_id: str
    windows: tuple[InWindow, ...]
    history: tuple[Row, ...]
    payouts: tuple[Row, ...]


@dataclass
class _Account:
    """Reads the rows of one account."""

    tables: Snapshot
    account_id: str
    versions: list[Row] = field(default_factory=list)

    def rows(self, table: str, day: date | None = None) -> list[Row]:
        """Its rows of a table, of one business date or of all."""
        of_date = {} if day is None else {"business_date": day}
        return self.tables[table].where({**of_date, "account_id": self.account_id}).to_pylist()

    def version(self, window: WindowFacts, *, in_time: bool) -> Row | None:
        """The latest version in sight of a window; `in_time`: by the end of its applications."""
        most = min(self.tables.day, window.last_arrival)
        seen = [
            row
            for row in self.versions
            if row["dt"] <= most
            and (not in_time or row["updated_at"] <= window.row["application_close"])
        ]
        landed = contracts.landing("accounts")
        return max(
            seen, key=lambda row: (row["updated_at"], row["dt"], content(row, landed)), default=None
        )


def records_of(
    tables: Snapshot, account_id: str, commodity_id: str | None, window_id: str | None
) -> Records:
    """What is known of an account, in one window or, without one, in all.

    Raises a UsageError with near names where the account or the window is unknown.
    """
    account = _Account(tables, account_id)
    asked = day = None
    if commodity_id is not None and window_id is not None:
        asked = due_window(tables, commodity_id, window_id)
        day = asked.business_date
    account.versions = account.rows("accounts")
    outcomes = account.rows("account_outcomes")
    rows = {table: _by_key(account.rows(table, day)) for table in _OF_WINDOW}
    rows["account_outcomes"] = _by_key(outcomes)
    ledger, waived = account.rows("bonus_ledger"), account.rows("bonus_waived")
    payouts = account.rows("bonus_payouts")
    found = {key for table in _WHERE_IT_OCCURS for key in rows[table]}
    if asked is not None:
        found = {asked.key}
    if not (account.versions or outcomes or ledger or any(rows.values())):
        raise _unknown(tables, account_id)
    facts = facts_of(tables, found | {_key(row) for row in outcomes} | set(rows["bonus_awards"]))
    dates = {facts[key].business_date for key in found if key in facts}
    results = _by_key(tables["window_results"].where({"business_date": dates}).to_pylist())
    events = account.rows("participation", day)
    windows = tuple(
        InWindow(
            window=facts[key],
            result=results[key],
            rows={
                table: found_there[key] for table, found_there in rows.items() if key in found_there
            },
            version=account.version(facts[key], in_time=True),
            latest=account.version(facts[key], in_time=False),
            events=tuple(sorted((e for e in events if _key(e) == key), key=event_order)),
            streak_before=_streak_before(facts[key], outcomes, facts),
            ledger=tuple(
                sorted((e for e in ledger if _key(e) == key), key=lambda e: e["revision"])
            ),
            waived=tuple(row for row in waived if _key(row) == key),
            awards_of_day=_awards_of_day(facts[key], rows["bonus_awards"], facts),
        )
        for key in sorted(found & results.keys(), key=lambda key: facts[key].history_order)
    )
    history = sorted(account.rows("account_history"), key=lambda row: row["scope"])
    payouts.sort(key=lambda row: row["posting"])
    return Records(account_id, windows, tuple(history), tuple(payouts))


def event_order(event: Row) -> tuple[Any, ...]:
    """Events are ordered by `(event_time, sequence, event_id)`; null comes first (section 2)."""
    number = event["sequence"]
    return event["event_time"], number is not None, number or 0, event["event_id"]


def _streak_before(
    window: WindowFacts, outcomes: Sequence[Row], facts: dict[Key, WindowFacts]
) -> int:
    """What the account brings to the window; 0 where its streak has expired by then."""
    earlier = [
        row
        for row in outcomes
        if row["scope"] == window.scope
        and _key(row) in facts
        and facts[_key(row)].history_order < window.history_order
    ]
    if not earlier:
        return 0
    last = max(earlier, key=lambda row: facts[_key(row)].history_order)
    most = window.regime.history.streak_expiry_days
    if most is not None and moved(last["business_date"], most) < window.business_date:
        return 0
    return last["consecutive_failures"]


def _awards_of_day(
    window: WindowFacts, awards: dict[Key, Row], facts: dict[Key, WindowFacts]
) -> tuple[Row, ...]:
    """The account's awards of the window's date and campaign, in history order."""
    campaign = window.row["campaign_id"]
    of_day = [
        key
        for key in awards
        if facts[key].business_date == window.business_date
        and facts[key].row["campaign_id"] == campaign
    ]
    return tuple(awards[key] for key in sorted(of_day, key=lambda key: facts[key].history_order))


def _by_key(rows: Iterable[Row]) -> dict[Key, Row]:
    return {_key(row): row for row in rows}


def _key(row: Row) -> Key:
    return row["commodity_id"], row["window_id"]


def _unknown(tables: Snapshot, account_id: str) -> UsageError:
    """An id of no row; ids that begin like it are compared with it, the longest beginning first."""
    accounts = tables["accounts"]
    near: list[str] = []
    for length in range(len(account_id), -1, -1):
        begins = pc.starts_with(pc.field("account_id"), account_id[:length])
        found = accounts.dataset().head(_LIKE_IT, columns=["account_id"], filter=begins)
        ids = sorted(set(found["account_id"].to_pylist()))
        near = get_close_matches(account_id, ids, n=_NEAR)
        if near:
            break
    said = [f"did you mean {' or '.join(near)}?"] if near else []
    return UsageError(f"{tables.root}: there is no account {account_id} as of {tables.day}", said)
