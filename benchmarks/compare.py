"""Compares the tables of a night by hand with those of a warehouse, row by row.

    python -m benchmarks.compare OUT WAREHOUSE

OUT has a Parquet file, or a folder of them, for each table. Two warehouses can be compared as well.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import duckdb
import pyarrow.parquet as pq
import typer

import solatium
from solatium import contracts

# Not written by a night by hand: what a run tells of itself, and the seals of the ledger.
APART = ("run_log", "bonus_ledger_digests")
TABLES = tuple(name for name in contracts.WAREHOUSE if name not in APART)

_SHOWN = 3  # rows of a table that differ, of each side


@dataclass(frozen=True)
class Difference:
    """Rows of one table that only one side has, or has more often, and some of them as text."""

    table: str
    only_by_hand: int
    only_in_warehouse: int
    rows: tuple[str, ...] = ()
    problem: str = ""

    def __str__(self) -> str:
        if self.problem:
            return f"{self.table}: {self.problem}"
        head = (
            f"{self.table}: {self.only_by_hand} rows only in the compared tables, "
            f"{self.only_in_warehouse} only in the warehouse"
        )
        return "\n".join([head, *(f"    {row}" for row in self.rows)])


def differences(
    compared: Path, warehouse: Path, only: Mapping[str, str] | None = None
) -> list[Difference]:
    """What differs, table by table; empty where all tables have the same rows.

    `compared` is a folder of Parquet files, or another warehouse. `only` are conditions, by table,
    on the rows of the warehouse that are compared.
    """
    with duckdb.connect() as connection:
        connection.execute("SET timezone = 'UTC'")
        found = (
            _difference(connection, table, compared, warehouse, (only or {}).get(table, "true"))
            for table in TABLES
        )
        return [difference for difference in found if difference is not None]


def _difference(
    connection: duckdb.DuckDBPyConnection, table: str, compared: Path, warehouse: Path, only: str
) -> Difference | None:
    columns = contracts.warehouse(table).columns
    ours = solatium.open(warehouse)[table].duckdb(connection).filter(only)
    if (compared / "_commits").exists():
        theirs = solatium.open(compared)[table].duckdb(connection)
    else:
        path = compared / f"{table}.parquet"
        if not path.exists():
            return Difference(table, 0, ours.shape[0], problem=f"{path} is missing")
        known = pq.ParquetDataset(path).schema.names
        missing = [column.name for column in columns if column.name not in known]
        if missing:
            return Difference(table, 0, 0, problem=f"{path} has no column {', '.join(missing)}")
        files = str(path / "*.parquet") if path.is_dir() else str(path)
        theirs = connection.read_parquet(files)
    typed = ", ".join(f'"{c.name}"::{_type(c)} AS "{c.name}"' for c in columns)
    theirs.create_view("theirs", replace=True)
    ours.create_view("ours", replace=True)
    # a bag of rows: each of theirs counts up, each of ours down
    names = ", ".join(f'"{c.name}"' for c in columns)
    surplus = f"""
        SELECT {names}, sum(side) AS surplus FROM (
            SELECT {typed}, 1 AS side FROM theirs UNION ALL SELECT {typed}, -1 AS side FROM ours
        ) GROUP BY {names} HAVING sum(side) <> 0"""
    connection.execute(f"CREATE OR REPLACE TEMP TABLE surplus AS {surplus}")
    more, less = connection.sql(
        "SELECT coalesce(sum(surplus) FILTER (surplus > 0), 0)::BIGINT, "
        "coalesce(-sum(surplus) FILTER (surplus < 0), 0)::BIGINT FROM surplus"
    ).fetchall()[0]
    if not more and not less:
        return None
    shown = []
    for which, where in (("compared", "surplus > 0"), ("warehouse", "surplus < 0")):
        some = connection.sql(
            f"SELECT {names} FROM surplus WHERE {where} ORDER BY ALL LIMIT {_SHOWN}"
        )
        shown += [
            f"{which}: {', '.join(f'{n}={v}' for n, v in zip(some.columns, row, strict=True))}"
            for row in some.fetchall()
        ]
    return Difference(table, more, less, tuple(shown))


def _type(column: contracts.Column) -> str:
    """A column's type in DuckDB."""
    if column.type.startswith("array<"):
        return "VARCHAR[]"
    names = {"string": "VARCHAR", "timestamp": "TIMESTAMPTZ"}
    return names.get(column.type, column.type.upper())


def main(
    compared: Annotated[Path, typer.Argument(metavar="OUT", help="Tables to compare.")],
    warehouse: Annotated[Path, typer.Argument(help="The warehouse to compare them with.")],
) -> None:
    """Say which tables differ, with some of the rows; ends with 1 where some do."""
    found = differences(compared, warehouse)
    for difference in found:
        typer.echo(str(difference))
    typer.echo(f"{len(TABLES) - len(found)} of {len(TABLES)} tables are equal")
    raise typer.Exit(bool(found))


if __name__ == "__main__":
    typer.run(main)
