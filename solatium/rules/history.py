"""Account history: outcomes that count, streaks, and the totals of each account.

docs/rules.md section 7. History is state: a night adds the outcomes of the dates that it evaluates
to the history as of the day before them.
"""

from __future__ import annotations

from functools import partial

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from solatium import contracts
from solatium.contracts.keys import ACCOUNT_SCOPE, WINDOW
from solatium.contracts.outcomes import CAN_COUNT, TOOK_PLACE
from solatium.dataframes.counting import count_where
from solatium.dataframes.grouping import together
from solatium.dataframes.joins import look_up
from solatium.dataframes.numbering import position_in_order
from solatium.rules.advances import advance_of
from solatium.settings.load import Settings
from solatium.settings.regimes import Regimes
from solatium.settings.sections import Regime

ORDER = ("business_date", "rush_close", *WINDOW)
_STREAK = "consecutive_failures"
_STREAKS = 2**32  # more than any streak


def account_outcomes(
    allocations: DataFrame,
    windows: DataFrame,
    opening: DataFrame,
    settings: Settings,
    regimes: Regimes,
) -> DataFrame:
    """`account_outcomes` of the dates of `allocations`: one row per outcome that counts.

    The outcomes of an account are collected into one sorted list, which is folded. Accounts are
    many and their lists short, and engines' window functions take several times as long. Rows are
    repartitioned first, or Sail would build lists on both sides of the shuffle. `opening` is
    `account_history` as of the day before the first of these dates.
    """
    in_order = F.array_sort(F.collect_list(F.struct(*ORDER, "result", "regime")))
    countable = _countable(allocations, windows, settings, regimes)
    # Sail takes four times as long to group by a scope that it knows to be the same everywhere
    has_scopes = settings.history.scope != "all"
    keys = ACCOUNT_SCOPE if has_scopes else ["account_id"]
    lives = together(countable, keys).groupBy(*keys).agg(in_order.alias("outcomes"))
    if not has_scopes:
        lives = lives.withColumn("scope", scope(settings))
    lives = lives.join(_before(opening), on=ACCOUNT_SCOPE, how="left")
    start = F.struct(
        F.coalesce("opening_streak", F.lit(0)).alias("streak"),
        F.col("opening_date").alias("day"),
        F.lit(0).alias("losses"),
        F.array().cast("array<int>").alias("streaks"),
    )
    streaks = F.aggregate("outcomes", start, partial(_lived_through, regimes))["streaks"]
    each = F.explode(F.arrays_zip("outcomes", streaks.alias("streaks"))).alias("each")
    return contracts.warehouse("account_outcomes").shape(
        lives.select(*ACCOUNT_SCOPE, each)
        .select(*ACCOUNT_SCOPE, "each.outcomes.*", F.col("each.streaks").alias(_STREAK))
        .where(F.col(_STREAK).isNotNull())
    )


def _lived_through(regimes: Regimes, before: Column, outcome: Column) -> Column:
    """One fold step: the account's state after this outcome.

    `streak` and `day` belong to the last outcome that counted. `losses` is the number of losses
    that counted on that day. `streaks` has a number for each outcome: the streak after it, or null
    where it does not count.
    """
    day, result, regime = (outcome[name] for name in ("business_date", "result", "regime"))
    is_lost = result == "lost"
    losses = F.when(before["day"] == day, before["losses"]).otherwise(F.lit(0))
    most = regimes.setting(lambda r: r.history.max_failures_per_day, "int", regime)
    counts = F.coalesce(~is_lost | (losses < most), F.lit(True))
    resets = regimes.setting(lambda r: r.history.forfeit_resets_streak, "boolean", regime)
    is_over = _is_expired(day, before["day"], regimes, regime)
    is_over = is_over | (result == "won") | ((result == "forfeited") & resets)
    carried = F.when(is_over, F.lit(0)).otherwise(before["streak"])
    streak, one_more = carried + is_lost.cast("int"), losses + is_lost.cast("int")
    return F.struct(
        F.when(counts, streak).otherwise(before["streak"]).alias("streak"),
        F.when(counts, day).otherwise(before["day"]).alias("day"),
        F.when(counts, one_more).otherwise(before["losses"]).alias("losses"),
        F.concat(before["streaks"], F.array(F.when(counts, streak))).alias("streaks"),
    )


