"""Joins that say which of their sides is small.

A hash join builds a hash table of one side, which the planner chooses by the statistics of files.
The result of a grouping or a join has no statistics, and Sail then builds the table of the first
side. Sail also estimates that an inner join has at most as many rows as its smaller side, that an
outer join keeps all rows, and that a filter keeps a fifth of them.
"""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from solatium.contracts.keys import WINDOW


def look_up(rows: DataFrame, few: DataFrame, on: Sequence[str], *, how: str = "inner") -> DataFrame:
    """`rows` with the other columns of `few`, which has at most one row for each key `on`.

    Rows whose key `few` lacks are dropped ("inner"), or have nulls in its columns ("left"). No
    column is asked for by name: the engine would have to be asked for the names first.
    """
    sides = {"inner": "inner", "left": "right"}
    return few.join(rows, on=list(on), how=sides[how])


def named_by(rows: DataFrame, windows: DataFrame) -> DataFrame:
    """The `windows` that `rows` name, to be sent to all tasks.

    All windows ever known would be too many for that, and so may be names that are no windows.
    """
    names = rows.select(*WINDOW).distinct()
    return windows.join(names, on=list(WINDOW), how="left_semi")


def fewer(rows: DataFrame, id_column: str) -> DataFrame:
    """The same rows, with a filter that every row passes, since no id is empty.

    The planner then estimates fewer rows, and builds its hash table on this side of a join.
    """
    return rows.where(F.length(id_column) > 0)
