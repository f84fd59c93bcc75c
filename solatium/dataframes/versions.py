"""Versions of reference rows: their total order (docs/rules.md section 1).

Versions of one key are ordered by `(updated_at, dt, content)`. `content` is derived from the other
columns of a row, so equal versions are equal rows, and it does not matter which of them is taken.
"""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from solatium.contracts import Table
from solatium.dataframes.event_keys import content

VERSION_ORDER = ("updated_at", "dt", "content")


def with_content(versions: DataFrame, contract: Table) -> DataFrame:
    """The versions with the column `content`, which VERSION_ORDER needs."""
    return versions.withColumn("content", content(contract))


def latest(versions: DataFrame, keys: Sequence[str]) -> DataFrame:
    """The latest version of each key; `versions` are from `with_content`."""
    order = [F.col(name).desc() for name in VERSION_ORDER]
    position = F.row_number().over(Window.partitionBy(*keys).orderBy(*order))
    return versions.withColumn("_position", position).where("_position = 1").drop("_position")


def earliest_value(value: Column, keys: Sequence[str]) -> Column:
    """What the earliest version of the same key has as `value`, among those where it is not null.

    The versions are from `with_content`.
    """
    in_order = Window.partitionBy(*keys).orderBy(*VERSION_ORDER)
    whole = in_order.rowsBetween(Window.unboundedPreceding, Window.unboundedFollowing)
    return F.first(value, ignorenulls=True).over(whole)
