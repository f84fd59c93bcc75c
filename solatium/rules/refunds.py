"""Refunds due: advance payments that the platform still holds without cause.

docs/rules.md section 6.
"""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from solatium import contracts
from solatium.contracts.keys import ACCOUNT, WINDOW
from solatium.contracts.outcomes import KEEPS_THE_ADVANCE
from solatium.dataframes.money import written
from solatium.rules.advances import signed_advance


def refunds_due(held: DataFrame, allocations: DataFrame, windows: DataFrame) -> DataFrame:
    """`refunds_due`: one row per account and window whose advance payment is to be given back.

    `held` has ACCOUNT and `advance_held`: the frame of `activity.activity`, or that of
    `advance_held` where payments have arrived since.
    """
    dates = windows.where(F.col("held").isNull()).select(*WINDOW, "business_date", "currency")
    outcomes = allocations.select(*ACCOUNT, "outcome")
    owed = (
        held.where("advance_held > 0")
        .select(*ACCOUNT, written(F.col("advance_held")).alias("amount"))
        .join(F.broadcast(dates), on=WINDOW)
        .join(outcomes, on=ACCOUNT, how="left")
        .withColumn("outcome", F.coalesce("outcome", F.lit("not_ready")))
        .where(~F.col("outcome").isin(*KEEPS_THE_ADVANCE))
    )
    return contracts.warehouse("refunds_due").shape(owed)


def advance_held(payments: DataFrame, windows: DataFrame) -> DataFrame:
    """How much of each account's advance payment the platform holds: ACCOUNT, `advance_held`.

    `payments` are all accepted payment rows of the windows, of all times, late ones included.
    """
    currencies = windows.select(*WINDOW, F.col("currency").alias("window_currency"))
    return (
        payments.join(F.broadcast(currencies), on=WINDOW)
        .where(F.col("currency") == F.col("window_currency"))
        .groupBy(*ACCOUNT)
        .agg(F.sum(signed_advance()).cast("decimal(28,2)").alias("advance_held"))
    )
