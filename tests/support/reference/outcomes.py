"""Outcomes, those of the platform, and refunds (docs/rules.md section 6)."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING

from reference.contract import event_order, writable
from reference.rush import Entry, allocate, attempted_at, draw, entries_of, hold, in_order
from reference.screening import Applicant, net_advance
from reference.types import Row
from reference.windows import Window

if TYPE_CHECKING:
    from reference.history import Streaks


@dataclass
class Order:
    """One order: the status and quantity of its latest visible event, and whether an earlier
    event confirmed it."""

    status: str
    quantity: int
    was_confirmed: bool


def orders_of(window: Window, account_ids: Iterable[str]) -> list[Order]:
    """The orders of some accounts, each account's kept apart."""
    events: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for account_id in account_ids:
        for event in window.orders.get(account_id, ()):
            events[account_id, event["order_id"]].append(event)
    return [order_from(sorted(rows, key=event_order)) for rows in events.values()]


def order_from(events: list[Row]) -> Order:
    *earlier, last = events
    quantity = 1 if last["quantity"] is None else max(last["quantity"], 0)
    return Order(last["status"], quantity, any(e["status"] == "confirmed" for e in earlier))


def order_state(orders: list[Order]) -> str:
    states = {order.status for order in orders}
    ranking = ("confirmed", "submitted", "cancelled", "voided", "failed")
    return next((status for status in ranking if status in states), "none")


def platform_outcome(orders: list[Order]) -> str:
    """What the platform's own order log says of the rush."""
    state = order_state(orders)
    if state == "confirmed":
        return "won"
    if state == "none":
        return "none"
    given_up = any(order.status == state and order.was_confirmed for order in orders)
    if given_up and state in ("cancelled", "voided"):
        return {"cancelled": "forfeited", "voided": "voided"}[state]
    return "lost"


@dataclass
class Result:
    """What the rush gave a ready account: a row of `allocations`, and its window."""

    window: Window
    applicant: Applicant
    outcome: str
    platform_outcome: str
    entry: Entry | None

    @property
    def account_id(self) -> str:
        return self.applicant.account_id

    @property
    def advance_required(self) -> Decimal:
        return self.window["advance_amount"] * self.applicant.quantity

    def row(self) -> Row:
        entry = self.entry
        return self.window.ids | {
            "account_id": self.account_id,
            "business_date": self.window.business_date,
            "entry_id": entry.entry_id if entry else None,
            "size": min(entry.size, 2**31 - 1) if entry else None,
            "ticket": entry.ticket if entry else None,
            "weight": entry.weight if entry else None,
            "attempted_at": attempted_at(entry),
            "outcome": self.outcome,
            "platform_outcome": self.platform_outcome,
            "quantity": self.applicant.quantity,
        }


@dataclass
class Rush:
    """A window after its rush."""

    window: Window
    applicants: list[Applicant]
    status: str
    entries: list[Entry] = field(default_factory=list)
    results: list[Result] = field(default_factory=list)

    @property
    def held(self) -> bool:
        return self.status in ("seed_missing", "seed_mismatch")


def replay(window: Window, applicants: list[Applicant], streaks: Streaks) -> Rush:
    """Sections 5 and 6 for one window: held, not formed, or allocated."""
    ready = [a for a in applicants if a.ready]
    seed, held = hold(window)
    if held:
        return Rush(window, applicants, held)
    if len(ready) < (window["min_qualified"] or 0):
        return Rush(window, applicants, "not_formed", results=not_formed(window, ready))
    entries, left_out = entries_of(window, ready)
    if not window.is_first_come:
        for entry in entries:
            draw(window, entry, seed, streaks)
    allocate(in_order(window, entries), window["stock"])
    results = [result for entry in entries for result in entry_results(window, entry)]
    for applicant in ready:
        if applicant.account_id in left_out:
            results.append(lone_result(window, applicant, left_out[applicant.account_id], None))
    return Rush(window, applicants, "allocated", entries, results)


