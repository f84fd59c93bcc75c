"""The landing zone: which files lie in it, whether they can be read, and their rows as a frame.

Files are judged by their footers before anything is written (docs/rules.md section 2). A frame has,
for each column of the contract, the value in the contract's type and, beside it, what the row rules
and the quarantine need to know of the value as it was found.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches
from functools import reduce
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyspark.sql import Column as SparkColumn
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from solatium import contracts
from solatium.contracts import Column, Table
from solatium.engine import Engine
from solatium.errors import InputError
from solatium.ordering import text
from solatium.storage import DataFile, Location

OUT = "{}__out_of_range"  # boolean: the value found does not fit the contract's type exactly
FOUND = "{}__found"  # string: the value as it was found

_NOT_UTF8 = re.compile("[\ud800-\udfff]")
_ODD_PATH = re.compile("[:\x00-\x1f\x7f-\x9f]")  # what one of the engines cannot have in a path
_MOST_SCALE = 18  # a decimal of more places is read as text, as comparing it would lose some
_MOST_MILLIS = 2**63 // 1000 - 1  # more milliseconds than these overflow in microseconds
_FIRST_MICRO, _LAST_MICRO = -62_135_596_800_000_000, 253_402_300_799_999_999  # years 1 to 9999


@dataclass(frozen=True)
class Footer:
    """What a data file says of itself: the type to read each column as, and its rows.

    `form` is the same for files whose columns have the same types, those of no contract included.
    `rewrite` is whether an engine cannot read one of the types, so that the file is put into plain
    ones first.
    """

    types: tuple[tuple[str, str], ...]
    form: str
    rows: int
    rewrite: bool
    unknown: tuple[str, ...]


class LandingZone:
    """The landing zone at one moment: a listing, taken once."""

    def __init__(self, root: Location) -> None:
        self.root = root
        self.files: dict[str, dict[date, list[DataFile]]] = {}
        self._footers: dict[tuple[str, date], list[tuple[Location, Footer]]] = {}
        problems: list[str] = []
        for table in contracts.LANDING:
            self.files[table] = self._listing(table, problems)
        if problems:
            raise InputError(f"{root}: not a landing zone that can be read", problems)

    def _listing(self, table: str, problems: list[str]) -> dict[date, list[DataFile]]:
        found: dict[date, list[DataFile]] = {}
        folder = self.root / table
        if folder.exists() and not folder.is_folder():
            problems.append(f"{folder}: expected a folder of folders dt=YYYY-MM-DD, found a file")
        for name in folder.names():
            place = self.root / table / name
            if name.startswith(("_", ".")):
                continue
            try:
                day = date.fromisoformat(name.removeprefix("dt="))
                if not place.is_folder() or name != f"dt={day.isoformat()}":
                    raise ValueError
            except ValueError:
                kind = "folder" if place.is_folder() else "file"
                problems.append(
                    f"{place}: expected folders dt=YYYY-MM-DD here, found the {kind} {name}; "
                    "rename it, or give it a name that begins with _ to have it passed over"
                )
                continue
            found[day] = place.data_files()
            problems.extend(
                f"{str(place / file.path)!r}: the name is not UTF-8; rename it"
                for file in found[day]
                if _NOT_UTF8.search(str(place / file.path))
            )
        return found

    def dates(self) -> list[date]:
        """Arrival dates that have a folder, in order."""
        return sorted({day for table in self.files.values() for day in table})

    def arrived(self, day: date) -> dict[str, list[tuple[str, int, int]]]:
        """The files of an arrival date by table, for comparing two listings."""
        return {
            table: [(file.path, file.size, file.modified_ns) for file in days[day]]
            for table, days in self.files.items()
            if days.get(day)
        }

    def check(self, days: Iterable[date]) -> list[str]:
        """Reads the footers of all files of these arrival dates; notes on ignored columns.

        Raises InputError with every file and column that cannot be accepted.
        """
        problems: list[str] = []
        unknown: dict[tuple[str, str], int] = defaultdict(int)
        for day in days:
            for table in contracts.LANDING:
                contract = contracts.landing(table)
                footers = []
                for place in self._places(table, day):
                    footer = _footer(place, contract, problems)
                    if footer is not None:
                        footers.append((place, footer))
                        for column in footer.unknown:
                            unknown[table, column] += 1
                self._footers[table, day] = footers
        if problems:
            raise InputError(
                f"{self.root}: {len(problems)} problem(s) with landing files; nothing was written",
                problems,
            )
        return [
            f"{table}: column {column} of {count} file(s) is not in the contract; ignored"
            for (table, column), count in sorted(unknown.items())
        ]

    def rows(self, table: str, day: date) -> int:
        """How many rows the files of an arrival date hold, by their footers."""
        return sum(footer.rows for _, footer in self._footers[table, day])

    def verify(self, day: date) -> None:
        """Reads every file of an arrival date to its end; InputError names those that break."""
        problems = []
        for table in contracts.LANDING:
            for place in self._places(table, day):
                try:
                    with pq.ParquetFile(place.path) as file:
                        for batch in file.iter_batches():
                            batch.validate(full=True)
                except (pa.ArrowException, OSError) as error:
                    problems.append(_unreadable(place, error))
        if problems:
            raise InputError(
                f"{self.root}: {len(problems)} landing file(s) are damaged; {day} was not handled",
                [*problems, "deliver these files once more, then give the same command again"],
            )

    def read(self, engine: Engine, scratch: Location, table: str, day: date) -> DataFrame:
        """The rows of an arrival date: every column of the contract as value, OUT and FOUND."""
        contract = contracts.landing(table)
        groups: dict[tuple[tuple[tuple[str, str], ...], str], list[Location]] = defaultdict(list)
        for number, (place, footer) in enumerate(self._footers[table, day]):
            form = footer.form if engine.merges_types and not footer.rewrite else ""
            other = scratch / f"landing-{table}-{day}-{number}.parquet"
            if footer.rewrite:
                _rewrite(place, other, dict(footer.types))
                place = other
            elif _ODD_PATH.search(str(place)):
                other.link_to(place)
                place = other
            groups[footer.types, form].append(place)
        frames = []
        empty = sum(footer.rows for _, footer in self._footers[table, day] if not footer.types)
        if empty:  # rows of nothing but nulls: engines cannot read a file without columns
            frames.append(_as_contract(engine.spark.range(empty), contract))
        for (types, _), places in groups.items():
            if not types:
                continue
            schema = ", ".join(f"`{name}` {kind}" for name, kind in types)
            paths = [engine.file_path(place) for place in places]
            frames.append(_as_contract(engine.spark.read.schema(schema).parquet(*paths), contract))
        if not frames:
            nothing = engine.spark.createDataFrame([], contract.spark_schema())
            frames.append(_as_contract(nothing, contract))
        return reduce(DataFrame.unionByName, frames)

    def _places(self, table: str, day: date) -> Iterator[Location]:
        for file in self.files[table].get(day, []):
            yield self.root / table / f"dt={day.isoformat()}" / file.path


# Footers


def _footer(place: Location, contract: Table, problems: list[str]) -> Footer | None:
    try:
        with pq.ParquetFile(place.path) as file:
            schema, metadata, parquet = file.schema_arrow, file.metadata, file.schema
            rows = metadata.num_rows
            int96 = {
                parquet.column(i).path
                for i in range(len(parquet))
                if parquet.column(i).physical_type == "INT96"
            }
    except (pa.ArrowException, OSError) as error:
        problems.append(_unreadable(place, error))
        return None
    types: list[tuple[str, str]] = []
    rewrite = False
    wrong: list[str] = []
    unknown = tuple(dict.fromkeys(name for name in schema.names if name not in contract.names))
    for column in contract.columns:
        places = schema.get_all_field_indices(column.name)
        if len(places) > 1:
            wrong.append(f"column {column.name} is there {len(places)} times; expected once")
        elif not places and column.required:
            near = _nearest(column.name, unknown)
            hint = f" (is {near} meant?)" if near else ""
            wrong.append(
                f"column {column.name} is missing; expected {column.type}, "
                f"found only {', '.join(schema.names)}{hint}"
            )
        elif places:
            found = schema.field(places[0]).type
            kind = _readable_as(found, column, int96=column.name in int96)
            if kind is None:
                kept = "timestamp (INT96)" if column.name in int96 else str(found)
                wrong.append(f"column {column.name}: expected {_expected(column)}, found {kept}")
            elif kind:
                types.append((column.name, kind))
                rewrite = rewrite or _needs_rewriting(found, int96=column.name in int96)
                rewrite = rewrite or _is_stored_oddly(metadata, column.name, found)
    problems.extend(f"{place}: {problem}" for problem in wrong)
    return None if wrong else Footer(tuple(types), _form(schema), rows, rewrite, unknown)


def _nearest(name: str, names: Iterable[str]) -> str | None:
    """The one of `names` that was probably meant to be `name`."""
    folded = {other.casefold(): other for other in names}
    near = get_close_matches(name, folded, n=1)
    return folded[near[0]] if near else None


def _form(schema: pa.Schema) -> str:
    return "\n".join(sorted(f"{field.name}: {field.type}" for field in schema))


def _unreadable(place: Location, error: Exception) -> str:
    reason = next(iter(str(error).splitlines()), type(error).__name__)
    size = f"{place.path.stat().st_size} bytes" if place.exists() else "no file"
    return f"{place}: expected a readable Parquet file, found {size}: {reason}"


def _readable_as(found: pa.DataType, column: Column, *, int96: bool) -> str | None:
    """The type to read a column as; "" for a column of nulls, None for a type not accepted."""
    if int96:
        return "timestamp" if column.type == "timestamp" else None
    if pa.types.is_null(found):
        return ""
    if column.type == "string":
        value = found.value_type if pa.types.is_dictionary(found) else found
        return "string" if _is_string(value) else None
    if column.type == "int":
        return _integer(found)
    if column.type == "boolean":
        return "boolean" if pa.types.is_boolean(found) else None
    if column.type == "timestamp":
        return "timestamp" if pa.types.is_timestamp(found) and found.tz else None
    if pa.types.is_decimal(found):
        return f"decimal({found.precision},{found.scale})" if _is_exact(found) else "string"
    return None


def _is_exact(found: pa.DataType) -> bool:
    """Whether a decimal can be compared with money in the 38 digits that engines have."""
    whole = found.precision - found.scale
    return 0 <= found.scale <= _MOST_SCALE and whole + max(found.scale, 2) <= 38


def _is_string(found: pa.DataType) -> bool:
    return (
        pa.types.is_string(found)
        or pa.types.is_large_string(found)
        or pa.types.is_string_view(found)
    )


def _integer(found: pa.DataType) -> str | None:
    if not pa.types.is_integer(found):
        return None
    if pa.types.is_signed_integer(found):
        return {8: "tinyint", 16: "smallint", 32: "int", 64: "bigint"}[found.bit_width]
    return "decimal(20,0)" if found.bit_width == 64 else "bigint"


def _expected(column: Column) -> str:
    """What a column's type may be, for an error message."""
    if column.type.startswith("decimal"):
        return "a decimal of any precision"
    return {
        "string": "a string",
        "int": "an integer of any width",
        "boolean": "a boolean",
        "timestamp": "a timestamp with a time zone",
    }[column.type]


