"""Footers: what a data file says of itself, compared with the contract (docs/rules.md section 2).

Where a source mapping says so, another column of the file stands for one of the contract.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from solatium.contracts import Column, Table
from solatium.errors import reason
from solatium.settings.sources import Source
from solatium.storage.location import Location
from solatium.storage.parquet import Opened, opened, rows_read

MOST_MILLIS = 2**63 // 1000 - 1  # more milliseconds than these overflow in microseconds
_MOST_SCALE = 18  # a decimal of more places is read as text, as comparing it would lose some


def shown_name(name: str) -> str:
    """A name as it can be seen: characters that print nothing are escaped."""
    return "".join(one if one.isprintable() else ascii(one)[1:-1] for one in name)


class Stored(NamedTuple):
    """A column of a file: the Spark type to read it as, and whether its times have no zone."""

    name: str
    kind: str
    local: bool


class Reading(NamedTuple):
    """A column of the contract, and the one of a file that stands for it."""

    column: str
    stored: Stored


def stored(readings: Iterable[Reading]) -> tuple[Stored, ...]:
    """The columns of a file that are read, each once, whatever they stand for."""
    return tuple(dict.fromkeys(reading.stored for reading in readings))


@dataclass(frozen=True)
class Footer:
    """What a data file says of itself: what is read of it, and how many rows it has.

    `form` is the same for files whose columns have the same types, those of no contract included.
    `rewrite` is whether an engine cannot read one of the columns as it is, so that the file is put
    into plain types first. `unused` are the columns that are not read, `absent` those of the
    contract for which the mapping names a column that the file has not.
    """

    readings: tuple[Reading, ...]
    form: str
    rows: int
    rewrite: bool
    unused: tuple[str, ...]
    absent: tuple[str, ...]


def unreadable(place: Location, error: Exception) -> str:
    """How a file that cannot be read is reported."""
    size = f"{place.size()} bytes" if place.exists() else "no file"
    return f"{place}: expected a readable Parquet file, found {size}: {reason(error)}"


def damage(place: Location, one: Footer) -> str | None:
    """What is wrong with a file whose columns are read to their end, by their checksums too.

    Costs 0.2 s of CPU for a million rows of participation.
    """
    names = [column.name for column in stored(one.readings)]
    try:
        rows = rows_read(place, names)
        if names and rows != one.rows:
            raise _miscounted(one.rows, rows)
    except (pa.ArrowException, OSError) as error:
        return unreadable(place, error)
    return None


def _miscounted(claimed: int, found: int) -> pa.ArrowInvalid:
    return pa.ArrowInvalid(f"its footer says {claimed} rows, and there are {found}")


def footer(place: Location, contract: Table, source: Source) -> tuple[Footer | None, list[str]]:
    """The footer of a file, or None and what is wrong with it."""
    try:
        with opened(place) as found:
            file = found.file
            columns = _columns(found, contract, source)
            if columns.wrong:
                return None, [f"{place}: {problem}" for problem in columns.wrong]
            _check_groups(file, list(columns.types))
            good = Footer(
                readings=tuple(columns.readings),
                form=_form(file.schema_arrow),
                rows=file.metadata.num_rows,
                rewrite=bool(
                    found.refused or columns.rewrite or _is_stored_oddly(file, columns.types)
                ),
                unused=(*columns.unused, *found.left_out),
                absent=tuple(columns.absent),
            )
            return good, []
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        return None, [unreadable(place, error)]


@dataclass
class _Columns:
    """The columns of a file, as a Footer has them; `types` of those that are read, by name."""

    unused: tuple[str, ...]
    readings: list[Reading] = field(default_factory=list)
    types: dict[str, pa.DataType] = field(default_factory=dict)
    rewrite: bool = False
    absent: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)


def _columns(opened: Opened, contract: Table, source: Source) -> _Columns:
    file = opened.file
    schema, parquet = file.schema_arrow, file.schema
    stored_as = [parquet.column(place) for place in range(len(parquet))]
    int96 = {column.path for column in stored_as if column.physical_type == "INT96"}
    read = [c for c in contract.columns if c.name not in source.constants]
    names = {source.source_of(column.name) for column in read}
    found = _Columns(tuple(dict.fromkeys(name for name in schema.names if name not in names)))
    for column in read:
        name = source.source_of(column.name)
        told = shown_name(name)
        if name != column.name:
            told += f" (for {column.name})"
        places = schema.get_all_field_indices(name)
        if len(places) > 1:
            found.wrong.append(f"column {told} is there {len(places)} times; expected once")
        elif name in opened.left_out:
            found.wrong.append(
                f"column {told}: expected {_expected(column, source)}, found one that cannot be "
                f"read: {opened.refused}"
            )
        elif not places and column.required:
            found.wrong.append(
                f"column {told} is missing; expected {_expected_when_missing(column, source)}, "
                f"found only {', '.join(map(shown_name, schema.names))}{_hint(name, found.unused)}"
            )
        elif not places:
            found.absent += [column.name] if name != column.name else []
        else:
            kind, is_int96 = schema.field(places[0]).type, name in int96
            is_good = _is_accepted(kind, column, source, int96=is_int96)
            if not is_good and not column.required and _is_empty(file, name):
                continue  # nothing but nulls, which are of every type
            if not is_good:
                kept = "timestamp (INT96)" if is_int96 else str(kind)
                expected = _expected(column, source)
                found.wrong.append(f"column {told}: expected {expected}, found {kept}")
            elif not pa.types.is_null(kind):
                local = pa.types.is_timestamp(kind) and not kind.tz and not is_int96
                found.readings.append(Reading(column.name, Stored(name, _kind(kind), local)))
                found.types[name] = kind
                found.rewrite |= local or _needs_rewriting(kind, int96=is_int96)
    return found


def _is_empty(file: pq.ParquetFile, name: str) -> bool:
    """Whether a column has no value at all; one that cannot be read may have some."""
    try:
        return all(
            batch.column(0).null_count == len(batch) for batch in file.iter_batches(columns=[name])
        )
    except (pa.ArrowException, OSError, IndexError):
        return False


def _check_groups(file: pq.ParquetFile, names: list[str]) -> None:
    """Reads a row of each row group; ArrowException where one is not as the footer has it.

    Of a column chunk that makes no sense nothing else may be asked before: where reading it raises,
    a look at its metadata ends the process (pyarrow 26).
    """
    groups = range(file.metadata.num_row_groups)
    for group in groups if names else ():
        rows = file.iter_batches(1, row_groups=[group], columns=names, use_threads=False)
        next(rows, None)
    found = sum(file.metadata.row_group(group).num_rows for group in groups)
    if found != file.metadata.num_rows:
        raise _miscounted(file.metadata.num_rows, found)


# What is reported


def _hint(name: str, names: Iterable[str]) -> str:
    """The one of `names` that was probably meant to be `name`."""
    folded = {other.casefold(): other for other in names}
    near = get_close_matches(name.casefold(), folded, n=1)
    return f" (is {shown_name(folded[near[0]])} meant?)" if near else ""


def _expected_when_missing(column: Column, source: Source) -> str:
    return _expected(column, source) if column.name in source.values else column.type


def _expected(column: Column, source: Source) -> str:
    """What a column's type may be, for an error message."""
    if column.name in source.values:
        return "a string, an integer or a boolean, as its values are mapped"
    if column.type.startswith("decimal"):
        return "a decimal of any precision"
    return {
        "string": "a string",
        "int": "an integer of any width",
        "bigint": "an integer of any width",
        "boolean": "a boolean",
        "timestamp": "a timestamp" + ("" if source.timezone else " with a time zone"),
    }[column.type]


