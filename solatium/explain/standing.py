"""Where an entry stood among those that competed (docs/rules.md sections 5.3 to 5.6).

Entries are counted, not sorted: a window may have millions. They are ordered by their ticket or the
time of their attempt, and those that share it by their id or by the event of the attempt.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from solatium.warehouse.snapshot import Snapshot
from solatium.warehouse.window_entries import attempts, entries_of, mark, members
from solatium.warehouse.window_facts import WindowFacts

_Key = tuple[Any, ...]  # what orders entries that share a ticket or a time


@dataclass(frozen=True)
class Standing:
    """The `position` of an entry, from 1, among those that `competed`.

    `units_before` were allocated to entries before it. `allocated` entries won, and
    `last_allocated` is the position of the last of them, None where none did.
    """

    position: int
    competed: int
    units_before: int
    allocated: int
    last_allocated: int | None


def standing(
    tables: Snapshot, window: WindowFacts, allocations: pa.Table, entry_id: str
) -> Standing:
    """Where one of the entries stood that competed in a window, which has these `allocations`."""
    accounts, column = members(allocations, window), mark(window)
    entries = entries_of(accounts, window)
    own = entries.filter(pc.equal(entries["entry_id"], entry_id))[column][0].as_py()
    won = entries.filter(entries["allocated"])
    last = pc.max(won[column]).as_py()
    keys = _keys_of_tied(tables, window, accounts, entries, {own, last} - {None})

    def before(some: pa.Table, value: Any, key: _Key) -> pa.Table:
        tied = [name for name, (shared, other) in keys.items() if shared == value and other < key]
        is_tied = pc.is_in(some["entry_id"], value_set=pa.array(tied, pa.string()))
        return some.filter(pc.or_(pc.less(some[column], value), is_tied))

    _, own_key = keys[entry_id]
    last_allocated = None
    if last is not None:
        names = won.filter(pc.equal(won[column], last))["entry_id"].to_pylist()
        last_allocated = len(before(entries, last, max(keys[name][1] for name in names))) + 1
    return Standing(
        position=len(before(entries, own, own_key)) + 1,
        competed=len(entries),
        units_before=pc.sum(before(won, own, own_key)["size"]).as_py() or 0,
        allocated=len(won),
        last_allocated=last_allocated,
    )


def _keys_of_tied(
    tables: Snapshot,
    window: WindowFacts,
    accounts: pa.Table,
    entries: pa.Table,
    values: Iterable[str | datetime],
) -> dict[str, tuple[Any, _Key]]:
    """The ticket or time, and the key after it, of the entries that have one of these `values`."""
    column = entries[mark(window)]
    wanted = pa.array(values, column.type)
    tied = entries.filter(pc.is_in(column, value_set=wanted))
    if not window.is_first_come or len(tied) == len(wanted):
        found = zip(tied["entry_id"].to_pylist(), tied[mark(window)].to_pylist(), strict=True)
        return {entry_id: (value, (entry_id,)) for entry_id, value in found}
    of_tied = pc.is_in(accounts["entry_id"], value_set=tied["entry_id"].combine_chunks())
    made = attempts(tables, window, accounts.filter(of_tied), wanted.to_pylist())
    return {row["entry_id"]: (row["attempted_at"], _event_key(row)) for row in made.to_pylist()}


def _event_key(attempt: dict[str, Any]) -> _Key:
    """A sequence that is null comes first."""
    number = attempt["sequence"]
    return number is not None, number or 0, attempt["event_id"]
