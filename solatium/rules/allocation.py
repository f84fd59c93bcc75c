"""The rush replayed: who entered, in which order, who was allocated, and with what outcome.

docs/rules.md sections 5 and 6.
"""

from __future__ import annotations

from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from solatium import contracts
from solatium.contracts.keys import ENTRY
from solatium.contracts.outcomes import ORDER_STATES
from solatium.dataframes.event_keys import key_tiebreak, key_time
from solatium.dataframes.joins import look_up
from solatium.dataframes.keep import Keep, kept_nowhere
from solatium.rules import entries, tickets
from solatium.rules.platform_audit import platform_outcome
from solatium.rules.stock import allocated
from solatium.rules.weights import with_weights
from solatium.settings.load import Settings
from solatium.settings.regimes import Regimes


def allocate(
    screened: DataFrame,
    windows: DataFrame,
    opening: DataFrame,
    settings: Settings,
    regimes: Regimes,
    keep: Keep = kept_nowhere,
) -> DataFrame:
    """`allocations`: one row per ready account of every window that is not held.

    `screened` is from `screening.screen` and is read several times; `windows` are the windows in
    force; `opening` is `account_history` of all outcomes before the dates of weighted lotteries.
    """
    formed = keep(entries.formed(screened, windows), "windows_formed")
    ready = entries.ready_accounts(screened, formed)
    # a night without teams or weights does not pay for them
    kinds = windows.agg(
        F.bool_or(F.col("unit") == "team").alias("teams"),
        F.bool_or(F.col("policy") == "weighted_lottery").alias("weights"),
    ).collect()[0]
    parts = [ready]  # accounts by themselves, then teams
    if kinds.teams:
        in_team = entries.is_in_team()
        teams = keep(entries.in_teams(ready.where(in_team), formed), "ready_teams")
        parts = [ready.where(~in_team), teams]
    if kinds.weights:
        parts = [
            with_weights(part, opening, settings, regimes, teams=place == 1)
            for place, part in enumerate(parts)
        ]
    entered = reduce(DataFrame.unionByName, parts)
    entered = keep(tickets.with_tickets(entered).drop(*entries.FOR_ENTERING), "entries")
    won = allocated(_competing(entered), keep).withColumn("is_allocated", F.lit(True))
    judged = look_up(entered, won, ENTRY, how="left")
    table = contracts.warehouse("allocations")
    return table.shape(
        judged.withColumn("outcome", _outcome())
        .withColumn("attempted_at", key_time(F.col("attempt")))
        .withColumn("size", _written_size())
        .withColumn("platform_outcome", platform_outcome())
    )


def _competing(entered: DataFrame) -> DataFrame:
    """The entries that fit the stock, one row each, with the order in which they are taken."""
    ticket, attempt = F.col("ticket"), F.col("attempt")
    rank = F.when(ticket.isNull(), F.unix_micros(key_time(attempt))).otherwise(tickets.rank(ticket))
    tiebreak = F.when(ticket.isNull(), key_tiebreak(attempt)).otherwise(
        tickets.tiebreak(ticket, F.col("entry_id"))
    )
    competes = F.col("leads") & (ticket.isNotNull() | attempt.isNotNull())
    return entered.where(competes & (F.col("size") <= F.col("stock"))).select(
        *ENTRY, _written_size(), "stock", rank.alias("rank"), tiebreak.alias("tiebreak")
    )


def _written_size() -> Column:
    """The size of an entry as an int: at most the greatest one, as some team's may be more."""
    size, most = F.col("size"), F.lit(2**31 - 1)
    return F.when(size > most, most).otherwise(size).cast("int").alias("size")


def _outcome() -> Column:
    state = F.col("order_state")
    return (
        F.when(~F.col("is_formed"), "not_formed")
        .when(F.col("left_out").isNotNull(), F.col("left_out"))
        .when((F.col("policy") == "first_come") & F.col("attempt").isNull(), "no_attempt")
        .when(F.col("size") > F.col("stock"), "cannot_fit")
        .when(F.col("is_allocated").isNull(), "lost")
        .when(state == ORDER_STATES.index("cancelled"), "forfeited")
        .when(state == ORDER_STATES.index("voided"), "voided")
        .otherwise("won")
    )
