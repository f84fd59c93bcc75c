"""The tables of a warehouse for those who read them, through the commit record of one night.

docs/rules.md section 10. `solatium.open` is the way in. Every table is read at the version that the
record names, so that all of them are of one night, whatever runs meanwhile. No engine is needed;
who has one may read with it. The packages of the other forms are imported when they are asked for.
"""

from __future__ import annotations

import atexit
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import date, datetime
from difflib import get_close_matches
from functools import cache, cached_property
from html import escape
from os import PathLike, fspath
from typing import TYPE_CHECKING, Any, Self

import pyarrow as pa
from deltalake import DeltaTable
from pyarrow.dataset import Dataset, ParquetReadOptions
from pyarrow.parquet import filters_to_expression
from pyspark.sql import DataFrame, SparkSession

from solatium import contracts
from solatium.errors import UnknownTableError, UsageError, WarehouseError
from solatium.packages import optional
from solatium.settings.values import calendar_date
from solatium.storage.location import Location
from solatium.warehouse import commits
from solatium.warehouse.commits import Commit
from solatium.warehouse.lookup import Value, looked_up

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl
    from duckdb import DuckDBPyConnection, DuckDBPyRelation

    from solatium.settings.load import Settings

# Timestamps that Spark once wrote as INT96: as nanoseconds, they would hold the years 1678 to 2262.
MICROSECONDS = ParquetReadOptions(coerce_int96_timestamp_unit="us")

_OPERATORS = ("=", "==", "!=", "<", ">", "<=", ">=", "in", "not in")


class Snapshot(Mapping[str, "SnapshotTable"]):
    """The tables of docs/tables.md by name, all as of one commit.

    `day` is the date that was handled last, `run_id` the run that did it, on `engine`; `commit` is
    the whole record.
    """

    def __init__(self, root: Location, commit: Commit) -> None:
        self.root = root
        self.commit = commit
        self.day: date = commit.day
        self.run_id: str = commit.run_id
        self.engine: str = commit.engine
        self._tables: dict[str, SnapshotTable] = {}

    @classmethod
    def of(cls, warehouse: str | PathLike[str], as_of: date | str | None = None) -> Self:
        """What `solatium.open` gives."""
        root = Location.parse(fspath(warehouse))
        day = None if as_of is None else _day(as_of)
        lineage = commits.built(root)
        then = [commit for commit in lineage if day is None or commit.day <= day]
        if not then:
            raise UsageError(
                f"{root}: nothing had been handled by {day}",
                [f"the first date that was handled is {lineage[0].day}"],
            )
        if not commits.retained(root, then[-1:]):
            oldest = commits.retained(root, lineage)[0]
            raise UsageError(
                f"{root}: the tables as of {day} were removed by solatium vacuum",
                [
                    f"the oldest that are kept are those of {oldest.day}",
                    "solatium backfill judges earlier dates again, from the landing zone",
                ],
            )
        return cls(root, then[-1])

    @cached_property
    def settings(self) -> Settings:
        """The settings by which the snapshot was judged."""
        from solatium.settings.load import Settings

        return Settings.from_judging(self.commit.judging)

    def __getitem__(self, name: str) -> SnapshotTable:
        if name not in contracts.WAREHOUSE or name not in self.commit.tables:
            near = get_close_matches(str(name), list(self), n=1)
            hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(self)}"
            raise UnknownTableError(f"{self.root}: there is no table {name}; {hint}")
        if name not in self._tables:
            self._tables[name] = SnapshotTable(self.root, contracts.warehouse(name), self.commit)
        return self._tables[name]

    def _ipython_key_completions_(self) -> list[str]:
        return list(self)

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td>{name}</td><td>{escape(table.contract.meaning)}</td>"
            f"<td style='text-align:right'>{table.rows:,}</td><td>{table.version}</td></tr>"
            for name, table in self.items()
        )
        head = "<tr><th>table</th><th>one row is</th><th>rows</th><th>version</th></tr>"
        title = f"{escape(str(self.root))} as of {self.day}, commit {self.commit.number}"
        return f"<table><caption>{title}</caption>{head}{rows}</table>"

    def __iter__(self) -> Iterator[str]:
        return (name for name in contracts.WAREHOUSE if name in self.commit.tables)

    def __len__(self) -> int:
        return len(list(iter(self)))

    def __repr__(self) -> str:
        record = f"commit {self.commit.number} by {self.engine}, run {self.run_id}"
        return f"<{len(self)} tables of {self.root} as of {self.day}: {record}>"


