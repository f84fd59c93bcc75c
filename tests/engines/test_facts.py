"""Facts about engines and libraries that shaped the code (docs/engines.md): each still holds.

A test that fails here means that a newer version has changed: the workaround that rests on the fact
can go, or must change. `F1` and so on are the numbers of docs/engines.md.
"""

from __future__ import annotations

import re
import subprocess
import sys
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any
from urllib.parse import quote

import documents
import obstore
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable, write_deltalake
from object_store import ObjectStore
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame

from solatium.engine import Engine

PAGE = documents.ROOT / "docs" / "engines.md"
NAMES = ("pysail", "pyspark", "delta-spark", "deltalake", "pyarrow", "great-expectations")
VERSIONS = re.compile(rf"\b({'|'.join(NAMES)})\s(\d+\.\d+\.\d+)")


def value(engine: Engine, expression: str) -> Any:
    return engine.spark.sql(f"select {expression}").collect()[0][0]


def small(engine: Engine, rows: str = "values (1, 'a'), (2, 'a')") -> DataFrame:
    return engine.spark.sql(f"select cast(col1 as int) as id, col2 as x from ({rows})")


def test_the_page_speaks_of_the_versions_that_are_installed() -> None:
    named = dict(VERSIONS.findall(PAGE.read_text(encoding="utf-8")))
    assert set(named) == set(NAMES)
    assert {name: version(name) for name in named} == named


def test_every_fact_has_a_test_or_says_that_it_has_none() -> None:
    facts = re.findall(r"^\| (F\d+) \|.*\| ([^|]+) \|$", PAGE.read_text(encoding="utf-8"), re.M)
    tests = Path(__file__).read_text(encoding="utf-8")
    assert len(facts) >= 20
    for fact, how in facts:
        has_test = f'"""{fact}:' in tests
        assert has_test == (not how.startswith("none")), fact


@pytest.mark.both_engines
def test_rounding_to_the_even_neighbour_is_sparks_alone(running: Engine) -> None:
    """F1: `bround` rounds half up on Sail."""
    assert value(running, "bround(2.5)") == (2 if running.name == "spark" else 3)


@pytest.mark.both_engines
def test_integers_that_grow_too_large(running: Engine) -> None:
    """F2: a bigint that overflows wraps silently on Sail, and fails on Spark."""
    query = running.spark.sql("select 9223372036854775807 + id as n from range(1, 2)")
    if running.name == "spark":
        with pytest.raises(PySparkException, match="ARITHMETIC_OVERFLOW"):
            query.collect()
    else:
        assert query.collect()[0][0] == -(2**63)


@pytest.mark.both_engines
def test_a_text_that_starts_nowhere(running: Engine) -> None:
    """F3: Sail takes a null start of `substring` for the beginning."""
    expected = None if running.name == "spark" else "ab"
    assert value(running, "substring('abc', cast(null as int), 2)") == expected


@pytest.mark.both_engines
def test_the_scale_of_a_quotient(running: Engine) -> None:
    """F4: decimal division has another scale on Sail."""
    quotient = "typeof(cast(1 as decimal(18,2)) / cast(3 as decimal(18,2)))"
    expected = "decimal(38,20)" if running.name == "spark" else "decimal(24,6)"
    assert value(running, quotient) == expected


@pytest.mark.parametrize(
    "statement",
    [
        "describe history delta.`{}`",
        "restore delta.`{}` to version as of 0",
        "optimize delta.`{}`",
        "vacuum delta.`{}`",
    ],
)
def test_upkeep_of_delta_tables(embedded: Engine, tmp_path: Path, statement: str) -> None:
    """F5: Sail has no history, restore, optimize or vacuum."""
    small(embedded).write.format("delta").save(str(tmp_path / "t"))
    with pytest.raises(Exception, match="invalid argument"):
        embedded.spark.sql(statement.format(tmp_path / "t")).collect()


def test_a_write_that_was_done_before(embedded: Engine, tmp_path: Path) -> None:
    """F6: Sail ignores txnAppId and txnVersion, so a write that is repeated is written twice."""
    for _ in range(2):
        write = small(embedded).write.format("delta").mode("append")
        write.option("txnAppId", "night").option("txnVersion", "1").save(str(tmp_path / "t"))
    assert embedded.spark.read.format("delta").load(str(tmp_path / "t")).count() == 4