def account_history(opening: DataFrame, outcomes: DataFrame, windows: DataFrame) -> DataFrame:
    """`account_history`: `opening` plus the account outcomes of later dates.

    The last outcome of an account is that of the window with the greatest position in history
    order; position and streak are one number, since an engine may sort for a maximum of texts.
    """
    result, day = F.col("result"), F.col("business_date")
    in_order = windows.select(*WINDOW, position_in_order(ORDER).cast("bigint").alias("position"))
    placed = look_up(outcomes, F.broadcast(in_order), WINDOW)
    added = (
        together(placed, ACCOUNT_SCOPE)
        .groupBy(*ACCOUNT_SCOPE)
        .agg(
            F.count("*").alias("attempts"),
            count_where(result == "won").alias("wins"),
            count_where(result == "lost").alias("failures"),
            count_where(result == "forfeited").alias("forfeits"),
            F.max(F.col("position") * _STREAKS + F.col(_STREAK)).alias("last"),
            F.max(_STREAK).alias("longest_streak"),
            F.min(day).alias("first_business_date"),
            F.max(day).alias("last_business_date"),
            F.max(F.when(result == "won", day)).alias("last_win_date"),
            F.max(F.when(result == "lost", day)).alias("last_failure_date"),
        )
        .withColumn("streak", F.pmod("last", F.lit(_STREAKS)).cast("int"))
    )
    old, new = opening.alias("old"), added.alias("new")
    on = (F.col("old.account_id") == F.col("new.account_id")) & (
        F.col("old.scope") == F.col("new.scope")
    )

    def either(column: str) -> Column:
        return F.coalesce(F.col(f"new.{column}"), F.col(f"old.{column}")).alias(column)

    def total(column: str) -> Column:
        sides = [F.coalesce(F.col(f"{side}.{column}"), F.lit(0)) for side in ("old", "new")]
        return (sides[0] + sides[1]).alias(column)

    streak = F.coalesce(F.col("new.streak"), F.col("old.consecutive_failures"))
    first = F.coalesce(F.col("old.first_business_date"), F.col("new.first_business_date"))
    return contracts.warehouse("account_history").shape(
        old.join(new, on=on, how="full").select(
            either("account_id"),
            either("scope"),
            *(total(column) for column in ("attempts", "wins", "failures", "forfeits")),
            streak.alias("consecutive_failures"),
            F.greatest("old.longest_streak", "new.longest_streak").alias("longest_streak"),
            first.alias("first_business_date"),
            either("last_business_date"),
            either("last_win_date"),
            either("last_failure_date"),
        )
    )


def scope(settings: Settings) -> Column:
    """The scope of a window's outcomes: what a streak runs over."""
    column = {"all": None, "campaign": "campaign_id", "category": "category"}[
        settings.history.scope
    ]
    return F.coalesce(column, F.lit("")) if column else F.lit("")


def points(
    accounts: DataFrame, opening: DataFrame, settings: Settings, regimes: Regimes
) -> DataFrame:
    """`accounts` with `points` int: the streak with which they enter a weighted lottery.

    A row of `accounts` is an account in a window, with the window's `business_date`, `campaign_id`,
    `category` and `regime`. `opening` is `account_history` of all outcomes before the business
    date.
    """
    is_expired = _is_expired(
        F.col("business_date"), F.col("opening_date"), regimes, F.col("regime")
    )
    streak = F.when(~is_expired, F.col("opening_streak"))
    return (
        accounts.withColumn("scope", scope(settings))
        .join(_before(opening), on=ACCOUNT_SCOPE, how="left")
        .withColumn("points", F.coalesce(streak, F.lit(0)))
        .drop("scope", "opening_streak", "opening_date")
    )


def _before(opening: DataFrame) -> DataFrame:
    """The streak of each account and scope in `opening`, and the date of its last outcome."""
    return opening.select(
        *ACCOUNT_SCOPE,
        F.col("consecutive_failures").alias("opening_streak"),
        F.col("last_business_date").alias("opening_date"),
    )


def _is_expired(day: Column, previous: Column, regimes: Regimes, regime: Column) -> Column:
    """Whether two outcomes are more than `streak_expiry_days` apart; false without a previous."""
    most = regimes.setting(lambda r: r.history.streak_expiry_days, "int", regime)
    return F.coalesce(F.datediff(day, previous) > most, F.lit(False))


def _countable(
    allocations: DataFrame, windows: DataFrame, settings: Settings, regimes: Regimes
) -> DataFrame:
    """Outcomes that can count, with the columns of their windows that history order needs."""
    source = "outcome" if settings.outcome_source == "replay" else "platform_outcome"
    facts = windows.select(
        *WINDOW,
        "rush_open",
        "rush_close",
        "policy",
        "advance_amount",
        "regime",
        scope(settings).alias("scope"),
    )
    took_place = F.col("outcome").isin(*TOOK_PLACE)
    result = F.col(source)
    advance = advance_of(F.col("quantity"))
    least = regimes.setting(lambda regime: regime.history.min_advance, "decimal(18,2)")
    limit = regimes.setting(_within_micros, "bigint")
    waited = F.unix_micros("attempted_at") - F.unix_micros("rush_open")
    too_late = F.coalesce((F.col("policy") == "first_come") & (waited >= limit), F.lit(False))
    loss_counts = (advance >= least) & ~too_late
    results = allocations.where(took_place & result.isin(*CAN_COUNT))
    return (
        look_up(results, F.broadcast(facts), WINDOW)
        .where((result != "lost") | loss_counts)
        .select(*ACCOUNT_SCOPE, *ORDER, "regime", result.alias("result"))
    )


def _within_micros(regime: Regime) -> int | None:
    seconds = regime.history.attempt_within_seconds
    return None if seconds is None else seconds * 1_000_000
