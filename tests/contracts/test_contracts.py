"""The contracts against docs/rules.md, against each other, and from where they are installed."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pyarrow as pa
import pytest
from pyspark.sql.pandas.types import from_arrow_schema

from solatium import contracts
from solatium.contracts import EVENTS, LANDING, REFERENCES, WAREHOUSE, ContractError, Table, odcs
from solatium.contracts.page import tables_page
from solatium.contracts.star import DIMENSIONS, FACTS, STAR, star
from solatium.contracts.star_page import star_page

ROOT = Path(__file__).resolve().parents[2]

# Rows of these are kept once per occurrence, or are postings that only their sums identify.
WITHOUT_KEY = {"windows", "accounts", "quarantine", "bonus_waived"}
BY_BUSINESS_DATE = {
    *EVENTS,
    "screened_participants",
    "allocations",
    "window_results",
    "audit_discrepancies",
    "refunds_due",
    "account_outcomes",
    "bonus_awards",
    "bonus_ledger",
    "bonus_waived",
}
ALL = [contracts.landing(name) for name in LANDING] + [contracts.warehouse(n) for n in WAREHOUSE]


def columns(table: Table) -> list[str]:
    """Name and type of each column as the rules write them, `!` where it is never null."""
    return [f"{c.name}{'!' if c.required else ''} {c.type}" for c in table.columns]


def test_every_contract_is_of_a_table_and_every_table_has_one() -> None:
    files = {path.stem for path in (ROOT / "schemas").iterdir()}
    assert files == set(LANDING) | set(WAREHOUSE) | set(STAR)


@pytest.mark.parametrize("table", ALL, ids=lambda table: table.name)
def test_a_contract_is_complete(table: Table) -> None:
    assert table.purpose.endswith(".")
    assert table.meaning.startswith("One row is ")
    assert table.rules.startswith("section ")
    assert bool(table.key) == (table.name not in WITHOUT_KEY)
    for column in table.columns:
        assert column.meaning.endswith("."), column.name
        assert column.unit or column.type not in ("timestamp", "date", "decimal(18,2)"), column.name
    for name in table.key + table.partition_by:
        assert table.column(name).required, name


@pytest.mark.parametrize("name", STAR)
def test_a_contract_of_the_star_is_complete(name: str) -> None:
    table = star(name)
    assert table.purpose.endswith(".")
    assert table.meaning.startswith("One row is ")
    assert table.rules.startswith("section ")
    assert all(table.column(key).required for key in table.key)
    for column in table.columns:
        assert column.meaning.endswith("."), column.name
        assert column.unit or column.type not in ("timestamp", "date", "decimal(18,2)"), column.name
        if column.refers_to:
            target, key = column.refers_to.split(".")
            assert target in DIMENSIONS
            assert star(target).key == (key,)
            assert star(target).column(key).type == column.type
    assert len(table.partition_by) == (name in FACTS)
    assert name not in DIMENSIONS or len(table.key) == 1


@pytest.mark.parametrize("name", STAR)
def test_values_of_the_star_are_those_of_the_warehouse(name: str) -> None:
    """A column that has the name and the values of one of the warehouse has all of them."""
    known = [c for table in ALL for c in table.columns if c.values]
    for column in star(name).columns:
        alike = [c.values for c in known if c.name == column.name]
        assert not column.values or column.name == "counted_result" or column.values in alike


def test_the_page_of_the_star_is_that_of_its_contracts() -> None:
    page = (ROOT / "docs" / "star.md").read_text(encoding="utf-8")
    assert page == star_page(), "run python -m solatium.contracts.star_page docs/star.md"


def test_a_relationship_that_is_no_foreign_key_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (ROOT / "schemas" / "fact_refund.yaml").read_text(encoding="utf-8")
    (tmp_path / "fact_refund.yaml").write_text(text.replace("foreignKey", "likeness"), "utf-8")
    monkeypatch.setattr(odcs, "data_folder", lambda name: tmp_path)
    with pytest.raises(ContractError, match="account_key: a relationship that is no foreignKey"):
        star.__wrapped__("fact_refund")


@pytest.mark.parametrize("table", ALL, ids=lambda table: table.name)
def test_spark_and_arrow_schemas_agree(table: Table) -> None:
    spark, arrow = table.spark_schema(), table.arrow_schema()
    assert from_arrow_schema(arrow) == spark
    assert spark.names == arrow.names == list(table.names)
    assert [field.dataType.simpleString() for field in spark] == [c.type for c in table.columns]
    assert [field.nullable for field in spark] == [not c.required for c in table.columns]


def test_timestamps_are_utc_microseconds_and_money_has_two_places() -> None:
    schema = contracts.landing("payment").arrow_schema()
    assert schema.field("event_time").type == pa.timestamp("us", tz="UTC")
    assert schema.field("amount").type == pa.decimal128(18, 2)


def test_landing_participation() -> None:
    assert columns(contracts.landing("participation")) == [
        "event_id! string",
        "event_type! string",
        "account_id! string",
        "commodity_id! string",
        "window_id! string",
        "team_id string",
        "quantity int",
        "device_id string",
        "event_time! timestamp",
        "sequence bigint",
    ]


def test_landing_payment() -> None:
    payment = contracts.landing("payment")
    assert columns(payment) == [
        "event_id! string",
        "account_id! string",
        "commodity_id! string",
        "window_id! string",
        "kind! string",
        "amount! decimal(18,2)",
        "currency! string",
        "event_time! timestamp",
        "sequence bigint",
    ]
    assert payment.column("kind").values == (
        "advance_paid",
        "advance_refunded",
        "balance_paid",
        "balance_refunded",
    )


def test_landing_orders() -> None:
    orders = contracts.landing("orders")
    assert columns(orders) == [
        "event_id! string",
        "order_id! string",
        "account_id! string",
        "commodity_id! string",
        "window_id! string",
        "status! string",
        "quantity int",
        "event_time! timestamp",
        "sequence bigint",
    ]
    states = ("submitted", "confirmed", "cancelled", "voided", "failed")
    assert orders.column("status").values == states


def test_landing_windows() -> None:
    assert columns(contracts.landing("windows")) == [
        "commodity_id! string",
        "window_id! string",
        "campaign_id string",
        "category string",
        "application_open! timestamp",
        "application_close! timestamp",
        "rush_open! timestamp",
        "rush_close! timestamp",
        "stock! int",
        "policy! string",
        "unit! string",
        "team_min int",
        "team_max int",
        "limit_per_account int",
        "advance_amount! decimal(18,2)",
        "currency! string",
        "min_qualified int",
        "draw_seed string",
        "seed_commitment string",
        "updated_at! timestamp",
    ]


def test_landing_accounts() -> None:
    assert columns(contracts.landing("accounts")) == [
        "account_id! string",
        "registered_at! timestamp",
        "status! string",
        "credit_score int",
        "blacklisted boolean",
        "person_id string",
        "updated_at! timestamp",
    ]


def test_limits_of_the_landing_zone_are_those_that_the_quarantine_has_reasons_for() -> None:
    limits = {
        (name, column.name): (column.minimum, column.exclusive)
        for name in LANDING
        for column in contracts.landing(name).columns
        if column.minimum is not None
    }
    assert limits == {
        ("payment", "amount"): (0, True),
        ("windows", "stock"): (0, False),
        ("windows", "advance_amount"): (0, False),
    }


def test_ids_of_the_landing_zone() -> None:
    ids = {c.name for name in LANDING for c in contracts.landing(name).columns if c.identifier}
    assert ids == {"event_id", "order_id", "account_id", "commodity_id", "window_id", "team_id"}
    for name in LANDING:
        for column in contracts.landing(name).columns:
            assert column.identifier == (column.name in ids), (name, column.name)


@pytest.mark.parametrize("name", LANDING)
def test_accepted_rows_have_the_landing_columns_then_dt_and_for_events_the_date(name: str) -> None:
    added = ["dt! date", "business_date! date"] if name in EVENTS else ["dt! date"]
    assert columns(contracts.warehouse(name)) == columns(contracts.landing(name)) + added
    assert name in EVENTS + REFERENCES


def test_layout_of_the_warehouse() -> None:
    for name in WAREHOUSE:
        expected = ("business_date",) if name in BY_BUSINESS_DATE else ()
        if name == "quarantine":
            expected = ("dt",)
        assert contracts.warehouse(name).partition_by == expected, name


def test_screened_participants() -> None:
    table = contracts.warehouse("screened_participants")
    assert columns(table) == [
        "commodity_id! string",
        "window_id! string",
        "account_id! string",
        "business_date! date",
        "joined_at timestamp",
        "team_id string",
        "quantity! int",
        "qualified! boolean",
        "reasons! array<string>",
        "advance_state! string",
        "advance_net! decimal(18,2)",
    ]
    assert table.column("reasons").values == (
        "outside_application_period",
        "withdrawn",
        "account_unknown",
        "account_not_active",
        "account_blacklisted",
        "account_too_new",
        "credit_too_low",
        "quantity_not_allowed",
        "team_missing",
        "shared_device",
        "duplicate_person",
    )


def test_allocations() -> None:
    table = contracts.warehouse("allocations")
    assert columns(table) == [
        "commodity_id! string",
        "window_id! string",
        "account_id! string",
        "business_date! date",
        "entry_id string",
        "size int",
        "ticket string",
        "weight int",
        "attempted_at timestamp",
        "outcome! string",
        "platform_outcome! string",
        "quantity! int",
    ]
    assert table.column("outcome").values == (
        "not_formed",
        "team_incomplete",
        "team_overfull",
        "no_attempt",
        "cannot_fit",
        "lost",
        "forfeited",
        "voided",
        "won",
    )


def test_window_results() -> None:
    assert contracts.warehouse("window_results").names == (
        *("commodity_id", "window_id", "business_date", "status", "policy", "unit", "stock"),
        *("participants", "qualified", "ready", "entries", "attempts", "winners", "losers"),
        *("forfeits", "allocated_units", "oversold_units"),
    )


def test_refunds_are_due_to_all_but_winners_and_forfeiters() -> None:
    outcomes = set(contracts.warehouse("allocations").column("outcome").values)
    refunded = set(contracts.warehouse("refunds_due").column("outcome").values)
    assert refunded == outcomes - {"won", "forfeited"} | {"not_ready"}


def test_account_history() -> None:
    assert columns(contracts.warehouse("account_history")) == [
        "account_id! string",
        "scope! string",
        "attempts! bigint",
        "wins! bigint",
        "failures! bigint",
        "forfeits! bigint",
        "consecutive_failures! int",
        "longest_streak! int",
        "first_business_date! date",
        "last_business_date! date",
        "last_win_date date",
        "last_failure_date date",
    ]


def test_bonus_tables() -> None:
    owed = ("account_id", "commodity_id", "window_id", "business_date")
    assert contracts.warehouse("bonus_awards").names == (
        *owed,
        *("consecutive_failures", "raw_amount", "amount", "currency", "reason"),
    )
    assert contracts.warehouse("bonus_ledger").names == (
        *("entry_id", *owed),
        *("amount", "currency", "kind", "revision", "run_date"),
    )
    waived = (*owed, "amount", "currency", "run_date")
    assert contracts.warehouse("bonus_waived").names == waived
    assert columns(contracts.warehouse("bonus_payouts")) == [
        "payout_id! string",
        "posting! int",
        "account_id! string",
        "run_date! date",
        "amount! decimal(18,2)",
        "entries! int",
        "currency! string",
    ]
    assert columns(contracts.warehouse("bonus_ledger_digests")) == [
        "number! bigint",
        "run_date! date",
        "entries! bigint",
        "amount! decimal(18,2)",
        "content! string",
        "previous! string",
        "digest! string",
    ]
    assert contracts.warehouse("bonus_payouts").key == ("payout_id",)


def test_the_page_of_tables_is_current() -> None:
    page = (ROOT / "docs" / "tables.md").read_text(encoding="utf-8")
    assert page == tables_page(), "run python -m solatium.contracts.page docs/tables.md"


def test_unknown_names_are_refused() -> None:
    with pytest.raises(KeyError, match="not a landing table"):
        contracts.landing("allocations")
    with pytest.raises(KeyError, match="not a warehouse table"):
        contracts.warehouse("refunds")
    with pytest.raises(KeyError, match="payment has no column total"):
        contracts.landing("payment").column("total")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("kind: DataContract", "kind: Other"), "not a DataContract"),
        (("name: payment", "name: payments"), "is named payments and payments"),
        (
            ("physicalType: decimal(18,2)", "physicalType: money"),
            "amount has the unknown type money",
        ),
        (("logicalType: number", "logicalType: string"), "amount is string, its type number"),
        (("        required:", "        requierd:"), "event_id has the unknown requierd"),
        (("name: currency", "name: amount"), "amount stands twice"),
        (("primaryKeyPosition: 3", "primaryKeyPosition: 2"), "positions do not count from 1 to 3"),
        (("value: balance_paid", "value: yes"), "kind allows True, not text"),
        (("property: rules", "property: rule"), "has no 'rules'"),
        (("schema:", "schema: ["), "while parsing"),
        (("schema:", "tables:"), "has no 'schema'"),
    ],
)
def test_a_malformed_contract_names_its_file_and_fault(
    change: tuple[str, str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (ROOT / "schemas" / "payment.yaml").read_text(encoding="utf-8")
    assert change[0] in text
    (tmp_path / "payment.yaml").write_text(text.replace(*change), encoding="utf-8")
    monkeypatch.setattr(odcs, "data_folder", lambda name: tmp_path)
    with pytest.raises(ContractError, match=message) as raised:
        contracts.landing.__wrapped__("payment")
    assert str(raised.value).startswith("schemas/payment.yaml: ")


def test_contracts_are_read_from_a_zip_on_the_path(tmp_path: Path) -> None:
    archive = tmp_path / "solatium.zip"
    with zipfile.ZipFile(archive, "w") as target:
        package = ROOT / "solatium"
        modules = (package / "contracts").glob("*.py")
        for path in (
            package / "__init__.py",
            package / "resources.py",
            package / "version.py",
            *modules,
        ):
            target.write(path, path.relative_to(ROOT))
        for path in (ROOT / "schemas").iterdir():
            target.write(path, f"solatium/schemas/{path.name}")
    code = (
        f"import sys; sys.path.insert(0, {str(archive)!r}); from solatium.contracts import page;"
        "sys.stdout.write(page.__file__ + '\\n' + page.tables_page())"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    where, page = run.stdout.split("\n", 1)
    assert where.startswith(str(archive))
    assert page == tables_page()
