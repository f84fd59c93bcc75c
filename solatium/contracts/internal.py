"""The tables that the pipeline keeps for itself, and the list of all tables of a warehouse."""

from __future__ import annotations

from dataclasses import replace

from solatium.contracts.model import Column, Table
from solatium.contracts.tables import EVENTS, WAREHOUSE, warehouse

_REASON = Column("reason", "string", required=True, meaning="Why it is set aside.")


def set_aside_table(source: str) -> Table:
    """The table of well-formed rows of a landing table that are not accepted."""
    accepted = warehouse(source)
    columns = tuple(c for c in accepted.columns if c.name != "business_date")
    return replace(
        accepted, name=f"_set_aside_{source}", columns=(*columns, _REASON), partition_by=("dt",)
    )


# Account history as of the last date that is closed.
HISTORY_CLOSED = replace(warehouse("account_history"), name="_account_history_closed")

# All tables of a warehouse: those of docs/tables.md, and the pipeline's own.
TABLES: tuple[Table, ...] = (
    *(warehouse(name) for name in WAREHOUSE),
    *(set_aside_table(source) for source in (*EVENTS, "windows")),
    HISTORY_CLOSED,
)
