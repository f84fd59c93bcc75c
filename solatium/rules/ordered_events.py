"""Events whose order decides something, or a text of theirs: read by their keys.

docs/rules.md sections 1.2 and 4 to 6. The latest event is the maximum of one string, which has the
order and the fields (`dataframes/event_keys`). Engines take longer for texts than for numbers, so
`activity` asks for the accounts that need it. The logs have the numbers and terms of their windows.
"""

from __future__ import annotations

from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from solatium.contracts.keys import PARTICIPANT
from solatium.contracts.outcomes import ORDER_STATES
from solatium.dataframes.event_keys import event_key, key_field, key_time, without_end

# The fields of the keys of participation, in their order. A device is no id and may hold any
# character; it is only compared with other devices.
_FIELDS = ("event_type", "quantity", "team_id", "device_id")


def in_period() -> Column:
    """Whether an event lies in the application period of its window."""
    time = F.col("event_time")
    return (time >= F.col("application_open")) & (time < F.col("application_close"))


def is_join() -> Column:
    """Whether a participation event is a join; else it is a withdraw."""
    return F.col("event_type") == "join"


def names_texts(*, devices: bool) -> Column:
    """Whether a participation event names a team, or a device where `devices` matter."""
    has_team = F.col("team_id").isNotNull()
    return has_team | F.col("device_id").isNotNull() if devices else has_team


def is_attempt() -> Column:
    """Whether an order event is a submission in the rush of a first-come window."""
    time = F.col("event_time")
    in_rush = (time >= F.col("rush_open")) & (time < F.col("rush_close"))
    return (F.col("policy") == "first_come") & (F.col("status") == "submitted") & in_rush


def state() -> Column:
    """The status of an order event as its position in ORDER_STATES."""
    *others, last = range(len(ORDER_STATES))
    return reduce(
        lambda rest, position: F.when(
            F.col("status") == ORDER_STATES[position], position
        ).otherwise(rest),
        others,
        F.lit(last),
    )


def ended(name: str, state: Column, was_confirmed: Column) -> Column:
    """Whether an order was confirmed and has ended in the state `name`."""
    return (state == ORDER_STATES.index(name)) & was_confirmed


def applications(events: DataFrame, *, devices: bool) -> DataFrame:
    """What is in force of accounts with participation events in the period, by PARTICIPANT.

    `is_in_force`, whether their latest event is a join; then its `quantity_in_force`, 1 where it
    has none, `team_in_force` and `device_in_force`, which is null without `devices`; and
    `joined_again`, the time of the earliest join after the latest withdrawal, or of all joins.
    """
    fields = [F.col(name).cast("string") for name in _FIELDS[:-1]]
    fields.append(_device() if devices else F.lit(""))
    key = event_key(*fields)
    found = (
        events.where(in_period())
        .groupBy(*PARTICIPANT)
        .agg(
            F.max(key).alias("event"),
            F.max(F.when(~is_join(), key)).alias("withdrawal"),
            F.collect_list(F.when(is_join(), key)).alias("joins"),
        )
    )
    withdrawal = F.coalesce("withdrawal", F.lit(""))  # no key is empty
    rejoined = F.filter("joins", lambda join: join > withdrawal)
    field = {name: key_field(F.col("event"), position) for position, name in enumerate(_FIELDS)}
    is_in_force = field["event_type"] == "join"
    quantity = F.coalesce(field["quantity"].cast("int"), F.lit(1))
    return found.select(
        *PARTICIPANT,
        is_in_force.alias("is_in_force"),
        key_time(F.array_min(rejoined)).alias("joined_again"),
        F.when(is_in_force, quantity).otherwise(1).alias("quantity_in_force"),
        F.when(is_in_force, field["team_id"]).alias("team_in_force"),
        F.when(is_in_force, field["device_id"]).alias("device_in_force"),
    )


def texts(events: DataFrame, *, devices: bool) -> DataFrame:
    """The joins in the period that have a `team_id` or a `device_id`.

    `device_id` is null without `devices`.
    """
    joins = events.where(in_period() & is_join() & names_texts(devices=devices))
    return joins.withColumn("device_id", _device() if devices else F.lit(None).cast("string"))


def _device() -> Column:
    return without_end(F.col("device_id"))


def order_facts(events: DataFrame) -> DataFrame:
    """What all order events of accounts say, by PARTICIPANT.

    `latest_state` is the first of ORDER_STATES that an order ended in, `units` what was confirmed;
    `was_cancelled` and `was_voided` whether after a confirmation.
    """
    key = event_key(F.col("quantity").cast("string"), state().cast("string"))
    order = (*PARTICIPANT, "order_id")
    by_order = events.groupBy(*order).agg(
        F.max(key).alias("latest"),
        F.bool_or(F.col("status") == "confirmed").alias("was_confirmed"),
    )
    last = key_field(F.col("latest"), 1).cast("int")
    quantity = key_field(F.col("latest"), 0).cast("bigint")
    units = F.greatest(F.coalesce(quantity, F.lit(1)), F.lit(0))
    was_confirmed = F.col("was_confirmed")
    return by_order.groupBy(*PARTICIPANT).agg(
        F.min(last).alias("latest_state"),
        F.bool_or(ended("cancelled", last, was_confirmed)).alias("was_cancelled"),
        F.bool_or(ended("voided", last, was_confirmed)).alias("was_voided"),
        F.coalesce(F.sum(F.when(last == 0, units)), F.lit(0)).alias("units"),
    )


def attempts(events: DataFrame) -> DataFrame:
    """By PARTICIPANT the event key of the earliest attempt, with its quantity: `attempt`."""
    key = event_key(F.col("quantity").cast("string"))
    return events.where(is_attempt()).groupBy(*PARTICIPANT).agg(F.min(key).alias("attempt"))
