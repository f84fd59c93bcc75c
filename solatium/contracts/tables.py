"""The contracts: what every table holds, read once from `schemas/`, one YAML per table.

The files have the form of the Open Data Contract Standard v3. Spark and Arrow schemas, the row
rules of the quarantine and docs/tables.md come from here, so that a rule is written once. What
the tables mean stands in docs/rules.md; each contract names its section.

    python -m solatium.contracts.tables docs/tables.md     # write the page of all tables
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import yaml
from pyspark import sql
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T

from solatium.resources import data_folder

EVENTS: tuple[str, ...] = ("participation", "payment", "orders")
REFERENCES: tuple[str, ...] = ("windows", "accounts")
LANDING: tuple[str, ...] = EVENTS + REFERENCES
WAREHOUSE: tuple[str, ...] = (
    *LANDING,
    "quarantine",
    "screened_participants",
    "allocations",
    "window_results",
    "audit_discrepancies",
    "refunds_due",
    "account_outcomes",
    "account_history",
    "bonus_awards",
    "bonus_ledger",
    "bonus_ledger_digests",
    "bonus_payouts",
    "bonus_waived",
    "run_log",
)

# What an id may be (docs/rules.md section 2).
ID_LENGTH = 128
NOT_IN_ID = r"[|\x00-\x1f\x7f-\x9f]"

# The same as PyYAML's own safe loader, in a tenth of the time where PyYAML was built with libyaml.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

# physicalType: its logicalType, and what it is in Spark and in Arrow
_SIMPLE: dict[str, tuple[str, T.DataType, pa.DataType]] = {
    "string": ("string", T.StringType(), pa.string()),
    "int": ("integer", T.IntegerType(), pa.int32()),
    "bigint": ("integer", T.LongType(), pa.int64()),
    "boolean": ("boolean", T.BooleanType(), pa.bool_()),
    "date": ("date", T.DateType(), pa.date32()),
    "timestamp": ("timestamp", T.TimestampType(), pa.timestamp("us", tz="UTC")),
}


class ContractError(ValueError):
    """A contract that is missing or malformed; the message names the file and every problem."""


@dataclass(frozen=True)
class Column:
    """One column: `type` is Spark's simple string, `values` () allows any, `minimum` None none.

    The values of an array column are those that its elements may have.
    """

    name: str
    type: str
    required: bool
    meaning: str
    values: tuple[str, ...] = ()
    identifier: bool = False
    minimum: int | None = None
    exclusive: bool = False
    unit: str = ""

    def spark_type(self) -> T.DataType:
        return _types(self.type)[1]

    def arrow_type(self) -> pa.DataType:
        return _types(self.type)[2]


@dataclass(frozen=True)
class Table:
    """One table: `meaning` says what a row is, `key` () that no columns are unique together."""

    name: str
    purpose: str
    meaning: str
    rules: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    partition_by: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)

    def column(self, name: str) -> Column:
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(f"{self.name} has no column {name}")

    def spark_schema(self) -> T.StructType:
        return T.StructType(
            [T.StructField(c.name, c.spark_type(), not c.required) for c in self.columns]
        )

    def shape(self, frame: DataFrame) -> DataFrame:
        """Exactly this table's columns of `frame`, in its order and types: a step's last act."""
        return frame.select(*self.typed())

    def typed(self) -> list[sql.Column]:
        """This table's columns in their order, of whatever frame has them, in their types."""
        return [F.col(c.name).cast(c.spark_type()).alias(c.name) for c in self.columns]

    def arrow_schema(self) -> pa.Schema:
        return pa.schema([pa.field(c.name, c.arrow_type(), not c.required) for c in self.columns])


@cache
def landing(name: str) -> Table:
    """The contract of a table of the landing zone (docs/rules.md section 2)."""
    if name not in LANDING:
        raise KeyError(f"{name} is not a landing table; they are {', '.join(LANDING)}")
    return _read(name)


@cache
def warehouse(name: str) -> Table:
    """A table of the warehouse; accepted ones are the landing contract with its arrival date,
    and for events the business date (docs/rules.md section 2)."""
    if name not in WAREHOUSE:
        raise KeyError(f"{name} is not a warehouse table; they are {', '.join(WAREHOUSE)}")
    if name not in LANDING:
        return _read(name)
    contract = landing(name)
    is_event = name in EVENTS
    return replace(
        contract,
        purpose=f"The rows of the landing table {name} that were accepted, as of the night.",
        columns=contract.columns + ((_DT, _BUSINESS_DATE) if is_event else (_DT,)),
        partition_by=(_BUSINESS_DATE.name,) if is_event else (),
    )


