"""Writing and reading one Delta table of a warehouse, on either engine.

docs/engines.md "How Spark reads and writes tables". Both engines write alike: whole files come and
go, the log says how many rows and which dates they hold, and any reader of Delta can read them.
"""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from deltalake import DeltaTable
from harness import table_rows
from pyspark.errors import PySparkException

from solatium import contracts
from solatium.engine import Engine
from solatium.errors import WarehouseError
from solatium.storage.local import LocalLocation
from solatium.warehouse import delta_commit
from solatium.warehouse.delta_commit import LogFile, NewFile
from solatium.warehouse.tables import Warehouse

AUDIT, LEDGER = (contracts.warehouse(name) for name in ("audit_discrepancies", "bonus_waived"))
DAYS = MONDAY, TUESDAY = date(2026, 3, 9), date(2026, 3, 10)

Row = dict[str, Any]

pytestmark = pytest.mark.both_engines


@pytest.fixture
def warehouse(running: Engine, tmp_path: Path) -> Warehouse:
    made = Warehouse(running, LocalLocation(tmp_path), (AUDIT, LEDGER))
    made.prepare(None)
    return made


def found(account: str, day: date = MONDAY, **others: Any) -> Row:
    """A row of the audit."""
    keys = {"commodity_id": "sku1", "window_id": "w1", "account_id": account}
    return keys | {"business_date": day, "kind": "should_have_won"} | others


def put(warehouse: Warehouse, *rows: Row, dates: tuple[date, ...] = ()) -> int:
    """Appends rows of the audit; with `dates`, in the place of theirs."""
    frame = warehouse.engine.frame(rows, AUDIT)
    if dates:
        return warehouse.replace(AUDIT.name, frame, column="business_date", dates=dates)
    return warehouse.append(AUDIT.name, frame)


def read(warehouse: Warehouse) -> list[tuple[str, date]]:
    rows = warehouse.read(AUDIT.name).collect()
    return sorted((row["account_id"], row["business_date"]) for row in rows)


def test_a_table_that_is_empty_has_its_columns(warehouse: Warehouse) -> None:
    frame = warehouse.read(AUDIT.name)
    assert frame.collect() == []
    assert [(f.name, f.dataType) for f in frame.schema] == [
        (f.name, f.dataType) for f in AUDIT.spark_schema()
    ]


def test_rows_are_added_and_those_of_a_date_replaced(warehouse: Warehouse) -> None:
    assert put(warehouse, found("ann"), found("ben"), found("ann", TUESDAY)) == 3
    before = warehouse.read(AUDIT.name)
    assert put(warehouse, found("cid"), dates=(MONDAY,)) == 1
    assert read(warehouse) == [("ann", TUESDAY), ("cid", MONDAY)]
    assert before.count() == 3, "what was read stays as it was"
    assert put(warehouse, dates=DAYS) == 0
    assert read(warehouse) == []


def test_rows_of_a_date_that_has_none_yet_are_appended(warehouse: Warehouse) -> None:
    put(warehouse, found("ann"))
    before = warehouse.version(AUDIT.name)
    assert put(warehouse, found("ben", TUESDAY), dates=(TUESDAY,)) == 1
    assert put(warehouse, dates=(date(2026, 3, 11),)) == 0
    assert read(warehouse) == [("ann", MONDAY), ("ben", TUESDAY)]
    log = Path(warehouse.root.address) / AUDIT.name / "_delta_log"
    for entry in sorted(log.glob("*.json"))[before + 1 :]:
        assert '"remove"' not in entry.read_text()


def test_all_readers_of_delta_see_the_same(warehouse: Warehouse) -> None:
    """The package `deltalake`, and the Delta of the engine itself."""
    put(warehouse, found("ann"), found("ben", TUESDAY))
    put(warehouse, found("cid"), dates=(MONDAY,))
    folder = str(warehouse.root / AUDIT.name)
    expected = [("ben", TUESDAY), ("cid", MONDAY)]
    rows = warehouse.engine.spark.read.format("delta").load(folder).collect()
    assert sorted((row["account_id"], row["business_date"]) for row in rows) == expected
    rows = table_rows(Path(str(warehouse.root)), AUDIT.name)
    assert sorted((row["account_id"], row["business_date"]) for row in rows) == expected


