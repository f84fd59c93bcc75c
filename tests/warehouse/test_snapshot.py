"""Reading (docs/rules.md section 10): every form has the rows of one night, always."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable, write_deltalake
from harness import Nights
from rows import at, days
from two_nights import MONDAY, MOST, OLD, TUESDAY, copied

import solatium
from solatium import contracts
from solatium.contracts.internal import TABLES
from solatium.errors import SolatiumError, UsageError, WarehouseError
from solatium.storage.local import LocalLocation
from solatium.warehouse.lookup import looked_up
from solatium.warehouse.snapshot import Snapshot, SnapshotTable
from solatium.warehouse.tables import Warehouse

SUNDAY, WEDNESDAY = days(-1), days(2)


@pytest.fixture
def tables(after_two_nights: Nights) -> Snapshot:
    return solatium.open(after_two_nights.warehouse)


def rows(table: pa.Table, contract: contracts.Table) -> list[str]:
    """Rows as text, sorted; in the contract's types, which must lose nothing."""
    return sorted(map(repr, table.cast(contract.arrow_schema()).to_pylist()))


# Forms


def from_pandas(table: SnapshotTable) -> pa.Table:
    return pa.Table.from_pandas(table.pandas(), table.contract.arrow_schema())


def from_duckdb(table: SnapshotTable) -> pa.Table:
    return table.duckdb().to_arrow_table()


@pytest.mark.spark_at_length
def test_every_form_has_the_same_rows_in_the_types_of_the_contract(
    after_two_nights: Nights, tables: Snapshot
) -> None:
    """From a folder with an odd name; Spark's own form for the tables with the most types."""
    session = after_two_nights.running.spark
    forms: dict[str, Callable[[SnapshotTable], pa.Table]] = {
        "pandas": from_pandas,
        "polars": lambda table: table.polars().to_arrow(),
        "duckdb": from_duckdb,
        "spark": lambda table: table.spark(session).toArrow(),
    }
    assert list(tables) == list(contracts.WAREHOUSE)
    for name, table in tables.items():
        arrow, contract = table.arrow(), contracts.warehouse(name)
        assert arrow.schema.equals(contract.arrow_schema()), name
        assert table.rows == arrow.num_rows
        expected = rows(arrow, contract)
        assert len(expected) == len(after_two_nights.rows(name))
        for form, read in forms.items():
            if form != "spark" or name in ("participation", "payment", "accounts", "run_log"):
                assert rows(read(table), contract) == expected, (name, form)


def test_edges_of_the_types_are_exact(tables: Snapshot) -> None:
    participation, payment = tables["participation"], tables["payment"]
    early = [("account_id", "=", "early")]
    assert participation.arrow(["event_time", "quantity"], early).to_pylist() == [
        {"event_time": OLD, "quantity": None}
    ]
    assert participation.pandas(filter=early).event_time[0].to_pydatetime() == OLD
    assert participation.polars(filter=early)["event_time"][0] == OLD
    assert participation.pandas().quantity.dtype == "Int32"
    rich = [("amount", "=", Decimal(MOST))]
    assert payment.polars(["amount"], rich)["amount"].to_list() == [Decimal(MOST)]
    most = payment.duckdb().aggregate("max(amount)").fetchall()
    assert most == [(Decimal(MOST),)]


def test_timestamps_of_int96_are_exact(after_two_nights: Nights, tmp_path: Path) -> None:
    """As Spark writes them where it is not told otherwise."""
    nights = copied(after_two_nights, tmp_path)
    expected = solatium.open(nights.warehouse)["participation"].arrow()
    for file in nights.warehouse.glob("participation/*/*.parquet"):
        pq.write_table(pq.ParquetFile(file).read(), file, use_deprecated_int96_timestamps=True)
    assert pq.ParquetFile(file).schema.column(8).physical_type == "INT96"
    state_sizes(nights.warehouse / "participation")
    found = solatium.open(nights.warehouse)["participation"]
    assert found.arrow().equals(expected)
    early = expected.filter(pc.equal(expected["account_id"], "early"))
    assert found.where({"account_id": "early"}).equals(early)


def state_sizes(table: Path) -> None:
    """Lets the log of a Delta table say how large its files are now."""
    for log in table.glob("_delta_log/*.json"):
        actions = [json.loads(line) for line in log.read_text().splitlines()]
        for action in actions:
            if add := action.get("add"):
                add["size"] = (table / unquote(add["path"])).stat().st_size
        log.write_text("\n".join(map(json.dumps, actions)))


