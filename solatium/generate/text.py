"""Columns of text and money from whole numbers, without a look at each row in Python."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from solatium.generate.chance import Flags, Ints

Letters = npt.NDArray[np.uint8]


def letters(prefix: str, numbers: Ints, width: int) -> Letters:
    """A line of bytes for each number: the prefix, then the number with leading zeros."""
    found = np.empty((len(numbers), len(prefix) + width), np.uint8)
    found[:, : len(prefix)] = np.frombuffer(prefix.encode(), np.uint8)
    rest = numbers.astype(np.uint64)
    for place in range(found.shape[1] - 1, len(prefix) - 1, -1):
        tens = rest // np.uint64(10)
        found[:, place] = rest - tens * np.uint64(10) + np.uint64(ord("0"))
        rest = tens
    return found


def names(prefix: str, numbers: Ints, width: int, present: Flags | None = None) -> pa.Array:
    """The same as an Arrow column of text; null where not `present`."""
    lines = letters(prefix, numbers, width)
    ends = np.arange(len(lines) + 1, dtype=np.int32) * lines.shape[1]
    text = pa.Array.from_buffers(
        pa.string(), len(lines), [None, pa.py_buffer(ends), pa.py_buffer(lines)]
    )
    if present is None:
        return text
    return pc.if_else(pa.array(present), text, pa.scalar(None, pa.string()))


def picked(values: list[str] | tuple[str, ...], places: Ints) -> pa.Array:
    """For each place the value there, null for -1."""
    return pa.array(values, pa.string()).take(pa.array(places, mask=places < 0))


def whole(numbers: Ints) -> pa.Array:
    """A column of int, null for -1."""
    return pa.array(numbers.astype(np.int32), mask=numbers == -1)


def money(cents: Ints) -> pa.Array:
    """A column of decimal(18,2), from whole cents."""
    words = np.stack([cents, cents >> 63], axis=1)  # 128 bits: the low half, and its sign
    return pa.Array.from_buffers(
        pa.decimal128(18, 2), len(cents), [None, pa.py_buffer(np.ascontiguousarray(words))]
    )


def times(micros: Ints) -> pa.Array:
    """A column of timestamps, from microseconds since 1970, UTC."""
    return pa.array(micros).cast(pa.timestamp("us", tz="UTC"))