def _needs_rewriting(found: pa.DataType, *, int96: bool) -> bool:
    """Whether one of the engines cannot read the type, or reads it as another."""
    nanoseconds = pa.types.is_timestamp(found) and found.unit == "ns" and not int96
    odd = pa.types.is_decimal(found) and not (pa.types.is_decimal128(found) and _is_exact(found))
    return (
        pa.types.is_dictionary(found) or pa.types.is_unsigned_integer(found) or nanoseconds or odd
    )


def _is_stored_oddly(metadata: pq.FileMetaData, name: str, found: pa.DataType) -> bool:
    """Whether one of the engines may stumble over how a column is stored, or over a value of it.

    Spark has neither Brotli nor BYTE_STREAM_SPLIT, and engines turn milliseconds into microseconds
    without a look at what overflows.
    """
    coarse = pa.types.is_timestamp(found) and found.unit in ("s", "ms")
    for group in map(metadata.row_group, range(metadata.num_row_groups)):
        for chunk in map(group.column, range(group.num_columns)):
            if chunk.path_in_schema == name and (
                chunk.compression == "BROTLI"
                or "BYTE_STREAM_SPLIT" in chunk.encodings
                or (coarse and not _fits_microseconds(chunk))
            ):
                return True
    return False


def _fits_microseconds(chunk: pq.ColumnChunkMetaData) -> bool:
    """Whether milliseconds are sure not to overflow in microseconds, by their statistics."""
    facts = chunk.statistics
    if facts is None:
        return bool(chunk.num_values == 0)
    if not facts.has_min_max:
        return bool(facts.has_null_count and facts.null_count == chunk.num_values)
    return bool(facts.min_raw >= -_MOST_MILLIS and facts.max_raw <= _MOST_MILLIS)


