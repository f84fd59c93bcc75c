"""Tickets: the public, checkable chance of a draw (docs/rules.md section 5).

    printf '%s' 'seed|commodity|window|entry|0' | sha256sum

gives tickets 0 to 3 of an entry, 16 hex digits each.
"""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

_DIGITS = 16  # of a ticket
_TO_A_HASH = 4  # tickets

# A ticket's leading hex digits that fit a bigint; the last one goes into the tie-break.
_LEADING = 15


def ticket(seed: Column, commodity_id: Column, window_id: Column, entry_id: Column) -> Column:
    """Ticket 0 of an entry: 16 lower-case hex digits."""
    said = F.concat_ws("|", seed, commodity_id, window_id, entry_id, F.lit("0"))
    return F.substring(F.sha2(said.cast("binary"), 256), 1, _DIGITS)


def smallest_ticket(
    seed: Column, commodity_id: Column, window_id: Column, entry_id: Column, weight: Column
) -> Column:
    """The smallest of the tickets 0 to `weight` - 1 of an entry."""

    def digest(number: Column) -> Column:
        said = F.concat_ws("|", seed, commodity_id, window_id, entry_id, number.cast("string"))
        return F.sha2(said.cast("binary"), 256)

    def smallest(digest: Column, number: Column) -> Column:
        drawn = weight - number * _TO_A_HASH  # of this hash
        tickets = [
            F.substring(digest, 1 + _DIGITS * position, _DIGITS) for position in range(_TO_A_HASH)
        ]
        later = [F.when(drawn > position, tickets[position]) for position in range(1, _TO_A_HASH)]
        return F.least(tickets[0], *later)

    last = F.call_function("div", weight - 1, F.lit(_TO_A_HASH)).cast("int")
    digests = F.transform(F.sequence(F.lit(0), last), digest)
    return F.array_min(F.transform(digests, smallest))


def rank(ticket: Column) -> Column:
    """A ticket's leading digits as a number, in the order of the tickets."""
    return F.conv(F.substring(ticket, 1, _LEADING), 16, 10).cast("bigint")


def tiebreak(ticket: Column, entry_id: Column) -> Column:
    """The order of entries of one rank: the ticket's last digit, then the entry id."""
    return F.concat(F.substring(ticket, _LEADING + 1, 1), entry_id)


def with_tickets(entered: DataFrame) -> DataFrame:
    """The rows of entries with `ticket`, and with `weight` where they have none yet.

    Both are null for entries of windows that are first come, and for rows without an entry.
    """
    is_drawn = F.col("is_formed") & (F.col("policy") != "first_come")
    is_drawn = is_drawn & F.col("entry_id").isNotNull()
    parts = (F.col("seed"), F.col("commodity_id"), F.col("window_id"), F.col("entry_id"))
    if "weight" not in entered.columns:
        entered = entered.withColumn("weight", F.lit(1))
        drawn = ticket(*parts)
    else:
        drawn = F.when(F.col("weight") == 1, ticket(*parts)).otherwise(
            smallest_ticket(*parts, F.col("weight"))
        )
    return entered.withColumn("ticket", F.when(is_drawn, drawn)).withColumn(
        "weight", F.when(is_drawn, F.col("weight"))
    )
