"""The draw: tickets that anyone can check, and chances that follow from the weight alone.

Seeds are fixed, so that the statistical tests always see the same draws. They allow four standard
deviations, which a fair draw leaves once in sixteen thousand.
"""

from __future__ import annotations

from math import sqrt

import pytest
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from reference.rush import ticket

from solatium.engine import Engine
from solatium.rules import tickets
from solatium.rules.stock import allocated

ENTRIES, STOCK = 20_000, 4_000
WEIGHTS = (1, 2, 3, 5, 8, 21)


def drawn(running: Engine, seed: str) -> DataFrame:
    """Entries numbered by `place`, weights in turn, each with its `ticket`, rank and tiebreak."""
    place = F.col("id").cast("int")
    weights = F.array(*(F.lit(weight) for weight in WEIGHTS))
    entries = running.spark.range(ENTRIES).select(
        place.alias("place"),
        F.lit("sku").alias("commodity_id"),
        F.lit("w").alias("window_id"),
        F.lit(1).alias("window_number"),
        F.concat(F.lit("a"), F.lpad(place.cast("string"), 6, "0")).alias("entry_id"),
        F.element_at(weights, place % len(WEIGHTS) + 1).alias("weight"),
        F.lit(1).alias("size"),
        F.lit(STOCK).alias("stock"),
    )
    parts = (F.lit(seed), F.col("commodity_id"), F.col("window_id"), F.col("entry_id"))
    found = entries.withColumn("ticket", tickets.smallest_ticket(*parts, F.col("weight")))
    return found.withColumn("rank", tickets.rank(F.col("ticket"))).withColumn(
        "tiebreak", tickets.tiebreak(F.col("ticket"), F.col("entry_id"))
    )


@pytest.fixture(scope="module", params=["autumn-7391", "autumn-7392", "|", "Ü"])
def winners(running: Engine, request: pytest.FixtureRequest) -> list[tuple[int, bool]]:
    """Place of every entry, and whether it won."""
    entries = drawn(running, request.param)
    won = allocated(entries).select("entry_id", F.lit(True).alias("won"))
    rows = entries.join(won, on="entry_id", how="left").select("place", "won").collect()
    return sorted((row.place, bool(row.won)) for row in rows)


@pytest.mark.both_engines
def test_the_smallest_ticket_is_that_of_the_rules(running: Engine) -> None:
    rows = [
        ("s", "sku", "w", f"e{number}", weight)
        for number in range(5)
        for weight in (1, 2, 3, 4, 5, 8, 9, 21)
    ]
    names = ["seed", "commodity_id", "window_id", "entry_id", "weight"]
    frame = running.spark.createDataFrame(rows, names)
    found = frame.select(
        *names, tickets.smallest_ticket(*(F.col(name) for name in names)).alias("ticket")
    ).collect()
    for *parts, weight, smallest in found:
        assert smallest == min(ticket(*parts, i) for i in range(weight))


def test_rank_and_tiebreak_are_the_order_of_tickets_then_ids(running: Engine) -> None:
    """Tickets that differ in the first digit, in the last one, or not at all."""
    digits = "0123456789abcde"
    drawn = [(f"{digits}{last}", entry) for last in "09af" for entry in ("b", "a", "aa", "é")]
    drawn += [("f" * 16, "a"), ("0" * 16, "z"), ("8" + "0" * 15, "a"), ("7" + "f" * 15, "a")]
    frame = running.spark.createDataFrame(drawn, ["ticket", "entry_id"])
    ranked = frame.select(
        "ticket",
        "entry_id",
        tickets.rank(F.col("ticket")).alias("rank"),
        tickets.tiebreak(F.col("ticket"), F.col("entry_id")).alias("tiebreak"),
    )
    found = sorted(ranked.collect(), key=lambda row: (row.rank, row.tiebreak))
    assert [(row.ticket, row.entry_id) for row in found] == sorted(drawn)


def test_all_of_the_stock_is_drawn(winners: list[tuple[int, bool]]) -> None:
    assert sum(won for _, won in winners) == STOCK


def test_the_chance_grows_with_the_weight_as_theory_has_it(
    winners: list[tuple[int, bool]],
) -> None:
    """Whoever holds a ticket below a limit wins: 1 - (1 - limit)^weight, with one limit for all."""
    number = ENTRIES // len(WEIGHTS)
    low, high = 0.0, 1.0
    for _ in range(60):
        limit = (low + high) / 2
        expected = sum(number * (1 - (1 - limit) ** weight) for weight in WEIGHTS)
        low, high = (limit, high) if expected < STOCK else (low, limit)
    for turn, weight in enumerate(WEIGHTS):
        chance = 1 - (1 - limit) ** weight
        won = sum(won for place, won in winners if place % len(WEIGHTS) == turn)
        assert abs(won - number * chance) < 4 * sqrt(number * chance * (1 - chance)), weight


def test_no_id_has_an_advantage(winners: list[tuple[int, bool]]) -> None:
    """Neither small ids, nor those at the end of the file, nor any ending in one digit."""
    share = STOCK / ENTRIES

    def is_fair(places: list[bool]) -> bool:
        spread = sqrt(len(places) * share * (1 - share))
        return abs(sum(places) - len(places) * share) < 4 * spread

    won = [won for _, won in winners]
    tenth = ENTRIES // 10
    for part in range(10):
        assert is_fair(won[part * tenth : (part + 1) * tenth]), f"tenth {part}"
    for width in (7, 11):  # the weights come round after six
        for rest in range(width):
            assert is_fair(won[rest::width]), f"every {width}th from {rest}"


def test_the_order_of_the_rows_is_no_matter(running: Engine) -> None:
    entries = drawn(running, "autumn-7391")
    turned = entries.orderBy(F.xxhash64("entry_id")).repartition(7)
    first, second = (
        {row.entry_id for row in allocated(frame).select("entry_id").collect()}
        for frame in (entries, turned)
    )
    assert first == second
