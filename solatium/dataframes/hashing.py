"""Rows that every engine can hash."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F


def hashable(rows: DataFrame, column: str = "account_id") -> DataFrame:
    """The same rows, to be hashed by this column of text and others.

    Sail 0.7.2 fails to hash a column that has one value throughout a file, where it computes the
    hash while it reads. Behind a filter that no statistics of the file can decide it does not.
    """
    return rows.where(F.coalesce(F.length(column), F.lit(0)) >= 0)
