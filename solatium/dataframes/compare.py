"""Rows that differ between two frames, and the few distinct dates of a column."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from pyspark.sql import DataFrame
from pyspark.sql import functions as F


def differing(one: DataFrame, other: DataFrame) -> DataFrame:
    """The rows that only one of two frames has; both have the same columns."""
    return one.exceptAll(other).unionByName(other.exceptAll(one))


def days(frame: DataFrame, column: str) -> list[date]:
    """The distinct dates of a column, sorted and without null. They are collected to the driver."""
    found: Iterable = frame.select(column).where(F.col(column).isNotNull()).distinct().collect()
    return sorted(row[column] for row in found)
