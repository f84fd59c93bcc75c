"""Account history: outcomes that count, streaks, and what each account has been through.

docs/rules.md section 7. History is state: a night folds the outcomes of the dates it judges onto
the history as of the day before them.
"""

from __future__ import annotations

from dataclasses import replace

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from solatium import contracts
from solatium.ordering import event_key, key_field
from solatium.regimes import Regimes
from solatium.setting_sections import Regime
from solatium.settings import Settings
from solatium.windows import KEY

ACCOUNT_SCOPE = ("account_id", "scope")
ORDER = ("business_date", "rush_close", *KEY)

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

    `opening` is `account_history` as of the day before the first of these dates.
    """
    counted = _within_daily_limit(_countable(allocations, windows, settings, regimes), regimes)
    in_order = Window.partitionBy(*ACCOUNT_SCOPE).orderBy(*ORDER)
    result = F.col("result")
    resets = regimes.setting(lambda regime: regime.history.forfeit_resets_streak, "boolean")
    sets_to_zero = (result == "won") | ((result == "forfeited") & resets)
    previous = F.coalesce(F.lag("business_date").over(in_order), F.col("opening_date"))
    is_expired = _is_expired(F.col("business_date"), previous, regimes)
    # A run of outcomes begins where the streak is set to zero; in it, every loss adds one.
    runs = (
        counted.join(_before(opening), on=list(ACCOUNT_SCOPE), how="left")
        .withColumn("begins", (is_expired | sets_to_zero).cast("int"))
        .withColumn("run", F.sum("begins").over(in_order))
    )
    in_run = Window.partitionBy(*ACCOUNT_SCOPE, "run").orderBy(*ORDER)
    carried = F.when(F.col("run") == 0, F.coalesce("opening_streak", F.lit(0))).otherwise(F.lit(0))
    streak = F.sum((result == "lost").cast("int")).over(in_run) + carried
    return contracts.warehouse("account_outcomes").shape(
        runs.withColumn("consecutive_failures", streak)
    )


def account_history(opening: DataFrame, outcomes: DataFrame, windows: DataFrame) -> DataFrame:
    """`account_history`: `opening` with the account outcomes of later dates added to it."""
    result, day = F.col("result"), F.col("business_date")

    def number(name: str) -> Column:
        return F.count(F.when(result == name, F.lit(1)))

    # history order as one string, with the streak after the outcome at its end
    place = event_key(
        F.col("rush_close"),
        F.col("commodity_id"),
        F.col("window_id"),
        F.col("consecutive_failures").cast("string"),
    )
    added = (
        outcomes.join(F.broadcast(windows.select(*KEY, "rush_close")), on=list(KEY))
        .groupBy(*ACCOUNT_SCOPE)
        .agg(
            F.count("*").alias("attempts"),
            number("won").alias("wins"),
            number("lost").alias("failures"),
            number("forfeited").alias("forfeits"),
            F.max(F.concat(day.cast("string"), place)).alias("last"),
            F.max("consecutive_failures").alias("longest_streak"),
            F.min(day).alias("first_business_date"),
            F.max(day).alias("last_business_date"),
            F.max(F.when(result == "won", day)).alias("last_win_date"),
            F.max(F.when(result == "lost", day)).alias("last_failure_date"),
        )
        .withColumn("streak", key_field(F.col("last"), 1).cast("int"))
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
    is_expired = _is_expired(F.col("business_date"), F.col("opening_date"), regimes)
    streak = F.when(~is_expired, F.col("opening_streak"))
    return (
        accounts.withColumn("scope", scope(settings))
        .join(_before(opening), on=list(ACCOUNT_SCOPE), how="left")
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


def _is_expired(day: Column, previous: Column, regimes: Regimes) -> Column:
    """Whether more than `streak_expiry_days` lie between two outcomes; false without an earlier."""
    most = regimes.setting(lambda regime: regime.history.streak_expiry_days, "int")
    return F.coalesce(F.datediff(day, previous) > most, F.lit(False))


def _countable(
    allocations: DataFrame, windows: DataFrame, settings: Settings, regimes: Regimes
) -> DataFrame:
    """Outcomes that can count, with what history order and the bonus need of their windows."""
    source = "outcome" if settings.outcome_source == "replay" else "platform_outcome"
    facts = windows.select(
        *KEY,
        "rush_open",
        "rush_close",
        "policy",
        "advance_amount",
        "regime",
        scope(settings).alias("scope"),
    )
    took_place = F.col("outcome").isin("won", "lost", "forfeited", "voided")
    result = F.col(source)
    advance = F.col("advance_amount") * F.col("quantity").cast("decimal(10,0)")
    least = regimes.setting(lambda regime: regime.history.min_advance, "decimal(18,2)")
    limit = regimes.setting(_within_micros, "bigint")
    waited = F.unix_micros("attempted_at") - F.unix_micros("rush_open")
    too_late = F.coalesce((F.col("policy") == "first_come") & (waited >= limit), F.lit(False))
    loss_counts = (advance >= least) & ~too_late
    return (
        allocations.where(took_place & result.isin("won", "lost", "forfeited"))
        .join(F.broadcast(facts), on=list(KEY))
        .where((result != "lost") | loss_counts)
        .select("account_id", "scope", *ORDER, "regime", result.alias("result"))
    )


def _within_micros(regime: Regime) -> int | None:
    seconds = regime.history.attempt_within_seconds
    return None if seconds is None else seconds * 1_000_000


def _within_daily_limit(countable: DataFrame, regimes: Regimes) -> DataFrame:
    """Leaves out, of an account's losses of one date, those after the first few."""
    if not regimes.any(lambda regime: regime.history.max_failures_per_day is not None):
        return countable
    most = regimes.setting(lambda regime: regime.history.max_failures_per_day, "int")
    of_day = Window.partitionBy(*ACCOUNT_SCOPE, "business_date", F.col("result") == "lost")
    place = F.row_number().over(of_day.orderBy("rush_close", *KEY))
    return countable.withColumn("place", place).where(
        (F.col("result") != "lost") | most.isNull() | (F.col("place") <= most)
    )
