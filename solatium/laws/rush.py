"""What a rush must add up to: screening, allocation, outcomes, audit (sections 4 to 8)."""

from __future__ import annotations

from collections.abc import Callable

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from solatium.contracts.keys import ACCOUNT, WINDOW
from solatium.contracts.outcomes import ALLOCATED, CAN_COUNT, HELD, KEEPS_THE_ADVANCE, TOOK_PLACE
from solatium.dataframes.counting import count_where
from solatium.dataframes.hashing import hashable
from solatium.laws.counting import (
    DATED_WINDOW,
    GREATEST,
    Laws,
    account_hash,
    high,
    low,
    more_than_one,
    repeated_accounts,
    side_by_side,
)
from solatium.rules.screening import is_ready

Look = Callable[[], DataFrame]


def rush(
    windows: DataFrame,
    screened: DataFrame,
    allocations: DataFrame,
    results: DataFrame,
    outcomes: DataFrame,
    awards: DataFrame,
    audit: DataFrame,
    refunds: DataFrame,
    *,
    outcome_source: str,
) -> Laws:
    """One row per window and business date that any of the tables has a row of.

    `windows` are those in force of the dates judged; all frames hold the rows of these dates.
    Numbers are named for what was counted; those that `window_results` states begin with `stated_`.
    """
    parts = [
        windows.select(
            *DATED_WINDOW,
            F.lit(1).alias("windows"),
            F.col("stock").cast("bigint").alias("stock"),
            (F.col("unit") == "team").cast("int").alias("is_team"),
            F.col("held").isNotNull().cast("int").alias("is_held"),
        ),
        _screened(screened),
        _allocated(allocations, outcome_source),
        _teams(allocations, windows),
        _results(results),
        _outcomes(outcomes),
        _awards(awards),
        _audit(audit),
        _refunds(refunds),
    ]
    counted = side_by_side(parts, DATED_WINDOW)
    is_team = F.col("is_team") == 1
    differ = (F.col("ready_high") != F.col("given_high")) | (
        F.col("ready_low") != F.col("given_low")
    )
    judged = F.col("is_held") == 0

    def of_unit(name: str) -> Column:
        return F.when(is_team, F.col(f"team_{name}")).otherwise(F.col(f"account_{name}"))

    rows = (
        counted.withColumn("entries", of_unit("entries"))
        .withColumn("attempts", of_unit("attempts"))
        .withColumn("allocated_units", of_unit("units"))
        .withColumn("uneven_teams", F.when(is_team, F.col("uneven")).otherwise(F.lit(0)))
        # a held window has no outcomes; then the sums of both sides are those of none
        .withColumn("unmatched", F.when(judged, differ.cast("int")).otherwise(F.lit(0)))
        .withColumn("given_while_held", F.when(judged, F.lit(0)).otherwise(F.col("given")))
        .withColumn("owed_while_held", F.when(judged, F.lit(0)).otherwise(F.col("refunds")))
        .drop("ready_high", "ready_low", "given_high", "given_low", "uneven")
        .drop(
            *(
                f"{side}_{n}"
                for side in ("account", "team")
                for n in ("entries", "attempts", "units")
            )
        )
    )
    judged_windows = windows.where(F.col("held").isNull()).select(*WINDOW)
    return Laws(
        rows,
        {
            "unmatched": lambda: _unmatched(screened, allocations, judged_windows),
            "screened_twice": lambda: more_than_one(screened),
            "counted_twice": lambda: more_than_one(outcomes),
            "awarded_twice": lambda: more_than_one(awards),
        },
    )


def _screened(screened: DataFrame) -> DataFrame:
    ready = is_ready()
    return (
        hashable(screened)
        .groupBy(*DATED_WINDOW)
        .agg(
            F.count("*").alias("participants"),
            count_where(F.col("qualified")).alias("qualified"),
            count_where(ready).alias("ready"),
            count_where(F.col("qualified") != (F.size("reasons") == 0)).alias(
                "qualified_with_reason"
            ),
            repeated_accounts().alias("screened_twice"),
            high(F.when(ready, account_hash())).alias("ready_high"),
            low(F.when(ready, account_hash())).alias("ready_low"),
        )
    )


def _allocated(allocations: DataFrame, outcome_source: str) -> DataFrame:
    """Of individuals each row is an entry; of teams `_teams` counts the entries."""
    outcome, platform = F.col("outcome"), F.col("platform_outcome")
    source = outcome if outcome_source == "replay" else platform
    can_count = outcome.isin(*TOOK_PLACE)
    competes = outcome != "not_formed"
    return (
        hashable(allocations)
        .groupBy(*DATED_WINDOW)
        .agg(
            F.count("*").alias("given"),
            high(account_hash()).alias("given_high"),
            low(account_hash()).alias("given_low"),
            *(count_where(outcome == name).alias(f"accounts_{name}") for name in CAN_COUNT),
            count_where(competes).alias("account_entries"),
            count_where(competes & (outcome != "no_attempt")).alias("account_attempts"),
            F.sum(F.when(outcome.isin(*ALLOCATED), F.col("size").cast("bigint"))).alias(
                "account_units"
            ),
            count_where(can_count & (source == "won")).alias("wins_to_count"),
            count_where(can_count & (source == "lost")).alias("losses_to_count"),
            count_where(can_count & (source == "forfeited")).alias("forfeits_to_count"),
            count_where((outcome == "won") & (platform != "won")).alias("won_by_replay_only"),
            count_where((outcome != "won") & (platform == "won")).alias("won_by_platform_only"),
        )
    )


