"""Rows that are repartitioned by their keys before they are grouped.

An engine groups twice: within each partition, and again after the shuffle. When most keys have few
rows, the first pass merges almost nothing and costs as much as the second. Rows that are already
partitioned by their keys are grouped once.
"""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import DataFrame

# A setting of the session: the number of partitions. Without it the engine chooses one. Spark
# chooses well; Sail takes the number of partitions of a file that it reads.
PARTS = "solatium.parts"


def together(rows: DataFrame, keys: Sequence[str]) -> DataFrame:
    """The same rows, with all rows of the same `keys` in one partition."""
    parts = rows.sparkSession.conf.get(PARTS, None)
    return rows.repartition(int(parts), *keys) if parts else rows.repartition(*keys)
