"""What the three event logs add up to for an account in a window, in values of a fixed width.

docs/rules.md sections 4 to 6. The logs are brought to one shape, united and grouped once, by the
number of the window and the account. What the order of events or a text decides is not settled
here: marks say where it does (`activity`).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from solatium.contracts.keys import PARTICIPANT
from solatium.contracts.outcomes import ORDER_STATES
from solatium.dataframes.grouping import together
from solatium.rules.advances import signed_advance
from solatium.rules.ordered_events import (
    ended,
    in_period,
    is_attempt,
    is_join,
    names_texts,
    state,
)

_STATES = 8  # a number that no position in ORDER_STATES reaches: a time and a state are one number
_CONFIRMED = ORDER_STATES.index("confirmed")

# Facts that hold for an account when they hold for one of its rows. A row carries them as bits of
# one number, since an aggregate for each would cost as much as all other aggregates together.
_MARKS = (
    "took_part",
    "joined",
    "withdrew",
    "has_texts",  # a join names a team, or a device where devices matter
    "advance_paid",
    "cancelled_after_confirmation",
    "voided_after_confirmation",
    "tried",
    "has_tied_orders",
)


def _marked(**facts: Column) -> Column:
    """The facts that hold for a row, as bits; a fact that is null does not hold."""
    bits = (F.when(holds, 1 << _MARKS.index(name)).otherwise(0) for name, holds in facts.items())
    return reduce(Column.__add__, bits).alias("marks")


def is_marked(name: str) -> Column:
    """Whether a fact holds for an account: `joined`, `withdrew`, `has_tied_orders` and so on."""
    return F.col("marks").bitwiseAND(F.lit(1 << _MARKS.index(name))) != 0


# The one shape of the three logs; each log fills its own columns.
_SHAPE = {
    "marks": "int",
    "joins": "int",
    "first_join": "timestamp",
    "quantity": "int",
    "advance": "decimal(18,2)",
    "held": "decimal(18,2)",
    "order_state": "int",
    "confirmed_units": "bigint",
}


def event_sums(logs: Sequence[DataFrame], devices: bool) -> DataFrame:
    """One row per window and account with an event in one of the logs, by PARTICIPANT.

    The logs are participation, payment and orders, with the terms of their windows. Columns:

    - `marks` int, of which `is_marked` reads one
    - `joins`, how many joins lie in the application period; `first_join`, `least_quantity` and
      `most_quantity` of these
    - `advance_net` decimal, of the payments before the rush, and `advance_held`, of all
    - `order_state` int, a position in ORDER_STATES; `confirmed_units` bigint
    """
    participation, payment, orders = logs
    shaped = [_of_participation(participation, devices), _of_payment(payment), _of_orders(orders)]
    rows = reduce(DataFrame.unionByName, [_in_one_shape(frame) for frame in shaped])
    return (
        together(rows, PARTICIPANT)
        .groupBy(*PARTICIPANT)
        .agg(
            F.bit_or("marks").alias("marks"),
            F.coalesce(F.sum("joins"), F.lit(0)).alias("joins"),
            F.min("first_join").alias("first_join"),
            F.min("quantity").alias("least_quantity"),
            F.max("quantity").alias("most_quantity"),
            F.coalesce(F.sum("advance"), F.lit(0)).cast("decimal(28,2)").alias("advance_net"),
            F.coalesce(F.sum("held"), F.lit(0)).cast("decimal(28,2)").alias("advance_held"),
            F.min("order_state").alias("order_state"),
            F.coalesce(F.sum("confirmed_units"), F.lit(0)).alias("confirmed_units"),
        )
    )


def _in_one_shape(frame: DataFrame) -> DataFrame:
    columns = [
        (F.col(name) if name in frame.columns else F.lit(None)).cast(kind).alias(name)
        for name, kind in _SHAPE.items()
    ]
    return frame.select(*PARTICIPANT, *columns)


def _of_participation(events: DataFrame, devices: bool) -> DataFrame:
    joined = in_period() & is_join()
    return events.select(
        *PARTICIPANT,
        _marked(
            took_part=F.lit(True),
            joined=joined,
            withdrew=in_period() & ~is_join(),
            has_texts=joined & names_texts(devices=devices),
        ),
        F.when(joined, 1).alias("joins"),
        F.when(joined, F.col("event_time")).alias("first_join"),
        F.when(joined, F.coalesce("quantity", F.lit(1))).alias("quantity"),
    )


def _of_payment(payments: DataFrame) -> DataFrame:
    is_in_currency = F.col("currency") == F.col("window_currency")
    counts = (F.col("event_time") < F.col("rush_open")) & is_in_currency
    return payments.select(
        *PARTICIPANT,
        F.when(counts, signed_advance()).alias("advance"),
        F.when(is_in_currency, signed_advance()).alias("held"),
        _marked(advance_paid=counts & (F.col("kind") == "advance_paid")),
    )


def _of_orders(events: DataFrame) -> DataFrame:
    """One row per order: its state, and what it says about the account.

    The state of the latest event comes with its time in one number: `latest` has the greatest state
    of the latest time, and `latest_reversed` the least. Where these differ, or a confirmed order
    had several quantities, the order is tied: keys decide which of its events is the latest.
    """
    time, most = F.unix_micros("event_time") * _STATES, F.lit(_STATES - 1)
    order = (*PARTICIPANT, "order_id")
    rows = events.select(
        *order,
        (time + state()).alias("latest"),
        (time + most - state()).alias("latest_reversed"),
        F.coalesce("quantity", F.lit(1)).alias("quantity"),
        F.when(state() == _CONFIRMED, 1).otherwise(0).alias("was_confirmed"),
        F.when(is_attempt(), 1).otherwise(0).alias("tried"),
    )
    by_order = (
        together(rows, order)
        .groupBy(*order)
        .agg(
            *(F.max(name).alias(name) for name in ("latest", "latest_reversed")),
            *(F.max(name).alias(name) for name in ("was_confirmed", "tried")),
            F.min("quantity").alias("least_quantity"),
            F.max("quantity").alias("quantity"),
        )
    )
    latest = F.pmod("latest", F.lit(_STATES)).cast("int")
    least = (most - F.pmod("latest_reversed", F.lit(_STATES))).cast("int")
    was_confirmed = F.col("was_confirmed") == 1
    is_confirmed = latest == _CONFIRMED
    has_quantities = F.col("least_quantity") != F.col("quantity")
    return by_order.select(
        *PARTICIPANT,
        latest.alias("order_state"),
        _marked(
            cancelled_after_confirmation=ended("cancelled", latest, was_confirmed),
            voided_after_confirmation=ended("voided", latest, was_confirmed),
            tried=F.col("tried") == 1,
            has_tied_orders=(latest != least) | (is_confirmed & has_quantities),
        ),
        F.when(is_confirmed, F.greatest("quantity", F.lit(0))).alias("confirmed_units"),
    )
