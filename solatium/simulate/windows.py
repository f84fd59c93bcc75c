"""The windows of a simulation: those in force by its settings, with the policy and seed it gives.

docs/rules.md sections 2.7 and 5.2.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from solatium import contracts
from solatium.contracts.keys import WINDOW
from solatium.dataframes.keep import Keep
from solatium.dataframes.versions import with_content
from solatium.errors import UsageError
from solatium.rules import windows
from solatium.rules.history import scope
from solatium.rules.seeds import with_seeds
from solatium.settings.load import Settings
from solatium.settings.regimes import Regimes
from solatium.simulate.committed import Committed

Key = tuple[str, str]


@dataclass(frozen=True)
class Window:
    """What counting needs to know of a window; `closes` is `rush_close` in microseconds."""

    commodity_id: str
    window_id: str
    business_date: date
    closes: int
    policy: str
    unit: str
    scope: str
    held: str | None
    regime: int
    was_first_come: bool

    @property
    def key(self) -> Key:
        return self.commodity_id, self.window_id


def in_force(
    warehouse: Committed,
    settings: Settings,
    regimes: Regimes,
    keep: Keep,
    policy: str | None = None,
) -> DataFrame:
    """The accepted windows in force by these settings: `windows.in_force`, and `was_first_come`.

    Rows that were late stay so; with less grace, others are late too. With a `policy`, it is that
    of all windows, and they have the seeds that they need for it.
    """
    accepted, is_late = warehouse.read("windows"), windows.is_late(settings)
    aside = warehouse.read("_set_aside_windows").drop("reason")
    # both are kept, for Sail does not plan the filter below the steps that follow
    visible = keep(accepted.where(~is_late), "visible_windows")
    late = keep(aside.unionByName(accepted.where(is_late)), "late_windows")
    found = windows.in_force(visible, late, settings, regimes)
    found = found.withColumn("was_first_come", F.col("policy") == "first_come")
    return found if policy is None else _with_policy(found, visible.unionByName(late), policy)


def _with_policy(found: DataFrame, versions: DataFrame, policy: str) -> DataFrame:
    found = found.drop("policy", "seed", "held").withColumn("policy", F.lit(policy))
    if policy == "first_come":
        nothing = F.lit(None).cast("string")
        return found.withColumn("seed", nothing).withColumn("held", nothing)
    known = with_seeds(with_content(versions, contracts.landing("windows")))
    known = known.select(*WINDOW, "seed", "without_seed").distinct()
    held = F.when(F.col("seed").isNull(), F.col("without_seed"))
    return found.join(known, on=WINDOW, how="left").withColumn("held", held).drop("without_seed")


def drawn(due: DataFrame, seed: str | None) -> DataFrame:
    """The windows with the seed of a draw; None leaves them theirs.

    A lottery that had no seed that counts stays held. One that was first come needed none, and
    has one now.
    """
    if seed is None:
        return due
    is_held = F.col("held").isNotNull() & ~F.col("was_first_come")
    is_drawn = (F.col("policy") != "first_come") & ~is_held
    return due.withColumns(
        {
            "seed": F.when(is_drawn, F.lit(seed)).otherwise(F.col("seed")),
            "held": F.when(~is_drawn, F.col("held")),
        }
    )


def collected(due: DataFrame, settings: Settings) -> tuple[Window, ...]:
    """The windows as values, in order."""
    rows = due.select(
        *WINDOW,
        "business_date",
        F.unix_micros("rush_close").alias("closes"),
        "policy",
        "unit",
        scope(settings).alias("scope"),
        "held",
        "regime",
        "was_first_come",
    ).collect()
    found = (Window(**row.asDict()) for row in rows)
    return tuple(sorted(found, key=lambda one: (one.business_date, one.closes, *one.key)))


def refuse_without_seed(found: tuple[Window, ...]) -> None:
    """UsageError where first-come windows are to be drawn that no seed was published for."""
    lacking = [one for one in found if one.held is not None and one.was_first_come]
    if lacking:
        some = ", ".join(f"{one.commodity_id} {one.window_id}" for one in lacking[:3])
        raise UsageError(
            f"{len(lacking)} first-come windows have no seed for a lottery, such as {some}",
            ["give --draws N: every lottery is then drawn by seeds that follow from --seed"],
        )
