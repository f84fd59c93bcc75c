"""What each account did in each window: the three event logs in one aggregation.

Participation, payments and orders of one window and account are brought to one shape, put together
and grouped once (docs/rules.md sections 4 to 6). One row is one account with at least one visible
event in a due window. The latest and earliest events are maxima and minima of one string each.
"""

from __future__ import annotations

from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from solatium.ordering import event_key, key_field, without_end
from solatium.windows import KEY

ACCOUNT = (*KEY, "account_id")

# Order states, first that holds (docs/rules.md section 6).
ORDER_STATES = ("confirmed", "submitted", "cancelled", "voided", "failed")

# The fields of the event keys, in their places. A device is no id: it may hold any character, and
# is only ever compared with others.
JOIN_FIELDS = ("event_type", "quantity", "team_id", "device_id")


def activity(
    participation: DataFrame, payment: DataFrame, orders: DataFrame, windows: DataFrame
) -> DataFrame:
    """One row per window and account; `windows` are those in force that are judged.

    Columns beside the key: `took_part` boolean; `latest_event` (event key with JOIN_FIELDS) of the
    application period, null without one; `joined_at`; `advance_net` decimal and `advance_paid`
    boolean of payments before the rush; `advance_held` decimal of payments of all times;
    `order_state` int (place in ORDER_STATES); `cancelled_after_confirmation`,
    `voided_after_confirmation` boolean; `attempt` (event key with the quantity) of the earliest
    submission in the rush; `confirmed_units` bigint.
    """
    times = F.broadcast(
        windows.select(
            *KEY,
            "application_open",
            "application_close",
            "rush_open",
            "rush_close",
            F.col("currency").alias("window_currency"),
        )
    )
    events = participation.join(times, on=list(KEY))
    shaped = [
        _of_participation(events),
        _of_payment(payment.join(times, on=list(KEY))),
        _of_orders(orders.join(times, on=list(KEY))),
    ]
    together = reduce(DataFrame.unionByName, [_in_one_shape(frame) for frame in shaped])
    grouped = together.groupBy(*ACCOUNT).agg(
        _or("took_part"),
        F.max("latest_event").alias("latest_event"),
        F.max("latest_withdrawal").alias("latest_withdrawal"),
        F.min("first_join").alias("first_join"),
        F.coalesce(F.sum("advance"), F.lit(0)).cast("decimal(28,2)").alias("advance_net"),
        _or("advance_paid"),
        F.coalesce(F.sum("held"), F.lit(0)).cast("decimal(28,2)").alias("advance_held"),
        F.min("order_state").alias("order_state"),
        _or("cancelled_after_confirmation"),
        _or("voided_after_confirmation"),
        F.min("attempt").alias("attempt"),
        F.coalesce(F.sum("confirmed_units"), F.lit(0)).alias("confirmed_units"),
    )
    rejoined = _rejoined(events, grouped)
    joined_at = F.when(F.col("latest_withdrawal").isNull(), F.col("first_join")).otherwise(
        F.col("rejoined_at")
    )
    return (
        grouped.join(rejoined, on=list(ACCOUNT), how="left")
        .withColumn("joined_at", joined_at)
        .drop("latest_withdrawal", "first_join", "rejoined_at")
    )


# What the logs are put together as; each of them fills its own columns.
_SHAPE = {
    "took_part": "boolean",
    "latest_event": "string",
    "latest_withdrawal": "string",
    "first_join": "timestamp",
    "advance": "decimal(18,2)",
    "held": "decimal(18,2)",
    "advance_paid": "boolean",
    "order_state": "int",
    "cancelled_after_confirmation": "boolean",
    "voided_after_confirmation": "boolean",
    "attempt": "string",
    "confirmed_units": "bigint",
}


def _in_one_shape(frame: DataFrame) -> DataFrame:
    columns = [
        (F.col(name) if name in frame.columns else F.lit(None)).cast(kind).alias(name)
        for name, kind in _SHAPE.items()
    ]
    return frame.select(*ACCOUNT, *columns)


