"""Rows that differ between two frames, and the few distinct dates of a column."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

_SIDE = "side"  # of a row, as a number


def differing(one: DataFrame, other: DataFrame) -> DataFrame:
    """The rows that one of two frames has more often than the other, once each.

    Both have the same columns.
    """
    sides = one.withColumn(_SIDE, F.lit(1)).unionByName(other.withColumn(_SIDE, F.lit(-1)))
    counted = sides.groupBy(*one.columns).agg(F.sum(_SIDE).alias(_SIDE))
    return counted.where(F.col(_SIDE) != 0).drop(_SIDE)


def days(frame: DataFrame, column: str) -> list[date]:
    """The distinct dates of a column, sorted and without null. They are collected to the driver."""
    found: Iterable = frame.select(column).where(F.col(column).isNotNull()).distinct().collect()
    return sorted(row[column] for row in found)
