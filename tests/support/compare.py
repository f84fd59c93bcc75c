"""Compares the tables of a warehouse with those of the reference, row by row."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from harness import Nights, Row, table_rows
from reference.ledger import chain_problems
from reference.night import Reference
from rows import DAY, Landing, days

from solatium import contracts

# Differ by design: the reference keeps payloads as values, and a run's log has its clock.
LEDGER = ("bonus_ledger", "bonus_ledger_digests", "bonus_payouts", "bonus_waived")
JUDGED = tuple(name for name in contracts.WAREHOUSE if name != "run_log")


def differences(warehouse: Path | str, expected: dict[str, list[Row]]) -> list[str]:
    """What is in one of them and not in the other, a line for each kind of row."""
    found = []
    for table in JUDGED:
        names = contracts.warehouse(table).names
        if table == "quarantine":
            names = tuple(name for name in names if name != "payload")
        ours = _counted(table_rows(warehouse, table), names)
        theirs = _counted(expected[table], names)
        found += [f"{table}: not expected: {_shown(row, n)}" for row, n in (ours - theirs).items()]
        found += [f"{table}: missing: {_shown(row, n)}" for row, n in (theirs - ours).items()]
    return found


def reference_tables(
    rows: Landing, config: dict[str, Any], last: date, first: date = DAY
) -> dict[str, list[Row]]:
    """The tables after one night after the other, from `first` to `last`."""
    reference = Reference(config)
    for number in range((last - first).days + 1):
        expected = reference.night(rows, days(number, first))
    return expected


def disagreements(nights: Nights, expected: dict[str, list[Row]], last_closed: date) -> list[str]:
    """Where the tables are not as expected; of the ledger, where it does not come to the awards."""
    found = [
        line for line in differences(nights.warehouse, expected) if line.split(":")[0] not in LEDGER
    ]
    due = {
        key_of(row): row["amount"]
        for row in expected["bonus_awards"]
        if row["business_date"] <= last_closed and row["amount"]
    }
    if balances(nights) != due:
        found.append(f"ledger: {balances(nights)}, should be {due}")
    found += chain_problems(nights.rows("bonus_ledger_digests"), nights.rows("bonus_ledger"))
    return found + repeated_entries(nights)


def key_of(row: Row) -> tuple[str, str, str]:
    return row["account_id"], row["commodity_id"], row["window_id"]


def balances(nights: Nights) -> dict[tuple[str, str, str], Decimal]:
    """What was posted less what was waived."""
    sums: dict[tuple[str, str, str], Decimal] = defaultdict(Decimal)
    for row in nights.rows("bonus_ledger"):
        sums[key_of(row)] += row["amount"]
    for row in nights.rows("bonus_waived"):
        sums[key_of(row)] -= row["amount"]
    return {key: amount for key, amount in sums.items() if amount}


def repeated_entries(nights: Nights) -> list[str]:
    ids = Counter(row["entry_id"] for row in nights.rows("bonus_ledger"))
    return [entry_id for entry_id, number in ids.items() if number > 1]


def _counted(rows: Iterable[Row], names: tuple[str, ...]) -> Counter[str]:
    return Counter(json.dumps({name: _plain(row.get(name)) for name in names}) for row in rows)


def _shown(row: str, number: int) -> str:
    return f"{number} x {row}" if number > 1 else row


def _plain(value: Any) -> Any:
    """One form for values that are equal, as JSON has it."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value.quantize(Decimal("0.01")))
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value
