"""Exact selection: who wins when entries are taken in order while their sizes fit the stock.

docs/rules.md section 5, "Allocation". No large window is ever sorted as a whole. Its entries are
counted by bands of their rank. A band that fits the stock wins as a whole. The band in which the
stock runs out is divided again, by narrower bands of the rank and then of the tie-breaking id,
until few entries are left. These are sorted, as are the entries of smaller windows.

After the first entry that does not fit, less than its size remains. Of each smaller size only the
first few later entries can still win, so the greedy pass over the rest is short as well.
"""

from __future__ import annotations

from functools import reduce

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from solatium.contracts.keys import COMPETITOR, NUMBER
from solatium.dataframes.joins import look_up
from solatium.dataframes.keep import Keep, kept_nowhere

_OF_ENTRY = (*COMPETITOR, "size", "rank", "tiebreak")

# Entries of a band, on average. Smaller bands mean more counting, larger ones more sorting.
_BAND = 128

# A window of at most so many entries is sorted without bands: a sort takes less time than counting,
# and so many entries are no burden for one task.
_FEW = 65_536

_ID_BYTES = 7  # the bytes of an id that fit a bigint


def allocated(entries: DataFrame, keep: Keep = kept_nowhere) -> DataFrame:
    """The entries that win, by COMPETITOR.

    `entries` has, beside COMPETITOR, `size` int (at least 1), `stock` int, and the order: `rank`
    bigint, then `tiebreak` string, unique within the window. It is read several times. `keep`
    stores small intermediate frames: a few rows for each window.
    """
    undecided = entries.where(F.col("size") <= F.col("stock")).select(
        *_OF_ENTRY, F.col("stock").cast("bigint").alias("left")
    )
    won: list[DataFrame] = []
    later: list[DataFrame] = []
    few: list[DataFrame] = []
    for level, digits in enumerate((_rank, _rank, _after_common_prefix)):
        large = _large_windows(undecided)
        if not large:
            break
        is_large = F.col(NUMBER).isin(large)
        few.append(undecided.where(~is_large))
        undecided = undecided.where(is_large)
        ends = keep(_ends(digits(undecided)), f"selection_ends_{level}")
        placed = _placed(digits(undecided), ends)
        won.append(placed.where("band < end or end is null"))
        later.append(_first_of_each_size(placed.where("band > end and size <= most")))
        within = placed.where("band = end")
        undecided = keep(
            within.select(*_OF_ENTRY, F.col("still_left").alias("left")), f"undecided_{level}"
        )
    won += _in_order(reduce(DataFrame.unionByName, [*few, undecided]), later, keep)
    return reduce(DataFrame.unionByName, [frame.select(*COMPETITOR) for frame in won])


# Digits: the number that a level divides into bands


def _rank(entries: DataFrame) -> DataFrame:
    return entries.withColumn("digits", F.col("rank"))


def _after_common_prefix(entries: DataFrame) -> DataFrame:
    """The first bytes of the id after the prefix that all undecided entries of its window share.

    This holds for windows whose undecided entries have one rank, such as one microsecond. The
    entries of other windows are in one band.
    """
    ends = entries.groupBy(NUMBER).agg(
        (F.min("rank") == F.max("rank")).alias("is_tied"),
        F.min("tiebreak").alias("first"),
        F.max("tiebreak").alias("last"),
    )
    places = F.sequence(F.lit(1), F.length("first"))
    same = F.filter(
        places, lambda i: F.substring("first", F.lit(1), i) == F.substring("last", F.lit(1), i)
    )
    prefix = ends.where("is_tied").select(NUMBER, (F.size(same) + 1).alias("start"))
    tail = F.substring("tiebreak", F.col("start"), F.lit(_ID_BYTES))
    padded = F.rpad(F.hex(F.encode(tail, "UTF-8")), 2 * _ID_BYTES, "0")
    digits = F.conv(F.substring(padded, 1, 2 * _ID_BYTES), 16, 10).cast("bigint")
    return (
        look_up(entries, F.broadcast(prefix), [NUMBER], how="left")
        # tested explicitly, since Sail reads a null start of a substring as its beginning
        .withColumn("digits", F.when(F.col("start").isNotNull(), digits).otherwise(F.lit(0)))
        .drop("start")
    )


# One level


def _large_windows(entries: DataFrame) -> list[int]:
    """The numbers of the windows with more than a few entries."""
    counts = entries.groupBy(NUMBER).count().where(F.col("count") > _FEW)
    return [row[NUMBER] for row in counts.select(NUMBER).collect()]