def _form(schema: pa.Schema) -> str:
    return "\n".join(sorted(f"{field.name}: {field.type}" for field in schema))


# Types


def _is_accepted(found: pa.DataType, column: Column, source: Source, *, int96: bool) -> bool:
    """Whether a column of the contract may be of a type."""
    if int96:
        return column.type == "timestamp"
    if pa.types.is_null(found):
        return True
    # pandas makes doubles of integers where some are null
    is_money = column.type.startswith("decimal")
    is_integer = pa.types.is_integer(found) or (_is_float(found) and not is_money)
    is_text = _is_text(found)
    if column.name in source.values:
        return is_text or is_integer or pa.types.is_boolean(found)
    if column.type == "string":
        return is_text
    if column.type in ("int", "bigint"):
        return is_integer
    if column.type == "boolean":
        return bool(pa.types.is_boolean(found))
    if column.type == "timestamp":
        return bool(pa.types.is_timestamp(found) and (found.tz or source.timezone))
    return bool(pa.types.is_decimal(found))


def _kind(found: pa.DataType) -> str:
    """The type to read an accepted column as."""
    if pa.types.is_timestamp(found):
        return "timestamp"
    if pa.types.is_boolean(found):
        return "boolean"
    if pa.types.is_decimal(found) and _is_exact(found):
        return f"decimal({found.precision},{found.scale})"
    if not pa.types.is_integer(found):
        return "string"
    if pa.types.is_signed_integer(found):
        return {8: "tinyint", 16: "smallint", 32: "int", 64: "bigint"}[found.bit_width]
    return "decimal(20,0)" if found.bit_width == 64 else "bigint"


