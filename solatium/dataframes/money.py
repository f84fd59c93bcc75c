"""Money in columns: whole cents while it is computed, two places when it is written.

A written amount is a decimal(18,2). Sums of amounts are wider (docs/rules.md section 1.2).
"""

from __future__ import annotations

from decimal import Decimal

from pyspark.sql import Column
from pyspark.sql import functions as F

MOST = Decimal("9999999999999999.99")  # the greatest decimal(18,2)


def whole_cents(amount: Decimal | None) -> int | None:
    """A setting of money as whole cents."""
    return None if amount is None else int(amount * 100)


def cents(amount: Column) -> Column:
    """An amount of money as whole cents."""
    return (amount * 100).cast("bigint")


def money(cents: Column) -> Column:
    """Whole cents as an amount of money."""
    return (cents.cast("decimal(18,0)") * F.lit("0.01").cast("decimal(2,2)")).cast("decimal(18,2)")


def written(total: Column) -> Column:
    """A sum of amounts as an amount of money: at most the greatest one, or minus that."""
    most = F.lit(MOST).cast("decimal(28,2)")
    bounded = F.when(total > most, most).when(total < -most, -most).otherwise(total)
    return bounded.cast("decimal(18,2)")
