"""The audit of the platform: what its own orders say, and where the replay says otherwise.

docs/rules.md section 6.
"""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from solatium import contracts
from solatium.contracts.keys import PARTICIPANT
from solatium.contracts.outcomes import ORDER_STATES
from solatium.rules.windows import named

_CONFIRMED, _CANCELLED, _VOIDED = (
    ORDER_STATES.index(state) for state in ("confirmed", "cancelled", "voided")
)


def platform_outcome() -> Column:
    """What the platform's own order log says of an account; the row has ORDER_FACTS."""
    state = F.col("order_state")
    return (
        F.when(state.isNull(), "none")
        .when(state == _CONFIRMED, "won")
        .when((state == _CANCELLED) & F.col("cancelled_after_confirmation"), "forfeited")
        .when((state == _VOIDED) & F.col("voided_after_confirmation"), "voided")
        .otherwise("lost")
    )


def audit_discrepancies(allocated: DataFrame, others: DataFrame, windows: DataFrame) -> DataFrame:
    """`audit_discrepancies`: one row per account for which replay and platform disagree on `won`.

    `allocated` is from `allocation.allocate`, `others` from `others`, `windows` from
    `windows.numbered`. Windows that are held are left out.
    """
    replay_won = F.col("outcome") == "won"
    platform_won = F.col("platform_outcome") == "won"
    kind = F.when(replay_won, "should_have_won").otherwise("should_not_have_won")
    of_ready = allocated.where(replay_won != platform_won).select(*PARTICIPANT, kind.alias("kind"))
    of_others = others.where(F.col("order_state") == _CONFIRMED).select(
        *PARTICIPANT, F.lit("should_not_have_won").alias("kind")
    )
    not_held = windows.where(F.col("held").isNull())
    return contracts.warehouse("audit_discrepancies").shape(
        named(of_ready.unionByName(of_others), not_held)
    )


def others(screened: DataFrame, activity: DataFrame) -> DataFrame:
    """Who never was ready, or never took part, by PARTICIPANT: `order_state`, `advance_held`."""
    columns = (*PARTICIPANT, "order_state", "advance_held")
    absent = activity.where("not took_part").select(*columns)
    return screened.where("not is_ready").select(*columns).unionByName(absent)
