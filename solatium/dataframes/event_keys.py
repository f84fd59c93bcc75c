"""Total orders, and the texts that carry them (docs/rules.md section 1).

"The latest event" is the maximum of one string that begins with time and id and carries the fields
that are wanted: one comparison of bytes for an aggregate, where a structure would be taken apart
for each row. Every such string ends in a unique key, so that no result hangs on luck.
"""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import Column
from pyspark.sql import functions as F

from solatium.contracts import Table

# Separates the parts of an order key. It sorts before every character that an id may have, so that
# `a` comes before `ab` with anything behind it.
END = "\x01"

# Microseconds from the year 1 to 1970: makes every time of the calendar a positive number.
_YEAR_ONE = 62_135_596_800_000_000
_DIGITS = 18


def event_key(time: Column, event_id: Column, *fields: Column) -> Column:
    """One string that orders events by (time, id) and carries text fields; null ones as empty."""
    since = F.lpad((F.unix_micros(time) + F.lit(_YEAR_ONE)).cast("string"), _DIGITS, "0")
    parts = [since, event_id, *(F.coalesce(field, F.lit("")) for field in fields)]
    return F.concat_ws(END, *parts)


def without_end(value: Column) -> Column:
    """A text that cannot end a field of an event key: other texts stay other texts."""
    doubled = F.replace(value, F.lit("\x02"), F.lit("\x02\x02"))
    return F.replace(doubled, F.lit(END), F.lit("\x02\x03"))


def key_field(key: Column, place: int) -> Column:
    """The field at `place` (from 0) of an event key; null where it is empty."""
    text = F.split_part(key, F.lit(END), F.lit(place + 3))
    return F.when(text != "", text)


def key_id(key: Column) -> Column:
    """The id of an event key."""
    return F.split_part(key, F.lit(END), F.lit(2))


def key_time(key: Column) -> Column:
    """The time of an event key."""
    micros = F.substring(key, 1, _DIGITS).cast("bigint") - F.lit(_YEAR_ONE)
    return F.timestamp_micros(micros)


def text(value: Column, kind: str) -> Column:
    """A value as the rules write it: times in UTC with microseconds, money with two places."""
    if kind == "timestamp":
        return F.date_format(value, "yyyy-MM-dd HH:mm:ss.SSSSSS")
    return value if kind == "string" else value.cast("string")


def content(contract: Table, but: Sequence[str] = ()) -> Column:
    """The content of a row: the columns of its contract, `but` some, as text, joined by `|`."""
    columns = [column for column in contract.columns if column.name not in but]
    parts = [F.coalesce(text(F.col(c.name), c.type), F.lit("")) for c in columns]
    return F.concat_ws("|", *parts)
