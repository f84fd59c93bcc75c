"""Window results: each window in numbers (docs/rules.md section 6)."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from solatium import contracts
from solatium.contracts.keys import NUMBER


def sold(activity: DataFrame) -> DataFrame:
    """One row per window with activity, by NUMBER: the units `sold` by the platform's orders."""
    return activity.groupBy(NUMBER).agg(F.sum("confirmed_units").alias("sold"))


def window_results(
    windows: DataFrame, people: DataFrame, rushes: DataFrame, sold: DataFrame
) -> DataFrame:
    """`window_results`: one row per window in force, those without participants included.

    `windows` are from `windows.numbered`, `people` from `screening.people`, `rushes` from
    `allocation.rushes`, and `sold` from this module.
    """
    counted = windows
    numbers: list[str] = []
    for counts in (people, rushes, sold):
        counted = counted.join(counts, on=NUMBER, how="left")
        numbers += (name for name in counts.columns if name != NUMBER)
    counted = counted.fillna(0, subset=numbers)
    is_formed = F.col("ready") >= F.col("min_qualified")
    status = F.coalesce(
        F.col("held"), F.when(is_formed, F.lit("allocated")).otherwise(F.lit("not_formed"))
    )
    oversold = F.greatest(F.col("sold") - F.col("stock"), F.lit(0))
    return contracts.warehouse("window_results").shape(
        counted.withColumn("status", status).withColumn("oversold_units", oversold)
    )
