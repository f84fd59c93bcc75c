"""The entries that competed in a window, in the order in which they were taken.

docs/rules.md sections 5.3 to 5.6. One row is one entry. Tickets, weights and sizes are those of
`allocations`. The order events of first-come windows are those of the accepted orders.
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from solatium.contracts.outcomes import ALLOCATED
from solatium.warehouse.snapshot import Snapshot
from solatium.warehouse.window_facts import WindowFacts

_GREATEST_SIZE = 2**31 - 1  # a size beyond it is written as this number

_OF_ALLOCATIONS = ("account_id", "entry_id", "size", "ticket", "weight", "outcome", "quantity")


def competing(tables: Snapshot, window: WindowFacts) -> pa.Table:
    """The entries that drew a ticket, or made an attempt, in their order.

    Columns: `entry_id`, `size`, `allocated`; of lotteries `ticket` and `weight`; of first-come
    windows `attempted_at`, `sequence`, `event_id` and `account_id` of the order event that counts.
    """
    mark = "attempted_at" if window.is_first_come else "ticket"
    has_a_place = pc.field(mark).is_valid() & pc.field("entry_id").is_valid()
    rows = tables["allocations"].arrow(_OF_ALLOCATIONS, window.is_here & has_a_place)
    allocated = pc.is_in(rows["outcome"], value_set=pa.array(ALLOCATED))
    rows = rows.append_column("allocated", allocated)
    entries = _of_members(rows) if window.is_team else rows
    entries = entries.set_column(
        entries.schema.get_field_index("size"), "size", entries["size"].cast(pa.int64())
    )
    if not window.is_first_come:
        return _sorted(
            entries.select(["entry_id", "size", "weight", "ticket", "allocated"]),
            ("ticket", "entry_id"),
        )
    entries = entries.select(["entry_id", "size", "allocated"])
    attempts = _attempts(tables, window, rows.select(["account_id", "entry_id"]))
    return _sorted(
        entries.join(attempts, "entry_id", join_type="inner"),
        ("attempted_at", "sequence", "event_id"),
    )


def without_attempt(tables: Snapshot, window: WindowFacts) -> int:
    """How many entries of a first-come window made no attempt, and so have no place."""
    rows = tables["allocations"].arrow(
        ["entry_id"], window.is_here & (pc.field("outcome") == "no_attempt")
    )
    return pc.count_distinct(rows["entry_id"]).as_py()


def _of_members(rows: pa.Table) -> pa.Table:
    """One row per team; its size is the sum of the members' quantities, however great."""
    grouped = rows.group_by("entry_id").aggregate(
        [
            ("size", "min"),
            ("quantity", "sum"),
            ("weight", "min"),
            ("ticket", "min"),
            ("allocated", "max"),
        ]
    )
    size = pc.if_else(
        pc.equal(grouped["size_min"], _GREATEST_SIZE),
        grouped["quantity_sum"],
        grouped["size_min"].cast(pa.int64()),
    )
    return pa.table(
        {
            "entry_id": grouped["entry_id"],
            "size": size,
            "weight": grouped["weight_min"],
            "ticket": grouped["ticket_min"],
            "allocated": grouped["allocated_max"],
        }
    )


def _attempts(tables: Snapshot, window: WindowFacts, members: pa.Table) -> pa.Table:
    """The earliest order event in the rush of each entry's members."""
    time = pc.field("event_time")
    orders = (
        tables["orders"]
        .arrow(
            ["account_id", "event_id", "event_time", "sequence"],
            window.is_here
            & (pc.field("status") == "submitted")
            & (time >= pa.scalar(window.row["rush_open"], pa.timestamp("us", "UTC")))
            & (time < pa.scalar(window.row["rush_close"], pa.timestamp("us", "UTC"))),
        )
        .rename_columns(["account_id", "event_id", "attempted_at", "sequence"])
    )
    found = _sorted(
        orders.join(members, "account_id", join_type="inner"),
        ("attempted_at", "sequence", "event_id"),
    )
    names = ["attempted_at", "sequence", "event_id", "account_id"]
    first = pc.ScalarAggregateOptions(skip_nulls=False)
    earliest = found.group_by("entry_id", use_threads=False).aggregate(
        [(name, "first", first) for name in names]
    )
    return earliest.select(["entry_id", *(f"{name}_first" for name in names)]).rename_columns(
        ["entry_id", *names]
    )


def _sorted(rows: pa.Table, names: tuple[str, ...]) -> pa.Table:
    """By these columns; a null comes before every value."""
    keys = [(name, "ascending", "at_start") for name in names]
    return rows.take(pc.sort_indices(rows, sort_keys=keys))
