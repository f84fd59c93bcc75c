"""Counts of the rows for which something holds."""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F


def count_where(condition: Column) -> Column:
    """In an aggregation: the number of rows for which the condition holds; null does not count."""
    return F.count(F.when(condition, F.lit(1)))