def test_more_rows_than_are_kept_at_hand(warehouse: Warehouse) -> None:
    accounts = [f"a{number:04}" for number in range(1_500)]
    assert put(warehouse, *(found(one, DAYS[n % 2]) for n, one in enumerate(accounts))) == 1_500
    assert read(warehouse) == [(one, DAYS[n % 2]) for n, one in enumerate(accounts)]
    put(warehouse, found("new", TUESDAY))
    assert warehouse.read_dates(AUDIT.name, [TUESDAY]).count() == 751
    assert warehouse.read_dates(AUDIT.name, []).count() == 0


@pytest.mark.parametrize(
    "broken", [{"account_id": None}, {"kind": "was_unlucky"}, {"business_date": None}]
)
def test_a_row_that_breaks_a_constraint_is_refused(warehouse: Warehouse, broken: Row) -> None:
    put(warehouse, found("ann"))
    schema = pa.schema([field.with_nullable(True) for field in AUDIT.arrow_schema()])
    rows = pa.Table.from_pylist([found("ben"), found("cid", **broken)], schema)
    with pytest.raises(PySparkException):
        warehouse.append(AUDIT.name, warehouse.engine.spark.createDataFrame(rows))
    assert read(warehouse) == [("ann", MONDAY)]


def test_only_the_dates_by_which_a_table_lies_can_be_replaced(warehouse: Warehouse) -> None:
    rows = warehouse.read(LEDGER.name)
    with pytest.raises(ValueError, match="does not lie by run_date"):
        warehouse.replace(LEDGER.name, rows, column="run_date", dates=[MONDAY])


def test_the_log_says_how_many_rows_and_which_dates_a_file_holds(warehouse: Warehouse) -> None:
    columns = [c for c in LEDGER.columns if c.name not in ("run_date", "business_date")]
    values = {"string": "x", "int": 1, "bigint": 1, "decimal(18,2)": 1}
    base = {c.name: values[c.type] for c in columns if c.required}
    rows = [base | {"run_date": day, "business_date": MONDAY} for day in DAYS]
    warehouse.append(LEDGER.name, warehouse.engine.frame(rows, LEDGER))
    files = DeltaTable(str(warehouse.root / LEDGER.name)).get_add_actions(flatten=True)
    named = pa.table(files).to_pylist()
    assert sum(file["num_records"] for file in named) == 2
    assert {file["partition.business_date"] for file in named} == {MONDAY}
    assert min(file["min.run_date"] for file in named) == MONDAY
    assert max(file["max.run_date"] for file in named) == TUESDAY


# The log, without an engine


def test_an_entry_that_a_rival_wrote_first_stays(tmp_path: Path) -> None:
    folder = created(tmp_path)
    commit(folder, 0, added("mine"))
    with pytest.raises(WarehouseError, match="version 1 was written by another run"):
        commit(folder, 0, added("late"))
    assert [file.path for file in delta_commit.files(folder, 1)] == [
        "business_date=2026-03-09/mine"
    ]


def test_every_tenth_version_has_a_checkpoint(tmp_path: Path) -> None:
    folder = created(tmp_path)
    for version in range(20):
        commit(folder, version, added(f"file-{version}"))
    checkpoints = [path.name for path in tmp_path.glob("_delta_log/*.checkpoint.parquet")]
    assert sorted(int(name.split(".")[0]) for name in checkpoints) == [10, 20]
    assert len(delta_commit.files(folder, 15)) == 15
    assert len(delta_commit.files(folder, 20)) == 20


def test_a_file_that_is_taken_out_is_named_with_its_partition(tmp_path: Path) -> None:
    folder = created(tmp_path)
    commit(folder, 0, added("one"))
    (one,) = delta_commit.files(folder, 1)
    assert one == LogFile("business_date=2026-03-09/one", 7, 3, {"business_date": MONDAY})
    delta_commit.commit(folder, AUDIT, 1, [], [one])
    assert delta_commit.files(folder, 2) == []
    lines = (tmp_path / "_delta_log" / f"{2:020}.json").read_text().splitlines()
    (removed,) = (json.loads(line)["remove"] for line in lines if "remove" in line)
    assert removed["partitionValues"] == {"business_date": "2026-03-09"}
    assert removed["size"] == 7


def created(folder: Path) -> LocalLocation:
    schema = AUDIT.stored_schema()
    DeltaTable.create(str(folder), schema=schema, partition_by=list(AUDIT.partition_by))
    return LocalLocation(folder)


def added(name: str) -> NewFile:
    return NewFile(f"business_date=2026-03-09/{name}", 7, 3, {})


def commit(folder: LocalLocation, before: int, file: NewFile) -> None:
    delta_commit.commit(folder, AUDIT, before, [file], [])
