"""Entries: what competes for stock, an account by itself or a team (docs/rules.md section 5).

Every ready account of a window that is not held has one row. The rows of all members of an entry
hold what belongs to the entry: its id, size, attempt and orders. `leads` is true for the first
member only, so that each entry is counted once.
"""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from solatium.contracts.keys import NUMBER, PARTICIPANT, TEAM, WINDOW
from solatium.dataframes.event_keys import key_field
from solatium.dataframes.grouping import together
from solatium.dataframes.joins import look_up
from solatium.rules.activity import ORDER_FACTS

# Columns of a window that entries need, and columns that nobody needs once the tickets are drawn.
_OF_TEAMS = ("unit", "team_min", "team_max")
_OF_DRAWS = (*WINDOW, "business_date", "seed", "regime", "campaign_id", "category")
_FORMED = ("policy", "stock", "is_formed", *_OF_TEAMS, *_OF_DRAWS)
FOR_ENTERING = ("joined_at", "team_id", *_OF_TEAMS, *_OF_DRAWS)

# All order facts but the attempt, which counts in first-come windows only.
_PLATFORM = tuple(name for name in ORDER_FACTS if name != "attempt")


def formed(people: DataFrame, windows: DataFrame) -> DataFrame:
    """One row per window that is not held and has ready accounts, by NUMBER.

    `people` is from `screening.people`. Columns: `is_formed`, and the window's
    `policy`, `stock`, `unit`, `team_min`, `team_max`, WINDOW, `business_date`, `seed`, `regime`,
    `campaign_id`, `category`.
    """
    facts = windows.where(F.col("held").isNull()).join(people.where("ready > 0"), on=NUMBER)
    is_formed = F.col("ready") >= F.col("min_qualified")
    return facts.withColumn("is_formed", is_formed).select(NUMBER, *_FORMED)


def ready_accounts(screened: DataFrame, formed: DataFrame) -> DataFrame:
    """One row per ready account of a window that is not held, as an entry of its own.

    Beside PARTICIPANT, the columns of `formed`, and ORDER_FACTS: `quantity`, `joined_at`,
    `team_id`, `advance_held`, `left_out` (null), `leads`, `entry_id`, `size` bigint. `attempt` is
    the event key of the order event that counts.
    """
    counts = F.col("is_formed") & (F.col("policy") == "first_come")
    attempt = F.when(counts, F.col("attempt"))
    ordered = key_field(attempt, 0).cast("int")
    is_individual = F.col("unit") == "individual"
    asked = F.when(ordered >= 1, F.least("quantity", ordered)).otherwise(F.col("quantity"))
    ready = screened.where("is_ready")
    return look_up(ready, F.broadcast(formed), [NUMBER]).select(
        *PARTICIPANT,
        *_FORMED,
        "quantity",
        "joined_at",
        "team_id",
        "advance_held",
        F.lit(None).cast("string").alias("left_out"),
        F.col("is_formed").alias("leads"),
        F.when(is_individual, F.col("account_id")).alias("entry_id"),
        F.when(is_individual, asked).cast("bigint").alias("size"),
        attempt.alias("attempt"),
        *_PLATFORM,
    )


def is_in_team() -> Column:
    """Whether a row of `ready_accounts` belongs to a formed team window."""
    return (F.col("unit") == "team") & F.col("is_formed")


def in_teams(members: DataFrame, formed: DataFrame) -> DataFrame:
    """The rows of `ready_accounts` for which `is_in_team` holds, with the entries of their teams.

    `left_out` says why an account is in no entry: `team_incomplete` or `team_overfull`. The members
    of a team are collected into one sorted list. The columns of the window are joined again
    afterwards, so that no list holds them.
    """
    member = F.struct("joined_at", "account_id", "quantity", "advance_held", *ORDER_FACTS)
    teams = (
        together(members, TEAM)
        .groupBy(*TEAM)
        .agg(F.array_sort(F.collect_list(member)).alias("members"))
    )
    teams = look_up(teams, F.broadcast(formed), [NUMBER])
    is_complete = F.size("members") >= F.col("team_min")
    enter = F.when(is_complete, F.slice("members", F.lit(1), F.col("team_max")))
    nobody = F.struct(
        F.lit(0).cast("bigint").alias("size"),
        F.lit(None).cast("string").alias("attempt"),
        F.lit(None).cast("int").alias("order_state"),
        F.lit(False).alias("cancelled_after_confirmation"),
        F.lit(False).alias("voided_after_confirmation"),
    )
    placed = (
        teams.withColumn("is_complete", is_complete)
        .withColumn("team", F.aggregate(enter, nobody, _with_one_more))
        .select("*", F.posexplode("members").alias("position", "member"))
    )
    is_overfull = F.col("position") >= F.col("team_max")
    enters = F.col("is_complete") & ~is_overfull
    return placed.select(
        NUMBER,
        F.col("member")["account_id"].alias("account_id"),
        *_FORMED,
        F.col("member")["quantity"].alias("quantity"),
        F.col("member")["joined_at"].alias("joined_at"),
        "team_id",
        F.col("member")["advance_held"].alias("advance_held"),
        F.when(~F.col("is_complete"), "team_incomplete")
        .when(is_overfull, "team_overfull")
        .alias("left_out"),
        (enters & (F.col("position") == 0)).alias("leads"),
        F.when(enters, F.col("team_id")).alias("entry_id"),
        F.when(enters, F.col("team")["size"]).alias("size"),
        F.when(enters, F.col("team")["attempt"]).alias("attempt"),
        *(
            F.when(enters, F.col("team")[name]).otherwise(F.col("member")[name]).alias(name)
            for name in _PLATFORM
        ),
    )


def _with_one_more(team: Column, member: Column) -> Column:
    """One fold step: what a team's members have in common, with one member more."""
    return F.struct(
        (team["size"] + member["quantity"]).alias("size"),
        F.least(team["attempt"], member["attempt"]).alias("attempt"),
        # states of orders are numbered in the order in which they count
        F.least(team["order_state"], member["order_state"]).alias("order_state"),
        *(
            (team[name] | member[name]).alias(name)
            for name in ("cancelled_after_confirmation", "voided_after_confirmation")
        ),
    )
