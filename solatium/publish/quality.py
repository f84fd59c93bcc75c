"""How many rows each landing table brought on each arrival date, by the commit records."""

from __future__ import annotations

from datetime import date

from solatium.warehouse import commits
from solatium.warehouse.snapshot import Snapshot


def landed_rows(tables: Snapshot) -> dict[date, dict[str, int]]:
    """Rows by arrival date and landing table, as the footers of the files say; repeats included."""
    rows: dict[date, dict[str, int]] = {}
    for commit in commits.built(tables.root):
        if commit.number <= tables.commit.number:
            rows |= commit.rows
    return rows