def _rewrite(source: Location, target: Location, types: dict[str, str]) -> None:
    """Copies a file, batch by batch, with each column in the type that it is to be read as."""
    target.path.parent.mkdir(parents=True, exist_ok=True)
    schema = pa.schema([(name, _plain(kind)) for name, kind in types.items()])
    # as microseconds, since INT96 has years that nanoseconds have not
    original = pq.ParquetFile(source.path, coerce_int96_timestamp_unit="us")
    with original as file, pq.ParquetWriter(target.path, schema) as writer:
        for batch in file.iter_batches(columns=list(types)):
            columns = [
                _cast(batch.column(name), field.type)
                for name, field in zip(schema.names, schema, strict=True)
            ]
            writer.write_batch(pa.record_batch(columns, schema=schema))


def _plain(kind: str) -> pa.DataType:
    if kind.startswith("decimal"):
        precision, scale = kind.removeprefix("decimal(").removesuffix(")").split(",")
        return pa.decimal128(int(precision), int(scale))
    plain: dict[str, pa.DataType] = {
        "string": pa.string(),
        "tinyint": pa.int8(),
        "smallint": pa.int16(),
        "int": pa.int32(),
        "bigint": pa.int64(),
        "boolean": pa.bool_(),
        "timestamp": pa.timestamp("us", "UTC"),
    }
    return plain[kind]