# Which rows and columns


def test_only_what_is_asked_for_is_read(tables: Snapshot) -> None:
    participation = tables["participation"]
    name = participation.arrow(["account_id"], pc.field("event_time") < at("00:00", MONDAY))
    assert name.to_pydict() == {"account_id": ["early"]}
    mondays = participation.arrow(filter=[("business_date", "=", MONDAY)])
    # of Monday's files alone, those of other dates are passed over by what the log says of them
    files = participation.dataset().get_fragments(pc.field("business_date") == MONDAY)
    assert sum(file.count_rows() for file in files) == mondays.num_rows == 4
    for moment in participation.arrow(["event_time"])["event_time"].to_pylist():
        tick = timedelta(microseconds=1)
        near = [("event_time", ">", moment - tick), ("event_time", "<", moment + tick)]
        assert participation.arrow(filter=near).num_rows


@pytest.mark.spark_at_length
def test_rows_are_found_by_their_values_as_by_a_filter(tables: Snapshot) -> None:
    for name, table in tables.items():
        whole = table.arrow()
        for column in table.contract.columns:
            if column.type not in ("string", "int", "bigint", "date", "timestamp"):
                continue
            values = pc.unique(whole[column.name].combine_chunks())
            for value in values.to_pylist()[:3]:
                same = whole.filter(
                    pc.is_null(whole[column.name])
                    if value is None
                    else pc.equal(whole[column.name], pa.scalar(value, values.type))
                )
                found = table.where({column.name: value})
                assert found.schema.equals(table.contract.arrow_schema())
                assert rows(found, table.contract) == rows(same, table.contract), (name, column)


def test_rows_are_found_by_several_values_of_several_columns(tables: Snapshot) -> None:
    allocations = tables["allocations"]
    everybody = set(allocations.arrow(["account_id"])["account_id"].to_pylist())
    lost = allocations.where({"account_id": everybody, "outcome": "lost"}, ["account_id"])
    expected = allocations.arrow(["account_id"], [("outcome", "=", "lost")])
    assert sorted(lost["account_id"].to_pylist()) == sorted(expected["account_id"].to_pylist())
    assert allocations.where({"account_id": []}).num_rows == 0
    assert allocations.where({"account_id": [None]}).num_rows == 0  # a null is asked for by itself
    with pytest.raises(UsageError, match="allocations has no column acount_id"):
        allocations.where({"acount_id": "u1"})


@pytest.mark.parametrize(
    "odd", ["a'b", "''", "\\", "\\'", '"', "--", "x\ny", "$1", "?", "%", "{}", "é", "\x01", " "]
)
def test_a_text_is_never_more_than_a_text(tmp_path: Path, odd: str) -> None:
    table = pa.table({"id": [odd, f"{odd}{odd}", "another"], "number": [1, 2, 3]})
    write_deltalake(tmp_path / "odd", table)
    found = looked_up(DeltaTable(tmp_path / "odd"), {"id": odd}, ["number"])
    assert found["number"].to_pylist() == [1]


def test_a_column_that_is_not_there(tables: Snapshot) -> None:
    with pytest.raises(UsageError, match="accounts has no column acount_id") as refused:
        tables["accounts"].polars(["acount_id", "status"])
    assert "its columns are account_id, registered_at" in str(refused.value)


def test_duckdb_joins_tables_on_a_connection_of_ones_own(tables: Snapshot) -> None:
    with duckdb.connect() as connection:
        won = tables["allocations"].duckdb(connection).filter("outcome = 'won'").set_alias("won")
        results = tables["window_results"].duckdb(connection).set_alias("results")
        joined = won.join(results, "won.window_id = results.window_id")
        assert joined.aggregate("count(*)").fetchall() == [(1,)]


# As of which night


def test_the_tables_of_a_date_are_those_of_the_newest_night_up_to_it(
    after_two_nights: Nights,
) -> None:
    path = str(after_two_nights.warehouse)
    newest = solatium.open(path)
    assert (newest.day, newest.engine) == (TUESDAY, after_two_nights.running.name)
    assert newest.run_id in newest["run_log"].pandas().run_id.tolist()
    for as_of, day in (
        (TUESDAY, TUESDAY),
        (days(100), TUESDAY),
        (MONDAY, MONDAY),
        (MONDAY.isoformat(), MONDAY),
        (datetime.combine(MONDAY, datetime.min.time(), UTC), MONDAY),
    ):
        found = solatium.open(path, as_of)
        assert found.day == day
        assert set(found["window_results"].arrow()["business_date"].to_pylist()) == {
            date for date in (MONDAY, TUESDAY) if date <= day
        }


