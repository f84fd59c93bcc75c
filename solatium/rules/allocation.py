"""The rush replayed: who entered, in which order, who was allocated, and with what outcome.

docs/rules.md sections 5 and 6.
"""

from __future__ import annotations

from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from solatium import contracts
from solatium.contracts.keys import COMPETITOR, NUMBER, PARTICIPANT
from solatium.contracts.outcomes import ALLOCATED, ORDER_STATES
from solatium.dataframes.counting import count_where
from solatium.dataframes.event_keys import key_tiebreak, key_time
from solatium.dataframes.joins import look_up
from solatium.dataframes.keep import Keep
from solatium.rules import entries, tickets
from solatium.rules.platform_audit import platform_outcome
from solatium.rules.stock import allocated
from solatium.rules.weights import with_weights
from solatium.rules.windows import named
from solatium.settings.load import Settings
from solatium.settings.regimes import Regimes


def allocate(
    screened: DataFrame,
    people: DataFrame,
    windows: DataFrame,
    opening: DataFrame,
    settings: Settings,
    regimes: Regimes,
    keep: Keep,
) -> DataFrame:
    """The rush replayed: one row per ready account of every window that is not held.

    Beside PARTICIPANT: of `allocations` `entry_id`, `size`, `ticket`, `weight`, `attempted_at`,
    `quantity`, `outcome` and `platform_outcome`; `leads`, true for one account of each entry, and
    `advance_held`.

    `screened` is from `screening.screen` and is read several times, `people` from
    `screening.people`; `windows` are the windows in force, from `windows.numbered`; `opening` is
    `account_history` of all outcomes before the dates of weighted lotteries.
    """
    formed = keep(entries.formed(people, windows), "windows_formed")
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
            with_weights(part, opening, settings, regimes, teams=number == 1)
            for number, part in enumerate(parts)
        ]
    entered = reduce(DataFrame.unionByName, parts)
    entered = tickets.with_tickets(entered).withColumn("rank", _rank())
    entered = keep(entered.drop(*entries.FOR_ENTERING), "entries")
    won = keep(allocated(_competing(entered), keep), "winners")
    won = won.withColumn("is_allocated", F.lit(True))
    return look_up(entered, won, COMPETITOR, how="left").select(
        *PARTICIPANT,
        "entry_id",
        _written_size(),
        "ticket",
        "weight",
        key_time(F.col("attempt")).alias("attempted_at"),
        "quantity",
        _outcome().alias("outcome"),
        platform_outcome().alias("platform_outcome"),
        "leads",
        "advance_held",
    )


def allocations(allocated: DataFrame, windows: DataFrame) -> DataFrame:
    """The table `allocations` of what `allocate` found."""
    return contracts.warehouse("allocations").shape(named(allocated, windows))


def rushes(allocated: DataFrame) -> DataFrame:
    """One row per window with ready accounts, by NUMBER, of what `allocate` found.

    `winners`, `losers` and `forfeits` are accounts; `entries` and `attempts` are entries, and
    `allocated_units` what they got.
    """
    outcome, leads = F.col("outcome"), F.col("leads")
    return allocated.groupBy(NUMBER).agg(
        count_where(outcome == "won").alias("winners"),
        count_where(outcome == "lost").alias("losers"),
        count_where(outcome == "forfeited").alias("forfeits"),
        count_where(leads).alias("entries"),
        count_where(leads & (outcome != "no_attempt")).alias("attempts"),
        F.sum(F.when(leads & outcome.isin(*ALLOCATED), F.col("size"))).alias("allocated_units"),
    )


def _rank() -> Column:
    """The order of entries but for ties: of the ticket, or of the time of the attempt."""
    time = F.unix_micros(key_time(F.col("attempt")))
    return F.when(F.col("ticket").isNull(), time).otherwise(tickets.rank(F.col("ticket")))


def _competing(entered: DataFrame) -> DataFrame:
    """The entries that fit the stock, one row each, with the order in which they are taken."""
    ticket = F.col("ticket")
    tiebreak = F.when(ticket.isNull(), key_tiebreak(F.col("attempt"))).otherwise(
        tickets.tiebreak(ticket, F.col("entry_id"))
    )
    competes = F.col("leads") & F.col("rank").isNotNull()
    return entered.where(competes & (F.col("size") <= F.col("stock"))).select(
        *COMPETITOR, _written_size(), "stock", "rank", tiebreak.alias("tiebreak")
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
