"""What streaks and histories must add up to (docs/rules.md section 7)."""

from __future__ import annotations

from collections.abc import Callable

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from solatium.dataframes.counting import count_where
from solatium.dataframes.hashing import hashable
from solatium.laws.counting import Laws, side_by_side

Look = Callable[[], DataFrame]


def streaks(outcomes: DataFrame, opening: DataFrame, closing: DataFrame) -> Laws:
    """One row: what the `outcomes` of the dates judged made of the history before and after them.

    `opening` and `closing` are account_history as of the day before these dates, and now. A streak
    moves by one or to zero: a loss at a streak of n stands on an outcome, or an opening streak, of
    n - 1 of the same account and scope, and each carries one loss at most; `unfounded` counts the
    losses that stand on none. `unsound` are rows of the history that contradict themselves, and
    `attempts_added` and so on what the history has grown by.
    """
    unfounded = _unfounded(outcomes, opening).agg(
        F.coalesce(F.sum("losses"), F.lit(0)).cast("bigint").alias("unfounded")
    )
    kinds = {"wins": "won", "failures": "lost", "forfeits": "forfeited"}
    counted = outcomes.agg(
        F.count("*").alias("outcomes"),
        *(
            count_where(F.col("result") == result).alias(f"outcomes_{result}")
            for result in kinds.values()
        ),
    )
    grown = ["attempts", *kinds]
    columns = [F.col(name) for name in grown]
    unsound = (
        (F.col("attempts") != F.col("wins") + F.col("failures") + F.col("forfeits"))
        | (F.col("longest_streak") < F.col("consecutive_failures"))
        | (F.col("longest_streak") > F.col("failures"))
        | (F.col("consecutive_failures") < 0)
        | (F.col("first_business_date") > F.col("last_business_date"))
    )
    before = opening.select(*((-c).alias(c_name) for c, c_name in zip(columns, grown, strict=True)))
    added = (
        closing.select(*grown, unsound.cast("int").alias("unsound"))
        .unionByName(before.withColumn("unsound", F.lit(0)))
        .agg(
            *(F.coalesce(F.sum(n), F.lit(0)).cast("bigint").alias(f"{n}_added") for n in grown),
            F.coalesce(F.sum("unsound"), F.lit(0)).cast("bigint").alias("unsound"),
        )
    )
    return Laws(
        side_by_side([unfounded, counted, added], keys=()),
        {
            "unfounded": lambda: _unfounded(outcomes, opening, by_name=True),
            "unsound": lambda: closing.where(unsound).select("account_id", "scope"),
        },
    )


def _unfounded(outcomes: DataFrame, opening: DataFrame, *, by_name: bool = False) -> DataFrame:
    """Streaks of an account and scope that more losses stand on than there are: how many `losses`.

    Accounts are told apart by a hash, and named where they are few. Hashes that coincide could
    hide a loss, and never make one up.
    """
    who = [F.col("account_id"), F.col("scope")]
    if not by_name:
        who = [F.xxhash64("account_id", "scope").alias("account")]
    outcomes, opening = hashable(outcomes), hashable(opening)
    streak = F.col("consecutive_failures")
    one, minus = F.lit(1), F.lit(-1)
    losses = outcomes.where((F.col("result") == "lost") & (streak > 1))
    sides = (
        losses.select(*who, (streak - 1).alias("streak"), one.alias("losses"))
        .unionByName(
            outcomes.where(streak > 0).select(*who, streak.alias("streak"), minus.alias("losses"))
        )
        .unionByName(
            opening.where(streak > 0).select(*who, streak.alias("streak"), minus.alias("losses"))
        )
    )
    keys = [name for name in sides.columns if name != "losses"]
    return sides.groupBy(*keys).agg(F.sum("losses").alias("losses")).where("losses > 0")
