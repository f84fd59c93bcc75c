"""What each account did in each window: the three event logs in one aggregation.

docs/rules.md sections 4 to 6. The logs are brought to one shape, united and grouped once, by the
number of the window and the account. All values of that shape have a fixed width. They decide for
most accounts; where the order of events or a text does, events are looked at again, by their keys
(`ordered_events`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from solatium.contracts.keys import NUMBER, PARTICIPANT, WINDOW
from solatium.contracts.outcomes import ORDER_STATES
from solatium.dataframes.grouping import together
from solatium.dataframes.joins import look_up
from solatium.dataframes.keep import KeepParts
from solatium.rules import ordered_events
from solatium.rules.advances import signed_advance
from solatium.rules.ordered_events import (
    ended,
    in_period,
    is_attempt,
    is_join,
    names_texts,
    state,
)

# What the order log says about an account, in columns of `activity`.
ORDER_FACTS = (
    "attempt",
    "order_state",
    "cancelled_after_confirmation",
    "voided_after_confirmation",
)

_STATES = 8  # a number that no place in ORDER_STATES reaches: a time and a state are one number
_CONFIRMED = ORDER_STATES.index("confirmed")


def activity(
    logs: Sequence[DataFrame],
    windows: DataFrame,
    parts: int,
    keep: KeepParts,
    *,
    devices: bool,
) -> DataFrame:
    """One row per window and account with a visible event.

    `logs` are participation, payment and orders; `windows` the windows in force that are judged,
    from `windows.numbered`. Accounts are gathered in so many `parts` of about the same size.
    Without `devices`, `device_id` is null, since most rules need no device.

    Columns beside PARTICIPANT:

    - `took_part` boolean; `in_period`, whether in the application period
    - `has_joined` boolean, whether a join is in force; then `joined_at`, `team_id`, `device_id`,
      and `quantity` int, which is 1 without one
    - `advance_net` decimal and `advance_paid` boolean, of the payments before the rush
    - `advance_held` decimal, of the payments of all times
    - `order_state` int, a place in ORDER_STATES
    - `cancelled_after_confirmation` and `voided_after_confirmation` boolean
    - `attempt`, the earliest submission in the rush of a first-come window: an event key with the
      quantity
    - `confirmed_units` bigint
    """
    of_log = _looked_up(logs, windows)
    gathered = keep((_gathered(part, devices) for part in _in_parts(of_log, parts)), "activity")
    needs_order = _is_marked("tried") | _is_marked("has_tied_orders") | _is_unclear()
    others = [
        _in_order(gathered.where(needs_order), of_log, devices),
        _with_texts(gathered.where(~needs_order & _has_texts()), of_log[0], devices),
    ]
    plain = _settled(gathered.where(~needs_order & ~_has_texts()))
    return plain.unionByName(keep(others, "activity_looked_into"))


def _looked_up(logs: Sequence[DataFrame], windows: DataFrame) -> list[DataFrame]:
    """The logs with the numbers and terms of their windows."""
    terms = windows.select(
        *WINDOW,
        NUMBER,
        "application_open",
        "application_close",
        "rush_open",
        "rush_close",
        "policy",
        F.col("currency").alias("window_currency"),
    )
    return [look_up(log, F.broadcast(terms), WINDOW) for log in logs]


def _in_parts(logs: Sequence[DataFrame], number: int) -> Iterator[Sequence[DataFrame]]:
    if number == 1:
        yield logs
        return
    for place in range(number):
        is_here = F.pmod(F.xxhash64("account_id"), F.lit(number)) == place
        yield [log.where(is_here) for log in logs]


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


def _is_marked(name: str) -> Column:
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


def _gathered(logs: Sequence[DataFrame], devices: bool) -> DataFrame:
    """One row per window and account: what needs no order of events."""
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
        together(rows, PARTICIPANT)
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


def _is_unclear() -> Column:
    """Whether the order of an account's participation events decides."""
    changed_mind = _is_marked("joined") & _is_marked("withdrew")
    has_quantities = F.coalesce(F.col("least_quantity") != F.col("most_quantity"), F.lit(False))
    may_have_texts = _is_marked("has_texts") & (F.col("joins") > 1)
    return changed_mind | has_quantities | may_have_texts


