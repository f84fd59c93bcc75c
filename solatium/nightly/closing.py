"""What a posting writes: ledger entries, their seal, their payouts, and what is waived."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from solatium.dataframes.money import MOST
from solatium.errors import UsageError
from solatium.ledger import digests, posting
from solatium.ledger.posting import Posting
from solatium.warehouse.scratch import Scratch
from solatium.warehouse.tables import Warehouse


@dataclass(frozen=True)
class Posted:
    """Entries that were posted, their sum, and what was waived instead of taken back."""

    entries: int
    total: Decimal
    waived: Decimal

    @classmethod
    def nothing(cls) -> Posted:
        return cls(0, Decimal(0), Decimal(0))


def reckoned(found: Posting, scratch: Scratch) -> tuple[Posting, Posted]:
    """A posting that is computed once, and what it comes to."""
    kept = Posting(scratch.keep(found.changes, "ledger_changes"))
    number, total = kept.entries.agg(F.count("*"), F.sum("amount")).collect()[0]
    waived = kept.waived.agg(F.sum("amount")).collect()[0][0]
    return kept, Posted(number, total or Decimal(0), waived or Decimal(0))


def write(warehouse: Warehouse, scratch: Scratch, found: Posting, run_date: date) -> Posted:
    """Appends a posting to the ledger's tables, sealed, with its payouts.

    UsageError where its entries come to more than an amount holds; nothing is posted then.
    """
    kept, posted = reckoned(found, scratch)
    if posted.entries:
        _check_sums(kept.entries, run_date)
        warehouse.append("bonus_ledger", kept.entries)
        sealed = digests.posting(
            warehouse.read("bonus_ledger_digests"),
            kept.entries,
            warehouse.read("bonus_ledger"),
            run_date,
        )
        sealed = scratch.keep(sealed, "ledger_digest")
        number = sealed.collect()[0]["number"]
        currency = kept.entries.agg(F.min("currency")).collect()[0][0]
        warehouse.append("bonus_ledger_digests", sealed)
        warehouse.append("bonus_payouts", posting.payouts(kept.entries, number, currency))
    if not kept.waived.isEmpty():
        warehouse.append("bonus_waived", kept.waived)
    return posted


def _check_sums(entries: DataFrame, run_date: date) -> None:
    """No account's payout, nor the posting as a whole, may be more than an amount holds."""
    moved = entries.agg(F.sum(F.abs("amount"))).collect()[0][0]
    if moved > MOST:
        raise UsageError(
            f"the run of {run_date} would post bonuses of {moved:,} in all; "
            f"the ledger's tables hold sums of at most {MOST:,}",
            ["set bonus.daily_budget, or lower bonus.max_single_award and the amounts of tiers"],
        )
