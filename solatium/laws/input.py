"""What accepted input must add up to (docs/rules.md sections 2 and 3)."""

from __future__ import annotations

from collections.abc import Callable

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from solatium import contracts
from solatium.contracts.keys import WINDOW
from solatium.dataframes.counting import count_where
from solatium.dataframes.money import cents
from solatium.laws.counting import DATED_WINDOW, Laws, nulls, unknown

Look = Callable[[], DataFrame]


def events(source: str, rows: DataFrame, windows: DataFrame) -> Laws:
    """One row per window and business date of the accepted `rows` of an event table.

    `rows`; `nulls`, with a null in a column that may hold none; `unknown`, with a value outside its
    list; `repeated`, more than one for an event id; `outside`, whose window in force is on another
    date or is none; `days_late`, the most days from business to arrival date; for payments
    `least_cents`.
    """
    table = contracts.warehouse(source)
    amounts = [F.min(cents(F.col("amount"))).alias("least_cents")] if source == "payment" else []
    by_window = rows.groupBy(*DATED_WINDOW).agg(
        F.count("*").alias("rows"),
        count_where(nulls(table)).alias("nulls"),
        count_where(unknown(table)).alias("unknown"),
        (F.count("event_id") - F.countDistinct(F.xxhash64("event_id"))).alias("repeated"),
        F.max(F.datediff("dt", "business_date")).alias("days_late"),
        *amounts,
    )
    in_force = windows.select(*DATED_WINDOW, F.lit(1).alias("in_force"))
    placed = by_window.join(F.broadcast(in_force), on=list(DATED_WINDOW), how="left")
    outside = F.when(F.col("in_force").isNull(), F.col("rows")).otherwise(F.lit(0))

    def repeated() -> DataFrame:
        return rows.groupBy(*WINDOW, "event_id").count().where("count > 1")

    return Laws(placed.withColumn("outside", outside).drop("in_force"), {"repeated": repeated})


def account_versions(rows: DataFrame) -> Laws:
    """One row per arrival date of accepted account versions: `rows`, `nulls` and `unknown`."""
    table = contracts.warehouse("accounts")
    return Laws(
        rows.groupBy("dt").agg(
            F.count("*").alias("rows"),
            count_where(nulls(table)).alias("nulls"),
            count_where(unknown(table)).alias("unknown"),
        )
    )


def windows_in_force(windows: DataFrame) -> Laws:
    """The windows in force themselves, one row each: their times, stock and terms."""
    names = [n for n in contracts.landing("windows").names if n in windows.columns]
    return Laws(windows.select(*names, "business_date", "held"))
