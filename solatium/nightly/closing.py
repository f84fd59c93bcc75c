"""What a posting writes: ledger entries, their seal, their payouts, and what is waived."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from pyspark.sql import functions as F

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


def reckoned(found: Posting, scratch: Scratch) -> tuple[Posting, Posted]:
    """A posting that is computed once, and what it comes to."""
    kept = Posting(
        scratch.keep(found.entries, "ledger_entries"), scratch.keep(found.waived, "ledger_waived")
    )
    number, total = kept.entries.agg(F.count("*"), F.sum("amount")).collect()[0]
    waived = kept.waived.agg(F.sum("amount")).collect()[0][0]
    return kept, Posted(number, total or Decimal(0), waived or Decimal(0))


def write(warehouse: Warehouse, scratch: Scratch, found: Posting, run_date: date) -> Posted:
    """Appends a posting to the ledger's tables, sealed, with its payouts."""
    kept, posted = reckoned(found, scratch)
    if posted.entries:
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
    if kept.waived.count():
        warehouse.append("bonus_waived", kept.waived)
    return posted
