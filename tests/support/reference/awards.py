"""The bonus, step by step (docs/rules.md section 8)."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

from reference.accounts import Accounts
from reference.configuration import as_date, exact
from reference.contract import cents, money
from reference.history import Counted
from reference.types import LedgerKey, Row


@dataclass
class Award:
    """A raw amount in cents, and what the steps left of it."""

    loss: Counted
    raw: int
    amount: int
    reason: str = "granted"

    @property
    def key(self) -> LedgerKey:
        return (self.loss.account_id, *self.loss.window.key)

    def cut_to(self, amount: int, reason: str) -> None:
        if amount != self.amount:
            self.amount, self.reason = amount, reason

    def row(self) -> Row:
        return {
            "account_id": self.loss.account_id,
            **self.loss.window.ids,
            "business_date": self.loss.window.business_date,
            "consecutive_failures": self.loss.streak,
            "raw_amount": money(self.raw),
            "amount": money(self.amount),
            "currency": self.loss.window.settings["bonus"]["currency"],
            "reason": self.reason,
        }


def awards_of(counted: list[Counted], accounts: Accounts) -> list[Award]:
    """The awards of one business date; `counted` are its outcomes in history order."""
    by_campaign: dict[str | None, list[Award]] = defaultdict(list)
    for loss in counted:
        raw = raw_amount(loss)
        if raw is not None:
            award = Award(loss, raw, raw)
            step_served_by_platform(award)
            step_account_ineligible(award, accounts)
            by_campaign[loss.window["campaign_id"]].append(award)
    for awards in by_campaign.values():
        rules = awards[0].loss.window.settings["bonus"]
        step_capped(awards, rules["max_per_account_per_day"])
        step_budget_scaled(awards, rules["daily_budget"])
    return [award for awards in by_campaign.values() for award in awards]


def raw_amount(loss: Counted) -> int | None:
    """Step 1: the cents that the tier of the streak gives, or None where there is no award."""
    rules = loss.window.settings["bonus"]
    pay_from = rules["pay_from"]
    if loss.result != "lost" or loss.window["currency"] != rules["currency"]:
        return None
    if pay_from is not None and loss.window.business_date < as_date(pay_from):
        return None
    reached = [tier for tier in rules["tiers"] if tier["min_failures"] <= loss.streak]
    tier = max(reached, key=lambda tier: tier["min_failures"], default=None)
    if tier is None or (rules["trigger"] == "at_threshold" and loss.streak != tier["min_failures"]):
        return None
    amount = tier_amount(tier, loss.origin.advance_required)
    most = rules["max_single_award"]
    return amount if most is None else min(amount, cents(exact(most)))


def tier_amount(tier: Row, advance_required: Decimal) -> int:
    """A fixed amount, or a share of the advance rounded half-even, in cents."""
    if tier.get("amount") is not None:
        return cents(exact(tier["amount"]))
    share = Fraction(str(tier["advance_share"])) * Fraction(advance_required)
    return round(share * 100)  # of a Fraction: half to even


def step_served_by_platform(award: Award) -> None:
    """Step 2: who won on the platform gets nothing for the loss."""
    if award.loss.origin.platform_outcome == "won":
        award.cut_to(0, "served_by_platform")


def step_account_ineligible(award: Award, accounts: Accounts) -> None:
    """Step 3: the account is gone, not active, or blacklisted."""
    facts = accounts.as_of_payment(award.loss.account_id, award.loss.window)
    if facts is None or facts["status"] != "active" or facts["blacklisted"] is True:
        award.cut_to(0, "account_ineligible")


def step_capped(awards: list[Award], cap: Any) -> None:
    """Step 4: one account's amounts of a date and campaign, in history order, up to the cap."""
    if cap is None:
        return
    left: dict[str, int] = defaultdict(lambda: cents(exact(cap)))
    for award in awards:
        account_id = award.loss.account_id
        award.cut_to(min(award.amount, left[account_id]), "capped")
        left[account_id] -= award.amount


def step_budget_scaled(awards: list[Award], daily_budget: Any) -> None:
    """Step 5: too much for one date and campaign is scaled to exactly the budget."""
    total = sum(award.amount for award in awards)
    if daily_budget is None or total <= cents(exact(daily_budget)):
        return
    budget = cents(exact(daily_budget))
    floors = {award.key: award.amount * budget // total for award in awards}
    by_fraction = sorted(awards, key=lambda a: (-(a.amount * budget % total), a.key))
    for award in by_fraction[: budget - sum(floors.values())]:
        floors[award.key] += 1
    for award in awards:
        award.cut_to(floors[award.key], "budget_scaled")
