"""The star that `solatium publish` makes of a warehouse: dimensions, facts, quality by day.

In a star the partition column of a fact is the date by which it is published, and columns refer to
the keys of dimensions.
"""

from __future__ import annotations

from functools import cache

from solatium.contracts.model import Table
from solatium.contracts.odcs import read

DIMENSIONS: tuple[str, ...] = ("dim_date", "dim_window", "dim_account")
FACTS: tuple[str, ...] = (
    "fact_participation",
    "fact_outcome",
    "fact_award",
    "fact_ledger",
    "fact_payout",
    "fact_refund",
    "fact_discrepancy",
    "quality_by_day",
)
STAR: tuple[str, ...] = DIMENSIONS + FACTS


@cache
def star(name: str) -> Table:
    """The contract of a table of the star."""
    if name not in STAR:
        raise KeyError(f"{name} is not a table of the star; they are {', '.join(STAR)}")
    return read(name)
