"""Numbers in the place of keys, for the time in which few keys stand in many rows."""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import Column, Window
from pyspark.sql import functions as F


def position_in_order(order: Sequence[str]) -> Column:
    """The position of a row among all, from 1 on, in an order that ends in a unique key.

    All rows are one partition, so they must be few. An engine warns of a window without a key.
    """
    return F.row_number().over(Window.partitionBy(F.lit(0)).orderBy(*order))
