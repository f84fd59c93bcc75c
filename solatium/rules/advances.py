"""Advance payments: what is asked of an account, what it has paid, and the state of both.

docs/rules.md section 4.
"""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F


def signed_advance() -> Column:
    """The amount of an advance payment event, refunds negative; null for other kinds."""
    return F.when(F.col("kind") == "advance_paid", F.col("amount")).when(
        F.col("kind") == "advance_refunded", -F.col("amount")
    )


def advance_of(quantity: Column) -> Column:
    """The advance payment that a window asks for a quantity, as a wide decimal."""
    return F.col("advance_amount") * quantity.cast("decimal(10,0)")


def advance_state() -> Column:
    """The state of the advance payment of a row that has `advance_amount` and `quantity`.

    `advance_net` is what was paid before the rush less what was refunded; `advance_paid` is whether
    anything was paid.
    """
    required = advance_of(F.greatest("quantity", F.lit(0)))
    net = F.col("advance_net")
    return (
        F.when(required == 0, "not_required")
        .when(net >= required, "paid")
        .when(net > 0, "partial")
        .when(F.col("advance_paid"), "refunded")
        .otherwise("unpaid")
    )