@pytest.mark.parametrize(
    ("as_of", "said"),
    [
        (SUNDAY, f"nothing had been handled by {SUNDAY}\n  - the first date that was handled is"),
        ("10 March", "as_of must be a date YYYY-MM-DD, not '10 March'"),
        ("2026-02-30", "as_of 2026-02-30 is not in the calendar"),
        (3, "as_of must be a date YYYY-MM-DD, not 3"),
    ],
)
def test_a_date_that_there_is_no_night_of(after_two_nights: Nights, as_of: Any, said: str) -> None:
    with pytest.raises(UsageError) as refused:
        solatium.open(after_two_nights.warehouse, as_of)
    assert said in str(refused.value)


def test_half_a_night_is_not_seen(after_two_nights: Nights, tmp_path: Path) -> None:
    """Neither by who opened the warehouse before it, nor by who does after; nor do they wait."""
    nights = copied(after_two_nights, tmp_path)
    before = solatium.open(nights.warehouse)
    stood = before["allocations"].arrow()
    place = LocalLocation(nights.warehouse)
    with place.held({}), place.plainly_named() as root:
        warehouse = Warehouse(nights.running, root, TABLES)
        warehouse.append("allocations", warehouse.read("allocations"))
        assert len(nights.rows("allocations")) == 2 * stood.num_rows
        for tables in (before, solatium.open(nights.warehouse)):
            assert tables["allocations"].arrow().equals(stood)
            assert tables["allocations"].rows == stood.num_rows
            assert tables["allocations"].duckdb().shape[0] == stood.num_rows


# What is not there


def test_a_table_that_is_not_there_is_a_missing_key_that_names_the_nearest(
    tables: Snapshot,
) -> None:
    with pytest.raises(UsageError, match="there is no table alocations; did you mean allocations"):
        tables["alocations"]
    with pytest.raises(KeyError):
        tables["_set_aside_payment"]
    assert tables.get("alocations") is None
    assert "allocations" in tables
    assert 3 not in tables


@pytest.mark.parametrize("name", ["missing", "empty"])
def test_no_warehouse(tmp_path: Path, name: str) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match="there is no warehouse; solatium nightly makes one"):
        solatium.open(tmp_path / name)
    assert not (tmp_path / "missing").exists()


def test_a_table_of_which_files_are_gone(after_two_nights: Nights, tmp_path: Path) -> None:
    nights = copied(after_two_nights, tmp_path)
    tables = solatium.open(nights.warehouse)
    for file in (nights.warehouse / "accounts").glob("*.parquet"):
        file.unlink()
    with pytest.raises(WarehouseError, match="version 3 of accounts is gone"):
        tables["accounts"].pandas()
    with pytest.raises(WarehouseError, match="version 3 of accounts is gone"):
        tables["accounts"].where({"account_id": "u1"})


@pytest.mark.parametrize("form", ["pandas", "polars", "duckdb"])
def test_a_package_that_is_not_installed(
    tables: Snapshot, form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, form, None)
    with pytest.raises(SolatiumError, match=rf"{form} is not installed(.|\n)*solatium\[readers\]"):
        getattr(tables["accounts"], form)()


# What it looks like


def test_a_snapshot_and_a_table_say_what_they_are(tables: Snapshot) -> None:
    assert repr(tables).startswith(
        f"<{len(contracts.WAREHOUSE)} tables of {tables.root} as of {TUESDAY}: commit 2 by "
    )
    assert repr(tables["bonus_payouts"]).startswith(
        f"bonus_payouts as of {TUESDAY}, version {tables['bonus_payouts'].version}. One row is "
    )
    assert "amount decimal(18,2)" in repr(tables["bonus_payouts"])


def test_importing_the_package_is_cheap() -> None:
    """What is heavy is loaded when a warehouse is opened."""
    said = "import sys, solatium; solatium.open; print(len(sys.modules.keys() & {*sys.argv[1:]}))"
    heavy = ("pyarrow", "pyspark", "deltalake", "pandas", "pydantic", "typer")
    done = subprocess.run([sys.executable, "-c", said, *heavy], capture_output=True, check=True)
    assert done.stdout.strip() == b"0"