def _ends(entries: DataFrame) -> DataFrame:
    """One row per window: the width of its bands, and the band in which the stock runs out.

    Bands are parts of equal `width` of the range of digits, from `lowest` on. `end` is the band in
    which the stock runs out, or null where all entries fit. `still_left` is the stock that remains
    for the band `end`. `most` is an upper bound of what remains after it, which is less than the
    size of an entry there that does not fit.
    """
    spans = entries.groupBy(NUMBER).agg(
        F.min("digits").alias("lowest"),
        F.expr(f"(max(digits) - min(digits)) div (count(*) div {_BAND} + 1) + 1").alias("width"),
    )
    bands = (
        _banded(entries, spans)
        .groupBy(NUMBER, "band")
        .agg(
            F.sum("size").cast("bigint").alias("units"),
            F.max("size").alias("largest"),
            F.min("left").alias("left"),
        )
    )
    until = F.sum("units").over(Window.partitionBy(NUMBER).orderBy("band"))
    too_much = bands.withColumn("before", until - F.col("units")).where(
        F.col("before") + F.col("units") > F.col("left")
    )
    position = F.row_number().over(Window.partitionBy(NUMBER).orderBy("band"))
    still_left = F.col("left") - F.col("before")
    end = (
        too_much.withColumn("position", position)
        .where("position = 1")
        .select(
            NUMBER,
            F.col("band").alias("end"),
            still_left.alias("still_left"),
            F.least(still_left, F.col("largest") - 1).alias("most"),
        )
    )
    return spans.join(end, on=NUMBER, how="left")


def _banded(entries: DataFrame, spans: DataFrame) -> DataFrame:
    return look_up(entries, F.broadcast(spans), [NUMBER]).withColumn(
        "band", F.expr("(digits - lowest) div width")
    )


def _placed(entries: DataFrame, ends: DataFrame) -> DataFrame:
    return _banded(entries, ends).drop("left")


def _first_of_each_size(after: DataFrame) -> DataFrame:
    """Entries after the end of the stock: of each size, the bands with the first that may fit."""
    counts = after.groupBy(NUMBER, "size", "band").agg(
        F.count("*").alias("number"), F.first("most").alias("most")
    )
    before = (
        Window.partitionBy(NUMBER, "size")
        .orderBy("band")
        .rowsBetween(Window.unboundedPreceding, -1)
    )
    counts = counts.withColumn("earlier", F.coalesce(F.sum("number").over(before), F.lit(0)))
    wanted = counts.where(F.expr("earlier < most div size")).select(NUMBER, "size", "band")
    return after.join(wanted, on=[NUMBER, "size", "band"], how="left_semi")


# What is left: sorted


def _in_order(undecided: DataFrame, later: list[DataFrame], keep: Keep) -> list[DataFrame]:
    """Takes the undecided entries in order while they fit, then the later ones that still fit.

    What is kept of the sorted entries are those that win, those that can, and the first of each
    window, so that `most` is known of all windows.
    """
    window = Window.partitionBy(NUMBER)
    until = F.sum("size").over(window.orderBy("rank", "tiebreak")).cast("bigint")
    # sizes are positive, so that the sum grows: those that fit are the first ones
    fits = F.col("until") <= F.col("left")
    taken = F.coalesce(F.max(F.when(fits, F.col("until"))).over(window), F.lit(0))
    in_order = undecided.withColumn("until", until).withColumn("most", F.col("left") - taken)
    is_wanted = fits | (F.col("size") <= F.col("most")) | (F.col("until") == F.col("size"))
    in_order = in_order.where(is_wanted).select(*_OF_ENTRY, "most", fits.alias("fits"))
    in_order = keep(in_order, "selection_in_order")
    remaining = in_order.groupBy(NUMBER).agg(F.min("most").alias("most"))
    behind = [frame.select(*_OF_ENTRY) for frame in (in_order.where("not fits"), *later)]
    could_fit = (
        reduce(DataFrame.unionByName, behind)
        .join(F.broadcast(remaining), on=NUMBER)
        .where(F.col("size") <= F.col("most"))
    )
    position = F.row_number().over(Window.partitionBy(NUMBER, "size").orderBy("rank", "tiebreak"))
    candidates = could_fit.withColumn("position", position).where("position <= most div size")
    return [in_order.where("fits"), _greedy(candidates)]


def _greedy(candidates: DataFrame) -> DataFrame:
    """Takes the few candidates of a window one by one, in order, while they fit `most`."""
    row = F.struct("rank", "tiebreak", "size", "entry_id")
    lists = candidates.groupBy(NUMBER).agg(
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
    flat = lists.withColumn("marks", marks).select(NUMBER, "marks", F.posexplode("row"))
    return flat.where(F.expr("substring(marks, pos + 1, 1) = '1'")).select(
        NUMBER, F.col("col")["entry_id"].alias("entry_id")
    )
