"""Sentences for a customer, each from facts of an answer: one fact a sentence, with its numbers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

Facts = dict[str, Any]

_REASONS = {
    "outside_application_period": "The account did nothing in the application period, "
    "{required[0]} to {required[1]}.",
    "withdrawn": "The account withdrew its application at {found}.",
    "account_unknown": "The platform delivered no version of the account that was known by "
    "{required}, the end of the applications.",
    "account_not_active": "The status of the account was {found}; it had to be {required}.",
    "account_blacklisted": "The account was on the platform's blacklist.",
    "account_too_new": "The account was registered at {found}; it had to be registered by "
    "{required}.",
    "credit_too_low": "The credit score was {found}; at least {required} was required.",
    "quantity_not_allowed": "The application asked for {found}; {required[0]} to {required[1]} "
    "were allowed.",
    "team_missing": "The window was for teams, and the application named no team.",
    "shared_device": "{found} accounts applied from the same device; at most {required} may.",
    "duplicate_person": "The account {found} of the same person joined earlier and took part.",
}

_ADVANCES = {
    "not_required": "No advance payment was required.",
    "paid": "The advance payment was in order: {advance_required} {currency} required, "
    "{advance_net} paid before the rush.",
    "partial": "The advance payment was too small: {advance_required} {currency} required, "
    "{advance_net} paid before the rush.",
    "refunded": "The advance payment had been refunded: {advance_required} {currency} required, "
    "{advance_net} left when the rush opened.",
    "unpaid": "The advance payment was missing: {advance_required} {currency} required, "
    "nothing paid before the rush.",
}

_HELD = {
    "seed_missing": "The draw has not taken place: its seed is not published yet.",
    "seed_mismatch": "The draw has not taken place: no published seed matches the commitment.",
}

_OUTCOMES = {
    "not_formed": "The window did not take place: too few accounts were ready.",
    "team_incomplete": "The team had too few ready members, so it did not compete.",
    "team_overfull": "The team had too many ready members, so it did not compete.",
    "no_attempt": "The account placed no order while the rush was open, so it did not compete.",
    "cannot_fit": "The entry asked for {size}, more than the whole stock of {stock}.",
    "lost": "The account lost: when its turn came, {left_at_turn} of {stock} were left, and the "
    "entry asked for {size}.",
    "won": "The account won.",
    "forfeited": "The account won, and gave up its order afterwards.",
    "voided": "The account won, and the platform voided its order afterwards.",
}

_PLATFORM = {
    "won": "On the platform the account got its goods.",
    "forfeited": "On the platform the account won and gave up its order.",
    "voided": "On the platform the order was voided.",
    "lost": "On the platform the account lost.",
    "none": "The platform has no order of the account.",
}

_NOT_COUNTED = {
    "rush_did_not_take_place": "the account did not compete for the stock",
    "voided": "a voided order counts neither as success nor as failure",
    "no_outcome_on_the_platform": "the platform has no outcome of it",
    "advance_too_small": "the advance payment that was asked is too small to count",
    "attempt_too_late": "the order came too late after the opening to count",
    "enough_failures_that_day": "the failures that count on one date were used up",
}

_CUTS = {
    "granted": "Nothing cut it.",
    "served_by_platform": "It came to 0.00, because the platform had given the goods.",
    "account_ineligible": "It came to 0.00, because the account was not in good standing when the "
    "bonus fell due: status {account_status}, blacklisted {account_blacklisted}.",
    "capped": "The cap of {cap} an account, date and campaign cut it to {amount}: earlier losses "
    "had used {cap_used_before}.",
    "budget_scaled": "The budget of {daily_budget} for the date and campaign was exceeded, so all "
    "bonuses were scaled down, and this one came to {amount}.",
}


def title(facts: Facts) -> str:
    return f"Account {facts['account_id']} as of {facts['as_of']}"


def heading(window: Facts) -> str:
    kind = {"first_come": "first come", "lottery": "a lottery"}.get(
        window["policy"], "a weighted lottery"
    )
    return (
        f"{window['business_date']}: window {window['window_id']} of {window['commodity_id']} "
        f"({kind}, stock {window['stock']})"
    )


def of_window(window: Facts) -> list[str]:
    """What became of the account in a window."""
    said = [*_screening(window)]
    if window["qualified"] is not None:
        said += _draw(window)
    if window["discrepancy"] == "should_have_won":
        said.append("Replay and platform disagree: by the rules the account should have won.")
    if window["discrepancy"] == "should_not_have_won":
        said.append("Replay and platform disagree: by the rules the account should not have won.")
    if window["refund_due"] is not None:
        said.append(
            f"{_money(window['refund_due'], window['currency'])} of the advance payment are due "
            "back to the account."
        )
    said += [*_streak(window), *_bonus(window)]
    return said


def of_account(facts: Facts) -> list[str]:
    """Where the account stands."""
    if not facts["history"]:
        return ["No outcome of the account has counted so far."]
    said = []
    for row in facts["history"]:
        scope = f" in {row['scope']}" if row["scope"] else ""
        said.append(
            f"So far{scope}: {_number(row['attempts'], 'counted outcome')}, "
            f"{_number(row['wins'], 'win')}, {_number(row['failures'], 'failure')}, "
            f"{row['consecutive_failures']} in a row now, {row['longest_streak']} at most."
        )
    for row in facts["payouts"]:
        said.append(
            f"To be paid by the night of {row['run_date']}: "
            f"{_money(row['amount'], row['currency'])}, payout {row['payout_id']}."
        )
    return said


def _screening(window: Facts) -> Iterator[str]:
    if window["qualified"] is None:
        yield "The account took no part in this window."
        return
    if window["joined_at"] is not None:
        team = f" with team {window['team_id']}" if window["team_id"] else ""
        asked = f"{team}, for {window['quantity']}"
        yield f"The account joined at {_shown(window['joined_at'])}{asked}."
    if window["account_version"] is not None:
        seen = _shown(window["account_version"]["updated_at"])
        yield f"The version of the account that counted is of {seen}."
    for reason in window["reasons"]:
        facts = {name: _shown(reason[name]) for name in ("found", "required")}
        yield "Not qualified: " + _REASONS[reason["code"]].format(**facts)
    yield _ADVANCES[window["advance_state"]].format(**window)


def _draw(window: Facts) -> Iterator[str]:
    if window["outcome"] is None:
        ready = window["qualified"] and window["advance_state"] in ("paid", "not_required")
        if window["status"] in _HELD:
            yield _HELD[window["status"]]
        elif not ready:
            yield "So the account did not compete."
        return
    if window["unit"] == "team" and window["members"]:
        yield f"Its entry {window['entry_id']} had {_number(len(window['members']), 'member')}."
    if window["ticket"] is not None:
        weight = window["weight"]
        drawn = "one ticket" if weight == 1 else f"{weight} tickets, of which the smallest counts"
        yield f"The entry drew {drawn}: {window['ticket']}."
        yield f"Whoever doubts the ticket computes it: {window['ticket_command']}"
    if window["attempted_at"] is not None:
        yield f"The order that counts came at {_shown(window['attempted_at'])}."
    if window["position"] is not None:
        place = f"Its place was {window['position']} of {window['competing']} competing entries"
        if window["last_allocated_position"] is None:
            yield f"{place}; none of them got anything."
        else:
            yield f"{place}; the stock went as far as place {window['last_allocated_position']}."
        if window["passed_over"]:
            passed = _number(window["passed_over"], "entry", "entries")
            yield f"Before that place {passed} had to be passed over for size."
    yield _OUTCOMES[window["outcome"]].format(**window)
    yield _PLATFORM[window["platform_outcome"]]


def _streak(window: Facts) -> Iterator[str]:
    before, after = window["streak_before"], window["consecutive_failures"]
    if window["counted"]:
        failures = _number(before, "failure")
        yield f"The outcome counted: {failures} in a row before it, {after} after it."
    elif window["not_counted_because"] is not None:
        why = _NOT_COUNTED[window["not_counted_because"]]
        yield f"The outcome did not count: {why}. The streak stayed at {before}."


def _bonus(window: Facts) -> Iterator[str]:
    bonus = window["bonus"]
    if bonus is None:
        return
    if bonus["reason"] is not None:
        tier = bonus["tier"]
        worth = tier["amount"] or f"{tier['advance_share']} of the advance"
        yield (
            f"Consolation: the tier from {_number(tier['min_failures'], 'failure')} on pays "
            f"{worth}, here {_money(bonus['raw_amount'], bonus['currency'])}."
        )
        yield _CUTS[bonus["reason"]].format(**bonus)
    else:
        yield "No consolation is due for this window any more."
    for entry in window["ledger"]:
        yield (
            f"Ledger, night of {entry['run_date']}: {entry['kind']} of "
            f"{_money(entry['amount'], entry['currency'])}."
        )
    if window["waived"] is not None:
        yield f"{window['waived']} that was paid too much was waived."
    if not window["ledger"] and not window["is_closed"]:
        yield "It is posted when the date closes."


def _shown(value: Any) -> Any:
    if isinstance(value, list):
        return [_shown(each) for each in value]
    if value is None:
        return "nothing"
    if isinstance(value, str) and value.endswith("Z") and "T" in value:
        day, _, time = value[:-1].partition("T")
        return f"{day} {time.removesuffix('.000000')} UTC"
    return value


def _money(amount: str, currency: str) -> str:
    return f"{amount} {currency}"


def _number(count: int, what: str, several: str | None = None) -> str:
    return f"{count:,} {what if count == 1 else several or what + 's'}"
