"""Weights: how many tickets an entry of a weighted lottery draws (docs/rules.md section 5)."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from datetime import date

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from solatium.contracts.keys import COMPETITOR
from solatium.rules import history
from solatium.settings.load import Settings
from solatium.settings.regimes import Regimes


def judged_together(dates: Iterable[date], weighted: AbstractSet[date]) -> list[list[date]]:
    """The dates in order, in groups that can be judged, or counted, at once.

    A weighted lottery needs the history of all dates before its own, so that only the first date of
    a group may have one; `weighted` are the dates that do.
    """
    groups: list[list[date]] = []
    for day in sorted(dates):
        if groups and day not in weighted:
            groups[-1].append(day)
        else:
            groups.append([day])
    return groups


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
        means = pointed.groupBy(*COMPETITOR).agg(mean.cast("int").alias("points"))
        pointed = pointed.drop("points").join(means, on=COMPETITOR)
    most = regimes.setting(lambda regime: regime.draw.weight_cap, "int")
    weight = F.least(F.coalesce("points", F.lit(0)), most) + 1
    others = entered.where(~is_weighted).withColumn("weight", F.lit(1))
    return pointed.withColumn("weight", weight).drop("points").unionByName(others)
