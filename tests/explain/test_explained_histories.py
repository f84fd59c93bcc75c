"""Explanations of every account of whole random histories: every fact is the reference's."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from hashlib import sha256
from typing import Any

import pytest
from checked_history import a_warehouse, put
from histories import History, examples, histories
from hypothesis import given
from reference.arrivals import open_door
from reference.contract import money
from reference.night import Judged, Reference
from reference.outcomes import Result, Rush, audit_rows, refund_rows
from reference.rush import in_order
from reference.screening import Applicant

import solatium
from solatium.engine import Engine

few = examples(2, derandomize=True)
many = examples(100)


def explanations_say_what_the_reference_says(running: Engine, history: History) -> None:
    last = history.last + timedelta(days=1)
    with a_warehouse(running) as nights:
        put(nights, history, 0)
        nights.run(last, history.config)
        reference = Reference(history.config)
        door = open_door(history.landing(), reference.settings, last)
        judged = reference.judged(door, last)
        reference._post(judged.awards, door, last)
        tables = solatium.open(nights.warehouse)
        people = sorted({a.account_id for rush in judged.rushes for a in rush.applicants})
        for account_id in people:
            found = tables.explain(account_id)
            assert str(found)
            assert "<h3>" in found._repr_html_()
            assert found.facts["account_id"] == account_id
            expected = list(windows_of(account_id, judged, reference))
            told = {(w["commodity_id"], w["window_id"]): w for w in found.facts["windows"]}
            assert [key for key in told if told[key]["qualified"] is not None] == [
                key for key, _ in expected
            ]
            for key, facts in expected:
                award = facts.pop("award", None)
                assert {name: told[key][name] for name in facts} == facts, (account_id, key)
                if award is not None:
                    names = ("raw_amount", "amount", "reason", "posted")
                    assert tuple(told[key]["bonus"][name] for name in names) == award
                if facts["ticket"] is not None:
                    hashed = sha256(told[key]["ticket_text"].encode()).hexdigest()
                    assert facts["ticket"] in [hashed[i : i + 16] for i in range(0, 64, 16)]
                one = tables.explain(account_id, commodity=key[0], window=key[1])
                assert one.facts["windows"] == [told[key]]
            rows = sorted(
                (row for row in judged.streaks.rows.values() if row["account_id"] == account_id),
                key=lambda row: row["scope"],
            )
            assert [row["consecutive_failures"] for row in found.facts["history"]] == [
                row["consecutive_failures"] for row in rows
            ]


def windows_of(
    account_id: str, judged: Judged, reference: Reference
) -> Iterator[tuple[tuple[str, str], dict[str, Any]]]:
    for rush in judged.rushes:
        applicant = next((a for a in rush.applicants if a.account_id == account_id), None)
        counted = [
            one
            for one in judged.counted
            if one.account_id == account_id and one.window.key == rush.window.key
        ]
        if applicant is not None:
            facts = {
                **screened(rush, applicant),
                **drawn(rush, account_id),
                "counted": bool(counted),
                "consecutive_failures": counted[0].streak if counted else None,
                "refund_due": one_of(refund_rows(rush), account_id, "amount"),
                "discrepancy": one_of(audit_rows(rush), account_id, "kind"),
                **bonus(rush, account_id, judged, reference),
            }
            yield rush.window.key, facts


def screened(rush: Rush, applicant: Applicant) -> dict[str, Any]:
    required = rush.window["advance_amount"] * max(applicant.quantity, 0)
    return {
        "business_date": rush.window.business_date.isoformat(),
        "qualified": applicant.qualified,
        "team_id": applicant.team_id,
        "quantity": applicant.quantity,
        "advance_state": applicant.advance_state,
        "advance_net": f"{applicant.advance_net:.2f}",
        "advance_required": f"{required:.2f}",
        "reasons": [
            {"code": code, **found_and_required(rush, applicant, code)}
            for code in applicant.reasons
        ],
    }


def found_and_required(rush: Rush, applicant: Applicant, code: str) -> dict[str, Any]:
    window, facts = rush.window, applicant.facts or {}
    rules = window.settings["screening"]
    limit = 1 if window["limit_per_account"] is None else window["limit_per_account"]
    events = sorted(e["event_time"] for e in window.participation[applicant.account_id])
    found: Any
    required: Any
    if code == "outside_application_period":
        found = [text(time) for time in events]
        required = [text(window["application_open"]), text(window["application_close"])]
    elif code == "withdrawn":
        period = (window["application_open"], window["application_close"])
        found = text([time for time in events if period[0] <= time < period[1]][-1])
        required = "a join that is not withdrawn"
    elif code == "account_unknown":
        found, required = None, text(window["application_close"])
    elif code == "account_not_active":
        found, required = facts["status"], "active"
    elif code == "account_blacklisted":
        found, required = True, False
    elif code == "account_too_new":
        found = text(facts["registered_at"])
        required = text(window["application_open"] - timedelta(rules["min_account_age_days"]))
    elif code == "credit_too_low":
        found, required = facts["credit_score"], rules["min_credit_score"]
    elif code == "quantity_not_allowed":
        found, required = applicant.quantity, [1, limit]
    elif code == "team_missing":
        found, required = None, "a team_id"
    elif code == "shared_device":
        same = [a for a in rush.applicants if a.has_joined and a.device_id == applicant.device_id]
        found, required = len(same), rules["max_accounts_per_device"]
    else:
        [found] = [
            a.account_id
            for a in rush.applicants
            if a.qualified and a.facts["person_id"] == facts["person_id"]
        ]
        required = 1
    return {"found": found, "required": required}


def drawn(rush: Rush, account_id: str) -> dict[str, Any]:
    result = next((one for one in rush.results if one.account_id == account_id), None)
    names = ("entry_id", "size", "ticket", "weight", "outcome", "platform_outcome")
    if result is None:
        return dict.fromkeys((*names, "position", "competing"))
    row = result.row()
    return {name: row[name] for name in names} | {
        "position": position(rush, result),
        "competing": len(in_order(rush.window, rush.entries)) if position(rush, result) else None,
        "status": rush.status,
    }


def position(rush: Rush, result: Result) -> int | None:
    if rush.status != "allocated" or result.entry is None:
        return None
    order = [entry.entry_id for entry in in_order(rush.window, rush.entries)]
    if result.entry.entry_id not in order:
        return None
    return order.index(result.entry.entry_id) + 1


def bonus(rush: Rush, account_id: str, judged: Judged, reference: Reference) -> dict[str, Any]:
    award = next((one for one in judged.awards if one.key == (account_id, *rush.window.key)), None)
    posted = [
        entry["amount"]
        for entry in reference.ledger.entries
        if (entry["account_id"], entry["commodity_id"], entry["window_id"])
        == (account_id, *rush.window.key)
    ]
    if award is None:
        return {} if posted else {"bonus": None}
    return {
        "award": (
            f"{money(award.raw):.2f}",
            f"{money(award.amount):.2f}",
            award.reason,
            f"{sum(posted, Decimal(0)):.2f}",
        )
    }


def one_of(rows: Iterator[dict[str, Any]], account_id: str, name: str) -> Any:
    for row in rows:
        if row["account_id"] == account_id:
            return f"{row[name]:.2f}" if isinstance(row[name], Decimal) else row[name]
    return None


def text(time: Any) -> str:
    return time.replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


@few
@given(history=histories())
def test_every_fact_of_a_history_is_the_reference_s(embedded: Engine, history: History) -> None:
    explanations_say_what_the_reference_says(embedded, history)


@pytest.mark.torture
@many
@given(history=histories())
def test_every_fact_of_many_histories_is_the_reference_s(
    embedded: Engine, history: History
) -> None:
    explanations_say_what_the_reference_says(embedded, history)
