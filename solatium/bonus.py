"""Consolation bonus: what each counted failure is worth, and what of it is granted.

docs/rules.md section 8. Amounts are whole cents until the end. Each step takes the amounts that the
step before left, and gives its reason where it changes one.
"""

from __future__ import annotations

from functools import reduce

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from solatium import contracts
from solatium.activity import ACCOUNT
from solatium.ordering import content
from solatium.settings import Bonus, Tier
from solatium.windows import KEY


def latest_accounts(accounts: DataFrame) -> DataFrame:
    """Of each account, whether its latest version is `eligible`: active, and not blacklisted."""
    order = Window.partitionBy("account_id").orderBy(
        *(F.col(name).desc() for name in ("updated_at", "dt", "content"))
    )
    is_blacklisted = F.coalesce("blacklisted", F.lit(False))
    return (
        accounts.withColumn("content", content(contracts.landing("accounts")))
        .withColumn("place", F.row_number().over(order))
        .where("place = 1")
        .select("account_id", ((F.col("status") == "active") & ~is_blacklisted).alias("eligible"))
    )


def bonus_awards(
    outcomes: DataFrame,
    allocations: DataFrame,
    windows: DataFrame,
    latest: DataFrame,
    settings: Bonus,
) -> DataFrame:
    """`bonus_awards`: one row per counted loss that has a tier, amounts of 0.00 included.

    `outcomes` are account outcomes of the dates of `allocations`, `latest` from `latest_accounts`.
    """
    raw = _raw(outcomes, allocations, windows, settings)
    with_account = raw.join(latest, on="account_id", how="left")
    is_served = F.col("platform_outcome") == "won"
    is_ineligible = ~F.coalesce("eligible", F.lit(False))
    steps = {"served_by_platform": is_served, "account_ineligible": is_ineligible}
    amount, reason = F.col("raw_cents"), F.lit("granted")
    for code, takes_all in steps.items():
        reason = F.when(takes_all & (amount > 0), F.lit(code)).otherwise(reason)
        amount = F.when(takes_all, F.lit(0).cast("bigint")).otherwise(amount)
    return contracts.warehouse("bonus_awards").shape(
        with_account.withColumn("amount", money(amount))
        .withColumn("reason", reason)
        .withColumn("raw_amount", money(F.col("raw_cents")))
    )


def cents(amount: Column) -> Column:
    """An amount of money as whole cents."""
    return (amount * 100).cast("bigint")


def money(cents: Column) -> Column:
    """Whole cents as an amount of money."""
    return (cents.cast("decimal(18,0)") * F.lit("0.01").cast("decimal(2,2)")).cast("decimal(18,2)")


def _raw(
    outcomes: DataFrame, allocations: DataFrame, windows: DataFrame, settings: Bonus
) -> DataFrame:
    """One row per counted loss that has a tier, with `raw_cents`."""
    facts = windows.where(F.col("currency") == settings.currency).select(
        *KEY, "currency", "advance_amount"
    )
    streak = F.col("consecutive_failures")
    losses = outcomes.where(F.col("result") == "lost")
    if settings.pay_from is not None:
        losses = losses.where(F.col("business_date") >= F.lit(settings.pay_from))
    if settings.trigger == "at_threshold":
        losses = losses.where(streak.isin([tier.min_failures for tier in settings.tiers]))
    joined = losses.join(F.broadcast(facts), on=list(KEY)).join(
        allocations.select(*ACCOUNT, "quantity", "platform_outcome"), on=list(ACCOUNT)
    )
    highest = sorted(settings.tiers, key=lambda tier: tier.min_failures)
    amount = reduce(
        lambda below, tier: F.when(streak >= tier.min_failures, _tier_cents(tier)).otherwise(below),
        highest,
        F.lit(None).cast("bigint"),
    )
    most = F.lit(int(settings.max_single_award * 100)).cast("bigint")
    return joined.withColumn("raw_cents", F.least(amount, most)).where(amount.isNotNull())


def _tier_cents(tier: Tier) -> Column:
    """A tier's amount in cents; a share of the advance is rounded half-even."""
    if tier.amount is not None:
        return F.lit(int(tier.amount * 100)).cast("bigint")
    assert tier.advance_share is not None  # a tier has one of the two
    share, parts = tier.advance_share.as_integer_ratio()
    advance = F.col("advance_amount").cast("decimal(18,2)") * 100
    numerator = advance.cast("decimal(18,0)") * F.col("quantity").cast("decimal(10,0)")
    numerator = (numerator * F.lit(share).cast("decimal(10,0)")).cast("decimal(38,0)")
    denominator = F.lit(parts).cast("decimal(10,0)")
    rest = (numerator % denominator).cast("decimal(10,0)")
    whole = F.call_function("div", numerator - rest, denominator).cast("bigint")
    twice = rest * 2
    is_up = (twice > denominator) | ((twice == denominator) & (whole % 2 == 1))
    return whole + is_up.cast("bigint")
