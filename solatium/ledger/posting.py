"""The ledger: what is really owed, appended so that it never pays twice.

docs/rules.md section 8. A posting compares the awards of closed dates with what the ledger holds
for them, and appends the difference. Posting again therefore adds nothing, and an entry's id comes
from its content.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from solatium import contracts
from solatium.contracts.keys import AWARD, WINDOW
from solatium.settings.regimes import Regimes


class Posting(NamedTuple):
    """The rows that a run adds to `bonus_ledger` and `bonus_waived`."""

    entries: DataFrame
    waived: DataFrame


def post(
    awards: DataFrame,
    ledger: DataFrame,
    waived: DataFrame,
    windows: DataFrame,
    dates: Sequence[date],
    *,
    run_date: date,
    regimes: Regimes,
) -> Posting:
    """What makes the balances of the closed `dates` equal to their `awards`.

    Without `clawback` a decrease is waived, and a later increase first uses up what was waived.
    A key whose window has moved to another date keeps one balance over both. `dates` are all from
    the first that may differ to the last that is closed, `windows` those in force.
    """
    due = _of(awards, dates).select(
        *AWARD,
        F.col("business_date").alias("due_date"),
        F.col("amount").alias("due"),
        F.col("currency").alias("due_currency"),
    )
    keys = (
        due.select(*AWARD)
        .unionByName(_belonging(ledger, windows, dates).select(*AWARD))
        .unionByName(_belonging(waived, windows, dates).select(*AWARD))
        .distinct()
    )
    posted = (
        ledger.join(keys, on=AWARD, how="left_semi")
        .groupBy(*AWARD)
        .agg(
            F.sum("amount").alias("posted"),
            F.count("*").alias("revision"),
            F.max("business_date").alias("posted_date"),
            F.max("currency").alias("posted_currency"),
        )
    )
    given_up = (
        waived.join(keys, on=AWARD, how="left_semi")
        .groupBy(*AWARD)
        .agg(F.sum("amount").alias("waived"))
    )
    sides = keys
    for side in (due, posted, given_up):
        sides = sides.join(side, on=AWARD, how="left")
    sides = sides.fillna(0, subset=["due", "posted", "waived", "revision"])
    # balance minus waived equals the award, before and after
    difference = F.col("due") - F.col("posted") + F.col("waived")
    exactly = difference - F.col("waived")
    claws_back = regimes.setting(lambda regime: regime.bonus.clawback, "boolean")
    entry = F.when(claws_back, exactly).otherwise(F.greatest(exactly, F.lit(0)))
    campaigns = F.broadcast(windows.select(*WINDOW, "campaign_id"))
    changes = (
        sides.join(campaigns, on=WINDOW, how="left")
        .withColumn("business_date", F.coalesce("due_date", "posted_date"))
        .withColumn("regime", regimes.number(F.col("business_date"), F.col("campaign_id")))
        .withColumn("currency", F.coalesce("due_currency", "posted_currency"))
        .withColumn("run_date", F.lit(run_date))
        .withColumn("entry", entry.cast("decimal(18,2)"))
        .withColumn("newly_waived", (entry - difference).cast("decimal(18,2)"))
    )
    return Posting(
        contracts.warehouse("bonus_ledger").shape(
            changes.where("entry <> 0")
            .withColumn("kind", kind(F.col("posted") + F.col("entry")))
            .withColumn("entry_id", entry_id())
            .withColumn("amount", F.col("entry"))
        ),
        contracts.warehouse("bonus_waived").shape(
            changes.where("newly_waived <> 0").withColumn("amount", F.col("newly_waived"))
        ),
    )


def entry_id() -> Column:
    """The id of an entry, by its key and its `revision`."""
    said = F.concat_ws("|", *AWARD, F.col("revision").cast("string"))
    return F.sha2(said.cast("binary"), 256)


def kind(balance: Column) -> Column:
    """The kind of an entry that brings its key to this `balance`, by its `revision`."""
    return (
        F.when(F.col("revision") == 0, "award")
        .when(balance == 0, "reversal")
        .otherwise("adjustment")
    )


def payouts(entries: DataFrame, number: int, currency: str) -> DataFrame:
    """`bonus_payouts` of the posting `number`: the net of its `entries` for each account.

    Nobody adds up two currencies. Where settings have changed that of the bonus, a posting may
    have several: `currency` is the first of them, and the ids of other payouts name theirs.
    """
    net = entries.groupBy("account_id", "run_date", "currency").agg(
        F.sum("amount").alias("amount"), F.count("*").alias("entries")
    )
    numbered = net.withColumn("posting", F.lit(number))
    return contracts.warehouse("bonus_payouts").shape(
        numbered.withColumn("payout_id", payout_id(F.lit(currency)))
    )


def payout_id(first_currency: Column) -> Column:
    """The id of a payout, by `posting`, `account_id` and any `currency` but the first."""
    other = F.when(F.col("currency") != first_currency, F.col("currency"))
    said = F.concat_ws("|", F.col("posting").cast("string"), F.col("account_id"), other)
    return F.sha2(said.cast("binary"), 256)


def places(posted: DataFrame, windows: DataFrame, dates: Sequence[date]) -> DataFrame:
    """Windows of which posted rows belong to `dates`, with the business dates of all their rows.

    The ledger lies by business date: who reads no others has all that `dates` are compared with,
    at a cost that does not grow with what was ever posted. Columns: WINDOW, `business_date`.
    """
    found = posted.select(*WINDOW, "business_date").distinct()
    concerned = _belonging(found, windows, dates).select(*WINDOW).distinct()
    return found.join(concerned, on=WINDOW, how="left_semi")


def _belonging(posted: DataFrame, windows: DataFrame, dates: Sequence[date]) -> DataFrame:
    """The rows that belong to `dates`: to the date of their window, where it is closed.

    What was posted for a window that is gone, or open again, belongs to the date it was posted for.
    """
    closed = windows.where(F.col("business_date") <= F.lit(max(dates))).select(
        *WINDOW, F.col("business_date").alias("window_date")
    )
    belongs_to = F.coalesce("window_date", "business_date")
    placed = posted.join(F.broadcast(closed), on=WINDOW, how="left")
    return placed.where(belongs_to.isin(list(dates)))


def _of(rows: DataFrame, dates: Sequence[date]) -> DataFrame:
    return rows.where(F.col("business_date").isin(list(dates)))