def test_constraints_on_rows_that_a_filter_takes_out(embedded: Engine, tmp_path: Path) -> None:
    """F7: Sail checks NOT NULL on rows that a filter above a join takes out."""
    path = str(tmp_path / "t")
    DeltaTable.create(path, schema=pa.schema([pa.field("id", pa.int32(), nullable=False)]))
    left = small(embedded, "values (1, 'a'), (null, 'b')")
    kept = left.join(small(embedded).select("x"), "x", "left").where("id is not null")
    with pytest.raises(PySparkException, match="NOT_NULL"):
        kept.select("id").write.format("delta").mode("append").save(path)
    kept.select("id").repartition(1).write.format("delta").mode("append").save(path)


def test_names_with_a_space(embedded: Engine, tmp_path: Path) -> None:
    """F8: Sail writes a Delta table under a percent-encoded name where its path has a space."""
    small(embedded).write.format("delta").save(str(tmp_path / "a b"))
    assert not (tmp_path / "a b" / "_delta_log").exists()


@pytest.mark.parametrize("name", ["a[b", "a%20b"])
def test_names_with_odd_characters(tmp_path: Path, name: str) -> None:
    """F9: deltalake fails on `[` and `%` in a path."""
    code = (
        "import sys, pyarrow as pa; from deltalake import DeltaTable, write_deltalake; "
        "write_deltalake(sys.argv[1], pa.table({'a': [1]})); DeltaTable(sys.argv[1])"
    )
    path = str(tmp_path / name)
    ended = subprocess.run([sys.executable, "-c", code, path], capture_output=True, check=False)
    assert ended.returncode != 0


@pytest.mark.parametrize("kind", [pa.uint64(), pa.timestamp("ns")], ids=str)
def test_types_that_sail_does_not_give(embedded: Engine, tmp_path: Path, kind: Any) -> None:
    """F10: Sail does not give unsigned integers and nanoseconds of Parquet files."""
    pq.write_table(pa.table({"a": pa.array([1], kind)}), tmp_path / "a.parquet")
    with pytest.raises(Exception, match=r"not supported|to Spark data type"):
        embedded.spark.read.parquet(str(tmp_path)).collect()


def test_a_field_of_an_array_of_structures(embedded: Engine) -> None:
    """F11: on Sail `getField` of an array of structures means a place in it."""
    rows = embedded.spark.sql("select array(named_struct('a', 1)) as x")
    with pytest.raises(PySparkException):
        rows.select(rows["x"].getField("a")).collect()


def test_daylight_saving_after_2037() -> None:
    """F12: pyarrow knows the rules of a zone only to 2037."""
    noon = pa.array([datetime(2037, 7, 1, 12), datetime(2045, 7, 1, 12)], pa.timestamp("us"))
    instants = pc.assume_timezone(noon, "Europe/Berlin").cast(pa.timestamp("us", "UTC"))
    assert instants.to_pylist() == [
        datetime(2037, 7, 1, 10, tzinfo=UTC),
        datetime(2045, 7, 1, 11, tzinfo=UTC),
    ]


@pytest.mark.both_engines
def test_control_characters_in_json(running: Engine) -> None:
    """F13: the engines write control characters in JSON differently."""
    written = value(running, "to_json(named_struct('a', char(31)))")
    expected = r"\u001F" if running.name == "spark" else r"\u001f"
    assert written == f'{{"a":"{expected}"}}'


def test_times_before_1678_in_the_old_form(tmp_path: Path) -> None:
    """F14: pyarrow reads INT96 as nanoseconds, so years before 1678 come out wrong."""
    year_1600 = pa.array([datetime(1600, 1, 1)], pa.timestamp("us"))
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"a": year_1600}), path, use_deprecated_int96_timestamps=True)
    assert pq.read_table(path)["a"].cast(pa.int64())[0].as_py() > 0
    exact = pq.read_table(path, coerce_int96_timestamp_unit="us")["a"]
    assert exact[0].as_py() == datetime(1600, 1, 1)


