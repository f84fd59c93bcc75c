"""The tables there are: those of the landing zone and those of the warehouse.

What a table means stands in docs/rules.md; its contract names the section.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache

from solatium.contracts.model import Column, Table
from solatium.contracts.odcs import read

EVENTS: tuple[str, ...] = ("participation", "payment", "orders")
REFERENCES: tuple[str, ...] = ("windows", "accounts")
LANDING: tuple[str, ...] = EVENTS + REFERENCES
WAREHOUSE: tuple[str, ...] = (
    *LANDING,
    "quarantine",
    "screened_participants",
    "allocations",
    "window_results",
    "audit_discrepancies",
    "refunds_due",
    "account_outcomes",
    "account_history",
    "bonus_awards",
    "bonus_ledger",
    "bonus_ledger_digests",
    "bonus_payouts",
    "bonus_waived",
    "run_log",
)


@cache
def landing(name: str) -> Table:
    """The contract of a table of the landing zone (docs/rules.md section 2)."""
    if name not in LANDING:
        raise KeyError(f"{name} is not a landing table; they are {', '.join(LANDING)}")
    return read(name)


@cache
def warehouse(name: str) -> Table:
    """A table of the warehouse; accepted ones are the landing contract with its arrival date,
    and for events the business date (docs/rules.md section 2)."""
    if name not in WAREHOUSE:
        raise KeyError(f"{name} is not a warehouse table; they are {', '.join(WAREHOUSE)}")
    if name not in LANDING:
        return read(name)
    contract = landing(name)
    is_event = name in EVENTS
    return replace(
        contract,
        purpose=f"The rows of the landing table {name} that were accepted, as of the night.",
        columns=contract.columns + ((_DT, _BUSINESS_DATE) if is_event else (_DT,)),
        partition_by=(_BUSINESS_DATE.name,) if is_event else (),
    )


_DT = Column(
    "dt",
    "date",
    required=True,
    meaning="Arrival date: the landing partition that the row came in.",
    unit="calendar date",
)
_BUSINESS_DATE = Column(
    "business_date",
    "date",
    required=True,
    meaning="Business date of the event's window.",
    unit="calendar date",
)
