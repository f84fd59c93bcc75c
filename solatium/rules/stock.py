"""Exact selection: who wins when entries are taken in order while their sizes fit the stock.

docs/rules.md section 5, "Allocation". A window of any size is never sorted whole. Its entries
are counted by bands of their rank; bands that fit as a whole win as a whole, and only the band in
which the stock runs out is looked at more closely: in narrower bands of the rank, then of the
tie-breaking id, until a few entries are left. Those are put in order.

After the first entry that does not fit, less than its size remains. Of each smaller size only the
first few later entries can still win, so that the greedy look at the rest is short as well.
"""

from __future__ import annotations

from functools import reduce

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from solatium.contracts.keys import ENTRY, WINDOW
from solatium.dataframes.joins import look_up
from solatium.dataframes.keep import Keep, kept_nowhere

_OF_ENTRY = (*ENTRY, "size", "rank", "tiebreak")

# Entries for each band, on the average. Smaller bands mean more to count, larger ones to sort.
_BAND = 128

# So many entries of a window are put in order as they are.
_FEW = 1024

_ID_BYTES = 7  # so many bytes of an id fit a bigint


def allocated(entries: DataFrame, keep: Keep = kept_nowhere) -> DataFrame:
    """The entries that win, by ENTRY.

    `entries` has, beside ENTRY, `size` int (at least 1), `stock` int, and the order: `rank` bigint,
    then `tiebreak` string, unique within the window. It is read several times. `keep` stores what
    is small and used again: a few rows for each window.
    """
    undecided = entries.where(F.col("size") <= F.col("stock")).select(
        *_OF_ENTRY, F.col("stock").cast("bigint").alias("left")
    )
    won, later = [], []
    for level, digits in enumerate((_rank, _rank, _after_common_prefix)):
        if _most_in_a_window(undecided) <= _FEW:
            break
        ends = keep(_ends(digits(undecided)), f"selection_ends_{level}")
        placed = _placed(digits(undecided), ends)
        won.append(placed.where("band < end or end is null"))
        later.append(_first_of_each_size(placed.where("band > end and size <= most")))
        within = placed.where("band = end")
        undecided = keep(
            within.select(*_OF_ENTRY, F.col("still_left").alias("left")), f"undecided_{level}"
        )
    won += _in_order(undecided, later)
    return reduce(DataFrame.unionByName, [frame.select(*ENTRY) for frame in won])


# Digits: the number by which a level makes its bands


def _rank(entries: DataFrame) -> DataFrame:
    return entries.withColumn("digits", F.col("rank"))


def _after_common_prefix(entries: DataFrame) -> DataFrame:
    """The id's bytes after those that all undecided entries of its window begin with.

    Only where they have one rank, such as one microsecond; others are in one band.
    """
    ends = entries.groupBy(*WINDOW).agg(
        (F.min("rank") == F.max("rank")).alias("is_tied"),
        F.min("tiebreak").alias("first"),
        F.max("tiebreak").alias("last"),
    )
    places = F.sequence(F.lit(1), F.length("first"))
    same = F.filter(
        places, lambda i: F.substring("first", F.lit(1), i) == F.substring("last", F.lit(1), i)
    )
    prefix = ends.where("is_tied").select(*WINDOW, (F.size(same) + 1).alias("start"))
    tail = F.substring("tiebreak", F.col("start"), F.lit(_ID_BYTES))
    padded = F.rpad(F.hex(F.encode(tail, "UTF-8")), 2 * _ID_BYTES, "0")
    digits = F.conv(F.substring(padded, 1, 2 * _ID_BYTES), 16, 10).cast("bigint")
    return (
        look_up(entries, F.broadcast(prefix), WINDOW, how="left")
        # asked for outright: Sail takes a null start of a substring for its beginning
        .withColumn("digits", F.when(F.col("start").isNotNull(), digits).otherwise(F.lit(0)))
        .drop("start")
    )


# One level


def _most_in_a_window(entries: DataFrame) -> int:
    counts = entries.groupBy(*WINDOW).count().agg(F.max("count").alias("most"))
    return counts.collect()[0]["most"] or 0


