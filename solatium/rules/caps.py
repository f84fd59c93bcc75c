"""The cap of an account's bonuses of one date and campaign (docs/rules.md section 8, step 4)."""

from __future__ import annotations

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from solatium.contracts.keys import WINDOW
from solatium.dataframes.money import whole_cents
from solatium.rules.award_steps import stepped
from solatium.settings.regimes import Regimes


def capped(awards: DataFrame, regimes: Regimes) -> DataFrame:
    """The awards, each account's amounts of a date and campaign cut to the cap in history order."""
    cap = regimes.setting(lambda r: whole_cents(r.bonus.max_per_account_per_day), "bigint")
    of_day = Window.partitionBy("account_id", "business_date", "campaign_id")
    in_order = of_day.orderBy("rush_close", *WINDOW)
    # earlier amounts are cut only where they reach the cap, so their uncut sum decides as well
    until = F.sum(F.col("cents").cast("decimal(18,0)")).over(in_order)
    left = F.greatest(cap - (until - F.col("cents")), F.lit(0)).cast("bigint")
    granted = F.least(F.col("cents"), left)
    return stepped(
        awards.withColumn("granted", granted), "capped", cap.isNotNull(), F.col("granted")
    ).drop("granted")
