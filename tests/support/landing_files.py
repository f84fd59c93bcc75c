"""Files of a landing zone, by table and arrival date."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from harness import Row
from rows import DAY

from solatium import contracts


def table_of(table: str, rows: list[Row], **types: Any) -> pa.Table:
    """Rows as an Arrow table of the contract's types, but of `types`; None leaves a column out."""
    contract = contracts.landing(table)
    kinds = {c.name: types.get(c.name, c.arrow_type()) for c in contract.columns} | types
    return pa.table(
        {
            name: kind
            if isinstance(kind, pa.Array)
            else pa.array([row.get(name) for row in rows], kind)
            for name, kind in kinds.items()
            if kind is not None
        }
    )


def put(file: Path, content: bytes | pa.Table, **options: Any) -> None:
    """A file of a landing zone: these bytes, or this table as Parquet."""
    file.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(content, bytes):
        file.write_bytes(content)
    else:
        pq.write_table(content, file, **options)


def partition(landing_zone: Path, table: str, day: date = DAY) -> Path:
    return landing_zone / table / f"dt={day}"
