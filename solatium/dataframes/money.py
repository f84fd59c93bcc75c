"""Money in columns: whole cents while it is computed, two places when it is written."""

from __future__ import annotations

from decimal import Decimal

from pyspark.sql import Column
from pyspark.sql import functions as F


def whole_cents(amount: Decimal | None) -> int | None:
    """A setting of money as whole cents."""
    return None if amount is None else int(amount * 100)


def cents(amount: Column) -> Column:
    """An amount of money as whole cents."""
    return (amount * 100).cast("bigint")


def money(cents: Column) -> Column:
    """Whole cents as an amount of money."""
    return (cents.cast("decimal(18,0)") * F.lit("0.01").cast("decimal(2,2)")).cast("decimal(18,2)")