_DT = Column(
    "dt",
    "date",
    required=True,
    meaning="Arrival date: the landing partition that the row came in.",
    unit="calendar date",
)
_BUSINESS_DATE = Column(
    "business_date",
    "date",
    required=True,
    meaning="Business date of the event's window.",
    unit="calendar date",
)


# Reading a contract. Only what is used here may be written there, so that a slip of the pen is
# an error and not a rule that is quietly missing.

_TABLE_KEYS = {"name", "logicalType", "physicalType", "description", "customProperties"}
_COLUMN_KEYS = {
    "name",
    "logicalType",
    "physicalType",
    "required",
    "primaryKey",
    "primaryKeyPosition",
    "partitioned",
    "partitionKeyPosition",
    "description",
    "logicalTypeOptions",
    "enum",
    "items",
    "customProperties",
}


def _types(name: str) -> tuple[str, T.DataType, pa.DataType]:
    """Logical, Spark and Arrow type of a physicalType; KeyError where it is not one of ours."""
    if name.startswith("array<") and name.endswith(">"):
        _, spark, arrow = _types(name[len("array<") : -1])
        return "array", T.ArrayType(spark), pa.list_(pa.field("element", arrow))
    if decimal := re.fullmatch(r"decimal\((\d+),(\d+)\)", name):
        precision, scale = map(int, decimal.groups())
        return "number", T.DecimalType(precision, scale), pa.decimal128(precision, scale)
    return _SIMPLE[name]


def _read(name: str) -> Table:
    try:
        text = (data_folder("schemas") / f"{name}.yaml").read_text(encoding="utf-8")
        document = yaml.load(text, Loader=_LOADER)
    except (OSError, yaml.YAMLError) as error:
        raise ContractError(f"schemas/{name}.yaml: {error}") from error
    try:
        return _table(name, document)
    except ContractError as error:
        raise ContractError(f"schemas/{name}.yaml: {error}") from None
    except KeyError as error:
        raise ContractError(f"schemas/{name}.yaml: has no {error}") from error
    except (TypeError, AttributeError, ValueError) as error:
        raise ContractError(f"schemas/{name}.yaml: not a data contract: {error}") from error


def _table(name: str, document: dict[str, Any]) -> Table:
    if document["kind"] != "DataContract" or not document["apiVersion"].startswith("v3."):
        raise ContractError("not a DataContract of apiVersion v3")
    (table,) = document["schema"]
    problems = _unknown(table, _TABLE_KEYS | {"properties"}, "the table")
    if name != document["name"] or name != table["name"]:
        problems.append(f"is named {document['name']} and {table['name']}")
    properties = table["properties"]
    columns = []
    for item in properties:
        try:
            columns.append(_column(item))
        except ContractError as error:
            problems.append(str(error))
    names = [item.get("name") for item in properties]
    problems += [
        f"{twice} stands twice" for twice in sorted({n for n in names if names.count(n) > 1})
    ]
    if problems:
        raise ContractError("; ".join(problems))
    custom = _custom(table)
    return Table(
        name=name,
        purpose=_line(document["description"]["purpose"]),
        meaning=_line(table["description"]),
        rules=custom["rules"],
        columns=tuple(columns),
        key=_positions(properties, "primaryKey", "primaryKeyPosition"),
        partition_by=_positions(properties, "partitioned", "partitionKeyPosition"),
    )


def _column(item: dict[str, Any]) -> Column:
    name = item["name"]
    problems = _unknown(item, _COLUMN_KEYS, name)
    problems += [
        f"{name} has no {key}"
        for key in ("logicalType", "physicalType", "required", "description")
        if key not in item
    ]
    if problems:
        raise ContractError("; ".join(problems))
    try:
        logical = _types(item["physicalType"])[0]
    except KeyError:
        raise ContractError(f"{name} has the unknown type {item['physicalType']}") from None
    if logical != item["logicalType"]:
        raise ContractError(f"{name} is {item['logicalType']}, its type {logical}")
    limits = item.get("logicalTypeOptions", {})
    custom = _custom(item)
    problems = _unknown(limits, {"minimum", "exclusiveMinimum"}, f"the options of {name}")
    problems += _unknown(custom, {"identifier", "unit"}, f"the custom properties of {name}")
    allowed = item["items"] if logical == "array" else item
    values = tuple(entry["value"] for entry in allowed.get("enum", []))
    problems += [f"{name} allows {v!r}, not text" for v in values if not isinstance(v, str)]
    if not isinstance(item["required"], bool):
        problems.append(f"required of {name} is neither true nor false")
    if problems:
        raise ContractError("; ".join(problems))
    return Column(
        name=name,
        type=item["physicalType"],
        required=item["required"],
        meaning=_line(item["description"]),
        values=values,
        identifier=custom.get("identifier", False),
        minimum=limits.get("exclusiveMinimum", limits.get("minimum")),
        exclusive="exclusiveMinimum" in limits,
        unit=custom.get("unit", ""),
    )


