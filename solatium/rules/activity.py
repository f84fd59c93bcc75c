"""What each account did in each window: the three event logs in one aggregation.

docs/rules.md sections 4 to 6. The logs are brought to one shape, united and grouped once. A row is
one account with at least one visible event in a due window. The latest and the earliest event are
the maximum and the minimum of one string each.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from solatium.contracts.keys import ACCOUNT, WINDOW
from solatium.contracts.outcomes import ORDER_STATES
from solatium.dataframes.event_keys import event_key, key_field, without_end
from solatium.dataframes.grouping import together
from solatium.dataframes.joins import look_up
from solatium.rules.advances import signed_advance

# What the order log says about an account, in columns of `activity`.
ORDER_FACTS = (
    "attempt",
    "order_state",
    "cancelled_after_confirmation",
    "voided_after_confirmation",
)

# The fields of the event keys, in their order. A device is no id and may hold any character; it is
# only compared with other devices.
JOIN_FIELDS = ("event_type", "quantity", "team_id", "device_id")


def activity(
    participation: DataFrame,
    payment: DataFrame,
    orders: DataFrame,
    windows: DataFrame,
    *,
    devices: bool,
) -> DataFrame:
    """One row per window and account; `windows` are the windows in force that are judged.

    Without `devices` the event keys hold no device. The texts of all accounts are in memory until
    the last row is read, and most rules need no device.

    Columns beside the key:

    - `took_part` boolean
    - `latest_event` in the application period: an event key with JOIN_FIELDS, or null
    - `joined_at` timestamp
    - `advance_net` decimal and `advance_paid` boolean, of the payments before the rush
    - `advance_held` decimal, of the payments of all times
    - `order_state` int, a place in ORDER_STATES
    - `cancelled_after_confirmation` and `voided_after_confirmation` boolean
    - `attempt`, the earliest submission in the rush of a first-come window: an event key with the
      quantity and the state
    - `confirmed_units` bigint
    """
    times = F.broadcast(
        windows.select(
            *WINDOW,
            "application_open",
            "application_close",
            "rush_open",
            "rush_close",
            "policy",
            F.col("currency").alias("window_currency"),
        )
    )
    events = look_up(participation, times, WINDOW)
    shaped = [
        _of_participation(events, devices),
        _of_withdrawn(events),
        _of_payment(look_up(payment, times, WINDOW)),
        _of_orders(look_up(orders, times, WINDOW)),
    ]
    rows = reduce(DataFrame.unionByName, [_in_one_shape(frame) for frame in shaped])
    grouped = (
        together(rows, ACCOUNT)
        .groupBy(*ACCOUNT)
        .agg(
            F.bit_or("marks").alias("marks"),
            F.max("latest_event").alias("latest_event"),
            F.min("first_join").alias("first_join"),
            F.min("rejoined_at").alias("rejoined_at"),
            F.coalesce(F.sum("advance"), F.lit(0)).cast("decimal(28,2)").alias("advance_net"),
            F.coalesce(F.sum("held"), F.lit(0)).cast("decimal(28,2)").alias("advance_held"),
            F.min("order_state").alias("order_state"),
            F.min("attempt").alias("attempt"),
            F.coalesce(F.sum("confirmed_units"), F.lit(0)).alias("confirmed_units"),
        )
    )
    joined_at = F.when(F.col("withdrew"), F.col("rejoined_at")).otherwise(F.col("first_join"))
    return (
        grouped.withColumns({name: _is_marked(name) for name in _MARKS})
        .withColumn("joined_at", joined_at)
        .drop("marks", "first_join", "withdrew", "rejoined_at")
    )


def in_parts(
    logs: Sequence[DataFrame], windows: DataFrame, number: int, *, devices: bool
) -> Iterator[DataFrame]:
    """`activity` of the three `logs`, in `number` parts of about as many accounts each."""
    for place in range(number):
        part = logs
        if number > 1:
            is_here = F.pmod(F.xxhash64("account_id"), F.lit(number)) == place
            part = [log.where(is_here) for log in logs]
        participation, payment, orders = part
        yield activity(participation, payment, orders, windows, devices=devices)


# Facts that hold for an account when they hold for one of its rows. A row carries them as bits of
# one number, since an aggregate for each would cost as much as all other aggregates together.
_MARKS = (
    "took_part",
    "withdrew",
    "advance_paid",
    "cancelled_after_confirmation",
    "voided_after_confirmation",
)


def _marked(**facts: Column) -> Column:
    """The facts that hold for a row, as bits; a fact that is null does not hold."""
    bits = (F.when(holds, 1 << _MARKS.index(name)).otherwise(0) for name, holds in facts.items())
    return reduce(Column.__add__, bits).alias("marks")


def _is_marked(name: str) -> Column:
    return F.col("marks").bitwiseAND(F.lit(1 << _MARKS.index(name))) != 0


# The one shape of the three logs; each log fills its own columns.
_SHAPE = {
    "marks": "int",
    "latest_event": "string",
    "first_join": "timestamp",
    "rejoined_at": "timestamp",
    "advance": "decimal(18,2)",
    "held": "decimal(18,2)",
    "order_state": "int",
    "attempt": "string",
    "confirmed_units": "bigint",
}


def _in_one_shape(frame: DataFrame) -> DataFrame:
    columns = [
        (F.col(name) if name in frame.columns else F.lit(None)).cast(kind).alias(name)
        for name, kind in _SHAPE.items()
    ]
    return frame.select(*ACCOUNT, *columns)


def _in_period() -> Column:
    time = F.col("event_time")
    return (time >= F.col("application_open")) & (time < F.col("application_close"))


def _of_participation(events: DataFrame, devices: bool) -> DataFrame:
    is_join = F.col("event_type") == "join"
    fields = [F.col(name).cast("string") for name in JOIN_FIELDS[:-1]]
    if devices:
        fields.append(without_end(F.col(JOIN_FIELDS[-1])))
    key = event_key(*fields)
    return events.select(
        *ACCOUNT,
        _marked(took_part=F.lit(True)),
        F.when(_in_period(), key).alias("latest_event"),
        F.when(_in_period() & is_join, F.col("event_time")).alias("first_join"),
    )


def _of_withdrawn(events: DataFrame) -> DataFrame:
    """One row for each of the few accounts that withdrew.

    `rejoined_at` is the time of the earliest join after the latest withdrawal, or null.
    """
    key = event_key()
    is_join = F.col("event_type") == "join"
    in_period = events.where(_in_period())
    withdrew = in_period.where(~is_join).groupBy(*ACCOUNT).agg(F.max(key).alias("withdrawal"))
    rejoined = F.when(is_join & (key > F.col("withdrawal")), F.col("event_time"))
    return (
        look_up(in_period, withdrew, ACCOUNT)
        .groupBy(*ACCOUNT)
        .agg(F.min(rejoined).alias("rejoined_at"))
        .select(*ACCOUNT, _marked(withdrew=F.lit(True)), "rejoined_at")
    )


def _of_payment(payments: DataFrame) -> DataFrame:
    is_in_currency = F.col("currency") == F.col("window_currency")
    counts = (F.col("event_time") < F.col("rush_open")) & is_in_currency
    return payments.select(
        *ACCOUNT,
        F.when(counts, signed_advance()).alias("advance"),
        F.when(is_in_currency, signed_advance()).alias("held"),
        _marked(advance_paid=counts & (F.col("kind") == "advance_paid")),
    )


def _of_orders(events: DataFrame) -> DataFrame:
    """One row per order: its state, and what it says about the account."""
    time, status = F.col("event_time"), F.col("status")
    quantity = F.col("quantity").cast("string")
    in_rush = (time >= F.col("rush_open")) & (time < F.col("rush_close"))
    tries = (F.col("policy") == "first_come") & (status == "submitted") & in_rush
    state = reduce(
        lambda rest, place: F.when(status == ORDER_STATES[place], str(place)).otherwise(rest),
        range(len(ORDER_STATES) - 1),
        F.lit(str(len(ORDER_STATES) - 1)),
    )
    key = event_key(quantity, state)
    order = (*ACCOUNT, "order_id")
    by_order = (
        together(events, order)
        .groupBy(*order)
        .agg(
            F.max(key).alias("latest"),
            F.bool_or(status == "confirmed").alias("was_confirmed"),
            F.min(F.when(tries, key)).alias("attempt"),
        )
    )
    latest_quantity = key_field(F.col("latest"), 0).cast("bigint")
    latest_state = key_field(F.col("latest"), 1).cast("int")
    units = F.greatest(F.coalesce(latest_quantity, F.lit(1)), F.lit(0))

    def ended(state: str) -> Column:
        return (latest_state == ORDER_STATES.index(state)) & F.col("was_confirmed")

    return by_order.select(
        *ACCOUNT,
        latest_state.alias("order_state"),
        _marked(
            cancelled_after_confirmation=ended("cancelled"),
            voided_after_confirmation=ended("voided"),
        ),
        "attempt",
        F.when(latest_state == 0, units).alias("confirmed_units"),
    )
