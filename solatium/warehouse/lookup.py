"""Rows of a table by values of its columns, found without reading the rest of all other rows.

Arrow's datasets read every column that is asked for, and filter then. The query engine that comes
with `deltalake` reads the columns of the condition first, and of the others the matching pages. It
also leaves no thread behind that may still call Python: such a thread ends a process that ends
before it by SIGABRT.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta

import pyarrow as pa
from deltalake import DeltaTable, QueryBuilder

Value = str | int | date | datetime | None

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

# Conditions are judged while files are read, the cheapest and most selective ones first.
_SETTINGS = (
    "set datafusion.execution.parquet.pushdown_filters = true",
    "set datafusion.execution.parquet.reorder_filters = true",
)


def looked_up(
    table: DeltaTable, values: Mapping[str, Value | Iterable[Value]], columns: Sequence[str]
) -> pa.Table:
    """These `columns` of the rows in which each named column has its value, or one of several.

    Raises a FileNotFoundError where a file of the table's version is gone.
    """
    query = QueryBuilder().register("looked_up", table)
    for setting in _SETTINGS:
        query.execute(setting).read_all()
    conditions = [_condition(_name(column), value) for column, value in values.items()]
    names = ", ".join(map(_name, columns))
    statement = f"select {names} from looked_up where {' and '.join(conditions) or 'true'}"
    try:
        return pa.table(query.execute(statement))
    except pa.ArrowException as error:
        if "not found" in str(error):  # the engine has no kind of error for it
            raise FileNotFoundError(str(error)) from error
        raise


def _condition(column: str, value: Value | Iterable[Value]) -> str:
    if value is None:
        return f"{column} is null"
    if isinstance(value, str | int | date):
        return f"{column} = {_literal(value)}"
    several = ", ".join(_literal(one) for one in value if one is not None)
    return f"{column} in ({several})" if several else "false"


def _name(column: str) -> str:
    return '"' + column.replace('"', '""') + '"'


def _literal(value: Value) -> str:
    """A value as SQL has it; a text stays one text, whatever is in it."""
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    if isinstance(value, datetime):
        # as text it would pass through nanoseconds, which end in the year 2262
        number = (value - _EPOCH) // timedelta(microseconds=1)
        return f"""arrow_cast({number}, 'Timestamp(Microsecond, Some("UTC"))')"""
    return f"date '{value.isoformat()}'" if isinstance(value, date) else str(value)
