"""Rewriting: files that an engine cannot read as they are, copied in plain types.

docs/rules.md section 2. Local times become instants here, as engines have no way to tell that a
time does not exist. Such a time is kept as if it were in UTC, and a column beside it says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from solatium.landing.footers import MOST_MILLIS, Stored
from solatium.landing.local_times import instants
from solatium.storage.location import Location
from solatium.storage.parquet import opened

FIRST_MICRO, LAST_MICRO = -62_135_596_800_000_000, 253_402_300_799_999_999  # years 1 to 9999

_MOST_EXACT = 2.0**53  # beyond it a double stands for several integers

# The columns of a copy, by their places among those that are read.
VALUE = "value_{}"
NONEXISTENT = "nonexistent_{}"  # boolean; only of local times


def copied(columns: Iterable[Stored]) -> Iterator[tuple[str, str]]:
    """Names and Spark types of the columns that stand for these in a copy."""
    for place, column in enumerate(columns):
        yield VALUE.format(place), column.kind
        if column.local:
            yield NONEXISTENT.format(place), "boolean"


def rewrite(
    sources: Iterable[Location], target: Location, columns: Sequence[Stored], zone: str | None
) -> None:
    """Copies these columns of files into one, batch by batch; local times are those of `zone`."""
    schema = pa.schema([(name, _plain(kind)) for name, kind in copied(columns)])
    names = [column.name for column in columns]
    with target.writing() as copy, pq.ParquetWriter(copy, schema) as writer:
        for source in sources:
            # as microseconds, since INT96 has years that nanoseconds have not
            reading = opened(
                source, coerce_int96_timestamp_unit="us", page_checksum_verification=True
            )
            with reading as original:
                for batch in original.file.iter_batches(columns=names):
                    values = [value for column in columns for value in _values(batch, column, zone)]
                    writer.write_batch(pa.record_batch(values, schema=schema))


def _values(batch: Any, column: Stored, zone: str | None) -> Iterator[Any]:
    values = batch.column(column.name)
    if not column.local:
        yield _cast(values, _plain(column.kind))
    elif zone is not None:  # as footers have made sure
        yield from _of_zone(_microseconds(values, None), zone)


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
    if pa.types.is_floating(values.type):
        return _integers(values)
    if pa.types.is_timestamp(kind):
        return _microseconds(values, "UTC")
    return values.cast(kind)


def _integers(values: Any) -> Any:
    """Floats as text: integers without a point, and all others so that they look like none."""
    values = values.cast(pa.float64())
    is_exact = pc.and_(
        pc.equal(values, pc.floor(values)), pc.less_equal(pc.abs(values), _MOST_EXACT)
    )
    exact = pc.if_else(is_exact, values, None).cast(pa.int64()).cast(pa.string())
    others = pc.if_else(is_exact, None, values)
    if others.null_count < len(others):
        written = [None if value is None else f"{value:e}" for value in others.to_pylist()]
        return pc.coalesce(exact, pa.array(written, pa.string()))
    return exact


def _microseconds(values: Any, zone: str | None) -> Any:
    """What is finer than a microsecond is cut off; what is far out of range stays out of it."""
    unit, kind = values.type.unit, pa.timestamp("us", zone)
    if unit == "ns":
        nanoseconds = values.cast(pa.timestamp("ns", zone))
        return pc.floor_temporal(nanoseconds, unit="microsecond").cast(kind)
    if unit in ("s", "ms"):
        most = MOST_MILLIS if unit == "ms" else MOST_MILLIS // 1000
        counts = values.cast(pa.int64())
        counts = pc.max_element_wise(counts, pa.scalar(-most), skip_nulls=False)
        counts = pc.min_element_wise(counts, pa.scalar(most), skip_nulls=False)
        values = counts.cast(pa.timestamp(unit, zone))
    return values.cast(kind)


def _of_zone(local: Any, zone: str) -> Iterator[Any]:
    """Local times as instants, and which do not exist; outside of the calendar nothing changes."""
    written = local.cast(pa.int64())
    in_calendar = pc.and_(
        pc.greater_equal(written, FIRST_MICRO), pc.less_equal(written, LAST_MICRO)
    )
    times, nonexistent = instants(pc.if_else(in_calendar, local, None), zone)
    yield pc.coalesce(times, written).cast(pa.timestamp("us", "UTC"))
    yield nonexistent
