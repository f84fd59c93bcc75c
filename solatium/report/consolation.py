"""What consolation costs: by streak, campaign and cut, and what of it is posted (section 8)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from solatium.report.source import Source


@dataclass(frozen=True)
class CostRow:
    """Awards of one group: how many, what their tiers gave, and what is awarded of it."""

    group: str
    currency: str
    awards: int
    raw_amount: Decimal
    amount: Decimal


@dataclass(frozen=True)
class BudgetRow:
    """A date and campaign with a daily budget, and what of it is awarded."""

    business_date: date
    campaign_id: str
    currency: str
    budget: Decimal
    amount: Decimal


@dataclass(frozen=True)
class PostedRow:
    """Ledger entries of one kind for windows of the period."""

    kind: str
    currency: str
    entries: int
    amount: Decimal


def by_streak(source: Source) -> tuple[CostRow, ...]:
    return _costs(
        source,
        """case when consecutive_failures >= 10 then '10 or more'
                else consecutive_failures::varchar end""",
        "min(consecutive_failures)",
    )


def by_campaign(source: Source) -> tuple[CostRow, ...]:
    return _costs(source, "coalesce(campaign_id, 'no campaign')", "1 desc, 2")


def by_reason(source: Source) -> tuple[CostRow, ...]:
    return _costs(source, "reason", "1")


def budgets(source: Source) -> tuple[BudgetRow, ...]:
    """Dates and campaigns whose settings have a daily budget, in order."""
    found = []
    for row in source.rows(
        """select business_date, campaign_id, currency, sum(amount)::decimal(18,2) amount
           from costs group by 1, 2, 3 order by 1, 2 nulls first, 3"""
    ):
        bonus = source.settings.on(row["business_date"], row["campaign_id"]).bonus
        if bonus.daily_budget is not None:
            found.append(
                BudgetRow(
                    row["business_date"],
                    row["campaign_id"] or "no campaign",
                    row["currency"],
                    bonus.daily_budget,
                    row["amount"],
                )
            )
    return tuple(found)


def posted(source: Source) -> tuple[PostedRow, ...]:
    """The ledger for windows of the period, and what was waived as a kind of its own."""
    found = source.rows(
        """
        select kind, currency, count(*) entries, sum(amount)::decimal(18,2) amount
        from bonus_ledger group by all order by 1, 2
        """
    )
    return tuple(PostedRow(**row) for row in found)


def _costs(source: Source, group: str, order: str) -> tuple[CostRow, ...]:
    found = source.rows(
        f"""
        select {group} "group", currency, sum(awards)::bigint awards,
               sum(raw_amount)::decimal(38,2) raw_amount, sum(amount)::decimal(38,2) amount
        from costs group by 1, 2 order by {order}
        """
    )
    return tuple(CostRow(**row) for row in found)
