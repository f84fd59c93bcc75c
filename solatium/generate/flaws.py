"""What is wrong with logs: rows that come late, twice, in another version, or are bad."""

from __future__ import annotations

from decimal import Decimal
from itertools import cycle, islice
from typing import Any

import numpy as np
import pyarrow as pa

from solatium.contracts import EVENTS, Table
from solatium.generate.accounts import DAY
from solatium.generate.chance import Chance, Ints
from solatium.generate.events import Events
from solatium.generate.spec import GRACE_DAYS, Spec

LAST_DAY = GRACE_DAYS + 2  # after the business date; nothing arrives later

_TOO_LATE = 0.1  # of the late rows come after the grace
_NEXT_DAY = 0.4  # of the duplicates come a day later
_SECOND = 1_000_000

_YEAR_10000 = 253_402_300_800_000_000  # microseconds since 1970
_BAD_IDS = ("a|b", "line\nbreak", "x" * 129)


def arrivals(
    events: Events, numbers: Ints, topic: str, midnight: int, spec: Spec, chance: Chance
) -> tuple[Events, Ints]:
    """The events as they arrive, and the days after the business date on which they do.

    They are in order of arrival, then of time. A duplicate has the same content, a conflict another
    time; conflicts are among what arrives on the business date, where there are many rows, so that
    they stay a small share of them. `numbers` tell the events apart.
    """
    of = chance.of(f"{topic} late", numbers)
    is_late = of < spec.late
    within = 1 + chance.below(f"{topic} days", numbers, GRACE_DAYS)
    lag = np.where(is_late, within, 0) + np.where(of < spec.late * _TOO_LATE, GRACE_DAYS, 0)
    day = np.minimum((events.time - midnight) // DAY + lag, LAST_DAY)

    again = np.flatnonzero(chance.true(f"{topic} again", numbers, spec.duplicates))
    wait = chance.true(f"{topic} again later", numbers[again], _NEXT_DAY).astype(np.int64)
    other = _share(np.flatnonzero(day == 0), spec.conflicts)

    place = np.concatenate([np.arange(len(events)), again, other])
    day = np.concatenate([day, np.minimum(day[again] + wait, LAST_DAY), day[other]])
    found = events.take(place)
    found.time[len(place) - len(other) :] += _SECOND
    order = np.lexsort((found.time, day))
    return found.take(order), day[order]


def bad_rows(rows: pa.Table, contract: Table, share: float, turn: int) -> pa.Table:
    """Copies of a share of these rows (never more), each with one bad value.

    The kinds take turns, from the one at `turn` on. The rows have wider types than the contract's,
    as values that are out of range need them.
    """
    places = _share(np.arange(rows.num_rows), share)
    kinds = _kinds(contract)
    wide = wide_schema(contract)
    plain = pa.schema([(f.name, pa.int64() if _is_time(f.type) else f.type) for f in wide])
    taken = rows.take(pa.array(places))
    copies = pa.table([taken[f.name].cast(f.type) for f in wide], schema=wide).cast(plain)
    spoilt = copies.to_pylist()
    turns = islice(cycle(kinds), turn % len(kinds), None)
    for row, (column, value) in zip(spoilt, turns, strict=False):
        row[column] = row[value.name] if isinstance(value, _Same) else value
    return pa.Table.from_pylist(spoilt, schema=plain).cast(wide)


def wide_schema(contract: Table) -> pa.Schema:
    """The contract's columns in types with room for what is out of range."""
    return pa.schema([(f.name, _wide(f.type)) for f in contract.arrow_schema()])


def _share(places: Ints, share: float) -> Ints:
    """Evenly spread ones of these, rounded down to whole rows."""
    count = int(len(places) * share + 1e-9)
    return places[np.arange(count) * len(places) // max(count, 1)]


def _wide(kind: pa.DataType) -> pa.DataType:
    if pa.types.is_decimal(kind):
        return pa.decimal128(20, 3)
    return {pa.int32(): pa.int64(), pa.int64(): pa.uint64()}.get(kind, kind)


def _is_time(kind: pa.DataType) -> bool:
    return pa.types.is_timestamp(kind)


class _Same:
    """The value of another column of the row."""

    def __init__(self, name: str) -> None:
        self.name = name


def _kinds(contract: Table) -> list[tuple[str, Any]]:
    """A column and a value for each row reason, in the order of the rules; some have several.

    The currency of windows is always there, since a platform may have it as a constant.
    """
    columns = contract.columns
    kinds: list[tuple[str, Any]] = [
        (c.name, None)
        for c in columns
        if c.required and (contract.name, c.name) != ("windows", "currency")
    ]
    kinds += [(c.name, value) for c in columns if c.identifier for value in _BAD_IDS]
    kinds += [(c.name, "other") for c in columns if c.values]
    kinds += [(c.name, 2**31) for c in columns if c.type == "int"]
    kinds += [(c.name, 2**63) for c in columns if c.type == "bigint"]
    kinds += [(c.name, Decimal("1.005")) for c in columns if c.type.startswith("decimal")]
    kinds += [(c.name, _YEAR_10000) for c in columns if c.type == "timestamp"]
    for c in columns:
        if c.minimum is not None:
            low = c.minimum if c.exclusive else c.minimum - 1
            kinds.append((c.name, Decimal(low) if c.type.startswith("decimal") else low))
    if contract.name == "windows":
        kinds.append(("rush_close", _Same("rush_open")))
    if contract.name in EVENTS:
        kinds.append(("window_id", "W-unknown"))
    return kinds
