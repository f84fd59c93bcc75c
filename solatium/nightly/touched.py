"""What has touched earlier dates: their windows that are to be judged again, and why.

docs/rules.md section 10. A window is touched when its version in force, its date or its seed
changed, when its accepted events did, when it sees another version of an account, or when it is a
weighted lottery and the points of an entrant changed because of any of these.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import reduce

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from solatium import contracts
from solatium.contracts.keys import ACCOUNT, WINDOW
from solatium.dataframes.event_keys import content, time_key
from solatium.dataframes.joins import named_by
from solatium.engine import Engine
from solatium.nightly.context import Context
from solatium.nightly.dated_tables import DatedTables
from solatium.nightly.intake import Known
from solatium.nightly.lives import ID, Lives
from solatium.rules import history

Key = tuple[str, str]
Touched = Mapping[Key, "TouchedWindow"]

_KEYS = replace(
    contracts.landing("windows"),
    columns=tuple(c for c in contracts.landing("windows").columns if c.name in WINDOW),
)
_VERSION_AT = 18 + 1 + 10 + 1  # what stands before the content in the mark of a version


@dataclass(frozen=True)
class TouchedWindow:
    """A window to judge again: where it was, where it is, and what has changed for it."""

    old_date: date | None
    new_date: date | None
    policy: str | None
    reasons: frozenset[str]

    def is_on(self, day: date) -> bool:
        """Whether rows of a business date are its, or were."""
        return day in (self.old_date, self.new_date)

    def because(self, reason: str) -> TouchedWindow:
        return replace(self, reasons=self.reasons | {reason})


def keys_frame(engine: Engine, keys: Sequence[Key]) -> DataFrame:
    """The keys of windows as a data frame."""
    return engine.frame([dict(zip(WINDOW, key, strict=True)) for key in keys], _KEYS)


def touched_directly(known: Known, other_versions: DataFrame | None, before: date) -> Touched:
    """The windows of dates before `before` that an intake has touched, by their keys.

    `other_versions` are those of `seen_versions`. Windows are few: they are collected.
    """
    day = F.lit(before)
    is_earlier = (F.col("old_date") < day) | (F.col("new_date") < day)
    frames = [_because(known.changed, "windows")]
    frames += [_because(keys, source) for source, keys in known.events]
    if other_versions is not None:
        frames.append(_because(other_versions.where("other_facts"), "accounts"))
    dates = known.before.select(*WINDOW, F.col("business_date").alias("old_date"))
    now = known.in_force.select(*WINDOW, F.col("business_date").alias("new_date"), "policy")
    rows = (
        reduce(DataFrame.unionByName, frames)
        .distinct()
        .join(dates, on=WINDOW, how="left")
        .join(now, on=WINDOW, how="left")
        .where(is_earlier)
        .collect()
    )
    touched: dict[Key, TouchedWindow] = {}
    for row in rows:
        key = (row["commodity_id"], row["window_id"])
        found = TouchedWindow(row["old_date"], row["new_date"], row["policy"], frozenset())
        touched[key] = touched.get(key, found).because(row["why"])
    return touched


def touched_by_points(
    touched: Touched,
    day: date,
    context: Context,
    tables: DatedTables,
    lives: Lives,
) -> Touched:
    """`touched` with the weighted lotteries of a date that an account enters with other points.

    `lives` are accounts with another history before the date.
    """
    facts = [*WINDOW, "campaign_id", "category", "regime"]
    weighted = tables.windows([day]).where("policy = 'weighted_lottery'").select(*facts)
    entrants = (
        tables.of("allocations", [day], lives.ids, ID)
        .where(F.col("weight").isNotNull())
        .select(*ACCOUNT, "business_date")
        .join(F.broadcast(weighted), on=WINDOW)
    )
    sides = [
        history.points(entrants, past, context.settings, context.regimes).select(
            *ACCOUNT, F.col("points").alias(name)
        )
        for past, name in ((lives.then, "points_then"), (lives.now, "points_now"))
    ]
    others = sides[0].join(sides[1], on=ACCOUNT).where("points_then <> points_now")
    more = dict(touched)
    for row in others.select(*WINDOW).distinct().collect():
        key = (row["commodity_id"], row["window_id"])
        found = TouchedWindow(day, day, "weighted_lottery", frozenset())
        more[key] = more.get(key, found).because("points")
    return more


def seen_versions(context: Context, known: Known, before: date) -> DataFrame | None:
    """Participants before a date who have other account versions now; None where there are none.

    Columns: ACCOUNT, `business_date`; `other_facts` says whether their window sees another version,
    `other_latest` whether another one decides on their bonus.
    """
    if known.accounts is None:
        return None
    grace_days = context.settings.grace_days
    earliest = F.date_sub(F.lit(known.accounts.first), grace_days)
    day = F.col("business_date")
    is_meant = (day >= earliest) & (day < F.lit(before))
    judged = named_by(context.warehouse.read("window_results").where(is_meant), known.in_force)
    pairs = (
        context.warehouse.read("screened_participants")
        .where(is_meant)
        .join(known.accounts.ids, on="account_id", how="left_semi")
        .select(*ACCOUNT, "business_date")
        .join(F.broadcast(judged.select(*WINDOW, "application_close")), on=WINDOW)
    )
    pairs = context.scratch.keep(pairs, "participants_with_other_versions")
    found = pairs.select(*ACCOUNT, "business_date")
    now = context.warehouse.read("accounts")
    for versions, side in ((known.accounts.before, "then"), (now, "now")):
        found = found.join(_seen(pairs, versions, grace_days, side), on=ACCOUNT, how="left")
    others = (
        (~F.col(f"{name}_then").eqNullSafe(F.col(f"{name}_now"))).alias(f"other_{name}")
        for name in ("facts", "latest")
    )
    found = found.select(*ACCOUNT, "business_date", *others).where("other_facts OR other_latest")
    return context.scratch.keep(found, "other_versions")


def _seen(pairs: DataFrame, versions: DataFrame, grace_days: int, side: str) -> DataFrame:
    """Of each account in a window the version that it sees, and the latest in sight.

    A version that was delivered again is the same version, whatever its arrival date.
    """
    table = contracts.landing("accounts")
    mark = time_key(F.col("updated_at"), F.col("dt").cast("string"), content(table))
    marked = versions.select("account_id", "updated_at", "dt", mark.alias("mark"))
    in_sight = F.col("dt") <= F.date_add("business_date", grace_days)
    in_time = F.col("updated_at") <= F.col("application_close")

    def version(mark: str) -> str:
        return f"substring({mark}, {_VERSION_AT + 1})"

    marks = (
        pairs.join(marked, on="account_id")
        .where(in_sight)
        .groupBy(*ACCOUNT)
        .agg(F.max(F.when(in_time, F.col("mark"))).alias("facts"), F.max("mark").alias("latest"))
    )
    return marks.select(
        *ACCOUNT,
        *(F.expr(version(name)).alias(f"{name}_{side}") for name in ("facts", "latest")),
    )


def _because(keys: DataFrame, reason: str) -> DataFrame:
    return keys.select(*WINDOW, F.lit(reason).alias("why"))
