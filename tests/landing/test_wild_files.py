"""Files as they are in the wild: of old writers, of pandas, of tools that write thousands."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from base64 import b64decode, b64encode
from collections.abc import Callable
from datetime import date
from math import inf, nan
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pyarrow.parquet.encryption as pe
import pytest
from bad_parquet import footer_at
from harness import Nights, write_landing
from rows import DAY, entrant, joined, landing, ordered, window
from sampled import sampled
from thrift.Thrift import TType

from solatium.errors import InputError
from solatium.landing import zone as zones
from solatium.storage.parquet_footer import Field, packed, read_footer

# Three accounts of a window; the gate lets bad rows pass, so that each test sees what became of it.
CONFIG = {"gates": {"max_quarantine_share": 1}}


def land(nights: Nights) -> Path:
    """Puts three applications into the landing zone; the file of these."""
    rows = landing(window(), [entrant(who) for who in "abc"], ordered("a"))
    nights.land(rows)
    return nights.landing / "participation" / f"dt={DAY}" / "part-0.parquet"


def set_column(file: Path, name: str, values: pa.Array) -> None:
    rows = pq.read_table(file)
    pq.write_table(rows.set_column(rows.schema.names.index(name), name, values), file)


def accepted(nights: Nights) -> list[str]:
    return sorted(row["account_id"] for row in nights.rows("participation"))


@pytest.mark.parametrize(
    "kind",
    sampled(
        [pa.int32(), pa.bool_(), pa.float64(), pa.binary(), pa.list_(pa.int8()), pa.date32()],
        [pa.bool_(), pa.list_(pa.int8())],
    ),
    ids=str,
)
def test_a_nullable_column_without_any_value_may_be_of_any_type(
    nights: Nights, kind: pa.DataType
) -> None:
    set_column(land(nights), "team_id", pa.nulls(3, kind))
    nights.run(DAY)
    assert accepted(nights) == ["a", "b", "c"]
    assert {row["team_id"] for row in nights.rows("participation")} == {None}


def test_with_one_value_it_may_not(nights: Nights) -> None:
    set_column(land(nights), "team_id", pa.array([None, None, 7], pa.int32()))
    with pytest.raises(InputError, match="column team_id: expected a string, found int32"):
        nights.run(DAY)


@pytest.mark.spark_at_length
@pytest.mark.parametrize("kind", [pa.float64(), pa.float32()], ids=str)
def test_integers_that_are_stored_as_floats_are_taken_where_they_are_exact(
    nights: Nights, kind: pa.DataType
) -> None:
    set_column(land(nights), "quantity", pa.array([2.0, None, 2.5], kind))
    nights.run(DAY, CONFIG)
    rows = {row["account_id"]: row["quantity"] for row in nights.rows("participation")}
    assert rows == {"a": 2, "b": None}
    [bad] = nights.rows("quarantine")
    assert bad["reasons"] == ["out_of_range_quantity"]
    assert json.loads(bad["payload"])["quantity"] == "2.500000e+00"


@pytest.mark.parametrize(
    "value", sampled([2.0**53 + 2, -1e300, inf, nan], [2.0**53 + 2, nan]), ids=str
)
def test_floats_that_stand_for_several_integers_or_none_are_out_of_range(
    nights: Nights, value: float
) -> None:
    set_column(land(nights), "sequence", pa.array([1.0, 2.0**53, value], pa.float64()))
    nights.run(DAY, CONFIG)
    rows = {row["account_id"]: row["sequence"] for row in nights.rows("participation")}
    assert rows == {"a": 1, "b": 2**53}
    assert [row["reasons"] for row in nights.rows("quarantine")] == [["out_of_range_sequence"]]


def test_names_are_shown_with_what_prints_nothing_escaped(nights: Nights) -> None:
    file = land(nights)
    rows = pq.read_table(file)
    marked = ["\ufeffevent_id" if name == "event_id" else name for name in rows.schema.names]
    pq.write_table(rows.rename_columns(marked), file)
    with pytest.raises(InputError) as refusal:
        nights.run(DAY)
    [problem] = refusal.value.problems
    assert "found only \\ufeffevent_id, event_type" in problem
    assert "(is \\ufeffevent_id meant?)" in problem
    assert problem.isprintable()


def test_a_footer_of_an_old_writer_is_read_where_the_engine_refuses_it(nights: Nights) -> None:
    """Its lists of encodings are said to be of 16-bit numbers; readers of C++ do not mind."""
    file = land(nights)
    content = file.read_bytes()
    start = footer_at(content)
    odd = re.sub(
        rb"(\x15[\x00-\x0e]\x19)([\x15\x25\x35\x45])",
        lambda found: found[1] + bytes([found[2][0] - 1]),
        content[start:],
    )
    assert odd != content[start:]
    file.write_bytes(content[:start] + odd)
    assert pq.read_table(file).num_rows == 3
    nights.run(DAY)
    assert accepted(nights) == ["a", "b", "c"]


def of_polars(file: Path) -> None:
    """128-bit integers, which Arrow's own schema in the footer names."""
    rows = pl.read_parquet(file)
    rows.with_columns(pl.lit(7, pl.Int128).alias("hash")).write_parquet(file)


