"""What a contract says: a table, its columns, and their types in Spark and in Arrow."""

from __future__ import annotations

import re
from dataclasses import dataclass

import pyarrow as pa
from pyspark import sql
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T

# What an id may be (docs/rules.md section 2).
ID_LENGTH = 128
NOT_IN_ID = r"[|\x00-\x1f\x7f-\x9f]"

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


def types_of(name: str) -> tuple[str, T.DataType, pa.DataType]:
    """Logical, Spark and Arrow type of a physicalType; KeyError where it is not one of ours."""
    if name.startswith("array<") and name.endswith(">"):
        _, spark, arrow = types_of(name[len("array<") : -1])
        return "array", T.ArrayType(spark), pa.list_(pa.field("element", arrow))
    if decimal := re.fullmatch(r"decimal\((\d+),(\d+)\)", name):
        precision, scale = map(int, decimal.groups())
        return "number", T.DecimalType(precision, scale), pa.decimal128(precision, scale)
    return _SIMPLE[name]


@dataclass(frozen=True)
class Column:
    """One column: `type` is Spark's simple string, `values` () allows any, `minimum` None none.

    The values of an array column are those that its elements may have. `refers_to` is the table
    and column, such as dim_date.date, that has every value of this one; empty for none.
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
    refers_to: str = ""

    def spark_type(self) -> T.DataType:
        return types_of(self.type)[1]

    def arrow_type(self) -> pa.DataType:
        return types_of(self.type)[2]


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

    def stored_schema(self) -> pa.Schema:
        """The Arrow schema of its Delta table: each column has its meaning as a comment."""
        return pa.schema(
            [
                field.with_metadata({"comment": column.meaning})
                for field, column in zip(self.arrow_schema(), self.columns, strict=True)
            ]
        )

    def description(self) -> str:
        """What its Delta table says of itself: what it is for, and what a row is."""
        return f"{self.purpose} {self.meaning}"
