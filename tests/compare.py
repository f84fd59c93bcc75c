"""Holds the tables of a warehouse against those of the reference, row by row."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from harness import Row, table_rows
from solatium import contracts

# Differ by design: the reference keeps payloads as values, and a run's log has its clock.
JUDGED = tuple(name for name in contracts.WAREHOUSE if name != "run_log")


def differences(warehouse: Path, expected: dict[str, list[Row]]) -> list[str]:
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