def _cast(values: Any, kind: pa.DataType) -> Any:
    if pa.types.is_decimal(values.type) and pa.types.is_string(kind):
        texts = [None if value is None else format(value, "f") for value in values.to_pylist()]
        return pa.array(texts, pa.string())
    if pa.types.is_timestamp(kind):
        return _microseconds(values, kind)
    return values.cast(kind)


def _microseconds(values: Any, kind: pa.DataType) -> Any:
    """What is finer than a microsecond is cut off; what is far out of range stays out of it."""
    unit = values.type.unit
    if unit == "ns":
        nanoseconds = values.cast(pa.timestamp("ns", "UTC"))
        return pc.floor_temporal(nanoseconds, unit="microsecond").cast(kind)
    if unit in ("s", "ms"):
        most = _MOST_MILLIS if unit == "ms" else _MOST_MILLIS // 1000
        counts = values.cast(pa.int64())
        counts = pc.max_element_wise(counts, pa.scalar(-most), skip_nulls=False)
        counts = pc.min_element_wise(counts, pa.scalar(most), skip_nulls=False)
        values = counts.cast(pa.timestamp(unit, "UTC"))
    return values.cast(kind)


# Frames


def _as_contract(raw: DataFrame, contract: Table) -> DataFrame:
    columns: list[SparkColumn] = []
    kinds = dict(raw.dtypes)
    for column in contract.columns:
        kind = kinds.get(column.name)
        value = F.col(column.name) if kind else F.lit(None).cast(column.type)
        typed, out = _typed(value, kind or column.type, column)
        columns += [
            typed.alias(column.name),
            out.alias(OUT.format(column.name)),
            _found(value, out, column).alias(FOUND.format(column.name)),
        ]
    return raw.select(columns)


def _found(value: SparkColumn, out: SparkColumn, column: Column) -> SparkColumn:
    """The value as text; a time that no calendar has is a number, as engines write it each so."""
    if column.type != "timestamp":
        return text(value, column.type).cast("string")
    number = F.concat(F.unix_micros(value).cast("string"), F.lit(" microseconds since 1970"))
    return F.coalesce(text(F.when(~out, value), column.type), F.when(out, number))


def _typed(value: SparkColumn, kind: str, column: Column) -> tuple[SparkColumn, SparkColumn]:
    """The value in the contract's type, null where it does not fit exactly; and whether so."""
    never = F.lit(False)
    if column.type == "string":
        return (value if column.required else F.when(value != "", value)), never
    if column.type == "boolean":
        return value, never
    if column.type == "timestamp":
        fits = F.unix_micros(value).between(_FIRST_MICRO, _LAST_MICRO)
        return F.when(fits, value), value.isNotNull() & ~fits
    if column.type == "int":
        if kind in ("tinyint", "smallint", "int"):
            return value.cast("int"), never
        fits = value.between(-(2**31), 2**31 - 1)
        return F.when(fits, value.try_cast("int")), value.isNotNull() & ~fits
    if kind == "string":
        fits = value.rlike(r"^-?0*[0-9]{1,16}(\.[0-9]{1,2}0*)?$")
    else:
        exact = value.try_cast(column.type)
        fits = F.coalesce(exact == value, F.lit(False))
    return F.when(fits, value.try_cast(column.type)), value.isNotNull() & ~fits