def not_formed(window: Window, ready: list[Applicant]) -> list[Result]:
    """Without a rush there are no entries; an individual's row still names the account."""
    return [
        lone_result(
            window,
            a,
            "not_formed",
            None if window.is_team else Entry(a.account_id, [a], a.quantity),
        )
        for a in ready
    ]


def lone_result(window: Window, applicant: Applicant, outcome: str, entry: Entry | None) -> Result:
    """The result of an account that is judged by its own orders alone."""
    orders = orders_of(window, [applicant.account_id])
    return Result(window, applicant, outcome, platform_outcome(orders), entry)


def entry_results(window: Window, entry: Entry) -> list[Result]:
    """The results of an entry's members: all orders are each member's."""
    orders = orders_of(window, [member.account_id for member in entry.members])
    outcome = entry_outcome(window, entry, order_state(orders))
    said = platform_outcome(orders)
    return [Result(window, member, outcome, said, entry) for member in entry.members]


def entry_outcome(window: Window, entry: Entry, state: str) -> str:
    if window.is_first_come and entry.attempt is None:
        return "no_attempt"
    if entry.size > window["stock"]:
        return "cannot_fit"
    if not entry.allocated:
        return "lost"
    return {"cancelled": "forfeited", "voided": "voided"}.get(state, "won")


def audit_rows(rush: Rush) -> Iterator[Row]:
    """Accounts of which replay and platform do not agree that they won."""
    if rush.held:
        return
    window = rush.window
    said = {a: platform_outcome(orders_of(window, [a])) for a in window.orders}
    said |= {result.account_id: result.platform_outcome for result in rush.results}
    winners = {result.account_id for result in rush.results if result.outcome == "won"}
    for account_id, outcome in said.items():
        won, platform_won = account_id in winners, outcome == "won"
        if won != platform_won:
            yield window.ids | {
                "account_id": account_id,
                "business_date": window.business_date,
                "kind": "should_have_won" if won else "should_not_have_won",
            }


def result_row(rush: Rush) -> Row:
    """The window's row of `window_results`."""
    window = rush.window
    outcomes = Counter(result.outcome for result in rush.results)
    tried = [e for e in rush.entries if e.attempt is not None or not window.is_first_come]
    confirmed = sum(o.quantity for o in orders_of(window, window.orders) if o.status == "confirmed")
    return window.ids | {
        "business_date": window.business_date,
        "status": rush.status,
        "policy": window["policy"],
        "unit": window["unit"],
        "stock": window["stock"],
        "participants": len(rush.applicants),
        "qualified": sum(a.qualified for a in rush.applicants),
        "ready": sum(a.ready for a in rush.applicants),
        "entries": len(rush.entries),
        "attempts": len(tried),
        "winners": outcomes["won"],
        "losers": outcomes["lost"],
        "forfeits": outcomes["forfeited"],
        "allocated_units": sum(entry.size for entry in rush.entries if entry.allocated),
        "oversold_units": max(confirmed - window["stock"], 0),
    }


def refund_rows(rush: Rush) -> Iterator[Row]:
    """Advance payments still with the platform, of those who neither won nor forfeited."""
    if rush.held:
        return
    window = rush.window
    outcomes = {result.account_id: result.outcome for result in rush.results}
    for account_id in window.payment.keys() | window.late_payment.keys():
        outcome = outcomes.get(account_id, "not_ready")
        payments = [*window.payment.get(account_id, ()), *window.late_payment.get(account_id, ())]
        amount = net_advance(p for p in payments if p["currency"] == window["currency"])
        if outcome not in ("won", "forfeited") and amount > 0:
            yield window.ids | {
                "account_id": account_id,
                "business_date": window.business_date,
                "outcome": outcome,
                "amount": writable(amount),
                "currency": window["currency"],
            }
