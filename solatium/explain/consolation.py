"""Whether an outcome counted, what it did to the streak, and the bonus step by step.

docs/rules.md sections 6 to 8.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from solatium.contracts.keys import WINDOW
from solatium.contracts.outcomes import CAN_COUNT, TOOK_PLACE
from solatium.explain.records import InWindow
from solatium.settings.sections import Tier
from solatium.warehouse.snapshot import Snapshot
from solatium.warehouse.window_facts import Row, WindowFacts, facts_of

Awarded = Mapping[tuple[date, str | None], Decimal]  # by business date and campaign


def consolation_facts(here: InWindow, outcome_source: str, awarded: Awarded) -> dict[str, Any]:
    """What the outcome was worth. `counted` is whether it is in the account's history.

    `outcome_source` is whose outcomes count, `replay` or `platform`; `awarded` is what the losses
    of a date and a campaign were awarded in all, where these have a budget.
    """
    counted, refund = here.row("account_outcomes"), here.row("refunds_due")
    discrepancy = here.row("audit_discrepancies")
    return {
        "discrepancy": discrepancy and discrepancy["kind"],
        "refund_due": refund and refund["amount"],
        "currency": here.window.row["currency"],
        "counted": counted is not None,
        "not_counted_because": None if counted else _not_counted(here, outcome_source),
        "streak_before": here.streak_before,
        "consecutive_failures": counted and counted["consecutive_failures"],
        "scope": here.window.scope,
        "bonus": _bonus(here, awarded),
        "ledger": [
            {name: entry[name] for name in ("run_date", "revision", "kind", "amount", "currency")}
            for entry in here.ledger
        ],
        "waived": sum((row["amount"] for row in here.waived), Decimal(0)) if here.waived else None,
    }


def _not_counted(here: InWindow, outcome_source: str) -> str | None:
    """The first rule of section 7 that keeps the outcome out of the account's history."""
    row = here.row("allocations")
    if row is None:
        return None
    if row["outcome"] not in TOOK_PLACE:
        return "rush_did_not_take_place"
    result = row["outcome" if outcome_source == "replay" else "platform_outcome"]
    if result not in CAN_COUNT:
        return "voided" if result == "voided" else "no_outcome_on_the_platform"
    terms, rules = here.window.row, here.window.regime.history
    if terms["advance_amount"] * row["quantity"] < rules.min_advance:
        return "advance_too_small"
    seconds, attempted = rules.attempt_within_seconds, row["attempted_at"]
    if (
        here.window.is_first_come
        and seconds is not None
        and attempted is not None
        and attempted - terms["rush_open"] >= timedelta(seconds=seconds)
    ):
        return "attempt_too_late"
    return "enough_failures_that_day"


def _bonus(here: InWindow, awarded: Awarded) -> dict[str, Any] | None:
    """The steps of section 8, from the tier to the ledger; None without an award or a posting."""
    award = here.row("bonus_awards")
    if award is None and not here.ledger:
        return None
    posted = sum((entry["amount"] for entry in here.ledger), Decimal(0))
    facts: dict[str, Any] = {
        "raw_amount": award and award["raw_amount"],
        "amount": award and award["amount"],
        "reason": award and award["reason"],
        "posted": posted,
    }
    if award is None:
        return facts
    rules, terms = here.window.regime.bonus, here.window.row
    tier = [tier for tier in rules.tiers if tier.min_failures <= award["consecutive_failures"]][-1]
    latest = here.latest or {}
    return facts | {
        "currency": award["currency"],
        "tier": _tier(tier),
        "max_single_award": rules.max_single_award,
        "account_status": latest.get("status"),
        "account_blacklisted": latest.get("blacklisted"),
        "cap": rules.max_per_account_per_day,
        "cap_used_before": _used_before(here, award),
        "daily_budget": rules.daily_budget,
        "awarded_that_day": awarded.get((here.window.business_date, terms["campaign_id"])),
    }


def _tier(tier: Tier) -> dict[str, Any]:
    share = tier.advance_share
    return {
        "min_failures": tier.min_failures,
        "amount": tier.amount,
        "advance_share": None if share is None else str(share),
    }


def _used_before(here: InWindow, award: Row) -> Decimal:
    """What earlier losses of the account took of the cap: amounts before a budget cut them.

    A bonus that was served or refused takes nothing.
    """
    cap = here.window.regime.bonus.max_per_account_per_day
    used = Decimal(0)
    for other in here.awards_of_day:
        if (other["commodity_id"], other["window_id"]) == here.window.key:
            break
        if other["reason"] not in ("served_by_platform", "account_ineligible"):
            used += other["raw_amount"]
    return used if cap is None else min(used, cap)


def awarded_under_budgets(tables: Snapshot, windows: Iterable[WindowFacts]) -> Awarded:
    """What the losses of dates and campaigns were awarded in all, where these have a budget.

    A window belongs to the campaign that its version in force names, whatever earlier ones named.
    """
    budgeted = [window for window in windows if window.regime.bonus.daily_budget is not None]
    awards = tables["bonus_awards"].where(
        {"business_date": {window.business_date for window in budgeted}}, [*WINDOW, "amount"]
    )
    sums = {
        (row["commodity_id"], row["window_id"]): row["amount_sum"]
        for row in awards.group_by(WINDOW).aggregate([("amount", "sum")]).to_pylist()
    }
    of_campaign = {
        (window.business_date, window.row["campaign_id"]): Decimal(0) for window in budgeted
    }
    for key, window in facts_of(tables, sums).items():
        pot = (window.business_date, window.row["campaign_id"])
        if pot in of_campaign:
            of_campaign[pot] += sums[key]
    return of_campaign
