"""Keys and foreign keys of the star hold, databases know them, and everything says what it is."""

from __future__ import annotations

import pytest
from harness import Nights
from stars import Shelf, quoted
from two_nights import TUESDAY

from solatium.contracts.model import Table
from solatium.contracts.star import STAR, star
from solatium.engine import Engine
from solatium.warehouse.snapshot import Snapshot

CONTRACTS = [star(name) for name in STAR]
OF_POSTGRES = """
select conrelid::regclass::text as "table", pg_get_constraintdef(oid) as text
from pg_constraint where connamespace = '{schema}'::regnamespace
"""
COMMENTS_OF_POSTGRES = """
select c.relname || coalesce('.' || a.attname, '') as place, d.description as text
from pg_description d join pg_class c on c.oid = d.objoid
left join pg_attribute a on a.attrelid = c.oid and a.attnum = d.objsubid and d.objsubid > 0
where c.relnamespace = '{schema}'::regnamespace
"""
COMMENTS_OF_DUCKDB = """
select table_name as place, comment as text from duckdb_tables() where comment is not null union all
select table_name || '.' || column_name, comment from duckdb_columns() where comment is not null
"""


@pytest.fixture
def tables(embedded_session: Engine, after_two_nights: Nights) -> Snapshot:
    return Snapshot.of(after_two_nights.warehouse, TUESDAY)


def references(contract: Table) -> list[tuple[str, str, str]]:
    return [(c.name, *c.refers_to.split(".")) for c in contract.columns if c.refers_to]


def test_keys_hold(tables: Snapshot, shelf: Shelf) -> None:
    shelf.publish(tables)
    for contract in CONTRACTS:
        key = ", ".join(f'"{name}"' for name in contract.key)
        twice = f"select {key} from {contract.name} group by {key} having count(*) > 1"
        assert shelf.query(twice).num_rows == 0, contract.name
        for column, other, name in references(contract):
            lost = (
                f'select 1 from {contract.name} f where f."{column}" is not null and not exists '
                f'(select 1 from {other} d where d."{name}" = f."{column}")'
            )
            assert shelf.query(lost).num_rows == 0, (contract.name, column)


def test_databases_know_them(tables: Snapshot, database: Shelf) -> None:
    database.publish(tables)
    wanted = {(c.name, f"PRIMARY KEY ({', '.join(c.key)})") for c in CONTRACTS} | {
        (c.name, f"FOREIGN KEY ({column}) REFERENCES {other}({name})")
        for c in CONTRACTS
        for column, other, name in references(c)
    }
    if database.kind == "postgres":
        text = OF_POSTGRES.format(schema=quoted(database.schema))
        rows = database.query(text).to_pylist()
        found = {(row["table"], row["text"].replace('"', "")) for row in rows}
    else:
        text = (
            'select table_name as "table", constraint_text as text from duckdb_constraints() '
            "where constraint_type in ('PRIMARY KEY', 'FOREIGN KEY')"
        )
        rows = database.query(text).to_pylist()
        found = {
            (row["table"], row["text"].replace('"', "").replace(" (", "(").replace("Y(", "Y ("))
            for row in rows
        }
    assert wanted <= found


def test_a_fact_without_its_account_is_refused(tables: Snapshot, database: Shelf) -> None:
    database.publish(tables)
    row = f"('nobody', 'sku1|w-{TUESDAY}', date '{TUESDAY}', 'should_have_won')"
    with pytest.raises(Exception, match="foreign key"):
        database.execute(f"insert into fact_discrepancy values {row}")


def test_everything_has_a_comment(tables: Snapshot, database: Shelf) -> None:
    database.publish(tables)
    if database.kind == "postgres":
        text = COMMENTS_OF_POSTGRES.format(schema=quoted(database.schema))
    else:
        text = COMMENTS_OF_DUCKDB
    found = {row["place"]: row["text"] for row in database.query(text).to_pylist()}
    for contract in CONTRACTS:
        assert found[contract.name] == contract.description()
        for column in contract.columns:
            assert found[f"{contract.name}.{column.name}"].startswith(column.meaning)


def test_money_is_exact(tables: Snapshot, database: Shelf) -> None:
    database.publish(tables)
    kind = "pg_typeof(amount)::text" if database.kind == "postgres" else "typeof(amount)"
    found = database.query(f"select distinct {kind} as kind from fact_refund").to_pylist()
    assert found == [{"kind": "numeric" if database.kind == "postgres" else "DECIMAL(18,2)"}]
