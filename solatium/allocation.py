"""The rush replayed: who entered, in which order, who was allocated, and with what outcome.

docs/rules.md sections 5 and 6.
"""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from solatium import contracts, draw
from solatium.activity import ACCOUNT, ORDER_STATES
from solatium.ordering import key_field, key_id, key_time
from solatium.screening import is_ready
from solatium.selection import ENTRY, Keep, allocated, kept_nowhere
from solatium.windows import KEY


def allocate(
    screened: DataFrame, activity: DataFrame, windows: DataFrame, keep: Keep = kept_nowhere
) -> DataFrame:
    """`allocations`: one row per ready account of every window that is not held.

    `screened` is from `screening.screen`, `activity` from `activity.activity`, `windows` are those
    in force.
    """
    ready = keep(_ready(screened, activity, windows), "ready")
    won = allocated(_entries(ready), keep).withColumn("is_allocated", F.lit(True))
    judged = ready.join(won, on=list(ENTRY), how="left")
    table = contracts.warehouse("allocations")
    return table.shape(
        judged.withColumn("outcome", _outcome())
        .withColumn("weight", F.when(F.col("ticket").isNotNull(), F.lit(1)))
        .withColumn("platform_outcome", platform_outcome())
    )


def platform_outcome() -> Column:
    """What the platform's own order log says of an account."""
    state = F.col("order_state")
    cancelled, voided = ORDER_STATES.index("cancelled"), ORDER_STATES.index("voided")
    return (
        F.when(state.isNull(), "none")
        .when(state == ORDER_STATES.index("confirmed"), "won")
        .when((state == cancelled) & F.col("cancelled_after_confirmation"), "forfeited")
        .when((state == voided) & F.col("voided_after_confirmation"), "voided")
        .otherwise("lost")
    )


def _ready(screened: DataFrame, activity: DataFrame, windows: DataFrame) -> DataFrame:
    """One row per ready account of a window that is not held: its entry and its order facts."""
    facts = windows.where(F.col("held").isNull()).select(
        *KEY, "policy", "stock", "min_qualified", "seed"
    )
    ready = screened.where(is_ready()).join(F.broadcast(facts), on=list(KEY))
    formed = (
        ready.groupBy(*KEY)
        .agg((F.count("*") >= F.min("min_qualified")).alias("is_formed"))
        .select(*KEY, "is_formed")
    )
    orders = activity.select(
        *ACCOUNT,
        "order_state",
        "cancelled_after_confirmation",
        "voided_after_confirmation",
        "attempt",
    )
    is_first_come = F.col("policy") == "first_come"
    formed_lottery = F.col("is_formed") & ~is_first_come
    attempt = F.when(F.col("is_formed") & is_first_come, F.col("attempt"))
    ordered = key_field(attempt, 0).cast("int")
    ticket = draw.ticket(
        F.col("seed"), F.col("commodity_id"), F.col("window_id"), F.col("account_id")
    )
    return (
        ready.join(F.broadcast(formed), on=list(KEY))
        .join(orders, on=list(ACCOUNT))
        .select(
            *ACCOUNT,
            "business_date",
            "quantity",
            "stock",
            "is_formed",
            is_first_come.alias("is_first_come"),
            F.col("account_id").alias("entry_id"),
            F.when(ordered >= 1, F.least("quantity", ordered))
            .otherwise(F.col("quantity"))
            .alias("size"),
            F.when(formed_lottery, ticket).alias("ticket"),
            key_time(attempt).alias("attempted_at"),
            key_id(attempt).alias("attempt_id"),
            "order_state",
            "cancelled_after_confirmation",
            "voided_after_confirmation",
        )
    )


def _entries(ready: DataFrame) -> DataFrame:
    """The entries that compete for stock, with the order in which they are taken."""
    ticket = F.col("ticket")
    takes_part = F.col("is_formed") & (~F.col("is_first_come") | F.col("attempt_id").isNotNull())
    rank = F.when(F.col("is_first_come"), F.unix_micros("attempted_at")).otherwise(
        draw.rank(ticket)
    )
    tiebreak = F.when(F.col("is_first_come"), F.col("attempt_id")).otherwise(
        draw.tiebreak(ticket, F.col("entry_id"))
    )
    return ready.where(takes_part).select(
        *ENTRY, "size", "stock", rank.alias("rank"), tiebreak.alias("tiebreak")
    )


def _outcome() -> Column:
    state = F.col("order_state")
    return (
        F.when(~F.col("is_formed"), "not_formed")
        .when(F.col("is_first_come") & F.col("attempted_at").isNull(), "no_attempt")
        .when(F.col("size") > F.col("stock"), "cannot_fit")
        .when(F.col("is_allocated").isNull(), "lost")
        .when(state == ORDER_STATES.index("cancelled"), "forfeited")
        .when(state == ORDER_STATES.index("voided"), "voided")
        .otherwise("won")
    )
