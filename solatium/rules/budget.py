"""A daily budget, to the cent (docs/rules.md section 8, step 5).

Amounts are scaled down and floored. The cents that are left over go one each to the largest cut-off
fractions. Choosing these is an allocation like that of a rush: the cents are the stock of a window,
and every award is an entry of size 1. So the awards of a date are never sorted as a whole.
"""

from __future__ import annotations

from decimal import Decimal

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from solatium.contracts.keys import COMPETITOR, NUMBER
from solatium.dataframes.event_keys import END
from solatium.dataframes.joins import look_up
from solatium.dataframes.keep import Keep, kept_nowhere
from solatium.dataframes.numbering import position_in_order
from solatium.rules.award_steps import stepped
from solatium.rules.stock import allocated
from solatium.settings.regimes import Regimes
from solatium.settings.sections import Regime

_CENTS = "decimal(19,0)"
_TOTAL = "decimal(28,0)"
_TEN_DIGITS = 10**10
_POT = ("business_date", "campaign")  # each has one budget


def scaled(awards: DataFrame, regimes: Regimes, keep: Keep = kept_nowhere) -> DataFrame:
    """The awards, with new `cents` and `reason` where a date and campaign exceed their budget.

    `awards` has the columns of `bonus_awards`, `campaign_id`, `regime` and `cents` bigint. It is
    read several times.
    """
    named = awards.withColumn("campaign", F.coalesce("campaign_id", F.lit("")))
    pots = _exceeded(named, regimes)
    cut = look_up(named, F.broadcast(pots), _POT, how="left")
    product = F.col("cents").cast(_CENTS) * F.col("budget")
    rest = product % F.col("total")
    cut = cut.withColumns(
        {
            "fraction": rest.cast(_TOTAL),
            "floored": F.call_function("div", product - rest, F.col("total")).cast("bigint"),
            "entry_id": F.concat_ws(END, "account_id", "commodity_id", "window_id"),
        }
    )
    lucky = allocated(_entries(keep(cut.where(F.col("total").isNotNull()), "cut_awards")), keep)
    one_more = lucky.select("entry_id", F.lit(1).cast("bigint").alias("one_more"))
    cents = F.col("floored") + F.coalesce("one_more", F.lit(0))
    with_one_more = look_up(cut, one_more, ["entry_id"], how="left")
    return stepped(with_one_more, "budget_scaled", cents.isNotNull(), cents).select(*awards.columns)


def _exceeded(named: DataFrame, regimes: Regimes) -> DataFrame:
    """The dates and campaigns whose `total` exceeds their `budget`, both in cents, numbered."""
    budget = regimes.setting(_budget, _CENTS)
    totals = named.groupBy(*_POT).agg(
        F.sum(F.col("cents").cast("decimal(18,0)")).cast(_TOTAL).alias("total"),
        F.min("regime").alias("regime"),  # all awards of a date and campaign have the same
    )
    return (
        totals.withColumn("budget", budget)
        .where(F.col("total") > F.col("budget"))
        .select(*_POT, "total", "budget", position_in_order(_POT).alias(NUMBER))
    )


def _budget(regime: Regime) -> Decimal | None:
    budget = regime.bonus.daily_budget
    return None if budget is None else budget * 100


def _entries(cut: DataFrame) -> DataFrame:
    """The awards with a cut-off fraction, as entries that compete for the cents left over."""
    left_over = cut.groupBy(NUMBER).agg(
        (F.max("budget") - F.sum("floored")).cast("bigint").alias("stock")
    )
    fraction = F.col("fraction")
    # a fraction that may exceed a bigint is ranked by its leading digits; the tie-break begins with
    # its last ten, subtracted from 9999999999 so that the largest comes first
    is_wide = F.col("total") > F.lit(2**63 - 1)
    high, rest = F.call_function("div", fraction, F.lit(_TEN_DIGITS)), fraction % F.lit(_TEN_DIGITS)
    rank = -F.when(is_wide, high).otherwise(fraction.try_cast("bigint"))
    low = F.lpad((F.lit(_TEN_DIGITS - 1) - rest).cast("bigint").cast("string"), 10, "0")
    return (
        cut.where("fraction > 0")
        .join(F.broadcast(left_over), on=NUMBER)
        .select(
            *COMPETITOR,
            F.lit(1).alias("size"),
            "stock",
            rank.alias("rank"),
            F.when(is_wide, F.concat(low, "entry_id"))
            .otherwise(F.col("entry_id"))
            .alias("tiebreak"),
        )
    )