def _is_exact(found: pa.DataType) -> bool:
    """Whether a decimal can be compared with money in the 38 digits that engines have."""
    whole = found.precision - found.scale
    return 0 <= found.scale <= _MOST_SCALE and whole + max(found.scale, 2) <= 38


def _is_float(found: pa.DataType) -> bool:
    return bool(pa.types.is_floating(found))


def _is_text(found: pa.DataType) -> bool:
    value = found.value_type if pa.types.is_dictionary(found) else found
    return (
        pa.types.is_string(value)
        or pa.types.is_large_string(value)
        or pa.types.is_string_view(value)
    )


# What an engine cannot read as it is


def _needs_rewriting(found: pa.DataType, *, int96: bool) -> bool:
    """Whether one of the engines cannot read the type, or reads it as another."""
    nanoseconds = pa.types.is_timestamp(found) and found.unit == "ns" and not int96
    odd = pa.types.is_decimal(found) and not (pa.types.is_decimal128(found) and _is_exact(found))
    return (
        pa.types.is_dictionary(found)
        or pa.types.is_unsigned_integer(found)
        or _is_float(found)
        or nanoseconds
        or odd
    )


def _is_stored_oddly(file: pq.ParquetFile, types: dict[str, pa.DataType]) -> bool:
    """Whether one of the engines may stumble over how columns are stored, or over a value of them.

    Spark has neither Brotli nor BYTE_STREAM_SPLIT, and engines turn milliseconds into microseconds
    without a look at what overflows.
    """
    metadata = file.metadata
    places = [place for place in range(metadata.num_columns) if _path(file, place) in types]
    for group in map(metadata.row_group, range(metadata.num_row_groups)):
        for chunk in map(group.column, places):
            if chunk.compression == "BROTLI" or "BYTE_STREAM_SPLIT" in chunk.encodings:
                return True
    coarse = [
        name
        for name, found in types.items()
        if pa.types.is_timestamp(found) and found.unit in ("s", "ms")
    ]
    # of the values: statistics may be missing, and asked for where they make no sense they end it
    return bool(coarse) and not all(
        _fits_microseconds(batch.column(name))
        for batch in file.iter_batches(columns=coarse)
        for name in coarse
    )


def _path(file: pq.ParquetFile, place: int) -> str:
    return str(file.schema.column(place).path)


def _fits_microseconds(times: pa.Array) -> bool:
    """Whether seconds or milliseconds do not overflow in microseconds."""
    most = MOST_MILLIS if times.type.unit == "ms" else MOST_MILLIS // 1000
    ends = pc.min_max(times.cast(pa.int64()))
    least, greatest = ends["min"].as_py(), ends["max"].as_py()
    return least is None or bool(least >= -most and greatest <= most)
