"""What differs between frames, and the few dates that they hold."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from pyspark.sql import DataFrame
from pyspark.sql import functions as F


def differing(one: DataFrame, other: DataFrame) -> DataFrame:
    """The rows that stand in one of two frames of equal columns and not in the other."""
    return one.exceptAll(other).unionByName(other.exceptAll(one))


def days(frame: DataFrame, column: str) -> list[date]:
    """The distinct dates in a column, in order, nulls left out: a few, brought to the driver."""
    found: Iterable = frame.select(column).where(F.col(column).isNotNull()).distinct().collect()
    return sorted(row[column] for row in found)
