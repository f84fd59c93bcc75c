"""Rows that are brought together by their keys before they are grouped.

An engine groups rows where they are, and once more where those of a key come together. Of keys with
few rows each, the first time finds hardly two of a kind, and costs as much as the second. Where the
rows are brought together by hand, there is only the second.
"""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import DataFrame

# A setting of the session: in how many parts rows are brought together. Without it the engine finds
# a number by itself, as Spark does well; Sail takes that of some file that is read.
PARTS = "solatium.parts"


def together(rows: DataFrame, keys: Sequence[str]) -> DataFrame:
    """The same rows, those with the same `keys` in the same part."""
    parts = rows.sparkSession.conf.get(PARTS, None)
    return rows.repartition(int(parts), *keys) if parts else rows.repartition(*keys)
