"""Windows: which version is in force, on which business date, and with which seed.

docs/rules.md sections 1, 2 and 5. All frames here are small: one row for each version of a window.
"""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from solatium import contracts
from solatium.contracts.calendar import FIRST_BUSINESS_DATE, LAST_DATE
from solatium.contracts.keys import NUMBER, WINDOW
from solatium.dataframes.joins import look_up
from solatium.dataframes.numbering import position_in_order
from solatium.dataframes.versions import latest, with_content
from solatium.rules.seeds import with_seeds
from solatium.settings.load import Settings
from solatium.settings.regimes import Regimes


def business_date(timezone: str) -> Column:
    """The calendar date of rush_close in the configured time zone.

    Times at the ends of the calendar have a date before it or after it in some zones; their
    business date is the first or the last one.
    """
    closing = F.to_date(F.from_utc_timestamp("rush_close", timezone))
    return F.greatest(F.least(closing, F.lit(LAST_DATE)), F.lit(FIRST_BUSINESS_DATE))


def is_late(settings: Settings) -> Column:
    """Whether a version arrived after the grace of its own business date."""
    return F.col("dt") > F.date_add(business_date(settings.timezone), settings.grace_days)


def in_force(
    visible: DataFrame, late: DataFrame, settings: Settings, regimes: Regimes
) -> DataFrame:
    """One row for each window that has a visible version: the latest one, with its seed.

    `visible` and `late` are valid versions with `dt`. Columns: those of the contract (with the
    defaults of `limit_per_account` and `min_qualified`; without the seed's own two), `dt`,
    `content`, `business_date`, `regime`, `seed`, and `held`: null, `seed_missing` or
    `seed_mismatch`.
    """
    versions = visible.withColumn("is_visible", F.lit(True)).unionByName(
        late.withColumn("is_visible", F.lit(False))
    )
    versions = with_seeds(with_content(versions, contracts.landing("windows")))
    needs_seed = F.col("policy") != "first_come"
    held = F.when(needs_seed & F.col("seed").isNull(), F.col("without_seed"))
    return (
        latest(versions.where("is_visible"), WINDOW)
        .withColumn("held", held)
        .withColumn("seed", F.when(needs_seed, F.col("seed")))
        .withColumn("business_date", business_date(settings.timezone))
        .withColumn("regime", regimes.number(F.col("business_date"), F.col("campaign_id")))
        .withColumn("limit_per_account", F.coalesce("limit_per_account", F.lit(1)))
        .withColumn("min_qualified", F.coalesce("min_qualified", F.lit(0)))
        .drop("draw_seed", "seed_commitment", "without_seed", "is_visible")
    )


def numbered(due: DataFrame) -> DataFrame:
    """The windows with NUMBER, a number of their own from 1 on in the order of their ids.

    Rows of accounts carry this number in the place of the two ids until a table is written.
    """
    return due.withColumn(NUMBER, position_in_order(WINDOW))


def named(rows: DataFrame, numbered: DataFrame) -> DataFrame:
    """`rows` with the ids and the business date of their windows, for a table."""
    names = numbered.select(NUMBER, *WINDOW, "business_date")
    return look_up(rows, F.broadcast(names), [NUMBER])


def changed(before: DataFrame, after: DataFrame) -> DataFrame:
    """Windows whose version, date or seed changed, new ones and removed ones included.

    `before` and `after` are from `in_force`. Columns: WINDOW, `old_date` and `new_date`: the
    business dates, null where the window was not, or is not, in force.
    """

    def marked(frame: DataFrame, name: str) -> DataFrame:
        # the seed is no column of the version in force, and so is compared by itself
        draw = [F.coalesce(name, F.lit("")) for name in ("seed", "held")]
        mark = F.concat_ws("|", "content", F.col("dt").cast("string"), *draw)
        return frame.select(*WINDOW, F.col("business_date").alias(name), mark.alias(f"{name}_mark"))

    old, new = marked(before, "old_date"), marked(after, "new_date")
    same = F.col("old_date_mark").eqNullSafe(F.col("new_date_mark"))
    both = new.join(old, on=WINDOW, how="full")
    return both.where(~same).select(*WINDOW, "old_date", "new_date")


def moved(changed: DataFrame) -> DataFrame:
    """Those of the `changed` windows whose business date changed, new and removed ones included."""
    return changed.where(~F.col("old_date").eqNullSafe(F.col("new_date")))
