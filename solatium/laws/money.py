"""What budgets, balances and payouts must add up to (docs/rules.md section 8)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from solatium.contracts.keys import ACCOUNT, WINDOW
from solatium.dataframes.counting import count_where
from solatium.dataframes.hashing import hashable
from solatium.dataframes.money import cents
from solatium.laws.counting import Laws
from solatium.ledger.books import books, is_overdrawn, is_unbalanced, money

Look = Callable[[], DataFrame]


def budgets(awards: DataFrame, windows: DataFrame, budgets: DataFrame | None) -> Laws:
    """One row per business date and campaign with awards: their sum and their budget, in cents.

    `budgets` holds `business_date`, `campaign_id` (null is a campaign of its own) and
    `daily_budget`; without it, or where that is null, `budget_cents` is null: there is none.
    """
    campaigns = windows.select(*WINDOW, "campaign_id")
    total = (
        awards.join(F.broadcast(campaigns), on=WINDOW, how="left")
        .groupBy("business_date", "campaign_id")
        .agg(F.sum(cents(F.col("amount"))).alias("total_cents"))
    )
    if budgets is None:
        return Laws(total.withColumn("budget_cents", F.lit(None).cast("bigint")))
    limits = budgets.select(
        F.col("business_date").alias("budget_date"),
        F.col("campaign_id").alias("budget_campaign"),
        cents(F.col("daily_budget")).alias("budget_cents"),
    )
    same = (F.col("business_date") == F.col("budget_date")) & F.col("campaign_id").eqNullSafe(
        F.col("budget_campaign")
    )
    joined = total.join(F.broadcast(limits), on=same, how="left")
    return Laws(joined.drop("budget_date", "budget_campaign"))


def unearned(awards: DataFrame, outcomes: DataFrame) -> Laws:
    """One row: `awards`, and how many of them are `unearned`: no counted loss at their streak."""

    awards, outcomes = hashable(awards), hashable(outcomes)

    def sides(who: Sequence[Column]) -> DataFrame:
        lost = outcomes.where(F.col("result") == "lost").select(
            *who, F.lit(0).alias("awards"), F.lit(1).alias("losses")
        )
        paid = awards.select(*who, F.lit(1).alias("awards"), F.lit(0).alias("losses"))
        keys = [name for name in paid.columns if name not in ("awards", "losses")]
        return (
            paid.unionByName(lost)
            .groupBy(*keys)
            .agg(F.sum("awards").alias("awards"), F.sum("losses").alias("losses"))
        )

    unpaid = F.greatest(F.col("awards") - F.col("losses"), F.lit(0))
    hashed = sides([F.xxhash64(*ACCOUNT, "consecutive_failures").alias("loss")])
    rows = hashed.agg(
        F.coalesce(F.sum("awards"), F.lit(0)).alias("awards"),
        F.coalesce(F.sum(unpaid), F.lit(0)).cast("bigint").alias("unearned"),
    )
    by_name = [F.col(name) for name in (*ACCOUNT, "consecutive_failures")]
    return Laws(rows, {"unearned": lambda: sides(by_name).where("awards > losses")})


def balances(
    awards: DataFrame,
    ledger: DataFrame,
    waived: DataFrame,
    windows: DataFrame,
    dates: Sequence[date],
) -> Laws:
    """One row: the books of the closed `dates`, and how many accounts and windows are off.

    `unbalanced` are keys whose balance less what was waived is not the award; `gaps`, whose
    revisions do not count from 0 or whose entries are not kept under them; `overdrawn`, of which
    less than nothing is waived.
    """
    by_key = books(
        awards, ledger, waived, windows, lambda day: day.isin(list(dates)), last=max(dates)
    )
    entries = F.col("entries")
    has_gap = (entries > 0) & (
        (F.col("last_revision") != entries - 1)
        | (F.col("revisions") * 2 != entries * (entries - 1))
    )

    def look(condition: Column) -> Look:
        in_money = [money(name).alias(name) for name in ("award", "posted", "given_up")]
        return lambda: by_key.where(condition).select(*ACCOUNT, *in_money, "entries")

    rows = by_key.agg(
        *(
            F.coalesce(F.sum(n), F.lit(0)).cast("bigint").alias(f"{n}_cents")
            for n in ("award", "posted", "given_up")
        ),
        count_where(is_unbalanced()).alias("unbalanced"),
        count_where(has_gap).alias("gaps"),
        count_where(is_overdrawn()).alias("overdrawn"),
    )
    looks = {"unbalanced": is_unbalanced(), "gaps": has_gap, "overdrawn": is_overdrawn()}
    return Laws(rows, {name: look(condition) for name, condition in looks.items()})


def payouts(payouts: DataFrame, ledger: DataFrame, run_date: date) -> Laws:
    """One row: what was posted under `run_date`, and what of it is to be paid, in cents."""
    of_run = F.col("run_date") == F.lit(run_date)
    amount = cents(F.col("amount"))
    sides = (
        ledger.where(of_run)
        .select(
            amount.alias("posted_cents"),
            F.lit(1).alias("posted"),
            F.lit(0).alias("paid_cents"),
            F.lit(0).alias("paid"),
        )
        .unionByName(
            payouts.where(of_run).select(
                F.lit(0).alias("posted_cents"),
                F.lit(0).alias("posted"),
                amount.alias("paid_cents"),
                F.col("entries").alias("paid"),
            )
        )
    )
    names = ("posted_cents", "posted", "paid_cents", "paid")
    return Laws(sides.agg(*(F.coalesce(F.sum(n), F.lit(0)).cast("bigint").alias(n) for n in names)))
