"""Total orders, written as text (docs/rules.md section 1).

The latest event is the maximum of one string, which begins with the time, the sequence and the id
and carries the fields that are needed. An aggregate compares such strings byte by byte; a structure
would be taken apart for each row. The id makes every string unique, so that the order is total.
"""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import Column
from pyspark.sql import functions as F

from solatium.contracts import Table
from solatium.contracts.keys import EVENT_ORDER

# Separates the parts of a key. It sorts before every character that an id may have, so that `a`
# comes before `ab` whatever follows.
END = "\x01"

# Microseconds from the year 1 to 1970. With them every time of the calendar is a positive number.
_YEAR_ONE = 62_135_596_800_000_000
_DIGITS = 18
_HEX_DIGITS = 16  # of a bigint


def time_key(time: Column, *parts: Column) -> Column:
    """One string that sorts rows by a time and then by text parts; null parts are empty."""
    since = F.lpad((F.unix_micros(time) + F.lit(_YEAR_ONE)).cast("string"), _DIGITS, "0")
    return F.concat_ws(END, since, *(F.coalesce(part, F.lit("")) for part in parts))


def event_key(*fields: Column) -> Column:
    """One string that sorts events by (event_time, sequence, event_id) and carries text fields."""
    return time_key(F.col("event_time"), _sequence(), F.col("event_id"), *fields)


def _sequence() -> Column:
    """A text that sorts as `sequence` does: null is empty, and so comes first.

    With the sign bit inverted, 64-bit numbers sort as the 16 hex digits that they are written in.
    """
    inverted = F.col("sequence").bitwiseXOR(F.lit(-(2**63)))
    return F.lpad(F.hex(inverted), _HEX_DIGITS, "0")


def without_end(value: Column) -> Column:
    """A text without END, for a field of a key; different texts stay different."""
    doubled = F.replace(value, F.lit("\x02"), F.lit("\x02\x02"))
    return F.replace(doubled, F.lit(END), F.lit("\x02\x03"))


def key_part(key: Column, position: int) -> Column:
    """The part at `position` (from 0) after the time of a time key; null where it is empty."""
    text = _part(key, position)
    return F.when(F.length(text) > 0, text)


def key_field(key: Column, position: int) -> Column:
    """The field at `position` (from 0) of an event key; null where it is empty."""
    return key_part(key, position + len(EVENT_ORDER) - 1)


def key_tiebreak(key: Column) -> Column:
    """A text that sorts events of one time: the sequence and the id of an event key."""
    return F.concat(_part(key, 0), F.lit(END), _part(key, 1))


def _part(key: Column, position: int) -> Column:
    return F.split_part(key, F.lit(END), F.lit(position + 2))


def key_time(key: Column) -> Column:
    """The time of a time key."""
    micros = F.substring(key, 1, _DIGITS).cast("bigint") - F.lit(_YEAR_ONE)
    return F.timestamp_micros(micros)


def text(value: Column, kind: str) -> Column:
    """A value as the rules write it: times in UTC with microseconds, money with two places."""
    if kind == "timestamp":
        return F.date_format(value, "yyyy-MM-dd HH:mm:ss.SSSSSS")
    return value if kind == "string" else value.cast("string")


def content(contract: Table, but: Sequence[str] = ("sequence",)) -> Column:
    """The content of a row: its contract's columns as text, joined by `|`, without `sequence`.

    `but` names other columns to leave out instead.
    """
    columns = [column for column in contract.columns if column.name not in but]
    parts = [F.coalesce(text(F.col(c.name), c.type), F.lit("")) for c in columns]
    return F.concat_ws("|", *parts)


def whole(contract: Table) -> Column:
    """All columns of a row as text, joined by `|`: its content and, of events, the sequence."""
    return content(contract, but=())
