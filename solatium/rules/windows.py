"""Windows: which version is in force, on which business date, and with which seed.

docs/rules.md sections 1, 2 and 5. All frames here are small: one row for each version of a window.
"""

from __future__ import annotations

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from solatium import contracts
from solatium.contracts.keys import WINDOW
from solatium.dataframes.event_keys import content
from solatium.settings.load import Settings
from solatium.settings.regimes import Regimes

# Why a window is held: what stands in `held`, and as the status of its results.


def business_date(timezone: str) -> Column:
    """The calendar date of rush_close in the configured timezone."""
    return F.to_date(F.from_utc_timestamp("rush_close", timezone))


def is_late(settings: Settings) -> Column:
    """Whether a version arrived after the grace of its own business date."""
    return F.col("dt") > F.date_add(business_date(settings.timezone), settings.grace_days)


def in_force(
    visible: DataFrame, late: DataFrame, settings: Settings, regimes: Regimes
) -> DataFrame:
    """One row for each window that has a visible version: the latest one, with its seed.

    `visible` and `late` are valid versions with `dt`. Given are the contract's columns (of which
    `limit_per_account` and `min_qualified` have their defaults), `dt`, `business_date`, `regime`,
    `seed`, and `held`: null, `seed_missing` or `seed_mismatch`.
    """
    latest = _first(visible.withColumn("content", _content()), descending=True)
    seeds = _seeds(visible.unionByName(late))
    needs_seed = F.col("policy") != "first_come"
    held = F.when(needs_seed & F.col("seed").isNull(), F.col("without_seed"))
    return (
        latest.join(seeds, on=WINDOW, how="left")
        .withColumn("held", held)
        .withColumn("seed", F.when(needs_seed, F.col("seed")))
        .withColumn("business_date", business_date(settings.timezone))
        .withColumn("regime", regimes.number(F.col("business_date"), F.col("campaign_id")))
        .withColumn("limit_per_account", F.coalesce("limit_per_account", F.lit(1)))
        .withColumn("min_qualified", F.coalesce("min_qualified", F.lit(0)))
        .drop("draw_seed", "seed_commitment", "without_seed")
    )


def changed(before: DataFrame, after: DataFrame) -> DataFrame:
    """Windows whose version, date or seed differ, or that are new or gone.

    Columns: key, `old_date` and `new_date`, null where the window was or is not in force.
    """

    def marked(frame: DataFrame, name: str) -> DataFrame:
        # a window's dates and seed are marked by themselves: neither is a column of its version
        draw = [F.coalesce(name, F.lit("")) for name in ("seed", "held")]
        mark = F.concat_ws("|", "content", F.col("dt").cast("string"), *draw)
        return frame.select(*WINDOW, F.col("business_date").alias(name), mark.alias(f"{name}_mark"))

    old, new = marked(before, "old_date"), marked(after, "new_date")
    same = F.col("old_date_mark").eqNullSafe(F.col("new_date_mark"))
    both = new.join(old, on=WINDOW, how="full")
    return both.where(~same).select(*WINDOW, "old_date", "new_date")


def moved(changed: DataFrame) -> DataFrame:
    """Of the windows that `changed`, those that are on another date, or new or gone."""
    return changed.where(~F.col("old_date").eqNullSafe(F.col("new_date")))


def _seeds(versions: DataFrame) -> DataFrame:
    """Of each window with a seed or commitment: `seed`, or what it is held as `without_seed`.

    The earliest commitment binds; the earliest seed that keeps it counts. So no later version can
    draw again.
    """
    order = versions.withColumn("content", _content())
    commitments = _first(order.where(F.col("seed_commitment").isNotNull()), descending=False)
    offered = order.where(F.col("draw_seed").isNotNull()).join(
        commitments.select(*WINDOW, F.col("seed_commitment").alias("commitment")),
        on=WINDOW,
        how="left",
    )
    keeps_it = F.col("commitment").isNull() | (
        F.sha2(F.col("draw_seed").cast("binary"), 256) == F.col("commitment")
    )
    seeds = _first(offered.where(keeps_it), descending=False)
    broken = offered.where(~keeps_it).select(*WINDOW).distinct().withColumn("broken", F.lit(True))
    missing = F.when(F.col("broken"), F.lit("seed_mismatch")).otherwise(F.lit("seed_missing"))
    return (
        versions.select(*WINDOW)
        .distinct()
        .join(seeds.select(*WINDOW, F.col("draw_seed").alias("seed")), on=WINDOW, how="left")
        .join(broken, on=WINDOW, how="left")
        .select(*WINDOW, "seed", missing.alias("without_seed"))
    )


def _first(versions: DataFrame, *, descending: bool) -> DataFrame:
    """The earliest (or latest) version of each window, by (updated_at, dt, content)."""
    columns = [F.col("updated_at"), F.col("dt"), F.col("content")]
    order = Window.partitionBy(*WINDOW).orderBy(
        *(c.desc() if descending else c.asc() for c in columns)
    )
    return (
        versions.withColumn("_place", F.row_number().over(order)).where("_place = 1").drop("_place")
    )


def _content() -> Column:
    return content(contracts.landing("windows"))
