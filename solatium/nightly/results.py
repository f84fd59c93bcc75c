"""What the business dates of a run came to, for its closing summary."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from pyspark.sql import functions as F

from solatium.contracts.outcomes import HELD
from solatium.dataframes.counting import count_where
from solatium.warehouse.tables import Warehouse

_NUMBERS = ("participants", "qualified", "ready", "entries", "winners", "losers")


@dataclass(frozen=True)
class Results:
    """A row for each business date, with the sums of its windows' numbers; and windows held."""

    rows: list[dict[str, Any]]
    held: list[str]


def results_of(warehouse: Warehouse, first: date, last: date) -> Results:
    """The results of the business dates from `first` to `last`."""
    is_judged = F.col("business_date").between(F.lit(first), F.lit(last))
    judged = warehouse.read("window_results").where(is_judged)
    sums = judged.groupBy("business_date").agg(
        F.count("*").alias("windows"), *(F.sum(name).alias(name) for name in _NUMBERS)
    )
    bonuses = (
        warehouse.read("bonus_awards")
        .where(is_judged)
        .groupBy("business_date")
        .agg(
            count_where(F.col("amount") > 0).alias("bonuses"),
            F.sum("amount").alias("bonus_amount"),
        )
    )
    rows = sums.join(bonuses, on="business_date", how="left").orderBy("business_date").collect()
    held = judged.where(F.col("status").isin(*HELD))
    return Results(
        [row.asDict() for row in rows],
        [
            f"{row.business_date}: window {row.window_id} of {row.commodity_id}: {row.status}"
            for row in held.orderBy("business_date", "commodity_id", "window_id").collect()
        ],
    )