def _teams(allocations: DataFrame, windows: DataFrame) -> DataFrame:
    """Entries of team windows: an entry's rows share its size, which counts once.

    `uneven` are entries whose rows differ in size or in whether they were allocated, or whose size
    is not the sum of the members' quantities.
    """
    teams = windows.where(F.col("unit") == "team").select(*WINDOW)
    is_allocated = F.col("outcome").isin(*ALLOCATED).cast("int")
    entry = (
        allocations.where(F.col("entry_id").isNotNull())
        .join(F.broadcast(teams), on=WINDOW, how="left_semi")
        .groupBy(*DATED_WINDOW, "entry_id")
        .agg(
            F.min("size").alias("least"),
            F.max("size").alias("size"),
            F.sum("quantity").alias("quantity"),
            F.min(is_allocated).alias("all_allocated"),
            F.max(is_allocated).alias("allocated"),
            F.max((F.col("outcome") != "no_attempt").cast("int")).alias("attempted"),
        )
    )
    is_uneven = (
        (F.col("least") != F.col("size"))
        | (F.least(F.col("quantity"), F.lit(GREATEST)) != F.col("size"))
        | (F.col("all_allocated") != F.col("allocated"))
    )
    return entry.groupBy(*DATED_WINDOW).agg(
        F.count("*").alias("team_entries"),
        F.sum("attempted").alias("team_attempts"),
        F.sum(F.col("size").cast("bigint") * F.col("allocated")).alias("team_units"),
        count_where(is_uneven).alias("uneven"),
    )


def _results(results: DataFrame) -> DataFrame:
    numbers = ["stock", "participants", "qualified", "ready", "entries", "attempts", "winners"]
    numbers += ["losers", "forfeits", "allocated_units"]
    status = F.col("status")
    return results.select(
        *DATED_WINDOW,
        F.lit(1).alias("stated_windows"),
        status.isin(*HELD).cast("int").alias("stated_held"),
        (status == "allocated").cast("int").alias("stated_allocated"),
        *(F.col(name).cast("bigint").alias(f"stated_{name}") for name in numbers),
    )


def _outcomes(outcomes: DataFrame) -> DataFrame:
    result, streak = F.col("result"), F.col("consecutive_failures")
    is_unsound = F.when(result == "won", streak != 0).when(result == "lost", streak < 1)
    return (
        hashable(outcomes)
        .groupBy(*DATED_WINDOW)
        .agg(
            count_where(result == "won").alias("counted_wins"),
            count_where(result == "lost").alias("counted_losses"),
            count_where(result == "forfeited").alias("counted_forfeits"),
            count_where(is_unsound.otherwise(streak < 0)).alias("unsound_streaks"),
            repeated_accounts().alias("counted_twice"),
        )
    )


def _awards(awards: DataFrame) -> DataFrame:
    amount, raw = F.col("amount"), F.col("raw_amount")
    return (
        hashable(awards)
        .groupBy(*DATED_WINDOW)
        .agg(
            F.count("*").alias("awards"),
            count_where((amount < 0) | (amount > raw)).alias("amounts_off"),
            count_where((F.col("reason") == "granted") != (amount == raw)).alias("reasons_off"),
            repeated_accounts().alias("awarded_twice"),
        )
    )


def _audit(audit: DataFrame) -> DataFrame:
    kind = F.col("kind")
    return audit.groupBy(*DATED_WINDOW).agg(
        count_where(kind == "should_have_won").alias("should_have_won"),
        count_where(kind == "should_not_have_won").alias("should_not_have_won"),
    )


def _refunds(refunds: DataFrame) -> DataFrame:
    return refunds.groupBy(*DATED_WINDOW).agg(
        F.count("*").alias("refunds"),
        count_where(F.col("outcome").isin(*KEEPS_THE_ADVANCE)).alias("refunds_of_winners"),
        count_where(F.col("amount") <= 0).alias("refunds_of_nothing"),
    )


def _unmatched(screened: DataFrame, allocations: DataFrame, windows: DataFrame) -> DataFrame:
    """Accounts that are ready without exactly one outcome, or have one without being ready."""
    one, none = F.lit(1), F.lit(0)
    sides = (
        screened.where(is_ready())
        .select(*ACCOUNT, one.alias("ready"), none.alias("outcomes"))
        .unionByName(allocations.select(*ACCOUNT, none.alias("ready"), one.alias("outcomes")))
    )
    return (
        sides.join(F.broadcast(windows), on=WINDOW, how="left_semi")
        .groupBy(*ACCOUNT)
        .agg(F.sum("ready").alias("ready"), F.sum("outcomes").alias("outcomes"))
        .where("ready <> 1 or outcomes <> 1")
    )
