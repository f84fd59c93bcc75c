"""What each account did in each window, from the three event logs.

docs/rules.md sections 4 to 6. For most accounts the sums over their events decide (`event_sums`).
Where the order of events or a text does, events are looked at again, by their keys
(`ordered_events`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from solatium.contracts.keys import NUMBER, PARTICIPANT, WINDOW
from solatium.dataframes.joins import look_up
from solatium.dataframes.keep import KeepParts
from solatium.rules import ordered_events
from solatium.rules.event_sums import event_sums, is_marked

# What the order log says about an account, in columns of `activity`.
ORDER_FACTS = (
    "attempt",
    "order_state",
    "cancelled_after_confirmation",
    "voided_after_confirmation",
)


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
    - `order_state` int, a position in ORDER_STATES
    - `cancelled_after_confirmation` and `voided_after_confirmation` boolean
    - `attempt`, the earliest submission in the rush of a first-come window: an event key with the
      quantity
    - `confirmed_units` bigint
    """
    terms = _terms(windows)
    of_log = [look_up(log, terms, WINDOW) for log in logs]
    gathered = keep((event_sums(part, devices) for part in _in_parts(of_log, parts)), "activity")
    needs_order = is_marked("tried") | is_marked("has_tied_orders") | _is_unclear()
    others = [
        _in_order(gathered.where(needs_order), logs, terms, devices),
        _with_texts(gathered.where(~needs_order & _has_texts()), logs[0], terms, devices),
    ]
    plain = _settled(gathered.where(~needs_order & ~_has_texts()))
    return plain.unionByName(keep(others, "activity_looked_into"))


def _terms(windows: DataFrame) -> DataFrame:
    """The numbers of the windows, and their terms that events are held against."""
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
    return F.broadcast(terms)


def _events_of(accounts: DataFrame, log: DataFrame, terms: DataFrame) -> DataFrame:
    """The events of few accounts, with the columns of `accounts` and the terms of their windows.

    The terms come to the accounts first: the other way round all events would be looked up in
    memory, instead of the accounts.
    """
    return look_up(log, look_up(accounts, terms, [NUMBER]), [*WINDOW, "account_id"])


def _in_parts(logs: Sequence[DataFrame], number: int) -> Iterator[Sequence[DataFrame]]:
    if number == 1:
        yield logs
        return
    for part in range(number):
        is_here = F.pmod(F.xxhash64("account_id"), F.lit(number)) == part
        yield [log.where(is_here) for log in logs]


def _is_unclear() -> Column:
    """Whether the order of an account's participation events decides."""
    changed_mind = is_marked("joined") & is_marked("withdrew")
    has_quantities = F.coalesce(F.col("least_quantity") != F.col("most_quantity"), F.lit(False))
    may_have_texts = is_marked("has_texts") & (F.col("joins") > 1)
    return changed_mind | has_quantities | may_have_texts


def _has_texts() -> Column:
    """Whether the texts of an account are those of its only join."""
    return is_marked("has_texts") & ~_is_unclear()


def _settled(gathered: DataFrame) -> DataFrame:
    """The columns of `activity` for accounts whose events have an order that does not matter."""
    nothing = F.lit(None).cast("string")
    return gathered.select(
        *PARTICIPANT,
        is_marked("took_part").alias("took_part"),
        (is_marked("joined") | is_marked("withdrew")).alias("in_period"),
        is_marked("joined").alias("has_joined"),
        F.col("first_join").alias("joined_at"),
        F.coalesce("most_quantity", F.lit(1)).alias("quantity"),
        nothing.alias("team_id"),
        nothing.alias("device_id"),
        "advance_net",
        "advance_held",
        is_marked("advance_paid").alias("advance_paid"),
        nothing.alias("attempt"),
        "order_state",
        *(is_marked(name).alias(name) for name in ORDER_FACTS[2:]),
        "confirmed_units",
    )


def _with_texts(
    gathered: DataFrame, participation: DataFrame, terms: DataFrame, devices: bool
) -> DataFrame:
    """The same for accounts of which one join has all texts."""
    rows = _settled(gathered)
    log = participation.select(
        *WINDOW, "account_id", "event_type", "event_time", "team_id", "device_id"
    )
    events = _events_of(rows.drop("team_id", "device_id"), log, terms)
    return ordered_events.texts(events, devices=devices).select(*rows.columns)


def _in_order(
    others: DataFrame, logs: Sequence[DataFrame], terms: DataFrame, devices: bool
) -> DataFrame:
    """The same for the accounts whose order of events decides something, or a text of theirs.

    A log is read again only if there are any.
    """
    participation, _, orders = logs
    is_tied, tried = is_marked("has_tied_orders"), is_marked("tried")
    kinds = {"unclear": _is_unclear(), "named": _has_texts(), "tied": is_tied, "tried": tried}
    any_are = others.agg(*(F.bool_or(holds).alias(kind) for kind, holds in kinds.items()))
    are = any_are.collect()[0]
    rows = _settled(others)
    columns = rows.columns
    if are.named:
        rows = _settled(others.where(~_has_texts())).unionByName(
            _with_texts(others.where(_has_texts()), participation, terms, devices)
        )
    if are.unclear:
        unclear = others.where(_is_unclear()).select(*PARTICIPANT)
        events = _events_of(unclear, participation, terms)
        found = ordered_events.applications(events, devices=devices)
        rows = _replaced(rows, found, _OF_APPLICATION)
    if are.tied:
        tied = _events_of(others.where(is_tied).select(*PARTICIPANT), orders, terms)
        rows = _replaced(rows, ordered_events.order_facts(tied), _OF_ORDERS)
    if are.tried:
        rows = look_up(
            rows.drop("attempt"),
            ordered_events.attempts(look_up(orders, terms, WINDOW)),
            PARTICIPANT,
            how="left",
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
