"""Tickets: the public, checkable chance of a draw (docs/rules.md section 5).

    printf '%s' 'seed|commodity|window|entry|0' | sha256sum

gives tickets 0 to 3 of an entry, 16 hex digits each.
"""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

# A ticket's leading hex digits that fit a bigint; the last one goes into the tie-break.
_LEADING = 15


def ticket(seed: Column, commodity_id: Column, window_id: Column, entry_id: Column) -> Column:
    """Ticket 0 of an entry: 16 lower-case hex digits."""
    said = F.concat_ws("|", seed, commodity_id, window_id, entry_id, F.lit("0"))
    return F.substring(F.sha2(said.cast("binary"), 256), 1, 16)


def rank(ticket: Column) -> Column:
    """A ticket's leading digits as a number, in the order of the tickets."""
    return F.conv(F.substring(ticket, 1, _LEADING), 16, 10).cast("bigint")


def tiebreak(ticket: Column, entry_id: Column) -> Column:
    """What orders entries of one rank: the ticket's last digit, then the entry id."""
    return F.concat(F.substring(ticket, _LEADING + 1, 1), entry_id)
