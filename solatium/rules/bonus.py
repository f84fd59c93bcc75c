"""Consolation bonus: what each counted failure is worth, and what of it is granted.

docs/rules.md section 8. Amounts are whole cents until the end.
"""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from solatium import contracts
from solatium.dataframes.keep import Keep, kept_nowhere
from solatium.dataframes.money import money
from solatium.rules import budget
from solatium.rules.award_steps import stepped
from solatium.rules.caps import capped
from solatium.rules.tiers import raw_amounts
from solatium.settings.regimes import Regimes


def bonus_awards(
    outcomes: DataFrame,
    allocations: DataFrame,
    windows: DataFrame,
    latest: DataFrame,
    regimes: Regimes,
    keep: Keep = kept_nowhere,
) -> DataFrame:
    """`bonus_awards`: one row per counted loss that has a tier, amounts of 0.00 included.

    `outcomes` are account outcomes of the dates of `allocations`; `latest` is from
    `accounts.latest_accounts` or `accounts.latest_accounts_by_date`.
    """
    raw = raw_amounts(outcomes, allocations, windows, regimes).withColumn(
        "cents", F.col("raw_cents")
    )
    sees: list[str] = [name for name in ("account_id", "business_date") if name in latest.columns]
    awards = raw.join(latest, on=sees, how="left").withColumn("reason", F.lit("granted"))
    is_ineligible = ~F.coalesce("eligible", F.lit(False))
    nothing = F.lit(0).cast("bigint")
    awards = stepped(awards, "served_by_platform", F.col("platform_outcome") == "won", nothing)
    awards = stepped(awards, "account_ineligible", is_ineligible, nothing)
    if regimes.any(lambda regime: regime.bonus.max_per_account_per_day is not None):
        awards = capped(awards, regimes)
    if regimes.any(lambda regime: regime.bonus.daily_budget is not None):
        awards = budget.scaled(keep(awards, "awards_before_budget"), regimes, keep)
    return contracts.warehouse("bonus_awards").shape(
        awards.withColumn("amount", money(F.col("cents"))).withColumn(
            "raw_amount", money(F.col("raw_cents"))
        )
    )
