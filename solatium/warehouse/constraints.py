"""What the log of a Delta table says of its columns, and a check that rows keep to it."""

from __future__ import annotations

from functools import reduce
from operator import or_

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from solatium.contracts import Table


def named(table: Table) -> dict[str, str]:
    """Delta CHECK constraints by name, of the columns that have a list of allowed values."""
    return {
        f"{column.name}_is_known": f"{column.name} IN ({', '.join(map(repr, column.values))})"
        for column in table.columns
        if column.values and column.type == "string"
    }


def checked(rows: DataFrame, table: Table) -> DataFrame:
    """The same rows; a query of them fails at one that breaks a constraint, or NOT NULL.

    The check is part of a column. As a filter Spark would move it, and in a column of its own it
    would leave it out.
    """
    nulls = [F.col(column.name).isNull() for column in table.columns if column.required]
    unknown = [~F.expr(rule) for rule in named(table).values()]
    broken = reduce(or_, [*nulls, *unknown])
    refused = F.raise_error(
        F.lit(f"{table.name}: null in a column that may hold none, or a value outside its list")
    )
    first = table.columns[0]
    made = F.when(broken, refused.cast(first.spark_type())).otherwise(F.col(first.name))
    return rows.withColumn(first.name, made)
