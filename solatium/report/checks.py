"""What must be looked at: disagreements with the platform, refunds due, quarantine, laws, runs."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from solatium.report.source import Source
from solatium.resources import data_folder

# What names a person or one of their acts: hidden where accounts are not to be named.
_NAMES_SOMEBODY = ("account_id", "person_id", "device_id", "team_id", "order_id", "event_id")


@dataclass(frozen=True)
class DiscrepancyRow:
    """Accounts on whom replay and platform disagree, by kind, and in how many windows."""

    kind: str
    accounts: int
    windows: int


@dataclass(frozen=True)
class RefundRow:
    """Advance payments that the platform still holds without cause, by outcome."""

    outcome: str
    currency: str
    accounts: int
    amount: Decimal


@dataclass(frozen=True)
class QuarantineRow:
    """Rows of a landing table that were not accepted, by reason, with one of them as JSON."""

    table: str
    reason: str
    rows: int
    example: str


@dataclass(frozen=True)
class LawRow:
    """A law that every committed night has kept."""

    table: str
    law: str
    rules: str


@dataclass(frozen=True)
class RunRow:
    """A run that committed a date of the period."""

    date: date
    seconds: float
    engine: str
    rows_in: int
    rows_quarantined: int
    windows_judged: int
    windows_restated: int
    entries_posted: int
    gates_accepted: str


def discrepancies(source: Source) -> tuple[DiscrepancyRow, ...]:
    found = source.rows(
        """select kind, count(*) accounts, count(distinct (commodity_id, window_id)) windows
           from audit_discrepancies group by 1 order by 1"""
    )
    return tuple(DiscrepancyRow(**row) for row in found)


def refunds(source: Source) -> tuple[RefundRow, ...]:
    found = source.rows(
        """select outcome, currency, count(*) accounts, sum(amount)::decimal(38,2) amount
           from refunds_due group by 1, 2 order by amount desc, 1, 2"""
    )
    return tuple(RefundRow(**row) for row in found)


def quarantine(source: Source, *, with_accounts: bool) -> tuple[QuarantineRow, ...]:
    """By table and reason, of the arrival dates of the period; ids in the examples are hidden."""
    found = source.rows(
        """select source "table", reason, count(*) as rows, min(payload) example
           from (select source, unnest(reasons) reason, payload from quarantine
                 where dt between ? and ?)
           group by 1, 2 order by 3 desc, 1, 2""",
        source.period.first,
        source.period.last,
    )
    if not with_accounts:
        found = [row | {"example": _without_names(row["example"])} for row in found]
    return tuple(QuarantineRow(**row) for row in found)


def _without_names(payload: str) -> str:
    try:
        row = json.loads(payload)
    except ValueError:
        return ""
    hidden = {name: "…" for name in _NAMES_SOMEBODY if row.get(name) is not None}
    return json.dumps(row | hidden, ensure_ascii=False)


def laws() -> tuple[LawRow, ...]:
    """The laws of `expectations/`, once each: a night that breaks one is never committed."""
    found: dict[LawRow, None] = {}
    for file in sorted(data_folder("expectations").iterdir(), key=lambda file: file.name):
        if not file.name.endswith(".json"):
            continue
        suite: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        for expectation in suite["expectations"]:
            meta = expectation["meta"]
            rules = meta["rules"].removeprefix("docs/rules.md ")
            found[LawRow(suite["name"], meta["law"], rules)] = None
    return tuple(found)


def runs(source: Source) -> tuple[RunRow, ...]:
    """The runs that handled dates of the period, in order; one that caught up has its last date."""
    found = source.rows(
        """select date, round(epoch(ended_at - started_at), 1) as seconds, engine, rows_in,
                  rows_quarantined, windows_judged, windows_restated, entries_posted,
                  array_to_string(gates_accepted, ', ') gates_accepted
           from run_log where date >= ?
             and date <= (select coalesce(min(date), ?) from run_log where date >= ?)
           order by date, started_at""",
        source.period.first,
        source.period.last,
        source.period.last,
    )
    return tuple(RunRow(**row) for row in found)
