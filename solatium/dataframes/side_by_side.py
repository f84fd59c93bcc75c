"""Frames with one row for each key, put side by side.

A union and one grouping. As many full joins would take an engine longer to plan, and without keys
Spark would plan each of them as a cartesian product.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

from pyspark.sql import DataFrame
from pyspark.sql import functions as F


def side_by_side(parts: Sequence[DataFrame], keys: Sequence[str] = ()) -> DataFrame:
    """One row for each key that any part has, with the columns of all parts.

    Each part has at most one row for a key. Where a part has none, its columns are null. Without
    `keys` each part has one row, and so has the result.
    """
    kinds = {name: kind for part in parts for name, kind in part.dtypes if name not in keys}
    stacked = [
        part.select(
            *keys,
            *(
                (F.col(name) if name in part.columns else F.lit(None)).cast(kind).alias(name)
                for name, kind in kinds.items()
            ),
        )
        for part in parts
    ]
    rows = reduce(DataFrame.unionByName, stacked)
    return rows.groupBy(*keys).agg(*(F.max(name).alias(name) for name in kinds))
