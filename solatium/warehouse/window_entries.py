"""The entries that competed in a window, and the order in which they were taken.

docs/rules.md sections 5.3 to 5.6. One row is one entry. Tickets, weights and sizes are those of
`allocations`. The order events of first-come windows are those of the accepted orders.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

import pyarrow as pa
import pyarrow.compute as pc

from solatium.contracts.keys import WINDOW
from solatium.contracts.outcomes import ALLOCATED
from solatium.warehouse.snapshot import Snapshot
from solatium.warehouse.window_facts import Key, WindowFacts

_GREATEST_SIZE = 2**31 - 1  # a size beyond it is written as this number

_OF_ALLOCATIONS = (
    "account_id",
    "entry_id",
    "size",
    "weight",
    "ticket",
    "attempted_at",
    "outcome",
    "quantity",
)


def competing(tables: Snapshot, window: WindowFacts) -> pa.Table:
    """The entries that drew a ticket, or made an attempt, in their order.

    Columns: `entry_id`, `size`, `allocated`; of lotteries `ticket` and `weight`; of first-come
    windows `attempted_at`, `sequence`, `event_id` and `account_id` of the order event that counts.
    """
    rows = members(allocations(tables, [window])[window.key], window)
    entries = entries_of(rows, window)
    if not window.is_first_come:
        return _sorted(
            entries.select(["entry_id", "size", "weight", "ticket", "allocated"]),
            ("ticket", "entry_id"),
        )
    entries = entries.select(["entry_id", "size", "allocated"])
    return _sorted(
        entries.join(attempts(tables, window, rows), "entry_id", join_type="inner"),
        ("attempted_at", "sequence", "event_id"),
    )


def mark(window: WindowFacts) -> str:
    """The column of `allocations` that has a value where an entry competes, and orders them."""
    return "attempted_at" if window.is_first_come else "ticket"


def allocations(tables: Snapshot, windows: Sequence[WindowFacts]) -> dict[Key, pa.Table]:
    """The rows of `allocations` of some windows, with what says how entries stand, by window."""
    rows = (
        tables["allocations"]
        .where(
            {
                "business_date": {window.business_date for window in windows},
                "commodity_id": {window.key[0] for window in windows},
                "window_id": {window.key[1] for window in windows},
            },
            (*WINDOW, *_OF_ALLOCATIONS),
        )
        .combine_chunks()  # from a whole, rows are taken many times faster
    )
    if len(windows) == 1:
        return {windows[0].key: rows}
    places = rows.select(WINDOW).append_column("position", pa.arange(0, len(rows)))
    grouped = places.group_by(WINDOW).aggregate([("position", "list")])
    of_window = {
        (commodity_id.as_py(), window_id.as_py()): rows.take(found.values)
        for commodity_id, window_id, found in zip(
            *(grouped[name] for name in (*WINDOW, "position_list")), strict=True
        )
    }
    return {window.key: of_window.get(window.key, rows.slice(0, 0)) for window in windows}


def members(rows: pa.Table, window: WindowFacts) -> pa.Table:
    """Of the `allocations` of a window the accounts whose entries compete, with `allocated`."""
    competes = pc.and_(pc.is_valid(rows[mark(window)]), pc.is_valid(rows["entry_id"]))
    rows = rows.filter(competes)
    allocated = pc.is_in(rows["outcome"], value_set=pa.array(ALLOCATED))
    return rows.append_column("allocated", allocated)


def entries_of(members: pa.Table, window: WindowFacts) -> pa.Table:
    """The entries of these accounts, in no order, with the columns of `members`."""
    entries = _of_teams(members, mark(window)) if window.is_team else members
    position = entries.schema.get_field_index("size")
    return entries.set_column(position, "size", entries["size"].cast(pa.int64()))


def without_attempt(tables: Snapshot, window: WindowFacts) -> int:
    """How many entries of a first-come window made no attempt, and so have no position."""
    rows = tables["allocations"].where({**window.here, "outcome": "no_attempt"}, ["entry_id"])
    return pc.count_distinct(rows["entry_id"]).as_py()


def _of_teams(rows: pa.Table, mark: str) -> pa.Table:
    """One row per team; its size is the sum of the members' quantities, however great."""
    grouped = rows.group_by("entry_id").aggregate(
        [
            ("size", "min"),
            ("quantity", "sum"),
            ("weight", "min"),
            (mark, "min"),
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
            mark: grouped[f"{mark}_min"],
            "allocated": grouped["allocated_max"],
        }
    )


def attempts(
    tables: Snapshot,
    window: WindowFacts,
    members: pa.Table,
    times: Iterable[datetime] | None = None,
) -> pa.Table:
    """The earliest order event in the rush of each entry's members; or of those at some `times`."""
    at_times = {} if times is None else {"event_time": times}
    orders = tables["orders"].where(
        {**window.here, "status": "submitted", **at_times},
        ["account_id", "event_id", "event_time", "sequence"],
    )
    opens, closes = (
        pa.scalar(window.row[name], orders["event_time"].type)
        for name in ("rush_open", "rush_close")
    )
    in_rush = pc.and_(
        pc.greater_equal(orders["event_time"], opens), pc.less(orders["event_time"], closes)
    )
    orders = orders.filter(in_rush).rename_columns(
        ["account_id", "event_id", "attempted_at", "sequence"]
    )
    found = _sorted(
        orders.join(members.select(["account_id", "entry_id"]), "account_id", join_type="inner"),
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
