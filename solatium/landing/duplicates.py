"""Ingest, the door: landing rows of one arrival date into accepted rows and the quarantine.

docs/rules.md section 2. A run takes arrival dates in order, one at a time; what came before is the
warehouse as it stood. Rows that are well-formed but not accepted (a repeated or conflicting id, an
unknown window, too late) are set aside with their types, since a window that turns up or moves, or
an earlier file that changes, can bring them back; the quarantine shows them to people, repeats
aside.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from solatium import contracts
from solatium.contracts.keys import EVENT, WINDOW
from solatium.dataframes.event_keys import content
from solatium.dataframes.hashing import hashable
from solatium.landing import row_rules

# Why a well-formed row is set aside whatever its window.
CONFLICT = "event_id_conflict"
REPEAT = "repeat"  # of an earlier row: in no quarantine, but kept, should that row go

BY_WINDOW = ("unknown_window", "late")  # why, by its window


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
    return F.xxhash64(*EVENT)


def doubtful(
    rows: DataFrame, earlier: DataFrame, source: str, besides: Sequence[str] = ()
) -> DataFrame:
    """Hashes (`hash`) of event keys of which a row is malformed, or of which there are several.

    `rows` are landing rows of one arrival date, as `frames` has them, and `earlier` rows that came
    before. All rows whose hash is another are well-formed and stay: one pass over a night's rows
    finds the few to look at. Of the columns `besides` it is known that they are sound.
    """
    is_bad = row_rules.is_malformed(contracts.landing(source), besides)
    new = rows.select(event_hash().alias("hash"), is_bad.alias("bad"), F.lit(True).alias("new"))
    old = earlier.select(
        event_hash().alias("hash"), F.lit(False).alias("bad"), F.lit(False).alias("new")
    )
    counts = (
        new.unionByName(old)
        .groupBy("hash")
        .agg(
            F.count("*").alias("rows"), F.bool_or("bad").alias("bad"), F.bool_or("new").alias("new")
        )
    )
    return counts.where("new and (bad or rows > 1)").select("hash")


def among(rows: DataFrame, hashes: DataFrame, *, how: str) -> DataFrame:
    """The rows whose event hash is one of `hashes` ("left_semi"), or none of them ("left_anti")."""
    return hashable(rows, "event_id").join(hashes, on=event_hash() == F.col("hash"), how=how)


def judged_by_id(rows: DataFrame, source: str) -> DataFrame:
    """The rows, each distinct one once, with a `reason` where they do not stay.

    Of rows with one id and equal content the one with the smallest `(dt, sequence)` counts, and
    each other one is a `repeat`. Of different contents the one with the smallest
    `(dt, event_time, content)` stays, and the others are an `event_id_conflict`. `rows` are all
    rows that have one of their ids.
    """
    columns = rows.columns
    marked = rows.withColumn("content", content(contracts.landing(source)))
    of_content = Window.partitionBy(*EVENT, "content").orderBy(
        "dt", F.col("sequence").asc_nulls_first()
    )
    repeats = F.row_number().over(of_content) > 1
    order = Window.partitionBy(*EVENT).orderBy("repeats", "dt", "event_time", "content")
    position = F.row_number().over(order)
    reason = F.when(F.col("repeats"), REPEAT).when(F.col("position") > 1, CONFLICT)
    return (
        marked.distinct()
        .withColumn("repeats", repeats)
        .withColumn("position", position)
        .select(*columns, reason.alias("reason"))
    )


def without_repeats(
    rows: DataFrame, earlier: DataFrame, source: str
) -> tuple[DataFrame, DataFrame]:
    """The rows of one arrival date that stay, and the others with a `reason` (`judged_by_id`).

    `earlier` are rows of earlier arrival dates, judged before. Of an id all rows are given.
    """
    both = rows.withColumn("is_new", F.lit(True)).unionByName(
        earlier.select(*rows.columns).withColumn("is_new", F.lit(False))
    )
    judged = judged_by_id(both, source).where("is_new").drop("is_new")
    stays = judged.where(F.col("reason").isNull()).drop("reason")
    return stays, judged.where(F.col("reason").isNotNull())


def placed(rows: DataFrame, windows: DataFrame, grace_days: int) -> tuple[DataFrame, DataFrame]:
    """Sorts rows by their windows in force: accepted, with `business_date`; else set aside."""
    dates = windows.select(*WINDOW, "business_date")
    known = rows.join(F.broadcast(dates), on=WINDOW, how="left")
    is_unknown = F.col("business_date").isNull()
    is_late = F.col("dt") > F.date_add("business_date", grace_days)
    accepted = known.where(~is_unknown & ~is_late)
    reason = F.when(is_unknown, F.lit("unknown_window")).otherwise(F.lit("late"))
    aside = known.where(is_unknown | is_late).withColumn("reason", reason).drop("business_date")
    return accepted, aside
