"""Ingest, the door: landing rows of one arrival date into accepted rows and the quarantine.

docs/rules.md section 2. A run takes arrival dates in order, one at a time; what came before is the
warehouse as it stood. Rows that are well-formed but not accepted (a conflicting id, an unknown
window, too late) are set aside with their types, since a window that turns up or moves can bring
them back; the quarantine shows them to people.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from solatium import contracts, row_rules
from solatium.contracts import Table
from solatium.ordering import content
from solatium.windows import KEY

_EVENT = (*KEY, "event_id")
_REASON = contracts.Column("reason", "string", required=True, meaning="Why it is set aside.")


def set_aside_table(source: str) -> Table:
    """The pipeline's own table of well-formed rows of a landing table that are not accepted."""
    accepted = contracts.warehouse(source)
    columns = tuple(c for c in accepted.columns if c.name != "business_date")
    return replace(
        accepted, name=f"_set_aside_{source}", columns=(*columns, _REASON), partition_by=("dt",)
    )


def arrivals(rows: DataFrame, source: str, day: date) -> tuple[DataFrame, DataFrame]:
    """The well-formed rows of an arrival date, with `dt`, and quarantine rows of the others."""
    contract = contracts.landing(source)
    dt = F.lit(day)
    return (
        row_rules.well_formed(rows, contract).withColumn("dt", dt),
        row_rules.malformed(rows, contract, dt),
    )


def event_hash() -> Column:
    """A hash of an event's key: rows of one key share it, rows of two keys hardly ever."""
    return F.xxhash64(*_EVENT)


def repeated(rows: DataFrame, earlier: DataFrame) -> DataFrame:
    """Hashes (`hash`) of event keys that stand more than once in `rows`, or in `earlier` too."""
    hashes = rows.select(event_hash().alias("hash"))
    within = hashes.groupBy("hash").count().where("count > 1").select("hash")
    before = earlier.select(event_hash().alias("hash"))
    again = hashes.join(before, on="hash", how="left_semi")
    return within.unionByName(again).distinct()


def without_repeats(
    rows: DataFrame, earlier: DataFrame, hashes: DataFrame, source: str
) -> tuple[DataFrame, DataFrame]:
    """Judges repeated event ids: the rows that stay, and those in conflict, with a `reason`.

    `rows` came later than `earlier`, which has been judged before. Rows with equal content are one
    row; of different contents the smallest `(dt, event_time, content)` stays.
    """
    once = rows.join(hashes, on=event_hash() == F.col("hash"), how="left_anti")
    columns = rows.columns
    new = rows.join(hashes, on=event_hash() == F.col("hash"), how="left_semi")
    known = earlier.join(hashes, on=event_hash() == F.col("hash"), how="left_semi")
    both = new.withColumn("is_new", F.lit(1)).unionByName(
        known.select(*columns).withColumn("is_new", F.lit(0))
    )
    distinct = (
        both.withColumn("content", content(contracts.landing(source)))
        .groupBy(*(c for c in columns if c != "dt"), "content")
        .agg(F.min("dt").alias("dt"), F.min("is_new").alias("is_new"))
    )
    order = Window.partitionBy(*_EVENT).orderBy("is_new", "dt", "event_time", "content")
    ranked = distinct.withColumn("place", F.row_number().over(order)).where("is_new = 1")
    stays = ranked.where("place = 1").select(*columns)
    conflict = ranked.where("place > 1").select(*columns)
    return (
        once.unionByName(stays),
        conflict.withColumn("reason", F.lit("event_id_conflict")),
    )


def placed(rows: DataFrame, windows: DataFrame, grace_days: int) -> tuple[DataFrame, DataFrame]:
    """Sorts rows by their windows in force: accepted, with `business_date`; else set aside."""
    dates = windows.select(*KEY, "business_date")
    known = rows.join(F.broadcast(dates), on=list(KEY), how="left")
    is_unknown = F.col("business_date").isNull()
    is_late = F.col("dt") > F.date_add("business_date", grace_days)
    accepted = known.where(~is_unknown & ~is_late)
    reason = F.when(is_unknown, F.lit("unknown_window")).otherwise(F.lit("late"))
    aside = known.where(is_unknown | is_late).withColumn("reason", reason).drop("business_date")
    return accepted, aside
