"""Refunds due: advance payments that the platform still holds without cause.

docs/rules.md section 6.
"""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from solatium import contracts
from solatium.contracts.keys import ACCOUNT, NUMBER, PARTICIPANT, WINDOW
from solatium.contracts.outcomes import KEEPS_THE_ADVANCE
from solatium.dataframes.joins import look_up
from solatium.dataframes.money import written
from solatium.rules.advances import signed_advance


def refunds_of(allocated: DataFrame, others: DataFrame, windows: DataFrame) -> DataFrame:
    """`refunds_due` of windows that were just judged.

    `allocated` is from `allocation.allocate`, `others` from `platform_audit.others`; `windows` are
    those whose refunds are listed, from `windows.numbered`.
    """
    columns = (*PARTICIPANT, "advance_held", "outcome")
    held = others.withColumn("outcome", F.lit("not_ready")).select(*columns)
    held = allocated.select(*columns).unionByName(held)
    not_held = windows.where(F.col("held").isNull())
    names = not_held.select(NUMBER, *WINDOW, "business_date", "currency")
    return _owed(look_up(held.where(_is_owed()), F.broadcast(names), [NUMBER]))


def refunds_due(held: DataFrame, allocations: DataFrame, windows: DataFrame) -> DataFrame:
    """`refunds_due`: one row per account and window whose advance payment is to be given back.

    `held` has ACCOUNT and `advance_held`, from `advance_held`, where payments have arrived since
    the windows were judged; `allocations` is the table.
    """
    dates = windows.where(F.col("held").isNull()).select(*WINDOW, "business_date", "currency")
    outcomes = allocations.select(*ACCOUNT, "outcome")
    found = (
        held.where("advance_held > 0")
        .join(F.broadcast(dates), on=WINDOW)
        .join(outcomes, on=ACCOUNT, how="left")
        .withColumn("outcome", F.coalesce("outcome", F.lit("not_ready")))
    )
    return _owed(found.where(_is_owed()))


def _is_owed() -> Column:
    """Whether an account is owed what is held of it, by its `outcome`."""
    return (F.col("advance_held") > 0) & ~F.col("outcome").isin(*KEEPS_THE_ADVANCE)


def _owed(found: DataFrame) -> DataFrame:
    amount = written(F.col("advance_held")).alias("amount")
    return contracts.warehouse("refunds_due").shape(found.select("*", amount))


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
