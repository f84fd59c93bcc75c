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
from solatium.dataframes.joins import look_up, named_by
from solatium.settings.regimes import Regimes

_MONEY = "decimal(18,2)"
_SUMS = ("due", "posted", "waived")


class Posting(NamedTuple):
    """What a run adds to the ledger: `changes`, one row for each key whose balance is off.

    A row has what both tables need of it, the `entry`, and what is `newly_waived`.
    """

    changes: DataFrame

    @property
    def entries(self) -> DataFrame:
        """The rows for `bonus_ledger`."""
        return contracts.warehouse("bonus_ledger").shape(
            self.changes.where("entry <> 0")
            .withColumn("kind", kind(F.col("posted") + F.col("entry")))
            .withColumn("entry_id", entry_id())
            .withColumn("amount", F.col("entry"))
        )

    @property
    def waived(self) -> DataFrame:
        """The rows for `bonus_waived`."""
        return contracts.warehouse("bonus_waived").shape(
            self.changes.where("newly_waived <> 0").withColumn("amount", F.col("newly_waived"))
        )


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
    amount = F.col("amount")
    sides = (
        _side(_of(awards, dates), due=amount)
        .unionByName(_side(ledger, posted=amount, entries=F.lit(1)))
        .unionByName(_side(waived, waived=amount))
    )
    is_due, is_posted = F.col("due").isNotNull(), F.col("entries").isNotNull()
    belongs = is_due | _belongs_to().isin(list(dates))
    windows = named_by(sides, windows)
    balances = (
        look_up(sides, F.broadcast(_closed(windows, dates)), WINDOW, how="left")
        .groupBy(*AWARD)
        .agg(
            F.bool_or(belongs).alias("belongs"),
            *(F.coalesce(F.sum(name), F.lit(0)).alias(name) for name in _SUMS),
            F.count("entries").cast("int").alias("revision"),
            *(
                F.coalesce(
                    F.max(F.when(is_due, F.col(name))), F.max(F.when(is_posted, F.col(name)))
                ).alias(name)
                for name in ("business_date", "currency")
            ),
        )
        .where("belongs")
    )
    # balance minus waived equals the award, before and after
    difference = F.col("due") - F.col("posted") + F.col("waived")
    exactly = difference - F.col("waived")
    claws_back = regimes.setting(lambda regime: regime.bonus.clawback, "boolean")
    entry = F.when(claws_back, exactly).otherwise(F.greatest(exactly, F.lit(0)))
    campaigns = F.broadcast(windows.select(*WINDOW, "campaign_id"))
    changes = (
        balances.join(campaigns, on=WINDOW, how="left")
        .withColumn("regime", regimes.number(F.col("business_date"), F.col("campaign_id")))
        .withColumn("run_date", F.lit(run_date))
        .withColumn("entry", entry.cast(_MONEY))
        .withColumn("newly_waived", (entry - difference).cast(_MONEY))
    )
    return Posting(changes.where("entry <> 0 or newly_waived <> 0"))


def _side(rows: DataFrame, **numbers: Column) -> DataFrame:
    """Rows of awards, of the ledger, or of what was waived, with nulls for those of the others."""
    nothing = F.lit(None)
    return rows.select(
        *AWARD,
        "business_date",
        "currency",
        *(numbers.get(name, nothing).cast(_MONEY).alias(name) for name in _SUMS),
        numbers.get("entries", nothing).cast("int").alias("entries"),
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


def dated_windows(posted: DataFrame, windows: DataFrame, dates: Sequence[date]) -> DataFrame:
    """Windows of which posted rows belong to `dates`, with the business dates of all their rows.

    The ledger lies by business date: who reads no others has all that `dates` are compared with,
    at a cost that does not grow with what was ever posted. Columns: WINDOW, `business_date`.
    """
    found = posted.select(*WINDOW, "business_date").distinct()
    placed = found.join(_closed(windows, dates), on=WINDOW, how="left")
    concerned = placed.where(_belongs_to().isin(list(dates))).select(*WINDOW).distinct()
    return found.join(concerned, on=WINDOW, how="left_semi")


def _closed(windows: DataFrame, dates: Sequence[date]) -> DataFrame:
    """The keys of windows that are closed with these dates, and their `window_date`."""
    return windows.where(F.col("business_date") <= F.lit(max(dates))).select(
        *WINDOW, F.col("business_date").alias("window_date")
    )


def _belongs_to() -> Column:
    """The date that a posted row belongs to: that of its window, where it is closed.

    What was posted for a window that is gone, or open again, belongs to the date it was posted for.
    """
    return F.coalesce("window_date", "business_date")


def _of(rows: DataFrame, dates: Sequence[date]) -> DataFrame:
    return rows.where(F.col("business_date").isin(list(dates)))