def _or(column: str) -> Column:
    return F.coalesce(F.bool_or(column), F.lit(False)).alias(column)


def _in_period() -> Column:
    time = F.col("event_time")
    return (time >= F.col("application_open")) & (time < F.col("application_close"))


def _of_participation(events: DataFrame) -> DataFrame:
    is_join = F.col("event_type") == "join"
    fields = [F.col(name).cast("string") for name in JOIN_FIELDS[:-1]]
    device = without_end(F.col(JOIN_FIELDS[-1]))
    key = event_key(F.col("event_time"), F.col("event_id"), *fields, device)
    plain_key = event_key(F.col("event_time"), F.col("event_id"))
    return events.select(
        *ACCOUNT,
        F.lit(True).alias("took_part"),
        F.when(_in_period(), key).alias("latest_event"),
        F.when(_in_period() & ~is_join, plain_key).alias("latest_withdrawal"),
        F.when(_in_period() & is_join, F.col("event_time")).alias("first_join"),
    )


def _rejoined(events: DataFrame, grouped: DataFrame) -> DataFrame:
    """The earliest join after the latest withdrawal, of the few accounts that withdrew."""
    withdrew = grouped.where(F.col("latest_withdrawal").isNotNull()).select(
        *ACCOUNT, "latest_withdrawal"
    )
    is_later = event_key(F.col("event_time"), F.col("event_id")) > F.col("latest_withdrawal")
    return (
        events.where(_in_period() & (F.col("event_type") == "join"))
        .join(withdrew, on=list(ACCOUNT))
        .where(is_later)
        .groupBy(*ACCOUNT)
        .agg(F.min("event_time").alias("rejoined_at"))
    )


def signed_advance() -> Column:
    """The amount of an advance payment event, refunds negative; null for other kinds."""
    return F.when(F.col("kind") == "advance_paid", F.col("amount")).when(
        F.col("kind") == "advance_refunded", -F.col("amount")
    )


def _of_payment(payments: DataFrame) -> DataFrame:
    is_in_currency = F.col("currency") == F.col("window_currency")
    counts = (F.col("event_time") < F.col("rush_open")) & is_in_currency
    return payments.select(
        *ACCOUNT,
        F.when(counts, signed_advance()).alias("advance"),
        F.when(is_in_currency, signed_advance()).alias("held"),
        (counts & (F.col("kind") == "advance_paid")).alias("advance_paid"),
    )


def _of_orders(events: DataFrame) -> DataFrame:
    """One row per order: its state and what it says of the account."""
    time, status = F.col("event_time"), F.col("status")
    quantity = F.col("quantity").cast("string")
    in_rush = (time >= F.col("rush_open")) & (time < F.col("rush_close"))
    state = reduce(
        lambda rest, place: F.when(status == ORDER_STATES[place], str(place)).otherwise(rest),
        range(len(ORDER_STATES) - 1),
        F.lit(str(len(ORDER_STATES) - 1)),
    )
    key = event_key(time, F.col("event_id"), quantity, state)
    by_order = events.groupBy(*ACCOUNT, "order_id").agg(
        F.max(key).alias("latest"),
        F.bool_or(status == "confirmed").alias("was_confirmed"),
        F.min(F.when((status == "submitted") & in_rush, key)).alias("attempt"),
    )
    latest_quantity = key_field(F.col("latest"), 0).cast("bigint")
    latest_state = key_field(F.col("latest"), 1).cast("int")
    units = F.greatest(F.coalesce(latest_quantity, F.lit(1)), F.lit(0))

    def ended(state: str) -> Column:
        return (latest_state == ORDER_STATES.index(state)) & F.col("was_confirmed")

    return by_order.select(
        *ACCOUNT,
        latest_state.alias("order_state"),
        ended("cancelled").alias("cancelled_after_confirmation"),
        ended("voided").alias("voided_after_confirmation"),
        "attempt",
        F.when(latest_state == 0, units).alias("confirmed_units"),
    )
