"""Consolation bonus: what each counted failure is worth, and what of it is granted.

docs/rules.md section 8. Amounts are whole cents until the end. Each step takes the amounts that the
step before left, and gives its reason where it changes one.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from solatium import contracts
from solatium.contracts.keys import ACCOUNT, WINDOW
from solatium.dataframes.event_keys import content
from solatium.dataframes.keep import Keep, kept_nowhere
from solatium.dataframes.money import money, whole_cents
from solatium.rules import budget
from solatium.settings.regimes import Regimes
from solatium.settings.sections import Tier

_VERSION = ("updated_at", "dt", "content")


def latest_accounts(versions: DataFrame) -> DataFrame:
    """Of each account, whether its latest version is `eligible`: active, and not blacklisted.

    `versions` from `screening.account_versions`.
    """
    latest = versions.where(F.col("superseded_at").isNull())
    return latest.select("account_id", _is_eligible().alias("eligible"))


def latest_accounts_by_date(accounts: DataFrame, losses: DataFrame, grace_days: int) -> DataFrame:
    """The same for the accounts and business dates of `losses`, which see versions of their own.

    One row per account and business date.
    """
    asked = losses.select("account_id", "business_date").distinct()
    in_sight = F.col("dt") <= F.date_add("business_date", grace_days)
    order = Window.partitionBy("account_id", "business_date").orderBy(
        *(F.col(name).desc() for name in _VERSION)
    )
    return (
        accounts.withColumn("content", content(contracts.landing("accounts")))
        .join(asked, on="account_id")
        .where(in_sight)
        .withColumn("place", F.row_number().over(order))
        .where("place = 1")
        .select("account_id", "business_date", _is_eligible().alias("eligible"))
    )


def _is_eligible() -> Column:
    return (F.col("status") == "active") & ~F.coalesce("blacklisted", F.lit(False))


def bonus_awards(
    outcomes: DataFrame,
    allocations: DataFrame,
    windows: DataFrame,
    latest: DataFrame,
    regimes: Regimes,
    keep: Keep = kept_nowhere,
) -> DataFrame:
    """`bonus_awards`: one row per counted loss that has a tier, amounts of 0.00 included.

    `outcomes` are account outcomes of the dates of `allocations`, `latest` from `latest_accounts`
    or `latest_accounts_by_date`.
    """
    raw = _raw(outcomes, allocations, windows, regimes).withColumn("cents", F.col("raw_cents"))
    sees: list[str] = [name for name in ("account_id", "business_date") if name in latest.columns]
    awards = raw.join(latest, on=sees, how="left").withColumn("reason", F.lit("granted"))
    is_ineligible = ~F.coalesce("eligible", F.lit(False))
    nothing = F.lit(0).cast("bigint")
    awards = _stepped(awards, "served_by_platform", F.col("platform_outcome") == "won", nothing)
    awards = _stepped(awards, "account_ineligible", is_ineligible, nothing)
    if regimes.any(lambda regime: regime.bonus.max_per_account_per_day is not None):
        awards = _capped(awards, regimes)
    if regimes.any(lambda regime: regime.bonus.daily_budget is not None):
        awards = budget.scaled(keep(awards, "awards_before_budget"), regimes, keep)
    return contracts.warehouse("bonus_awards").shape(
        awards.withColumn("amount", money(F.col("cents"))).withColumn(
            "raw_amount", money(F.col("raw_cents"))
        )
    )


def _stepped(awards: DataFrame, code: str, holds: Column, cents: Column) -> DataFrame:
    """The amounts after a step: `cents` where it holds, with its reason where that is another."""
    changes = holds & (F.col("cents") != cents)
    return awards.withColumns(
        {
            "reason": F.when(changes, F.lit(code)).otherwise(F.col("reason")),
            "cents": F.when(changes, cents).otherwise(F.col("cents")),
        }
    )


def _capped(awards: DataFrame, regimes: Regimes) -> DataFrame:
    """One account's amounts of a date and campaign, in history order, up to the cap."""
    cap = regimes.setting(lambda r: whole_cents(r.bonus.max_per_account_per_day), "bigint")
    of_day = Window.partitionBy("account_id", "business_date", "campaign_id")
    in_order = of_day.orderBy("rush_close", *WINDOW)
    # what is cut from earlier ones is cut to the cap, so the sum of whole amounts says enough
    until = F.sum("cents").over(in_order).cast("decimal(38,0)")
    left = F.greatest(cap - (until - F.col("cents")), F.lit(0)).cast("bigint")
    granted = F.least(F.col("cents"), left)
    return _stepped(
        awards.withColumn("granted", granted), "capped", cap.isNotNull(), F.col("granted")
    ).drop("granted")


def _raw(
    outcomes: DataFrame, allocations: DataFrame, windows: DataFrame, regimes: Regimes
) -> DataFrame:
    """One row per counted loss that has a tier, with `raw_cents`."""
    currency = regimes.setting(lambda regime: regime.bonus.currency, "string")
    pay_from = regimes.setting(lambda regime: regime.bonus.pay_from, "date")
    most = regimes.setting(lambda regime: whole_cents(regime.bonus.max_single_award), "bigint")
    at_threshold = regimes.setting(lambda r: r.bonus.trigger == "at_threshold", "boolean")
    pays = F.coalesce(F.col("business_date") >= pay_from, F.lit(True))
    facts = windows.where((F.col("currency") == currency) & pays).select(
        *WINDOW, "currency", "advance_amount", "campaign_id", "rush_close", "regime"
    )
    amount = regimes.by(lambda regime: regime.bonus.tiers, _highest(_tier_cents))
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
    """What `value` makes of the tier with the greatest `min_failures` that a streak has reached."""

    def of_tiers(tiers: tuple[Tier, ...]) -> Column:
        streak = F.col("consecutive_failures")
        return reduce(
            lambda below, tier: F.when(streak >= tier.min_failures, value(tier)).otherwise(below),
            tiers,
            F.lit(None).cast("bigint"),
        )

    return of_tiers


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