def test_functions_of_pyspark_bind_once_a_process() -> None:
    """F15: after a Connect session functions of PySpark build Connect columns."""
    code = (
        "from solatium import engine\n"
        "from pyspark.sql import functions as F\n"
        "with engine.running('embedded'):\n"
        "    print(type(F.lit(1)).__module__)\n"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stdout.split()[-1] == "pyspark.sql.connect.column"


def test_what_a_full_vacuum_adds(tmp_path: Path) -> None:
    """F16: a vacuum of deltalake that removes something adds two versions to a table."""
    path = str(tmp_path / "t")
    for number in range(2):
        write_deltalake(path, pa.table({"a": [number]}), mode="overwrite")
    table = DeltaTable(path)
    table.vacuum(retention_hours=0, dry_run=False, enforce_retention_duration=False)
    assert DeltaTable(path).version() == 3


@pytest.mark.spark_at_length
def test_a_cross_join_on_spark(running: Engine) -> None:
    """F17: Spark makes a cartesian product of a cross join, even of one row with one."""
    if running.name != "spark":
        pytest.skip("is about Spark's plans")
    running.spark.sql("create or replace temporary view one as select count(*) from range(3)")
    plan = running.spark.sql("explain select * from one cross join (select * from one)")
    assert re.search("CartesianProduct|NestedLoopJoin", plan.collect()[0][0])


def test_rows_of_one_date_are_not_sorted(embedded: Engine, tmp_path: Path) -> None:
    """F33: Sail sorts rows by dates to write them, but not those of which it knows the date."""
    spark, day = embedded.spark, "DATE'2026-11-03'"
    spark.sql(
        "create table by_date (a string, d date) using delta partitioned by (d) "
        f"location '{tmp_path / 'by_date'}'"
    )
    try:
        rows = "select cast(id as string) a, date_add(DATE'2026-11-01', cast(id as int)) d"
        plans = [
            spark.sql(f"explain insert into by_date {query}").collect()[0][0]
            for query in (
                f"{rows} from range(9)",
                f"select a, {day} d from ({rows} from range(9)) where d = {day}",
            )
        ]
    finally:
        spark.sql("drop table by_date")
    assert ["SortExec" in plan for plan in plans] == [True, False]


def test_two_names_of_one_bucket(embedded: Engine, s3: ObjectStore) -> None:
    """F26: for Sail and deltalake `s3a://` is `s3://`."""
    place = s3.place("table")
    other = place.replace("s3://", "s3a://")
    small(embedded).write.format("delta").mode("append").save(other)
    assert embedded.spark.read.format("delta").load(place).count() == 2
    assert DeltaTable(place).version() == DeltaTable(other).version() == 0


def test_odd_names_in_a_bucket(embedded: Engine, s3: ObjectStore, tmp_path: Path) -> None:
    """F27: Sail reads a file in a bucket by its percent-encoded URI."""
    pq.write_table(pa.table({"a": [1, 2]}), tmp_path / "file")
    read = embedded.spark.read.schema("a bigint").parquet
    for name in ("a b", "100%25", "[x]", "{y}", "ü#?*+:&"):
        place = s3.place(name)
        s3.put(place, (tmp_path / "file").read_bytes())
        assert read(place.removesuffix(name) + quote(name)).count() == 2, name
    bare = s3.place("100%25")
    s3.put(bare, (tmp_path / "file").read_bytes())
    assert read(bare).count() == 0


def test_objects_that_mark_folders(s3: ObjectStore) -> None:
    """F28: obstore lists an object whose name ends with `/` without the slash."""
    import boto3

    place = s3.place("folder")
    bucket, _, key = place.removeprefix("s3://").partition("/")
    boto3.client("s3").put_object(Bucket=bucket, Key=f"{key}/", Body=b"")
    [found] = obstore.list(s3.client, key.partition("/")[0]).collect()
    assert found["path"] == key
    with pytest.raises(FileNotFoundError):
        obstore.head(s3.client, key)


def test_dates_by_which_plain_files_lie(embedded: Engine, tmp_path: Path) -> None:
    """F29: Sail does not find the date in the name of the folder of a Parquet file."""
    path = tmp_path / "t" / "day=2026-11-01" / "part.parquet"
    path.parent.mkdir(parents=True)
    pq.write_table(pa.table({"id": pa.array([1], pa.int32())}), path)
    reader = embedded.spark.read.schema("id int, day date").option("basePath", str(tmp_path / "t"))
    assert reader.parquet(str(path)).collect()[0]["day"] is None
