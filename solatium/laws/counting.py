"""Numbers of frames that the laws are stated in: counts, hashes, and frames side by side."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from operator import or_

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from solatium import contracts
from solatium.contracts.keys import ACCOUNT, WINDOW

Look = Callable[[], DataFrame]


DATED_WINDOW = (*WINDOW, "business_date")
GREATEST = 2**31 - 1  # what a size is at most


@dataclass(frozen=True)
class Laws:
    """A small frame of numbers, and by the name of a column the bad rows that it counts."""

    rows: DataFrame
    looks: Mapping[str, Look] = field(default_factory=dict)


def side_by_side(parts: Sequence[DataFrame], keys: Sequence[str]) -> DataFrame:
    """One row per key that any part has: the numbers of all parts, 0 where a part has no row.

    A union and one grouping, where as many full joins would take an engine longer to plan. Without
    keys it is one row.
    """
    numbers = [name for part in parts for name in part.columns if name not in keys]
    stacked = [
        part.select(
            *keys,
            *(
                (F.col(name) if name in part.columns else F.lit(0)).cast("bigint").alias(name)
                for name in numbers
            ),
        )
        for part in parts
    ]
    together = stacked[0]
    for part in stacked[1:]:
        together = together.unionAll(part)
    return together.groupBy(*keys).agg(
        *(F.coalesce(F.sum(name), F.lit(0)).alias(name) for name in numbers)
    )


def nulls(table: contracts.Table) -> Column:
    return reduce(or_, (F.col(c.name).isNull() for c in table.columns if c.required))


def unknown(table: contracts.Table) -> Column:
    return reduce(or_, (~F.col(c.name).isin(*c.values) for c in table.columns if c.values))


def account_hash() -> Column:
    return F.xxhash64("account_id")


def repeated_accounts() -> Column:
    return F.count("account_id") - F.countDistinct(account_hash())


def high(number: Column) -> Column:
    """The sum of the higher halves of hashes: halves, since a sum of whole ones overflows."""
    return F.coalesce(F.sum(F.shiftright(number, 32)), F.lit(0))


def low(number: Column) -> Column:
    return F.coalesce(F.sum(number.bitwiseAND(F.lit(0xFFFFFFFF))), F.lit(0))


def more_than_one(rows: DataFrame) -> DataFrame:
    return rows.groupBy(*ACCOUNT).count().where("count > 1")
