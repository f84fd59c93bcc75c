"""The audit of the platform: what its own orders say, and where the replay says otherwise.

docs/rules.md section 6.
"""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from solatium import contracts
from solatium.contracts.keys import ACCOUNT, WINDOW
from solatium.contracts.outcomes import ORDER_STATES

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


def audit_discrepancies(
    allocations: DataFrame, activity: DataFrame, windows: DataFrame
) -> DataFrame:
    """`audit_discrepancies`: one row per account for which replay and platform disagree on `won`.

    Windows that are held are left out; accounts that were never ready, or never took part, are
    included.
    """
    replay_won = F.col("outcome") == "won"
    platform_won = F.col("platform_outcome") == "won"
    kind = F.when(replay_won, "should_have_won").otherwise("should_not_have_won")
    of_ready = allocations.where(replay_won != platform_won).select(
        *ACCOUNT, "business_date", kind.alias("kind")
    )
    dates = windows.where(F.col("held").isNull()).select(*WINDOW, "business_date")
    of_others = (
        activity.where(F.col("order_state") == _CONFIRMED)
        .select(*ACCOUNT)
        .join(F.broadcast(dates), on=WINDOW)
        .join(allocations.select(*ACCOUNT), on=ACCOUNT, how="left_anti")
        .select(*ACCOUNT, "business_date", F.lit("should_not_have_won").alias("kind"))
    )
    return contracts.warehouse("audit_discrepancies").shape(of_ready.unionByName(of_others))
