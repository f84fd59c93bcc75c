"""Weights: how many tickets an entry of a weighted lottery draws (docs/rules.md section 5)."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from solatium.contracts.keys import ENTRY
from solatium.rules import history
from solatium.settings.load import Settings
from solatium.settings.regimes import Regimes


def with_weights(
    entered: DataFrame, opening: DataFrame, settings: Settings, regimes: Regimes, *, teams: bool
) -> DataFrame:
    """The rows of entries with `weight` int: how many tickets an entry draws.

    It is 1 outside weighted lotteries. `opening` is `account_history` of all outcomes before the
    business dates of weighted lotteries; `teams` says whether the rows are those of teams, whose
    points are the mean of their members'.
    """
    is_weighted = (F.col("policy") == "weighted_lottery") & F.col("entry_id").isNotNull()
    pointed = history.points(entered.where(is_weighted), opening, settings, regimes)
    if teams:
        # halves up: twice the sum and the number, divided by twice the number
        mean = F.call_function("div", F.sum("points") * 2 + F.count("*"), F.count("*") * 2)
        means = pointed.groupBy(*ENTRY).agg(mean.cast("int").alias("points"))
        pointed = pointed.drop("points").join(means, on=ENTRY)
    most = regimes.setting(lambda regime: regime.draw.weight_cap, "int")
    weight = F.least(F.coalesce("points", F.lit(0)), most) + 1
    others = entered.where(~is_weighted).withColumn("weight", F.lit(1))
    return pointed.withColumn("weight", weight).drop("points").unionByName(others)
