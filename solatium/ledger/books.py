"""Balances of the ledger beside the awards, account by account (docs/rules.md section 8.3)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from solatium.contracts.keys import ACCOUNT, WINDOW
from solatium.dataframes.joins import look_up, named_by
from solatium.dataframes.money import cents

Look = Callable[[], DataFrame]


def books(
    awards: DataFrame,
    ledger: DataFrame,
    waived: DataFrame,
    windows: DataFrame,
    is_meant: Callable[[Column], Column],
    *,
    last: date,
) -> DataFrame:
    """One row per account and window of the closed dates that are meant, in cents.

    `award`, what was `posted` and `given_up`, and of the entries how many there are, the last and
    the sum of their revisions. An entry belongs to the date of its window, where that is closed (by
    `last`), else to its own; a key that belongs to a date that is meant is seen with all its rows.
    """
    none = F.lit(0)
    amount = cents(F.col("amount"))
    closed = windows.where(F.col("business_date") <= F.lit(last)).select(
        *WINDOW, F.col("business_date").alias("window_date")
    )

    def side(rows: DataFrame, **numbers: Column) -> DataFrame:
        names = ("award", "posted", "given_up", "entries", "revision")
        columns = [numbers.get(name, none).alias(name) for name in names]
        return rows.select(*ACCOUNT, "business_date", *columns)

    sides = (
        side(awards.where(is_meant(F.col("business_date"))), award=amount)
        .unionByName(side(ledger, posted=amount, entries=F.lit(1), revision=F.col("revision")))
        .unionByName(side(waived, given_up=amount))
    )
    closed = named_by(sides, closed)
    belongs = is_meant(F.coalesce("window_date", "business_date")).cast("int")
    return (
        look_up(sides, F.broadcast(closed), WINDOW, how="left")
        .groupBy(*ACCOUNT)
        .agg(
            F.max(belongs).alias("belongs"),
            *(F.sum(name).alias(name) for name in ("award", "posted", "given_up", "entries")),
            F.sum("revision").alias("revisions"),
            F.max("revision").alias("last_revision"),
        )
        .where("belongs = 1")
    )


def is_unbalanced() -> Column:
    """Whether in `books` a balance less what was waived is not the award."""
    return F.col("posted") - F.col("given_up") != F.col("award")


def is_overdrawn() -> Column:
    """Whether in `books` less than nothing is waived."""
    return F.col("given_up") < 0


def money(name: str) -> Column:
    """A column of cents as money."""
    return (F.col(name).cast("decimal(20,0)") / 100).cast("decimal(18,2)")