class SnapshotTable:
    """One table as of a commit; `contract` has its columns, with their types and meanings.

    Timestamps are UTC with microseconds, money is exact decimal, in every form.
    """

    def __init__(self, root: Location, contract: contracts.Table, commit: Commit) -> None:
        self.name = contract.name
        self.contract = contract
        self.version: int = commit.tables[contract.name]
        self._root = root
        self._commit = commit

    @property
    def columns(self) -> tuple[str, ...]:
        return self.contract.names

    @property
    def rows(self) -> int:
        """How many rows it has, from its log alone."""
        with self._root.plainly_named() as root:
            return self._delta(root).count()

    def dataset(self) -> Dataset:
        """A pyarrow Dataset: nothing is read yet, and later only what is asked for."""
        return self._dataset

    @cached_property
    def _dataset(self) -> Dataset:
        with self._root.plainly_named() as root:
            # the path of the folder itself, which is there for longer than a link to it
            files = (self._root / self.name).arrow_files()
            return self._delta(root).to_pyarrow_dataset(
                filesystem=files, parquet_read_options=MICROSECONDS
            )

    def arrow(self, columns: Sequence[str] | None = None, filter: Any = None) -> pa.Table:
        """A pyarrow Table of all rows, or of those that `filter` holds for.

        `filter` is an expression of pyarrow, or a list such as `[("outcome", "=", "won")]`. What
        neither `columns` nor `filter` ask for is not read. WarehouseError where a vacuum has
        removed the version since.
        """
        self._check(columns)
        condition = None if filter is None else self._condition(filter)
        with self._lasting():
            return self.dataset().to_table(columns and list(columns), filter=condition)

    def where(
        self,
        values: Mapping[str, Value | Iterable[Value]],
        columns: Sequence[str] | None = None,
    ) -> pa.Table:
        """A pyarrow Table of the rows in which columns have these values, or one of several.

        It finds a few rows among millions many times faster than a `filter`:

            tables["allocations"].where({"account_id": "u-101"})

        None means null. UsageError for an unknown column, WarehouseError as of `arrow`.
        """
        columns = self.columns if columns is None else columns
        self._check([*columns, *values])
        whole = self.contract.arrow_schema()
        kinds = pa.schema([whole.field(name) for name in columns])
        with self._lasting(), self._root.plainly_named() as root:
            return looked_up(self._delta(root), values, columns).cast(kinds)

    @contextmanager
    def _lasting(self) -> Iterator[None]:
        """WarehouseError where files of the version are no longer there."""
        try:
            yield
        except FileNotFoundError as error:
            raise WarehouseError(
                f"{self._root}: version {self.version} of {self.name} is gone: {error}",
                ["a vacuum or a backfill came between; open the warehouse again"],
            ) from error

    def head(self, n: int = 5) -> pd.DataFrame:
        """The first `n` rows as they lie in the files, as a pandas data frame, to look at."""
        return self._frame(self.dataset().head(n, columns=list(self.columns)))

    def pandas(
        self,
        columns: Sequence[str] | None = None,
        filter: Any = None,
        *,
        decimals: str = "exact",
    ) -> pd.DataFrame:
        """A pandas data frame, as of `arrow`; integers that may be null stay integers.

        Dates and times are datetime64, so that they resample. Amounts come as Python's Decimal,
        which add up to the cent and are slow; with `decimals="float"` they are floats, for plots.
        """
        return self._frame(self.arrow(columns, filter), decimals=decimals)

    def _frame(self, rows: pa.Table, *, decimals: str = "exact") -> pd.DataFrame:
        if decimals not in ("exact", "float"):
            raise UsageError(f"decimals {decimals!r}: expected 'exact' or 'float'")
        pandas = optional("pandas", extra="readers")
        for place, field in enumerate(rows.schema):
            if pa.types.is_decimal(field.type) and decimals == "float":
                rows = rows.set_column(place, field.name, rows.column(place).cast(pa.float64()))
            elif pa.types.is_date(field.type):
                rows = rows.set_column(
                    place, field.name, rows.column(place).cast(pa.timestamp("us"))
                )
        kinds = {
            pa.int32(): pandas.Int32Dtype(),
            pa.int64(): pandas.Int64Dtype(),
            pa.bool_(): pandas.BooleanDtype(),
        }
        return rows.to_pandas(types_mapper=kinds.get)

    def polars(self, columns: Sequence[str] | None = None, filter: Any = None) -> pl.DataFrame:
        """A Polars data frame, as of `arrow`. `polars.scan_pyarrow_dataset(dataset())` is lazy."""
        return optional("polars", extra="readers").from_arrow(self.arrow(columns, filter))

    def duckdb(self, connection: DuckDBPyConnection | None = None) -> DuckDBPyRelation:
        """A DuckDB relation, on DuckDB's own connection or another; it reads what a query needs."""
        return (connection or optional("duckdb", extra="readers")).from_arrow(self.dataset())

    def spark(self, session: SparkSession) -> DataFrame:
        """A data frame on a session that has Delta: Spark's, classic or Connect, or Sail's."""
        path = _lasting_name(self._root) / self.name
        reader = session.read.format("delta").option("versionAsOf", self.version)
        return reader.load(path.address).select(*self.columns)

    def _delta(self, root: Location) -> DeltaTable:
        return DeltaTable((root / self.name).uri, version=self.version)

    def _condition(self, filter: Any) -> Any:
        """A filter for Arrow; UsageError with every problem of a list that cannot be one."""
        problems: list[str] = []
        for group in filter if isinstance(filter, list) else ():
            for one in group if isinstance(group, list) else [group]:
                problems += self._filter_problems(one)
        if problems:
            raise UsageError(f"{self.name}: a filter that cannot be meant", problems)
        try:
            return filters_to_expression(filter)
        except (ValueError, TypeError, pa.ArrowException) as error:
            raise UsageError(
                f"{self.name}: a filter that cannot be meant: {error}",
                ['expected an expression of pyarrow, or such as [("outcome", "=", "won")]'],
            ) from error

    def _filter_problems(self, one: Any) -> Iterator[str]:
        if not isinstance(one, tuple) or len(one) != 3:
            yield f"{one!r}: expected (column, operator, value), such as ('outcome', '=', 'won')"
            return
        name, operator, value = one
        if operator not in _OPERATORS:
            yield f"{one!r}: no operator {operator!r}; there are {', '.join(_OPERATORS)}"
        if name not in self.columns:
            near = get_close_matches(str(name), self.columns, n=1)
            hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(self.columns)}"
            yield f"{one!r}: no column {name!r}; {hint}"
            return
        kind = self.contract.column(name).arrow_type()
        values = list(value) if operator in ("in", "not in") else [value]
        for each in values:
            try:
                pa.scalar(each, kind)
            except (pa.ArrowException, TypeError, ValueError):
                yield f"{one!r}: {name} is {kind}, and {each!r} is none"

    def _check(self, columns: Sequence[str] | None) -> None:
        unknown = [name for name in columns or () if name not in self.columns]
        if unknown:
            raise UsageError(
                f"{self.name} has no column {', '.join(unknown)}",
                [f"its columns are {', '.join(self.columns)}"],
            )

    def __repr__(self) -> str:
        columns = ", ".join(f"{column.name} {column.type}" for column in self.contract.columns)
        title = f"{self.name} as of {self._commit.day}, version {self.version}"
        return f"{title}. {self.contract.meaning}\n{columns}"


def _day(as_of: date | str) -> date:
    try:
        return calendar_date(as_of.date() if isinstance(as_of, datetime) else as_of)
    except ValueError as error:
        raise UsageError(f"as_of {error}") from None


_names = ExitStack()
atexit.register(_names.close)


@cache
def _lasting_name(root: Location) -> Location:
    """A plain name of a folder that holds until the process ends, for frames that are lazy."""
    return _names.enter_context(root.plainly_named())
