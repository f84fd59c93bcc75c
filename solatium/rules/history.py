"""Account history: outcomes that count, streaks, and what each account has been through.

docs/rules.md section 7. History is state: a night folds the outcomes of the dates it judges onto
the history as of the day before them.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from solatium import contracts
from solatium.contracts.keys import ACCOUNT_SCOPE, WINDOW
from solatium.contracts.outcomes import CAN_COUNT, TOOK_PLACE
from solatium.dataframes.counting import count_where
from solatium.dataframes.event_keys import key_part, time_key
from solatium.dataframes.grouping import together
from solatium.dataframes.joins import look_up
from solatium.rules.advances import advance_of
from solatium.settings.load import Settings
from solatium.settings.regimes import Regimes
from solatium.settings.sections import Regime

ORDER = ("business_date", "rush_close", *WINDOW)
_STREAK = "consecutive_failures"

# The pipeline's own: account_history as of the last date that is closed.
CLOSED = replace(contracts.warehouse("account_history"), name="_account_history_closed")


def account_outcomes(
    allocations: DataFrame,
    windows: DataFrame,
    opening: DataFrame,
    settings: Settings,
    regimes: Regimes,
) -> DataFrame:
    """`account_outcomes` of the dates of `allocations`: one row per outcome that counts.

    The outcomes of an account are put into one list and gone through in order: accounts are many
    and their lists short, for which engines' window functions take several times as long. They are
    brought together before they are grouped, or Sail would make lists on both sides of the way.
    `opening` is `account_history` as of the day before the first of these dates.
    """
    in_order = F.array_sort(F.collect_list(F.struct(*ORDER, "result", "regime")))
    countable = _countable(allocations, windows, settings, regimes)
    lives = (
        together(countable, ACCOUNT_SCOPE)
        .groupBy(*ACCOUNT_SCOPE)
        .agg(in_order.alias("outcomes"))
        .join(_before(opening), on=ACCOUNT_SCOPE, how="left")
    )
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
    """What an outcome makes of what an account has been through in the dates that are counted.

    `streak` and `day` are those after the last outcome that counted, `losses` how many counted on
    that day, and `streaks` has a number for each outcome, null for those that do not count.
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
    """`account_history`: `opening` with the account outcomes of later dates added to it."""
    result, day = F.col("result"), F.col("business_date")

    # history order as one string, with the streak after the outcome at its end
    place = time_key(
        F.col("rush_close"),
        F.col("commodity_id"),
        F.col("window_id"),
        F.col("consecutive_failures").cast("string"),
    )
    placed = look_up(outcomes, F.broadcast(windows.select(*WINDOW, "rush_close")), WINDOW)
    added = (
        together(placed, ACCOUNT_SCOPE)
        .groupBy(*ACCOUNT_SCOPE)
        .agg(
            F.count("*").alias("attempts"),
            count_where(result == "won").alias("wins"),
            count_where(result == "lost").alias("failures"),
            count_where(result == "forfeited").alias("forfeits"),
            F.max(F.concat(day.cast("string"), place)).alias("last"),
            F.max("consecutive_failures").alias("longest_streak"),
            F.min(day).alias("first_business_date"),
            F.max(day).alias("last_business_date"),
            F.max(F.when(result == "won", day)).alias("last_win_date"),
            F.max(F.when(result == "lost", day)).alias("last_failure_date"),
        )
        .withColumn("streak", key_part(F.col("last"), 2).cast("int"))
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
    """What the streak of a window's outcomes runs over."""
    column = {"all": None, "campaign": "campaign_id", "category": "category"}[
        settings.history.scope
    ]
    return F.coalesce(column, F.lit("")) if column else F.lit("")


def points(
    accounts: DataFrame, opening: DataFrame, settings: Settings, regimes: Regimes
) -> DataFrame:
    """`accounts` with `points` int: the streak with which they enter a weighted lottery.

    A row of `accounts` is an account in a window, with the columns of the window that matter here
    (`business_date`, `campaign_id`, `category`, `regime`). `opening` is `account_history` of all
    outcomes before the business date.
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
    """The streak that an account and scope come with, and the date of their last outcome."""
    return opening.select(
        *ACCOUNT_SCOPE,
        F.col("consecutive_failures").alias("opening_streak"),
        F.col("last_business_date").alias("opening_date"),
    )


def _is_expired(day: Column, previous: Column, regimes: Regimes, regime: Column) -> Column:
    """Whether more than `streak_expiry_days` lie between two outcomes; false without an earlier."""
    most = regimes.setting(lambda r: r.history.streak_expiry_days, "int", regime)
    return F.coalesce(F.datediff(day, previous) > most, F.lit(False))


def _countable(
    allocations: DataFrame, windows: DataFrame, settings: Settings, regimes: Regimes
) -> DataFrame:
    """Outcomes that can count, with what history order and the bonus need of their windows."""
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
