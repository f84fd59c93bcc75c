"""Window results: each window in numbers (docs/rules.md section 6)."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from solatium import contracts
from solatium.contracts.keys import ENTRY, WINDOW
from solatium.contracts.outcomes import ALLOCATED
from solatium.dataframes.counting import count_where
from solatium.rules.screening import is_ready


def window_results(
    windows: DataFrame, screened: DataFrame, allocations: DataFrame, activity: DataFrame
) -> DataFrame:
    """`window_results`: one row per window in force, those without participants included."""

    outcome = F.col("outcome")
    people = screened.groupBy(*WINDOW).agg(
        F.count("*").alias("participants"),
        count_where(F.col("qualified")).alias("qualified"),
        count_where(is_ready()).alias("ready"),
    )
    accounts = allocations.groupBy(*WINDOW).agg(
        count_where(outcome == "won").alias("winners"),
        count_where(outcome == "lost").alias("losers"),
        count_where(outcome == "forfeited").alias("forfeits"),
    )
    rush = (
        _entries(allocations, windows)
        .groupBy(*WINDOW)
        .agg(
            F.count("*").alias("entries"),
            count_where(outcome != "no_attempt").alias("attempts"),
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
    ).select(*ENTRY, "outcome", "size")
    units = F.broadcast(windows.select(*WINDOW, "unit"))
    by_unit = competing.join(units, on=WINDOW)
    # all members of a team have the same outcome and size
    teams = by_unit.where("unit = 'team'").dropDuplicates(ENTRY)
    return by_unit.where("unit = 'individual'").unionByName(teams)
