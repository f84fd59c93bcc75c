"""User screening: which participants are qualified, and why the others are not.

docs/rules.md section 4.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce
from operator import add

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from solatium import contracts
from solatium.contracts.keys import NUMBER, PARTICIPANT
from solatium.dataframes.counting import count_where
from solatium.dataframes.event_keys import key_part, time_key
from solatium.dataframes.joins import fewer, look_up
from solatium.dataframes.keep import Keep
from solatium.dataframes.money import written
from solatium.rules.activity import ORDER_FACTS
from solatium.rules.advances import advance_state
from solatium.rules.windows import named
from solatium.settings.regimes import Regimes

_TABLE = contracts.warehouse("screened_participants")

# The codes in their order. While rows are judged, a code is a bit of the number `reasons`.
REASONS = _TABLE.column("reasons").values


def screen(
    activity: DataFrame, versions: DataFrame, windows: DataFrame, regimes: Regimes, keep: Keep
) -> DataFrame:
    """The participants, judged: one row per window and account that took part.

    Beside PARTICIPANT: `is_ready` boolean, `reasons` int, and of `screened_participants`
    `joined_at`, `team_id`, `quantity`, `advance_state` and `advance_net`; `advance_held` and
    ORDER_FACTS, so that later rooms need not join them again.

    `activity` is from `activity.activity`, `versions` from `accounts.account_versions`; `windows`
    are those in force, from `windows.numbered`.
    """
    judged = _facts(activity, versions, windows)
    judged = judged.withColumn("reasons", _bits(_codes(regimes)))
    if looks_at_devices(regimes):
        judged = _with_shared_devices(judged, _shared_devices(activity, windows, regimes))
    judged = judged.withColumn("advance_state", advance_state())
    has_others = F.coalesce("shares_person", F.lit(False)) & (F.col("reasons") == 0)
    judged = keep(
        judged.select(
            *PARTICIPANT,
            "joined_at",
            "team_id",
            "quantity",
            "reasons",
            "advance_state",
            written(F.col("advance_net")).alias("advance_net"),
            "advance_held",
            *ORDER_FACTS,
            has_others.alias("has_others"),
            F.when(has_others, F.col("person_id")).alias("person_id"),
        ),
        "judged_alone",
    )
    pays = F.col("advance_state").isin("paid", "not_required")
    return (
        _with_duplicate_persons(judged)
        .withColumn("is_ready", (F.col("reasons") == 0) & pays)
        .drop("has_others", "person_id")
    )


def screened_participants(screened: DataFrame, windows: DataFrame) -> DataFrame:
    """The table `screened_participants` of what `screen` found."""
    codes = F.array_compact(F.array(*(F.when(_has(code), F.lit(code)) for code in REASONS)))
    has_none = F.col("reasons") == 0
    # most have none, and then the list of codes need not be made
    reasons = F.when(has_none, F.array().cast("array<string>")).otherwise(codes)
    rows = named(screened, windows).withColumn("qualified", has_none)
    return _TABLE.shape(rows.withColumn("reasons", reasons))


def people(screened: DataFrame) -> DataFrame:
    """One row per window with participants, by NUMBER: how many are `participants`, `qualified`
    and `ready`."""
    return screened.groupBy(NUMBER).agg(
        F.count("*").alias("participants"),
        count_where(F.col("reasons") == 0).alias("qualified"),
        count_where(F.col("is_ready")).alias("ready"),
    )


def _bit(code: str) -> Column:
    return F.lit(1 << REASONS.index(code))


def _bits(codes: Mapping[str, Column]) -> Column:
    """The codes that hold, as bits; one that is null does not hold."""
    return reduce(add, (F.when(holds, _bit(code)).otherwise(0) for code, holds in codes.items()))


def _has(code: str) -> Column:
    return F.col("reasons").bitwiseAND(_bit(code)) != 0


def looks_at_devices(regimes: Regimes) -> bool:
    """Whether any regime limits the accounts of a device."""
    return regimes.any(lambda regime: regime.screening.max_accounts_per_device is not None)


def is_ready() -> Column:
    """Whether a row of the table is ready: qualified, with the advance payment in order."""
    return F.col("qualified") & F.col("advance_state").isin("paid", "not_required")


def _facts(activity: DataFrame, versions: DataFrame, windows: DataFrame) -> DataFrame:
    took_part = activity.where("took_part").drop("took_part", "confirmed_units")
    rules = windows.select(
        NUMBER,
        "application_open",
        "application_close",
        "unit",
        "limit_per_account",
        "advance_amount",
        "regime",
    )
    # no row lacks a window: activity has rows of these windows only
    in_window = look_up(took_part, F.broadcast(rules), [NUMBER], how="left")
    seen = versions.select(
        F.col("account_id").alias("seen_account"),
        "registered_at",
        "status",
        "credit_score",
        "blacklisted",
        "person_id",
        "shares_person",
        "updated_at",
        "superseded_at",
    )
    is_seen = (
        (F.col("account_id") == F.col("seen_account"))
        & (F.col("updated_at") <= F.col("application_close"))
        & (F.col("superseded_at").isNull() | (F.col("superseded_at") > F.col("application_close")))
    )
    return fewer(seen, "seen_account").join(in_window, on=is_seen, how="right")


def _codes(regimes: Regimes) -> dict[str, Column]:
    """Codes 1 to 9, and whether they hold."""
    has_joined = F.col("has_joined")
    is_seen = F.col("seen_account").isNotNull()
    least_age = regimes.setting(
        lambda regime: regime.screening.min_account_age_days * 86_400_000_000, "bigint"
    )
    age = F.unix_micros("application_open") - F.unix_micros("registered_at")
    score = F.col("credit_score")
    least_score = regimes.setting(lambda regime: regime.screening.min_credit_score, "int")
    low = least_score.isNotNull() & (score.isNull() | (score < least_score))
    quantity = F.col("quantity")
    return {
        "outside_application_period": ~F.col("in_period"),
        "withdrawn": F.col("in_period") & ~has_joined,
        "account_unknown": ~is_seen,
        "account_not_active": is_seen & (F.col("status") != "active"),
        "account_blacklisted": is_seen & F.col("blacklisted"),
        "account_too_new": is_seen & (age < least_age),
        "credit_too_low": is_seen & low,
        "quantity_not_allowed": has_joined
        & ((quantity < 1) | (quantity > F.col("limit_per_account"))),
        "team_missing": has_joined & (F.col("unit") == "team") & F.col("team_id").isNull(),
    }


def _shared_devices(activity: DataFrame, windows: DataFrame, regimes: Regimes) -> DataFrame:
    """Devices that have a join in force of more accounts of one window than are allowed."""
    most = regimes.setting(lambda regime: regime.screening.max_accounts_per_device, "int")
    device = [NUMBER, "device_id"]
    return (
        activity.where(F.col("has_joined") & F.col("device_id").isNotNull())
        .groupBy(*device)
        .count()
        .join(F.broadcast(windows.select(NUMBER, "regime")), on=NUMBER)
        .where(F.col("count") > most)
        .select(*device, F.lit(True).alias("is_shared"))
    )


def _with_shared_devices(judged: DataFrame, shared: DataFrame) -> DataFrame:
    """Code 10."""
    code = F.when(F.col("is_shared"), _bit("shared_device")).otherwise(0)
    return look_up(judged, shared, [NUMBER, "device_id"], how="left").withColumn(
        "reasons", F.col("reasons") + code
    )


def _with_duplicate_persons(judged: DataFrame) -> DataFrame:
    """Code 11: of a person's rows without a reason so far, all but the first to join.

    `has_others` are the rows without a reason of persons who have several accounts, not only here.
    """
    person = [NUMBER, "person_id"]
    candidates = judged.where("has_others")
    first = (
        candidates.groupBy(*person)
        .agg(F.min(time_key(F.col("joined_at"), F.col("account_id"))).alias("first"))
        .select(*person, key_part(F.col("first"), 0).alias("first_account"))
    )
    is_duplicate = F.col("account_id") != F.col("first_account")
    compared = look_up(candidates, first, person).withColumn(
        "reasons", F.when(is_duplicate, _bit("duplicate_person")).otherwise(F.col("reasons"))
    )
    return judged.where("not has_others").unionByName(compared.drop("first_account"))
