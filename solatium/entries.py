"""Entries: what competes for stock, an account by itself or a team (docs/rules.md section 5).

Every ready account of a window that is not held has one row. What belongs to an entry (its id,
size, attempt, orders) stands on the row of each of its members; the first of them `leads`, so that
an entry can be counted once.
"""

from __future__ import annotations

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from solatium import draw, history
from solatium.activity import ACCOUNT
from solatium.joins import look_up
from solatium.ordering import key_field
from solatium.regimes import Regimes
from solatium.screening import is_ready
from solatium.settings import Settings
from solatium.windows import KEY

TEAM = (*KEY, "team_id")

# What is known of windows and members, and needed until it is said who enters, with what ticket.
_OF_WINDOW = ("unit", "seed", "regime", "team_min", "team_max", "campaign_id", "category")
FOR_ENTERING = ("joined_at", "team_id", *_OF_WINDOW)

# What the order logs say of an account; of a team, what they say of all of its members.
_ORDER_FACTS = ("order_state", "cancelled_after_confirmation", "voided_after_confirmation")


def ready_accounts(screened: DataFrame, activity: DataFrame, windows: DataFrame) -> DataFrame:
    """One row per ready account of a window that is not held, as an entry of its own.

    Beside ACCOUNT: `business_date`, `quantity`, `joined_at`, `team_id`; of the window `policy`,
    `unit`, `stock`, `seed`, `regime`, `team_min`, `team_max`, `campaign_id`, `category`,
    `is_formed`; `left_out` (null), `leads`, `entry_id`, `size`, `attempt` (event key of the order
    event that counts), and the order facts.
    """
    facts = windows.where(F.col("held").isNull()).select(
        *KEY, "policy", "stock", "min_qualified", *_OF_WINDOW
    )
    ready = screened.where(is_ready())
    numbers = ready.groupBy(*KEY).agg(F.count("*").alias("number"))
    formed = facts.join(numbers, on=list(KEY)).withColumn(
        "is_formed", F.col("number") >= F.col("min_qualified")
    )
    orders = activity.select(*ACCOUNT, *_ORDER_FACTS, "attempt")
    counts = F.col("is_formed") & (F.col("policy") == "first_come")
    attempt = F.when(counts, F.col("attempt"))
    ordered = key_field(attempt, 0).cast("int")
    is_individual = F.col("unit") == "individual"
    asked = F.when(ordered >= 1, F.least("quantity", ordered)).otherwise(F.col("quantity"))
    return look_up(ready.join(orders, on=list(ACCOUNT)), F.broadcast(formed), KEY).select(
        *ACCOUNT,
        "business_date",
        "quantity",
        "joined_at",
        "team_id",
        "policy",
        "stock",
        *_OF_WINDOW,
        "is_formed",
        F.lit(None).cast("string").alias("left_out"),
        F.col("is_formed").alias("leads"),
        F.when(is_individual, F.col("account_id")).alias("entry_id"),
        F.when(is_individual, asked).alias("size"),
        attempt.alias("attempt"),
        *_ORDER_FACTS,
    )


def is_in_team() -> Column:
    """Whether a row of `ready_accounts` is of a formed team window."""
    return (F.col("unit") == "team") & F.col("is_formed")


def in_teams(members: DataFrame) -> DataFrame:
    """Those rows of `ready_accounts` that are in a team (`is_in_team`), put together into teams.

    `left_out` says why an account is in no entry: `team_incomplete` or `team_overfull`.
    """
    order = Window.partitionBy(*TEAM).orderBy("joined_at", "account_id")
    number = F.count("*").over(Window.partitionBy(*TEAM))
    left_out = F.when(number < F.col("team_min"), "team_incomplete").when(
        F.row_number().over(order) > F.col("team_max"), "team_overfull"
    )
    placed = members.withColumn("leads", F.row_number().over(order) == 1).withColumn(
        "left_out", left_out
    )
    members = placed.where(F.col("left_out").isNull())
    # states of orders are numbered in the order in which they count
    together = members.groupBy(*TEAM).agg(
        # no stock is greater than the greatest int: what is, cannot fit
        F.least(F.sum("quantity"), F.lit(2**31 - 1)).cast("int").alias("size"),
        F.min("attempt").alias("attempt"),
        F.min("order_state").alias("order_state"),
        F.bool_or("cancelled_after_confirmation").alias("cancelled_after_confirmation"),
        F.bool_or("voided_after_confirmation").alias("voided_after_confirmation"),
    )
    joint = [name for name in together.columns if name not in TEAM]
    of_teams = members.drop(*joint).join(together, on=list(TEAM))
    of_teams = of_teams.withColumn("entry_id", F.col("team_id"))
    alone = placed.where(F.col("left_out").isNotNull())
    alone = alone.withColumn("leads", F.lit(False)).withColumn(
        "attempt", F.lit(None).cast("string")
    )
    return of_teams.unionByName(alone)


def weighed(
    entered: DataFrame, opening: DataFrame, settings: Settings, regimes: Regimes, *, teams: bool
) -> DataFrame:
    """The rows with `weight` int: how many tickets an entry of a weighted lottery draws.

    `opening` is `account_history` of all outcomes before the business dates of weighted lotteries;
    `teams` says whether the rows are of teams, which have the mean of their members' points.
    """
    is_weighted = (F.col("policy") == "weighted_lottery") & F.col("entry_id").isNotNull()
    pointed = history.points(entered.where(is_weighted), opening, settings, regimes)
    if teams:
        # halves up: twice the sum and the number, divided by twice the number
        mean = F.call_function("div", F.sum("points") * 2 + F.count("*"), F.count("*") * 2)
        means = pointed.groupBy(*KEY, "entry_id").agg(mean.cast("int").alias("points"))
        pointed = pointed.drop("points").join(means, on=[*KEY, "entry_id"])
    most = regimes.setting(lambda regime: regime.draw.weight_cap, "int")
    weight = F.least(F.coalesce("points", F.lit(0)), most) + 1
    others = entered.where(~is_weighted).withColumn("weight", F.lit(1))
    return pointed.withColumn("weight", weight).drop("points").unionByName(others)


def with_tickets(entered: DataFrame) -> DataFrame:
    """The rows with `ticket` of the entries of drawn windows; `weight` is null for the others."""
    is_drawn = F.col("is_formed") & (F.col("policy") != "first_come")
    is_drawn = is_drawn & F.col("entry_id").isNotNull()
    parts = (F.col("seed"), F.col("commodity_id"), F.col("window_id"), F.col("entry_id"))
    if "weight" not in entered.columns:
        entered = entered.withColumn("weight", F.lit(1))
        ticket = draw.ticket(*parts)
    else:
        ticket = F.when(F.col("weight") == 1, draw.ticket(*parts)).otherwise(
            draw.smallest_ticket(*parts, F.col("weight"))
        )
    return entered.withColumn("ticket", F.when(is_drawn, ticket)).withColumn(
        "weight", F.when(is_drawn, F.col("weight"))
    )
