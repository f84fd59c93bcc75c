"""Events whose order only their ids decide: they share a time, and have no sequence.

docs/rules.md section 1.2. Ids are text, so numbers in them do not sort as numbers. Where many
events depend on them, the platform may have an order of its own that should be read.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from solatium.contracts.keys import ACCOUNT
from solatium.dataframes.counting import count_where
from solatium.dataframes.hashing import hashable

_ONE_IN = 1_000  # so many events may be without an order before it is noted
_NAMED = 3  # arrival dates


@dataclass(frozen=True)
class Unordered:
    """Of the `rows` events of a log and arrival date, `events` have no order but that of ids."""

    source: str
    day: date
    events: int
    rows: int


def unordered(landed: DataFrame, good: DataFrame, source: str, day: date) -> Unordered | None:
    """The events of a log and arrival date that have no order, where they are too many; else None.

    `landed` are all rows of the arrival date, `good` those that are well-formed and no repeats. A
    count of distinct hashes is an upper bound that nearly always ends the matter; only where it is
    too high are the events counted by their accounts, windows and times.
    """
    place = F.xxhash64("account_id", "event_time")
    has_no_sequence = F.col("sequence").isNull()
    counts = (
        hashable(landed)
        .agg(
            F.count("*").alias("rows"),
            count_where(has_no_sequence).alias("events"),
            F.count_distinct(F.when(has_no_sequence, place)).alias("places"),
        )
        .collect()[0]
    )
    # of n events with one hash n - 1 are too many for it, which is at least half of them
    if 2 * (counts["events"] - counts["places"]) * _ONE_IN <= counts["rows"]:
        return None
    found = (
        good.groupBy(*ACCOUNT, "event_time")
        .agg(F.count("*").alias("rows"), count_where(has_no_sequence).alias("events"))
        .agg(
            F.sum("rows").alias("rows"),
            F.sum(F.when(F.col("events") > 1, F.col("events"))).alias("events"),
        )
        .collect()[0]
    )
    rows, events = found["rows"] or 0, found["events"] or 0
    return Unordered(source, day, events, rows) if events * _ONE_IN > rows else None


def notes(found: Iterable[Unordered]) -> list[str]:
    """A note for each log that has events without an order, for the summary of a run."""
    by_source: dict[str, list[Unordered]] = {}
    for each in found:
        by_source.setdefault(each.source, []).append(each)
    return [_note(source, some) for source, some in by_source.items()]


def _note(source: str, some: list[Unordered]) -> str:
    dates = ", ".join(f"dt={each.day}: {each.events:,} of {each.rows:,}" for each in some[:_NAMED])
    more = f" and {len(some) - _NAMED} more arrival dates" if len(some) > _NAMED else ""
    return (
        f"{source}: events share their time with another event of the same account and window, "
        f"and have no sequence ({dates}{more}); their event ids decide which is later. If the "
        "platform numbers its events, map that column to sequence (docs/rules.md, section 1.2)"
    )
