"""Parquet footers that a reader refuses as a whole, for one column that it does not know.

Such are 128-bit integers of Polars, maps whose keys may be null, and columns that are encrypted
under a plain footer. The footer is written again without these columns, in memory, and stands
behind the file's own pages; nothing of the file changes. A footer is a Thrift structure
(https://github.com/apache/parquet-format, parquet.thrift). It is read as it comes, by the numbers
of fields, so that whatever is not touched stays.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq
from thrift.protocol.TCompactProtocol import TCompactProtocol
from thrift.Thrift import TType
from thrift.transport.TTransport import TMemoryBuffer

_MAGIC = b"PAR1"
_TAIL = 8  # bytes: the length of the footer, and the magic

# The fields of the structures, by their numbers.
_SCHEMA, _ROWS, _GROUPS, _NOTES, _ORDERS, _ENCRYPTION, _SIGNING_KEY = 2, 3, 4, 5, 7, 8, 9
_NAME, _CHILDREN = 4, 5  # of an element of the schema
_CHUNKS, _SORTED_BY = 1, 4  # of a row group
_CRYPTO = 8  # of a column chunk
_ARROW_SCHEMA = b"ARROW:schema"


class Field(NamedTuple):
    """A field of a structure, and an element of a list: its type and its value.

    A structure is a mapping of fields by their numbers, a list a type and its values.
    """

    kind: int
    value: Any


@dataclass(frozen=True)
class KnownColumns:
    """A file as if it had only the columns that pyarrow knows; `left_out` are the others."""

    file: io.BufferedReader
    left_out: tuple[str, ...]


def known_columns(file: io.BufferedIOBase) -> KnownColumns | None:
    """A file whose footer is refused, without what it is refused for; None where it is no use."""
    try:
        start, footer = read_footer(file)
        left_out = _pruned(footer)
        pages = _Pages(file, start, packed(footer))
    except Exception:  # whatever is wrong with it, it is no footer
        return None
    return KnownColumns(io.BufferedReader(pages), left_out)


def read_footer(file: io.BufferedIOBase) -> tuple[int, dict[int, Field]]:
    """Where the footer of a file begins, and its fields."""
    end = file.seek(0, io.SEEK_END)
    file.seek(end - _TAIL)
    length, magic = int.from_bytes(file.read(4), "little"), file.read(4)
    start = end - _TAIL - length
    if magic != _MAGIC or start < len(_MAGIC):
        raise ValueError("no Parquet file")
    file.seek(start)
    return start, _read(TCompactProtocol(TMemoryBuffer(file.read(length))), TType.STRUCT)


def packed(footer: dict[int, Field]) -> bytes:
    """The end of a file with this footer."""
    buffer = TMemoryBuffer()
    _write(TCompactProtocol(buffer), TType.STRUCT, footer)
    written = buffer.getvalue()
    return written + len(written).to_bytes(4, "little") + _MAGIC


def _pruned(footer: dict[int, Field]) -> tuple[str, ...]:
    """Takes the columns out that pyarrow does not know, and what is said of them; their names."""
    kind, (root, *elements) = footer[_SCHEMA].value
    columns = _columns(elements)
    chunks = [group[_CHUNKS].value[1] for group in footer[_GROUPS].value[1]]
    kept = [
        column
        for column in columns
        if not any(_CRYPTO in chunk for row in chunks for chunk in row[column.leaves])
        and _is_known(root, column.elements)
    ]

    def of_kept(leaves: list[Any]) -> list[Any]:
        return [leaf for column in kept for leaf in leaves[column.leaves]]

    root[_CHILDREN] = Field(TType.I32, len(kept))
    named = [element for column in kept for element in column.elements]
    footer[_SCHEMA] = Field(TType.LIST, (kind, [root, *named]))
    for group in footer[_GROUPS].value[1]:
        of_group = group[_CHUNKS].value
        group[_CHUNKS] = Field(TType.LIST, (of_group[0], of_kept(of_group[1])))
        group.pop(_SORTED_BY, None)
    if _ORDERS in footer:
        of_orders = footer[_ORDERS].value
        footer[_ORDERS] = Field(TType.LIST, (of_orders[0], of_kept(of_orders[1])))
    if _NOTES in footer:
        of_notes = footer[_NOTES].value
        notes = [note for note in of_notes[1] if note[1].value != _ARROW_SCHEMA]
        footer[_NOTES] = Field(TType.LIST, (of_notes[0], notes))
    for signed in (_ENCRYPTION, _SIGNING_KEY):
        footer.pop(signed, None)
    return tuple(column.name for column in columns if column not in kept)


class _Column(NamedTuple):
    """A column of a table: its elements of the schema, and the place of its leaves."""

    name: str
    elements: list[dict[int, Field]]
    leaves: slice


def _columns(elements: list[dict[int, Field]]) -> list[_Column]:
    found, leaf = [], 0
    while elements:
        size, leaves = _size(elements)
        name = elements[0][_NAME].value.decode("utf-8")
        found.append(_Column(name, elements[:size], slice(leaf, leaf + leaves)))
        elements, leaf = elements[size:], leaf + leaves
    return found


def _size(elements: list[dict[int, Field]]) -> tuple[int, int]:
    """How many elements the first one has with all below it, and how many of them are leaves."""
    awaited, size, leaves = 1, 0, 0
    while awaited:
        children = elements[size].get(_CHILDREN, Field(TType.I32, 0)).value
        awaited += children - 1
        leaves += not children
        size += 1
    return size, leaves


def _is_known(root: dict[int, Field], column: list[dict[int, Field]]) -> bool:
    """Whether pyarrow reads a file that has this column alone."""
    schema = [root | {_CHILDREN: Field(TType.I32, 1)}, *column]
    alone = {
        1: Field(TType.I32, 1),
        _SCHEMA: Field(TType.LIST, (TType.STRUCT, schema)),
        _ROWS: Field(TType.I64, 0),
        _GROUPS: Field(TType.LIST, (TType.STRUCT, [])),
    }
    try:
        pq.ParquetFile(pa.BufferReader(_MAGIC + packed(alone)))
    except (pa.ArrowException, OSError):
        return False
    return True


class _Pages(io.RawIOBase):
    """A file up to `start`, and then another end."""

    def __init__(self, file: io.BufferedIOBase, start: int, end: bytes) -> None:
        super().__init__()
        self._file, self._start, self._end = file, start, end
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at}
        self._at = base.get(whence, self._start + len(self._end)) + offset
        return self._at

    def readinto(self, buffer: Any) -> int:
        if self._at < self._start:
            self._file.seek(self._at)
            found = self._file.read(min(len(buffer), self._start - self._at))
        else:
            place = self._at - self._start
            found = self._end[place : place + len(buffer)]
        buffer[: len(found)] = found
        self._at += len(found)
        return len(found)


# Thrift, whatever it means


def _read(protocol: TCompactProtocol, kind: int) -> Any:
    if kind == TType.STRUCT:
        fields: dict[int, Field] = {}
        protocol.readStructBegin()
        while (begun := protocol.readFieldBegin())[1] != TType.STOP:
            fields[begun[2]] = Field(begun[1], _read(protocol, begun[1]))
            protocol.readFieldEnd()
        protocol.readStructEnd()
        return fields
    if kind == TType.LIST:
        of, number = protocol.readListBegin()
        values = [_read(protocol, of) for _ in range(number)]
        protocol.readListEnd()
        return of, values
    return getattr(protocol, f"read{_SCALARS[kind]}")()


def _write(protocol: TCompactProtocol, kind: int, value: Any) -> None:
    if kind == TType.STRUCT:
        protocol.writeStructBegin("")
        for number, field in sorted(value.items()):
            protocol.writeFieldBegin("", field.kind, number)
            _write(protocol, field.kind, field.value)
            protocol.writeFieldEnd()
        protocol.writeFieldStop()
        protocol.writeStructEnd()
    elif kind == TType.LIST:
        of, values = value
        protocol.writeListBegin(of, len(values))
        for each in values:
            _write(protocol, of, each)
        protocol.writeListEnd()
    else:
        write: Callable[[Any], None] = getattr(protocol, f"write{_SCALARS[kind]}")
        write(value)


_SCALARS = {
    TType.BOOL: "Bool",
    TType.BYTE: "Byte",
    TType.I16: "I16",
    TType.I32: "I32",
    TType.I64: "I64",
    TType.DOUBLE: "Double",
    TType.STRING: "Binary",
}
