"""Frames: what was read of landing files, as columns of the contract (docs/rules.md section 2).

A frame has, for each column of the contract, the value in the contract's type and, beside it, what
the row rules and the quarantine need to know of the value as it was found. A source mapping ends
here: nobody further on sees that there is one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from pyspark.sql import Column as SparkColumn
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from solatium.contracts import Column, Table
from solatium.dataframes.event_keys import text
from solatium.engine import Engine
from solatium.landing import plain_copies
from solatium.landing.footers import Reading, Stored, stored
from solatium.landing.plain_copies import FIRST_MICRO, LAST_MICRO
from solatium.settings.sources import Source
from solatium.storage.location import Location

OUT = "{}__out_of_range"  # boolean: the value found does not fit the contract's type exactly
NONEXISTENT = "{}__nonexistent"  # boolean, of times: the local time found does not exist
FOUND = "{}__found"  # string: the value, or what was found in its place

# Integer types: their least and greatest value, and the types whose every value they hold.
_INTEGERS = {"int": (-(2**31), 2**31 - 1), "bigint": (-(2**63), 2**63 - 1)}
_FITTING = {
    "int": ("tinyint", "smallint", "int"),
    "bigint": ("tinyint", "smallint", "int", "bigint"),
}

_MICROSECOND = timedelta(microseconds=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class _Judged:
    """A column of the contract in its type, null where it is bad, and what else is known of it."""

    value: SparkColumn
    found: SparkColumn
    out: SparkColumn
    nonexistent: SparkColumn

    def columns(self, column: Column) -> list[SparkColumn]:
        marked = [
            self.value.alias(column.name),
            self.out.alias(OUT.format(column.name)),
            self.found.alias(FOUND.format(column.name)),
        ]
        if column.type == "timestamp":
            marked.append(self.nonexistent.alias(NONEXISTENT.format(column.name)))
        return marked


def of_files(
    engine: Engine, files: Iterable[Location], columns: Sequence[Stored], *, is_copy: bool
) -> DataFrame:
    """Columns of files that can be read as one, under the names that `plain_copies` gives."""
    copied = list(plain_copies.copied(columns))
    here = copied if is_copy else [(column.name, column.kind) for column in columns]
    schema = ", ".join(f"`{name.replace('`', '``')}` {kind}" for name, kind in here)
    raw = engine.spark.read.schema(schema).parquet(*map(engine.file_path, files))
    plain = raw.toDF(*(name for name, _ in copied))
    return plain.select(
        *(engine.text(name).alias(name) if kind == "string" else name for name, kind in copied)
    )


def as_contract(
    raw: DataFrame, contract: Table, source: Source, readings: Sequence[Reading]
) -> DataFrame:
    """The frame of files; `raw` has their columns under the names that `plain_copies` gives."""
    places = {column: place for place, column in enumerate(stored(readings))}
    by_column = {reading.column: reading.stored for reading in readings}
    judged: list[SparkColumn] = []
    for column in contract.columns:
        found = by_column.get(column.name)
        if found is None:
            judged += _constant(source.constants.get(column.name), column).columns(column)
            continue
        place = places[found]
        value = F.col(plain_copies.VALUE.format(place))
        if column.name in source.values:
            one = _mapped(value, found.kind, column, source.values[column.name])
        elif found.local:
            one = _time(value, F.col(plain_copies.NONEXISTENT.format(place)))
        else:
            one = _typed(value, found.kind, column)
        judged += one.columns(column)
    return raw.select(judged)


def _constant(value: Any, column: Column) -> _Judged:
    literal = F.lit(None).cast(column.type)
    if isinstance(value, str) and column.type == "timestamp":
        literal = F.timestamp_micros(
            F.lit((datetime.fromisoformat(value) - _EPOCH) // _MICROSECOND)
        )
    elif value is not None:
        literal = F.lit(_text(value)).cast(column.type)
    return _good(literal, column)


def _good(value: SparkColumn, column: Column) -> _Judged:
    found = text(value, column.type).cast("string")
    return _Judged(value, found, F.lit(False), F.lit(False))


def _text(value: Any) -> str:
    """A value of a source mapping as the text that is cast to the contract's type."""
    return str(value).lower() if isinstance(value, bool) else str(value)


# Values as they are


def _typed(value: SparkColumn, kind: str, column: Column) -> _Judged:
    if column.type == "string":
        return _string(value, column)
    if column.type == "boolean":
        return _good(value, column)
    if column.type == "timestamp":
        return _time(value, F.lit(False))
    if column.type in _INTEGERS:
        if kind in _FITTING[column.type]:
            typed = value.cast(column.type)
            return _Judged(typed, value.cast("string"), F.lit(False), F.lit(False))
        fits = (
            _is_integer(value, column)
            if kind == "string"
            else value.between(*_INTEGERS[column.type])
        )
    elif kind == "string":
        fits = _is_money(value)
    else:
        fits = F.coalesce(value.try_cast(column.type) == value, F.lit(False))
    return _fitting(fits, value, column)


def _string(value: SparkColumn, column: Column) -> _Judged:
    # by its length: Sail compares a column with "" slowly where most of it is null
    typed = value if column.required else F.when(F.length(value) > 0, value)
    return _Judged(typed, value, F.lit(False), F.lit(False))


def _time(value: SparkColumn, nonexistent: SparkColumn) -> _Judged:
    """A time that no calendar has is shown as a number, as engines write it each so."""
    fits = F.unix_micros(value).between(FIRST_MICRO, LAST_MICRO)
    out = value.isNotNull() & ~fits
    number = F.concat(F.unix_micros(value).cast("string"), F.lit(" microseconds since 1970"))
    found = F.coalesce(text(F.when(~out, value), "timestamp"), F.when(out, number))
    return _Judged(F.when(fits & ~nonexistent, value), found, out, nonexistent)


def _fitting(fits: SparkColumn, value: SparkColumn, column: Column) -> _Judged:
    """A number that is out of range where it does not fit."""
    typed = F.when(fits, value.try_cast(column.type))
    return _Judged(typed, value.cast("string"), value.isNotNull() & ~fits, F.lit(False))


def _is_integer(value: SparkColumn, column: Column) -> SparkColumn:
    """Whether a text is an integer that fits. Engines differ in what else than digits they cast."""
    number = F.when(value.rlike(r"^-?0*[0-9]{1,19}\z"), value).try_cast("decimal(38,0)")
    return F.coalesce(number.between(*_INTEGERS[column.type]), F.lit(False))


def _is_money(value: SparkColumn) -> SparkColumn:
    return value.rlike(r"^-?0*[0-9]{1,16}(\.[0-9]{1,2}0*)?\z")


# Values by a mapping


def _mapped(value: SparkColumn, kind: str, column: Column, codes: dict[str, Any]) -> _Judged:
    """Values as text, those that `codes` has as what they stand for, the others as they are."""
    found = value.cast("string")
    chain: Any = F
    for code, meant in codes.items():
        stands_for = F.lit(None) if meant is None else F.lit(_text(meant))
        chain = chain.when(found == code, stands_for.cast("string"))
    value = chain.otherwise(found)
    if column.type == "string":
        return _string(value, column)
    if column.type == "boolean":
        fits = value.isin("true", "false")
    elif column.type in _INTEGERS:
        fits = _is_integer(value, column)
    else:
        fits = _is_money(value)
        if kind != "string":  # a number in its place may be of cents, or of whole units
            fits &= found.isin(*codes)
    return _fitting(fits, value, column)
