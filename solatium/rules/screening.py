"""User screening: which participants are qualified, and why the others are not.

docs/rules.md section 4.
"""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from solatium import contracts
from solatium.contracts.keys import ACCOUNT, WINDOW
from solatium.dataframes.event_keys import key_field, key_part, time_key
from solatium.dataframes.joins import fewer, look_up
from solatium.dataframes.money import written
from solatium.rules.activity import JOIN_FIELDS, ORDER_FACTS
from solatium.rules.advances import advance_state
from solatium.settings.regimes import Regimes


def screen(
    activity: DataFrame, versions: DataFrame, windows: DataFrame, regimes: Regimes
) -> DataFrame:
    """`screened_participants`: one row per window and account that took part.

    Beside the table's columns it has ORDER_FACTS, so that replaying the rush need not join them
    again. `activity` is from `activity.activity`, `versions` from `accounts.account_versions`;
    `windows` are those in force (`windows.in_force`).
    """
    facts = _facts(activity, versions, windows)
    judged = facts.withColumn("reasons", F.array_compact(F.array(*_codes(regimes))))
    if looks_at_devices(regimes):
        shared = _shared_devices(activity, windows, regimes)
        judged = _with_shared_devices(judged, shared)
    judged = _with_duplicate_persons(judged)
    table = contracts.warehouse("screened_participants")
    return (
        judged.withColumn("qualified", F.size("reasons") == 0)
        .withColumn("joined_at", F.when(F.col("has_joined"), F.col("joined_at")))
        .withColumn("advance_state", advance_state())
        .withColumn("advance_net", written(F.col("advance_net")))
        .select(*table.typed(), *ORDER_FACTS)
    )


def looks_at_devices(regimes: Regimes) -> bool:
    """Whether any regime limits the accounts of a device."""
    return regimes.any(lambda regime: regime.screening.max_accounts_per_device is not None)


def is_ready() -> Column:
    """Whether a screened participant is ready: qualified, with the advance payment in order."""
    return F.col("qualified") & F.col("advance_state").isin("paid", "not_required")


def _facts(activity: DataFrame, versions: DataFrame, windows: DataFrame) -> DataFrame:
    event = F.col("latest_event")
    fields = {name: key_field(event, place) for place, name in enumerate(JOIN_FIELDS)}
    has_joined = F.coalesce(fields["event_type"] == "join", F.lit(False))
    took_part = activity.where("took_part").select(
        *ACCOUNT,
        "joined_at",
        "advance_net",
        "advance_paid",
        *ORDER_FACTS,
        event.isNotNull().alias("in_period"),
        has_joined.alias("has_joined"),
        F.when(has_joined, fields["team_id"]).alias("team_id"),
        F.when(has_joined, fields["device_id"]).alias("device_id"),
        F.when(has_joined, fields["quantity"]).cast("int").alias("quantity"),
    )
    rules = windows.select(
        *WINDOW,
        "business_date",
        "application_open",
        "application_close",
        "unit",
        "limit_per_account",
        "advance_amount",
        "regime",
    )
    took_part = took_part.withColumn("quantity", F.coalesce("quantity", F.lit(1)))
    # no row lacks a window: activity has rows of these windows only
    in_window = look_up(took_part, F.broadcast(rules), WINDOW, how="left")
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


def _codes(regimes: Regimes) -> list[Column]:
    """Codes 1 to 9 in their order, null where they do not hold."""
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
    codes = {
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
    return [F.when(holds, F.lit(code)) for code, holds in codes.items()]


def _shared_devices(activity: DataFrame, windows: DataFrame, regimes: Regimes) -> DataFrame:
    """Devices that have a join in force of more accounts of one window than are allowed."""
    event = F.col("latest_event")
    has_joined = key_field(event, JOIN_FIELDS.index("event_type")) == "join"
    device = key_field(event, JOIN_FIELDS.index("device_id")).alias("device_id")
    most = regimes.setting(lambda regime: regime.screening.max_accounts_per_device, "int")
    return (
        activity.where(has_joined)
        .select(*WINDOW, device)
        .where(F.col("device_id").isNotNull())
        .groupBy(*WINDOW, "device_id")
        .count()
        .join(F.broadcast(windows.select(*WINDOW, "regime")), on=WINDOW)
        .where(F.col("count") > most)
        .select(*WINDOW, "device_id", F.lit(True).alias("is_shared"))
    )


def _with_shared_devices(judged: DataFrame, shared: DataFrame) -> DataFrame:
    """Code 10."""
    code = F.when(F.col("is_shared"), F.array(F.lit("shared_device"))).otherwise(F.array())
    return look_up(judged, shared, [*WINDOW, "device_id"], how="left").withColumn(
        "reasons", F.concat("reasons", code.cast("array<string>"))
    )


def _with_duplicate_persons(judged: DataFrame) -> DataFrame:
    """Code 11: of a person's rows without a reason so far, all but the first to join."""
    is_clean = F.size("reasons") == 0
    first = (
        judged.where(F.col("shares_person") & is_clean)
        .groupBy(*WINDOW, "person_id")
        .agg(
            F.min(time_key(F.col("joined_at"), F.col("account_id"))).alias("first"),
            F.count("*").alias("rows"),
        )
        .where("rows > 1")
        .select(*WINDOW, "person_id", key_part(F.col("first"), 0).alias("first_account"))
    )
    is_duplicate = is_clean & (F.col("account_id") != F.col("first_account"))
    return look_up(judged, first, [*WINDOW, "person_id"], how="left").withColumn(
        "reasons",
        F.when(is_duplicate, F.array(F.lit("duplicate_person"))).otherwise(F.col("reasons")),
    )
