"""The statements that PostgreSQL and DuckDB have in common: tables, keys, comments, and changes.

Names of tables and columns come from the contracts. Values are dates, which are written out; all
else is bound by whoever runs a statement.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date

from solatium.contracts.model import Column, Table
from solatium.contracts.star import DIMENSIONS, FACTS, STAR, star
from solatium.publish.publication import ACCOUNTS

STATE = "_solatium_publication"
STATE_MEANING = "One row is the publication that the tables beside it show."
STATE_COLUMNS: Mapping[str, tuple[str, str]] = {
    "commit_number": ("bigint", "The commit of the warehouse."),
    "run_id": ("text", "The run that made the commit, as in run_log."),
    "day": ("date", "The date that was handled last."),
    "version": ("text", "The version of solatium that published it."),
    "publication": ("text", "All that the next publishing needs to know, as JSON."),
}


def new(name: str) -> str:
    """The temporary table with the rows of a table that are sent."""
    return f"_new_{name}"


# Tables


def state_table() -> str:
    columns = ", ".join(f"{name} {kind} not null" for name, (kind, _) in STATE_COLUMNS.items())
    return f"create table {STATE} ({columns})"


def table(contract: Table, types: Mapping[str, str], *, with_keys: bool) -> str:
    """Creates a table of the star; its keys may be added later, when it has its rows."""
    parts = [
        f"{_quoted(c.name)} {_type(contract, c, types)}{' not null' if c.required else ''}"
        for c in contract.columns
    ]
    if with_keys:
        parts += [primary_key(contract), *foreign_keys(contract)]
    return f"create table {contract.name} ({', '.join(parts)})"


def _type(contract: Table, column: Column, types: Mapping[str, str]) -> str:
    """A column's type; texts that are keys, or refer to some, may have one of their own."""
    is_key = column.name in contract.key or column.refers_to
    if is_key and column.type == "string" and "key" in types:
        return types["key"]
    return types.get(column.type, column.type)


def primary_key(contract: Table) -> str:
    return f"primary key ({', '.join(map(_quoted, contract.key))})"


def foreign_keys(contract: Table) -> list[str]:
    return [
        f"foreign key ({_quoted(c.name)}) references {target} ({_quoted(column)})"
        for c in contract.columns
        if c.refers_to
        for target, column in [c.refers_to.split(".")]
    ]


def indexes(contract: Table) -> list[str]:
    """For a fact: its dates, by which it is replaced, and its accounts, which may leave."""
    columns = [*contract.partition_by]
    if "account_key" in contract.names and contract.key[0] != "account_key":
        columns.append("account_key")
    return [f"create index on {contract.name} ({_quoted(name)})" for name in columns]


def comments() -> Iterator[str]:
    """What each table and each column of the star is."""
    for contract in map(star, STAR):
        yield _comment("table", contract.name, contract.description())
        for column in contract.columns:
            place = f"{contract.name}.{_quoted(column.name)}"
            yield _comment("column", place, _meaning(column))
    yield _comment("table", STATE, STATE_MEANING)
    for name, (_, meaning) in STATE_COLUMNS.items():
        yield _comment("column", f"{STATE}.{name}", meaning)


def _meaning(column: Column) -> str:
    return f"{column.meaning} Unit: {column.unit}." if column.unit else column.meaning


def _comment(kind: str, place: str, text: str) -> str:
    escaped = text.replace("'", "''")
    return f"comment on {kind} {place} is '{escaped}'"


# Rows of facts


def remove_changed(contract: Table, dates: Sequence[date]) -> str:
    """Takes away the rows of some dates that are not among the new ones exactly as they are."""
    same = _all_equal(contract, "n", contract.name)
    return (
        f"delete from {contract.name} where {_on(contract, contract.name, dates)} "
        f"and not exists (select 1 from {new(contract.name)} n where {same})"
    )


def add_missing(contract: Table, dates: Sequence[date]) -> str:
    """Adds the new rows of some dates that are not there yet."""
    same = " and ".join(f"f.{_quoted(k)} = n.{_quoted(k)}" for k in contract.key)
    return (
        f"insert into {contract.name} select * from {new(contract.name)} n where not exists "
        f"(select 1 from {contract.name} f where {_on(contract, 'f', dates)} and {same})"
    )


# Rows of dimensions


def add_or_change(contract: Table) -> str:
    """Adds the new rows of a dimension, and changes those that differ."""
    [key] = contract.key
    others = [name for name in contract.names if name != key]
    values = ", ".join(f"{_quoted(name)} = excluded.{_quoted(name)}" for name in others)
    same = _all_equal(contract, "n", "d")
    return (
        f"insert into {contract.name} select * from {new(contract.name)} n where not exists "
        f"(select 1 from {contract.name} d where {same}) "
        f"on conflict ({_quoted(key)}) do update set {values}"
    )


def remove_unnamed(contract: Table, *, all_are_new: bool) -> str:
    """Takes away the rows of a dimension that are known no more and that no other table names."""
    name = contract.name
    return f"delete from {name} where {unnamed(contract, name, all_are_new=all_are_new)}"


def unnamed(contract: Table, rows: str, *, all_are_new: bool) -> str:
    """Whether a row of a dimension is to leave.

    The new rows are all that are known, or, of accounts that were only added to, some of them.
    """
    [key] = contract.key
    here = f"{rows}.{_quoted(key)}"
    named = [
        f"not exists (select 1 from {other.name} o where o.{_quoted(c.name)} = {here})"
        for other in map(star, STAR)
        for c in other.columns
        if c.refers_to == f"{contract.name}.{key}"
    ]
    unknown = f"not exists (select 1 from {new(contract.name)} n where n.{_quoted(key)} = {here})"
    return " and ".join([unknown if all_are_new else f"not {rows}.is_known", *named])


def leaving_order() -> Iterable[tuple[Table, bool]]:
    """Dimensions in the order in which rows may leave them, and whether it is that of accounts."""
    return [(star(name), name == ACCOUNTS) for name in reversed(DIMENSIONS)]


def facts() -> Iterable[Table]:
    return map(star, FACTS)


def _on(contract: Table, rows: str, dates: Sequence[date]) -> str:
    [by] = contract.partition_by
    listed = ", ".join(f"date '{day.isoformat()}'" for day in dates)
    return f"{rows}.{_quoted(by)} in ({listed})" if dates else "false"


def _all_equal(contract: Table, one: str, other: str) -> str:
    """Whether two rows are alike; where nothing can be null by `=`, by which databases hash."""
    return " and ".join(
        f"{one}.{_quoted(c.name)} {'=' if c.required else 'is not distinct from'} "
        f"{other}.{_quoted(c.name)}"
        for c in contract.columns
    )


def _quoted(name: str) -> str:
    return f'"{name}"'
