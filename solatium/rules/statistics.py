"""Success and failure statistics: windows in numbers, the audit of the platform, refunds due.

docs/rules.md section 6.
"""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from solatium import contracts
from solatium.contracts.keys import ACCOUNT, WINDOW
from solatium.contracts.outcomes import ALLOCATED, KEEPS_THE_ADVANCE, ORDER_STATES
from solatium.rules.activity import signed_advance
from solatium.rules.screening import is_ready

_CONFIRMED = ORDER_STATES.index("confirmed")


def window_results(
    windows: DataFrame, screened: DataFrame, allocations: DataFrame, activity: DataFrame
) -> DataFrame:
    """`window_results`: one row per window in force that is judged, without participants too."""

    def count(condition: Column) -> Column:
        return F.count(F.when(condition, F.lit(1)))

    outcome = F.col("outcome")
    people = screened.groupBy(*WINDOW).agg(
        F.count("*").alias("participants"),
        count(F.col("qualified")).alias("qualified"),
        count(is_ready()).alias("ready"),
    )
    accounts = allocations.groupBy(*WINDOW).agg(
        count(outcome == "won").alias("winners"),
        count(outcome == "lost").alias("losers"),
        count(outcome == "forfeited").alias("forfeits"),
    )
    rush = (
        _entries(allocations, windows)
        .groupBy(*WINDOW)
        .agg(
            F.count("*").alias("entries"),
            count(outcome != "no_attempt").alias("attempts"),
            F.sum(F.when(outcome.isin(*ALLOCATED), F.col("size"))).alias("allocated_units"),
        )
    )
    sold = activity.groupBy(*WINDOW).agg(F.sum("confirmed_units").alias("sold"))
    counted = windows
    for counts in (people, accounts, rush, sold):
        counted = counted.join(counts, on=WINDOW, how="left")
    numbers = ["participants", "qualified", "ready", "entries", "attempts", "winners", "losers"]
    numbers += ["forfeits", "allocated_units", "sold"]
    counted = counted.fillna(0, subset=numbers)
    is_formed = F.col("ready") >= F.col("min_qualified")
    status = F.coalesce(
        F.col("held"), F.when(is_formed, F.lit("allocated")).otherwise(F.lit("not_formed"))
    )
    oversold = F.greatest(F.col("sold") - F.col("stock"), F.lit(0))
    return contracts.warehouse("window_results").shape(
        counted.withColumn("status", status).withColumn("oversold_units", oversold)
    )


def _entries(allocations: DataFrame, windows: DataFrame) -> DataFrame:
    """One row for each entry, with its `outcome` and `size`."""
    competing = allocations.where(
        F.col("entry_id").isNotNull() & (F.col("outcome") != "not_formed")
    ).select(*WINDOW, "entry_id", "outcome", "size")
    units = F.broadcast(windows.select(*WINDOW, "unit"))
    by_unit = competing.join(units, on=WINDOW)
    # members of a team have one outcome, one size
    teams = by_unit.where("unit = 'team'").dropDuplicates([*WINDOW, "entry_id"])
    return by_unit.where("unit = 'individual'").unionByName(teams)


def audit_discrepancies(
    allocations: DataFrame, activity: DataFrame, windows: DataFrame
) -> DataFrame:
    """`audit_discrepancies`: one row per account of a window that is not held, where replay and
    platform disagree on `won`; accounts that never were ready, or never took part, included."""
    replay_won = F.col("outcome") == "won"
    platform_won = F.col("platform_outcome") == "won"
    kind = F.when(replay_won, "should_have_won").otherwise("should_not_have_won")
    of_ready = allocations.where(replay_won != platform_won).select(
        *ACCOUNT, "business_date", kind.alias("kind")
    )
    dates = windows.where(F.col("held").isNull()).select(*WINDOW, "business_date")
    of_others = (
        activity.where(F.col("order_state") == _CONFIRMED)
        .select(*ACCOUNT)
        .join(F.broadcast(dates), on=WINDOW)
        .join(allocations.select(*ACCOUNT), on=ACCOUNT, how="left_anti")
        .select(*ACCOUNT, "business_date", F.lit("should_not_have_won").alias("kind"))
    )
    return contracts.warehouse("audit_discrepancies").shape(of_ready.unionByName(of_others))


def refunds_due(held: DataFrame, allocations: DataFrame, windows: DataFrame) -> DataFrame:
    """`refunds_due`: one row per account whose advance the platform still holds without cause.

    `held` has a row per account and window with `advance_held`, as `activity.activity` has it, or
    `advance_held` where payments have come since.
    """
    dates = windows.where(F.col("held").isNull()).select(*WINDOW, "business_date")
    outcomes = allocations.select(*ACCOUNT, "outcome")
    owed = (
        held.where("advance_held > 0")
        .select(*ACCOUNT, F.col("advance_held").alias("amount"))
        .join(F.broadcast(dates), on=WINDOW)
        .join(outcomes, on=ACCOUNT, how="left")
        .withColumn("outcome", F.coalesce("outcome", F.lit("not_ready")))
        .where(~F.col("outcome").isin(*KEEPS_THE_ADVANCE))
    )
    return contracts.warehouse("refunds_due").shape(owed)


def advance_held(payments: DataFrame, windows: DataFrame) -> DataFrame:
    """What the platform holds of each account's advance: ACCOUNT and `advance_held`.

    `payments` are all accepted payment rows of the windows, of all times, late ones included.
    """
    currencies = windows.select(*WINDOW, F.col("currency").alias("window_currency"))
    return (
        payments.join(F.broadcast(currencies), on=WINDOW)
        .where(F.col("currency") == F.col("window_currency"))
        .groupBy(*ACCOUNT)
        .agg(F.sum(signed_advance()).alias("advance_held"))
    )