def with_null_keys(file: Path) -> None:
    """A map whose keys may be null, as writers of other languages declare it."""
    rows = pq.read_table(file)
    facts = pa.array([[("a", "b")]] * 3, pa.map_(pa.string(), pa.string()))
    pq.write_table(rows.append_column("facts", facts), file, store_schema=False)
    with file.open("rb") as source:
        start, footer = read_footer(source)
    for element in footer[2].value[1]:
        if element[4].value == b"key":
            element[3] = Field(element[3].kind, 1)
    file.write_bytes(file.read_bytes()[:start] + packed(footer))


def of_unknown_integers(file: Path) -> None:
    """An annotation that no reader knows, which refuses its file too."""
    rows = pq.read_table(file)
    pq.write_table(rows.append_column("n", pa.array([1, 2, 3])), file, store_schema=False)
    with file.open("rb") as source:
        start, footer = read_footer(source)
    [column] = [one for one in footer[2].value[1] if one[4].value == b"n"]
    integer = {1: Field(TType.BYTE, 100), 2: Field(TType.BOOL, True)}
    column[10] = Field(TType.STRUCT, {10: Field(TType.STRUCT, integer)})
    file.write_bytes(file.read_bytes()[:start] + packed(footer))


def encrypted(file: Path) -> None:
    """A column that takes a key, under a footer that takes none."""

    class Keys(pe.KmsClient):
        def wrap_key(self, key: bytes, name: str) -> bytes:
            return b64encode(key)

        def unwrap_key(self, wrapped: bytes, name: str) -> bytes:
            return b64decode(wrapped)

    rows = pq.read_table(file).append_column("phone", pa.array(["1", "2", "3"]))
    how = pe.EncryptionConfiguration(
        footer_key="f", column_keys={"k": ["phone"]}, plaintext_footer=True, double_wrapping=False
    )
    keys = pe.CryptoFactory(lambda _: Keys())
    properties = keys.file_encryption_properties(pe.KmsConnectionConfig(), how)
    with pq.ParquetWriter(file, rows.schema, encryption_properties=properties) as writer:
        writer.write_table(rows)


UNKNOWN = [of_polars, with_null_keys, of_unknown_integers, encrypted]


@pytest.mark.torture
@pytest.mark.spark_at_length
@pytest.mark.parametrize("change", UNKNOWN)
def test_a_column_that_no_reader_knows_does_not_stand_in_the_way(
    nights: Nights, change: Callable[[Path], None]
) -> None:
    change(land(nights))
    nights.run(DAY)
    assert accepted(nights) == ["a", "b", "c"]


def test_one_of_the_contract_refuses_its_file_by_name(nights: Nights) -> None:
    file = land(nights)
    rows = pl.read_parquet(file)
    rows.with_columns(pl.lit(7, pl.Int128).alias("account_id")).write_parquet(file)
    with pytest.raises(InputError) as refusal:
        nights.run(DAY)
    [problem] = refusal.value.problems
    assert "column account_id: expected a string, found" in problem


def test_a_year_that_no_calendar_has_is_a_bad_row_and_not_a_bad_file(nights: Nights) -> None:
    """As Spark writes it: INT96, without a schema of Arrow's."""
    file = land(nights)
    rows = pq.read_table(file).replace_schema_metadata(None)
    pq.write_table(
        rows,
        file,
        use_deprecated_int96_timestamps=True,
        store_schema=False,
        compression="none",
        use_dictionary=False,
    )
    julian = (rows["event_time"][0].as_py().date() - date(1970, 1, 1)).days + 2_440_588
    content, written = file.read_bytes(), julian.to_bytes(4, "little")
    far = (2_440_588 + 105_200_000).to_bytes(4, "little")  # in the year 290000
    assert content.count(written) >= 3
    file.write_bytes(content.replace(written, far, 1))
    nights.run(DAY, CONFIG)
    assert len(accepted(nights)) == 2
    assert [row["reasons"] for row in nights.rows("quarantine")] == [["out_of_range_event_time"]]


@pytest.mark.spark_at_length
def test_many_small_files_are_read_together(
    nights: Nights, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(zones, "_MANY_FILES", 3)
    land(nights)
    for number in range(4):
        nights.land(landing(joined(f"u{number}")), part=f"part-{number + 1}")
    nights.run(DAY, CONFIG)
    assert accepted(nights) == ["a", "b", "c", "u0", "u1", "u2", "u3"]


LIMITED = """
import resource, sys
most = int(sys.argv[1])
resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
from solatium.cli import app
app.main(sys.argv[2:])
"""


@pytest.mark.torture
@pytest.mark.parametrize("most", [256, 1024])
def test_1_500_files_of_one_row_are_read_with_few_open_files(
    embedded: object, tmp_path: Path, most: int
) -> None:
    write_landing(tmp_path / "landing", landing(window(), [entrant(who) for who in "abc"]))
    for number in range(1500):
        row = landing(joined(f"u{number}"))
        write_landing(tmp_path / "landing", row, f"one-{number}")
    (tmp_path / "config.yaml").write_text(json.dumps(CONFIG))
    places = ["--landing", tmp_path / "landing", "--warehouse", tmp_path / "wh"]
    done = subprocess.run(
        [
            *(sys.executable, "-c", LIMITED, str(most), "nightly", *map(str, places)),
            *("--config", str(tmp_path / "config.yaml"), "--date", str(DAY)),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "read participation: 1503 rows in, 1503 rows out" in done.stderr
