"""Parquet files that are damaged in the ways of `bad_data` of apache/parquet-testing, and others.

Each takes the bytes of a sound file that `plain` has written, and gives those of a bad one.
"""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO

import pyarrow as pa
import pyarrow.parquet as pq

ROWS = 100  # so that counts are two bytes in Thrift, like the sizes of pages


def plain(table: pa.Table, **options: object) -> bytes:
    """The file that the damages are made for: one row group, pages as they are in memory."""
    buffer = BytesIO()
    pq.write_table(table, buffer, compression="NONE", write_statistics=False, **options)
    return buffer.getvalue()


def footer_at(file: bytes) -> int:
    return len(file) - 8 - int.from_bytes(file[-8:-4], "little")


def _page(file: bytes, column: int = 0) -> tuple[int, int]:
    """Where the first data page of a column begins, and where its chunk ends."""
    chunk = pq.read_metadata(BytesIO(file)).row_group(0).column(column)
    first = chunk.dictionary_page_offset or chunk.data_page_offset
    return chunk.data_page_offset, first + chunk.total_compressed_size


def _number(file: bytes, at: int) -> int:
    """Where the Thrift number ends that begins here."""
    while file[at] & 0x80:
        at += 1
    return at + 1


def _header_numbers(file: bytes, at: int) -> list[tuple[int, int]]:
    """Where type, sizes and number of values of a page stand in its header, each from and to."""
    places = []
    for _ in range(3):  # fields 1, 2 and 3: a byte for field and type, then the number
        places.append((at + 1, _number(file, at + 1)))
        at = places[-1][1]
    if file[at] == 0x15:  # field 4: the checksum
        at = _number(file, at + 1)
    return [*places, (at + 2, _number(file, at + 2))]  # within the header of its kind


def _thrift(number: int, width: int) -> bytes:
    """A number as Thrift has it, in so many bytes."""
    zigzag = (number << 1) ^ (number >> 63)
    groups = [(zigzag >> 7 * place) & 0x7F for place in range(width)]
    assert zigzag >> 7 * width == 0
    return bytes([*(group | 0x80 for group in groups[:-1]), groups[-1]])


def _with_header(file: bytes, which: int, number: Callable[[int], int]) -> bytes:
    begin, _ = _page(file)
    start, end = _header_numbers(file, begin)[which]
    value = sum((byte & 0x7F) << 7 * place for place, byte in enumerate(file[start:end]))
    new = _thrift(number((value >> 1) ^ -(value & 1)), end - start)
    return file[:start] + new + file[end:]


def noise_in_pages(file: bytes) -> bytes:
    return file[:4] + b"\xff" * (footer_at(file) - 4) + file[footer_at(file) :]


def unknown_page_type(file: bytes) -> bytes:
    return _with_header(file, 0, lambda _: 9)


def page_too_large(file: bytes) -> bytes:
    return _with_header(file, 2, lambda size: size + 2000)


def page_of_negative_size(file: bytes) -> bytes:
    return _with_header(file, 2, lambda size: -size)


def page_of_more_values(file: bytes) -> bytes:
    return _with_header(file, 3, lambda count: count * 2)


def page_of_fewer_values(file: bytes) -> bytes:
    return _with_header(file, 3, lambda count: count - 36)


def page_of_negative_count(file: bytes) -> bytes:
    return _with_header(file, 3, lambda count: -count)


def index_out_of_range(file: bytes) -> bytes:
    """The last values of a column stand for entries that its dictionary has not."""
    _, end = _page(file)
    return file[: end - 6] + b"\xff" * 6 + file[end:]


def levels_of_noise(file: bytes) -> bytes:
    begin, _ = _page(file)
    start = _header_numbers(file, begin)[3][1] + 8
    return file[:start] + b"\xff" * 4 + file[start + 4 :]


def flipped_value(file: bytes) -> bytes:
    """One bit of a value; only a checksum can tell."""
    _, end = _page(file)
    return file[: end - 3] + bytes([file[end - 3] ^ 1]) + file[end - 2 :]


def _with_rows(file: bytes, which: int, claimed: int) -> bytes:
    """Another count in the footer: 0 the file's, -1 the row group's."""
    at = footer_at(file)
    sign = b"\x16" + _thrift(ROWS, 2)
    places = [i for i in range(at, len(file) - 8) if file[i : i + 3] == sign]
    place = places[which]
    return file[: place + 1] + _thrift(claimed, 2) + file[place + 3 :]


def more_rows_in_file(file: bytes) -> bytes:
    return _with_rows(file, 0, ROWS + 50)


def more_rows_in_group(file: bytes) -> bytes:
    return _with_rows(file, -1, ROWS + 50)


def more_rows_everywhere(file: bytes) -> bytes:
    return file[: (at := footer_at(file))] + file[at:].replace(
        b"\x16" + _thrift(ROWS, 2), b"\x16" + _thrift(ROWS + 50, 2)
    )


def shifted_footer(file: bytes) -> bytes:
    """Bytes that were lost in the middle: all places that the footer names are wrong."""
    return file[:200] + file[260:]


def wrong_magic(file: bytes) -> bytes:
    return file[:-4] + b"PARE"


def footer_longer_than_the_file(file: bytes) -> bytes:
    return file[:-8] + (len(file) * 2).to_bytes(4, "little") + file[-4:]


def schema_of_noise(file: bytes) -> bytes:
    at = footer_at(file)
    return file[: at + 10] + b"\xff" * 8 + file[at + 18 :]


def name_that_is_no_text(file: bytes) -> bytes:
    """A column name of the footer is not UTF-8."""
    return file[: (at := footer_at(file))] + file[at:].replace(b"currency", b"curre\xffcy")


# What the footer tells
OF_FOOTERS = (
    lambda _: b"",
    lambda _: b"event_id,amount\n1,2\n",
    lambda file: file[: len(file) // 2],
    wrong_magic,
    footer_longer_than_the_file,
    schema_of_noise,
    name_that_is_no_text,
    more_rows_in_file,
    more_rows_in_group,
)

# What only those notice who read the pages
OF_PAGES = (
    noise_in_pages,
    unknown_page_type,
    page_too_large,
    page_of_negative_size,
    page_of_more_values,
    page_of_fewer_values,
    page_of_negative_count,
    levels_of_noise,
    more_rows_everywhere,
    shifted_footer,
)
