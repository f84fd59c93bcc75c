"""A join that says which of its sides is small.

An engine that joins by hashing puts one side in memory, and chooses it by the statistics of files.
What comes out of a grouping or a join has none; Sail then takes the side that stands first. And it
reckons that an inner join leaves no more rows than its smaller side has, that an outer one leaves
all, and that a filter leaves a fifth.
"""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import DataFrame
from pyspark.sql import functions as F


def look_up(rows: DataFrame, few: DataFrame, on: Sequence[str], *, how: str = "inner") -> DataFrame:
    """`rows` with the other columns of `few`, which has a row for each key `on` at most.

    Rows of no such key are left out ("inner"), or have nulls there ("left").
    """
    sides = {"inner": "inner", "left": "right"}
    added = [name for name in few.columns if name not in on]
    return few.join(rows, on=list(on), how=sides[how]).select(*rows.columns, *added)


def fewer(rows: DataFrame, id_column: str) -> DataFrame:
    """The same rows, which are to be put in memory rather than others that are filtered too.

    They come through a filter that all of them pass, as no id is empty.
    """
    return rows.where(F.length(id_column) > 0)