def _has_texts() -> Column:
    """Whether the texts of an account are those of its only join."""
    return _is_marked("has_texts") & ~_is_unclear()


def _settled(gathered: DataFrame) -> DataFrame:
    """The columns of `activity` for accounts whose events have an order that does not matter."""
    nothing = F.lit(None).cast("string")
    return gathered.select(
        *PARTICIPANT,
        _is_marked("took_part").alias("took_part"),
        (_is_marked("joined") | _is_marked("withdrew")).alias("in_period"),
        _is_marked("joined").alias("has_joined"),
        F.col("first_join").alias("joined_at"),
        F.coalesce("most_quantity", F.lit(1)).alias("quantity"),
        nothing.alias("team_id"),
        nothing.alias("device_id"),
        "advance_net",
        "advance_held",
        _is_marked("advance_paid").alias("advance_paid"),
        nothing.alias("attempt"),
        "order_state",
        *(_is_marked(name).alias(name) for name in ORDER_FACTS[2:]),
        "confirmed_units",
    )


def _with_texts(gathered: DataFrame, participation: DataFrame, devices: bool) -> DataFrame:
    """The same for accounts of which one join has all texts."""
    rows = _settled(gathered)
    texts = ordered_events.texts(participation, devices=devices)
    return look_up(texts, rows.drop("team_id", "device_id"), PARTICIPANT).select(*rows.columns)


def _in_order(others: DataFrame, logs: Sequence[DataFrame], devices: bool) -> DataFrame:
    """The same for the accounts whose order of events decides something, or a text of theirs.

    A log is read again only if there are any.
    """
    participation, _, orders = logs
    is_tied, tried = _is_marked("has_tied_orders"), _is_marked("tried")
    kinds = {"unclear": _is_unclear(), "named": _has_texts(), "tied": is_tied, "tried": tried}
    any_are = others.agg(*(F.bool_or(holds).alias(kind) for kind, holds in kinds.items()))
    are = any_are.collect()[0]
    rows = _settled(others)
    columns = rows.columns
    if are.named:
        rows = _settled(others.where(~_has_texts())).unionByName(
            _with_texts(others.where(_has_texts()), participation, devices)
        )
    if are.unclear:
        unclear = others.where(_is_unclear()).select(*PARTICIPANT)
        found = ordered_events.applications(participation, unclear, devices=devices)
        rows = _replaced(rows, found, _OF_APPLICATION)
    if are.tied:
        tied = others.where(is_tied).select(*PARTICIPANT)
        rows = _replaced(rows, ordered_events.order_facts(orders, tied), _OF_ORDERS)
    if are.tried:
        rows = look_up(
            rows.drop("attempt"), ordered_events.attempts(orders), PARTICIPANT, how="left"
        )
    return rows.select(*columns)


# What the order of events says in the place of what was gathered.
_OF_APPLICATION = {
    "has_joined": "is_in_force",
    "joined_at": "joined_again",
    "quantity": "quantity_in_force",
    "team_id": "team_in_force",
    "device_id": "device_in_force",
}
_OF_ORDERS = {
    "order_state": "latest_state",
    "cancelled_after_confirmation": "was_cancelled",
    "voided_after_confirmation": "was_voided",
    "confirmed_units": "units",
}


def _replaced(rows: DataFrame, found: DataFrame, columns: Mapping[str, str]) -> DataFrame:
    """`rows` with other values in some columns, where `found` has a row of the account."""
    is_found = F.col("is_found")
    both = look_up(rows, found.withColumn("is_found", F.lit(True)), PARTICIPANT, how="left")
    values = {
        old: F.when(is_found, F.col(new)).otherwise(F.col(old)) for old, new in columns.items()
    }
    return both.withColumns(values).drop("is_found", *columns.values())
