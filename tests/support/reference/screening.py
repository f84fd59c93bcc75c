"""Who is qualified, and whose advance is in order (docs/rules.md section 4)."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from reference.accounts import Accounts
from reference.contract import event_order, writable
from reference.types import Row
from reference.windows import Window


@dataclass
class Applicant:
    """An account that applied to a window, and what became of its application."""

    account_id: str
    applied: bool = False  # has an event in the application period
    has_joined: bool = False  # and the event in force is a join
    joined_at: datetime | None = None
    team_id: str | None = None
    quantity: int = 1
    device_id: str | None = None
    facts: Row | None = None
    reasons: list[str] = field(default_factory=list)
    advance_state: str = ""
    advance_net: Decimal = Decimal("0.00")

    @property
    def qualified(self) -> bool:
        return not self.reasons

    @property
    def ready(self) -> bool:
        """Section 5."""
        return self.qualified and self.advance_state in ("paid", "not_required")


def screened(window: Window, accounts: Accounts) -> list[Applicant]:
    """Everyone with a visible participation event, judged (section 4)."""
    applicants = []
    for account_id, events in window.participation.items():
        applicant = application(account_id, events, window)
        applicant.facts = accounts.as_of_application(account_id, window)
        applicant.reasons = own_reasons(applicant, window)
        applicant.advance_net, applicant.advance_state = advance(applicant, window)
        applicants.append(applicant)
    add_shared_device(applicants, window.settings["screening"]["max_accounts_per_device"])
    add_duplicate_person(applicants)
    return applicants


def application(account_id: str, events: list[Row], window: Window) -> Applicant:
    """What an account applied for: by its latest event in the application period."""
    in_period = sorted(
        (
            event
            for event in events
            if window["application_open"] <= event["event_time"] < window["application_close"]
        ),
        key=event_order,
    )
    if not in_period:
        return Applicant(account_id)
    in_force = in_period[-1]
    if in_force["event_type"] == "withdraw":
        return Applicant(account_id, applied=True)
    return Applicant(
        account_id,
        applied=True,
        has_joined=True,
        joined_at=first_of_last_joins(in_period)["event_time"],
        team_id=in_force["team_id"],
        quantity=1 if in_force["quantity"] is None else in_force["quantity"],
        device_id=in_force["device_id"],
    )


def first_of_last_joins(events: list[Row]) -> Row:
    """The earliest join since the latest withdraw; `events` in order, the last one a join."""
    first = events[-1]
    for event in reversed(events):
        if event["event_type"] == "withdraw":
            break
        first = event
    return first


def own_reasons(applicant: Applicant, window: Window) -> list[str]:
    """Codes 1 to 9: those that need no look at other accounts."""
    rules = window.settings["screening"]
    facts, joined = applicant.facts, applicant.has_joined
    limit = 1 if window["limit_per_account"] is None else window["limit_per_account"]
    seen = facts is not None
    is_new = seen and is_younger(facts, window, rules["min_account_age_days"])
    codes = [
        ("outside_application_period", not applicant.applied),
        ("withdrawn", applicant.applied and not joined),
        ("account_unknown", not seen),
        ("account_not_active", seen and facts["status"] != "active"),
        ("account_blacklisted", seen and facts["blacklisted"] is True),
        ("account_too_new", is_new),
        ("credit_too_low", seen and credit_too_low(facts, rules["min_credit_score"])),
        ("quantity_not_allowed", joined and not 1 <= applicant.quantity <= limit),
        ("team_missing", joined and window.is_team and applicant.team_id is None),
    ]
    return [code for code, holds in codes if holds]


def is_younger(facts: Row, window: Window, days_of_24_hours: int) -> bool:
    return window["application_open"] - facts["registered_at"] < timedelta(days=days_of_24_hours)


def credit_too_low(facts: Row, least: int | None) -> bool:
    return least is not None and (facts["credit_score"] is None or facts["credit_score"] < least)


def add_shared_device(applicants: list[Applicant], most: int | None) -> None:
    """Code 10: too many joins in force from one device, of qualified accounts or not."""
    if most is None:
        return
    joined = [a for a in applicants if a.has_joined and a.device_id is not None]
    users = Counter(a.device_id for a in joined)
    for applicant in joined:
        if users[applicant.device_id] > most:
            applicant.reasons.append("shared_device")


def add_duplicate_person(applicants: list[Applicant]) -> None:
    """Code 11: of one person's accounts that are all right so far, only the first to join is."""
    persons: dict[str, list[Applicant]] = defaultdict(list)
    for applicant in applicants:
        if applicant.qualified and applicant.facts["person_id"] is not None:
            persons[applicant.facts["person_id"]].append(applicant)
    for same in persons.values():
        first = min(same, key=join_order)
        for applicant in same:
            if applicant is not first:
                applicant.reasons.append("duplicate_person")


def join_order(applicant: Applicant) -> tuple[datetime, str]:
    return applicant.joined_at, applicant.account_id


def advance(applicant: Applicant, window: Window) -> tuple[Decimal, str]:
    """The net advance paid before the rush, and the advance state."""
    payments = [
        event
        for event in window.payment.get(applicant.account_id, ())
        if event["event_time"] < window["rush_open"] and event["currency"] == window["currency"]
    ]
    net = net_advance(payments)
    required = window["advance_amount"] * max(applicant.quantity, 0)
    if required == 0:
        return net, "not_required"
    if net >= required:
        return net, "paid"
    if net > 0:
        return net, "partial"
    if any(event["kind"] == "advance_paid" for event in payments):
        return net, "refunded"
    return net, "unpaid"


def net_advance(payments: Iterable[Row]) -> Decimal:
    sign = {"advance_paid": 1, "advance_refunded": -1}
    return sum((sign.get(p["kind"], 0) * p["amount"] for p in payments), Decimal("0.00"))


def screening_row(window: Window, applicant: Applicant) -> Row:
    return window.ids | {
        "account_id": applicant.account_id,
        "business_date": window.business_date,
        "joined_at": applicant.joined_at,
        "team_id": applicant.team_id,
        "quantity": applicant.quantity,
        "qualified": applicant.qualified,
        "reasons": applicant.reasons,
        "advance_state": applicant.advance_state,
        "advance_net": writable(applicant.advance_net),
    }