def _ends(entries: DataFrame) -> DataFrame:
    """One row per window: how its bands lie, and the band in which the stock runs out.

    Bands are equal parts (`width`) of the range of digits from `lowest`. `end` is null where all
    entries fit. `still_left` is what is left of the stock for the band `end`, and `most` what can
    be left behind it: less than the size of an entry there that does not fit.
    """
    spans = entries.groupBy(*WINDOW).agg(
        F.min("digits").alias("lowest"),
        F.expr(f"(max(digits) - min(digits)) div (count(*) div {_BAND} + 1) + 1").alias("width"),
    )
    bands = (
        _banded(entries, spans)
        .groupBy(*WINDOW, "band")
        .agg(
            F.sum("size").cast("bigint").alias("units"),
            F.max("size").alias("largest"),
            F.min("left").alias("left"),
        )
    )
    until = F.sum("units").over(Window.partitionBy(*WINDOW).orderBy("band"))
    too_much = bands.withColumn("before", until - F.col("units")).where(
        F.col("before") + F.col("units") > F.col("left")
    )
    place = F.row_number().over(Window.partitionBy(*WINDOW).orderBy("band"))
    still_left = F.col("left") - F.col("before")
    end = (
        too_much.withColumn("place", place)
        .where("place = 1")
        .select(
            *WINDOW,
            F.col("band").alias("end"),
            still_left.alias("still_left"),
            F.least(still_left, F.col("largest") - 1).alias("most"),
        )
    )
    return spans.join(end, on=WINDOW, how="left")


def _banded(entries: DataFrame, spans: DataFrame) -> DataFrame:
    return look_up(entries, F.broadcast(spans), WINDOW).withColumn(
        "band", F.expr("(digits - lowest) div width")
    )


def _placed(entries: DataFrame, ends: DataFrame) -> DataFrame:
    return _banded(entries, ends).drop("left")


def _first_of_each_size(after: DataFrame) -> DataFrame:
    """Of entries behind the end of the stock, by size, the bands with the first that could fit."""
    counts = after.groupBy(*WINDOW, "size", "band").agg(
        F.count("*").alias("number"), F.first("most").alias("most")
    )
    before = (
        Window.partitionBy(*WINDOW, "size")
        .orderBy("band")
        .rowsBetween(Window.unboundedPreceding, -1)
    )
    counts = counts.withColumn("earlier", F.coalesce(F.sum("number").over(before), F.lit(0)))
    wanted = counts.where(F.expr("earlier < most div size")).select(*WINDOW, "size", "band")
    return after.join(wanted, on=[*WINDOW, "size", "band"], how="left_semi")


# What is left: put in order


def _in_order(undecided: DataFrame, later: list[DataFrame]) -> list[DataFrame]:
    """Takes the undecided in order while they fit, then of all that follow what still fits."""
    order = Window.partitionBy(*WINDOW).orderBy("rank", "tiebreak")
    ranked = undecided.withColumn("until", F.sum("size").over(order).cast("bigint"))
    # sizes are positive, so that the sum grows: those that fit are the first ones
    fits = F.col("until") <= F.col("left")
    remaining = ranked.groupBy(*WINDOW).agg(
        (F.min("left") - F.coalesce(F.max(F.when(fits, F.col("until"))), F.lit(0))).alias("most")
    )
    behind = [frame.select(*_OF_ENTRY) for frame in (ranked.where(~fits), *later)]
    could_fit = (
        reduce(DataFrame.unionByName, behind)
        .join(remaining, on=WINDOW)
        .where(F.col("size") <= F.col("most"))
    )
    place = F.row_number().over(Window.partitionBy(*WINDOW, "size").orderBy("rank", "tiebreak"))
    candidates = could_fit.withColumn("place", place).where("place <= most div size")
    return [ranked.where(fits), _greedy(candidates)]


def _greedy(candidates: DataFrame) -> DataFrame:
    """Takes the few candidates of a window one by one, in order, while they fit `most`."""
    row = F.struct("rank", "tiebreak", "size", "entry_id")
    lists = candidates.groupBy(*WINDOW).agg(
        F.array_sort(F.collect_list(row)).alias("row"), F.first("most").alias("most")
    )

    def step(state: Column, entry: Column) -> Column:
        fits = entry["size"].cast("bigint") <= state["left"]
        return F.struct(
            F.when(fits, state["left"] - entry["size"]).otherwise(state["left"]).alias("left"),
            F.concat(state["marks"], F.when(fits, F.lit("1")).otherwise(F.lit("0"))).alias("marks"),
        )

    start = F.struct(F.col("most").cast("bigint").alias("left"), F.lit("").alias("marks"))
    marks = F.aggregate("row", start, step)["marks"]
    flat = lists.withColumn("marks", marks).select(*WINDOW, "marks", F.posexplode("row"))
    return flat.where(F.expr("substring(marks, pos + 1, 1) = '1'")).select(
        *WINDOW, F.col("col")["entry_id"].alias("entry_id")
    )
