"""A warehouse's tables in Spark's catalog: a view of each, as of one commit.

docs/rules.md section 10. Whoever reads the Delta tables themselves may see half a night. A view
names the version that a commit record names, so that it shows whole nights only; registering again
moves all views to a later commit.
"""

from __future__ import annotations

import re

from pyspark.errors import PySparkException

from solatium import contracts
from solatium.contracts import Table
from solatium.contracts.tables import WAREHOUSE
from solatium.engine import Engine
from solatium.errors import SolatiumError, UsageError, reason
from solatium.secrets import masked
from solatium.storage.location import Location
from solatium.storage.store_errors import failure
from solatium.warehouse.commits import Commit

# The session option by which Spark keeps its catalog in a Hive metastore.
LASTING = {"spark.sql.catalogImplementation": "hive"}

_COMMIT = "solatium.commit"  # of a view: the number of the commit that it shows
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def refuse_catalog(schema: str, engine_name: str) -> None:
    """UsageError for a schema that cannot be named, or an engine without a catalog that lasts."""
    if not _NAME.fullmatch(schema):
        raise UsageError(
            f"the schema {schema!r} cannot be named so",
            ["give a name of letters, digits and _ that does not begin with a digit"],
        )
    if engine_name != "spark":
        raise UsageError(
            f"the engine {engine_name} has no catalog that lasts beyond its process",
            ["give --engine spark, or read the warehouse with solatium.open"],
        )


def refuse_fleeting(engine: Engine) -> None:
    """UsageError where the catalog of a session ends with it."""
    if engine.spark.conf.get("spark.sql.catalogImplementation", "in-memory") != "hive":
        raise UsageError(
            "the catalog of this Spark session ends with it, so nobody could read the views",
            ["start spark-submit with --conf spark.sql.catalogImplementation=hive"],
        )


def register(engine: Engine, root: Location, commit: Commit, schema: str) -> int:
    """Makes or moves a view of each table of docs/tables.md; the number of those that moved.

    Each view is replaced at once, one after the other, and never goes back to an earlier commit.
    SolatiumError where Spark refuses one.
    """
    spark = engine.spark
    try:
        spark.sql(
            f"CREATE DATABASE IF NOT EXISTS {_quoted(schema)} "
            f"COMMENT {_text('Rush sales, replayed: views of the committed nights of solatium.')}"
        )
        moved = 0
        for name in WAREHOUSE:
            table = contracts.warehouse(name)
            place = f"{_quoted(schema)}.{_quoted(name)}"
            shown = _shown(engine, place)
            if shown is None or shown < commit.number:
                spark.sql(_view(place, table, root, commit))
                moved += 1
        return moved
    except Exception as error:
        found = failure(error)  # what a client of a store raises in Java is no error of PySpark's
        if found is None and not isinstance(error, PySparkException):
            raise
        raise SolatiumError(
            f"{schema}: the views of {root} could not be registered",
            [
                *(found or [masked(reason(error))]),
                "nights that are committed stay; once that is mended, give solatium catalog",
            ],
        ) from error


def _view(place: str, table: Table, root: Location, commit: Commit) -> str:
    """The statement that makes a view of a table as of a commit, with what the columns mean."""
    named = ", ".join(f"{_quoted(c.name)} COMMENT {_text(c.meaning)}" for c in table.columns)
    columns = ", ".join(map(_quoted, table.names))
    return (
        f"CREATE OR REPLACE VIEW {place} ({named}) COMMENT {_text(table.description())} "
        f"TBLPROPERTIES ({_text(_COMMIT)} = {_text(str(commit.number))}) "
        f"AS SELECT {columns} FROM delta.{_quoted((root / table.name).address)} "
        f"VERSION AS OF {commit.tables[table.name]}"
    )


def _shown(engine: Engine, place: str) -> int | None:
    """The number of the commit that a view shows; None where there is no such view."""
    if not engine.spark.catalog.tableExists(place):
        return None
    for row in engine.spark.sql(f"SHOW TBLPROPERTIES {place}").collect():
        if row["key"] == _COMMIT:
            return int(row["value"])
    raise UsageError(
        f"{place} is there already, and is no view of solatium",
        ["give --schema another name"],
    )


def _quoted(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"


def _text(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace("'", "\\'").replace("\n", " ")
    return f"'{escaped}'"