def _unknown(mapping: dict[str, Any], known: set[str], where: str) -> list[str]:
    return [f"{where} has the unknown {key}" for key in sorted(set(mapping) - known)]


def _custom(element: dict[str, Any]) -> dict[str, Any]:
    return {entry["property"]: entry["value"] for entry in element.get("customProperties", [])}


def _positions(properties: list[dict[str, Any]], flag: str, position: str) -> tuple[str, ...]:
    """Names of the flagged columns, in the order of their positions, which count from 1."""
    places = {item[position]: item["name"] for item in properties if item.get(flag)}
    flagged = sum(bool(item.get(flag)) or position in item for item in properties)
    if sorted(places) != list(range(1, flagged + 1)):
        raise ContractError(f"{flag}: positions do not count from 1 to {flagged}")
    return tuple(places[place] for place in sorted(places))


def _line(text: str) -> str:
    return " ".join(text.split())


# docs/tables.md

_PAGE = """\
<!-- Written by `make docs` from schemas/; change those, not this page. -->

# Tables

Every table that the pipeline reads or writes, from the contracts in `schemas/` (Open Data
Contract Standard v3). What they mean together stands in [the rules](rules.md). Timestamps are
UTC with microseconds; money is exact decimal; what an id may be stands in section 2.
"""
_LANDING_HEAD = """\
## Landing zone

What a platform delivers: Parquet files under `<landing>/<table>/dt=YYYY-MM-DD/`, where `dt` is
the arrival date. A column that may be null may also be absent.
"""
_WAREHOUSE_HEAD = """\
## Warehouse

Delta tables, each at `<warehouse>/<table>`. The first five are the accepted rows of the landing
tables and have their names.
"""


def tables_page() -> str:
    """The Markdown of docs/tables.md: all tables with their keys, layout and columns."""
    parts = [_PAGE, _LANDING_HEAD]
    for name in LANDING:
        table = landing(name)
        parts.append(_section(name, table, layout="folders of `dt`", columns=table.columns))
    parts.append(_WAREHOUSE_HEAD)
    for name in WAREHOUSE:
        table = warehouse(name)
        title, columns, note = name, table.columns, ""
        if name in LANDING:
            title = f"{name}, accepted"
            columns = columns[len(landing(name).columns) :]
            note = f"All columns of the landing table [{name}](#{name}), then:\n"
        layout = f"partitions of {_code(table.partition_by)}" if table.partition_by else "one piece"
        parts.append(_section(title, table, layout, columns, note))
    return "\n".join(parts)


def _section(
    title: str, table: Table, layout: str, columns: Iterable[Column], note: str = ""
) -> str:
    lines = [
        f"### {title}\n",
        f"{table.purpose} {table.meaning}\n",
        f"- Rules: [{table.rules}](rules.md)",
        f"- Key: {_code(table.key) or 'none'}",
        f"- Layout: {layout}\n",
        *([note] if note else []),
        "| column | type | null? | allowed values | unit | meaning |",
        "|---|---|---|---|---|---|",
    ]
    for c in columns:
        null = "no" if c.required else "yes"
        cells = (f"`{c.name}`", f"`{c.type}`", null, _allowed(c), c.unit, c.meaning)
        lines.append("| " + " | ".join(cell.replace("|", r"\|") for cell in cells) + " |")
    return "\n".join(lines) + "\n"


def _allowed(column: Column) -> str:
    if column.minimum is not None:
        return f"{'>' if column.exclusive else '>='} {column.minimum}"
    return _code(column.values) or ("an id" if column.identifier else "")


def _code(words: Iterable[str]) -> str:
    return ", ".join(f"`{word}`" for word in words)


def main(arguments: Sequence[str]) -> None:
    """Write the page to the path given, or to standard output."""
    if arguments:
        Path(arguments[0]).write_text(tables_page(), encoding="utf-8")
    else:
        sys.stdout.write(tables_page())


if __name__ == "__main__":
    main(sys.argv[1:])
