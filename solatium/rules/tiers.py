"""Tiers of the bonus: what each counted loss is worth by its streak, before anything is cut.

docs/rules.md section 8, step 1. Amounts are whole cents.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from solatium.contracts.keys import ACCOUNT, WINDOW
from solatium.dataframes.money import whole_cents
from solatium.settings.regimes import Regimes
from solatium.settings.sections import Tier


def raw_amounts(
    outcomes: DataFrame, allocations: DataFrame, windows: DataFrame, regimes: Regimes
) -> DataFrame:
    """One row per counted loss that has a tier, with its raw amount `raw_cents`.

    Beside it: the columns of `outcomes`, `quantity` and `platform_outcome` of the allocation, and
    `currency`, `advance_amount`, `campaign_id`, `rush_close` and `regime` of the window.
    """
    currency = regimes.setting(lambda regime: regime.bonus.currency, "string")
    pay_from = regimes.setting(lambda regime: regime.bonus.pay_from, "date")
    most = regimes.setting(lambda regime: whole_cents(regime.bonus.max_single_award), "bigint")
    at_threshold = regimes.setting(lambda r: r.bonus.trigger == "at_threshold", "boolean")
    pays = F.coalesce(F.col("business_date") >= pay_from, F.lit(True))
    facts = windows.where((F.col("currency") == currency) & pays).select(
        *WINDOW, "currency", "advance_amount", "campaign_id", "rush_close", "regime"
    )
    amount = regimes.by(
        lambda regime: regime.bonus.tiers, _highest(lambda tier: _tier_cents(tier, most))
    )
    reached = regimes.by(lambda r: r.bonus.tiers, _highest(lambda tier: F.lit(tier.min_failures)))
    is_due = ~at_threshold | (F.col("consecutive_failures") == reached)
    return (
        outcomes.where(F.col("result") == "lost")
        .join(F.broadcast(facts), on=WINDOW)
        .where(reached.isNotNull() & is_due)
        .join(allocations.select(*ACCOUNT, "quantity", "platform_outcome"), on=ACCOUNT)
        .withColumn("raw_cents", F.least(amount, most))
    )


def _highest(value: Callable[[Tier], Column]) -> Callable[[tuple[Tier, ...]], Column]:
    """`value` of the tier with the greatest `min_failures` that a streak has reached, or null."""

    def of_tiers(tiers: tuple[Tier, ...]) -> Column:
        streak = F.col("consecutive_failures")
        return reduce(
            lambda below, tier: F.when(streak >= tier.min_failures, value(tier)).otherwise(below),
            tiers,
            F.lit(None).cast("bigint"),
        )

    return of_tiers


def _tier_cents(tier: Tier, most: Column) -> Column:
    """A tier's amount in cents, or `most`; a share of the advance is rounded half-even.

    A share is cut to `most` before it is divided, since the quotient may be no bigint.
    """
    if tier.amount is not None:
        return F.lit(int(tier.amount * 100)).cast("bigint")
    assert tier.advance_share is not None  # a tier has exactly one of the two
    share, parts = tier.advance_share.as_integer_ratio()
    advance = F.col("advance_amount").cast("decimal(18,2)") * 100
    numerator = advance.cast("decimal(18,0)") * F.col("quantity").cast("decimal(10,0)")
    numerator = (numerator * F.lit(share).cast("decimal(10,0)")).cast("decimal(38,0)")
    denominator = F.lit(parts).cast("decimal(10,0)")
    at_most = (most.cast("decimal(18,0)") * denominator).cast("decimal(38,0)")
    numerator = F.least(numerator, at_most)
    rest = (numerator % denominator).cast("decimal(10,0)")
    whole = F.call_function("div", numerator - rest, denominator).cast("bigint")
    twice = rest * 2
    is_up = (twice > denominator) | ((twice == denominator) & (whole % 2 == 1))
    return whole + is_up.cast("bigint")
