"""Amounts, and sums of them, beyond what a written amount holds (docs/rules.md section 1.2)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from compare import differences, reference_tables
from harness import Nights
from rows import DAY, Row, account, days, entrant, joined, landing, ordered, paid, refunded, window

from solatium.errors import UsageError

GREATEST = Decimal("9999999999999999.99")
OPEN_GATE = {"gates": {"max_quarantine_share": "1"}}


def pays(name: str, *amounts: str | Decimal, **changes: Any) -> list[Row]:
    place = {"commodity": "dear"} | changes
    return [paid(name, amount=a, event_id=f"{name}-{n}", **place) for n, a in enumerate(amounts)]


def gets_back(name: str, *amounts: str | Decimal) -> list[Row]:
    return [
        refunded(name, "dear", amount=a, event_id=f"{name}-back-{n}") for n, a in enumerate(amounts)
    ]


def dear() -> list:
    """A window whose advance payment is the greatest amount; nobody wins it."""
    names = ("exact", "above", "far-above", "below", "far-below", "two-units", "two-paid", "won")
    return [
        window("dear", stock=0, advance_amount=GREATEST),
        [[account(name), joined(name, "dear")] for name in names if name != "two-units"],
        [account("two-units"), joined("two-units", "dear", quantity=2)],
        pays("exact", GREATEST),
        pays("above", GREATEST, "0.01"),
        pays("far-above", *[GREATEST] * 12),
        gets_back("below", GREATEST, "0.01"),
        gets_back("far-below", *[GREATEST] * 12),
        pays("two-units", GREATEST, GREATEST, "0.01"),
        pays("two-paid", GREATEST, GREATEST),
        gets_back("two-paid", GREATEST, "0.01"),
    ]


@pytest.mark.spark_at_length
def test_sums_of_payments_are_judged_exactly_and_written_as_the_greatest_amount(
    nights: Nights,
) -> None:
    rows = landing(window(), [entrant("a")], dear())
    nights.land(rows)
    nights.run(days(1), OPEN_GATE)
    assert differences(nights.warehouse, reference_tables(rows, OPEN_GATE, days(1))) == []
    found = {
        row["account_id"]: (row["advance_state"], row["advance_net"])
        for row in nights.rows("screened_participants")
        if row["commodity_id"] == "dear"
    }
    assert found["exact"] == ("paid", GREATEST)
    assert found["above"] == ("paid", GREATEST)
    assert found["far-above"] == ("paid", GREATEST)
    assert found["below"] == ("unpaid", -GREATEST)
    assert found["two-units"] == ("paid", GREATEST)
    assert found["two-paid"] == ("partial", GREATEST - Decimal("0.01"))
    due = {row["account_id"]: row["amount"] for row in nights.rows("refunds_due")}
    assert due["far-above"] == GREATEST
    assert "far-below" not in due


def test_late_payments_beyond_the_greatest_amount_are_due(nights: Nights) -> None:
    """Refunds of closed windows are listed again where payments arrive late."""
    late = days(3)
    rows = landing(dear(), pays("late", GREATEST, GREATEST, dt=late), window(day=late, dt=late))
    nights.land(rows)
    nights.run(late, OPEN_GATE)
    assert differences(nights.warehouse, reference_tables(rows, OPEN_GATE, late)) == []
    due = {row["account_id"]: row["amount"] for row in nights.rows("refunds_due")}
    assert due["late"] == GREATEST


LOSERS = ("a", "b", "c")
AWARDING: dict[str, Row] = {
    "a share far beyond the greatest award": {
        "tiers": [{"min_failures": 1, "advance_share": "1000"}],
        "max_single_award": "1.00",
    },
    "a cap beyond which sums are no 64-bit numbers of cents": {
        "tiers": [{"min_failures": 1, "amount": "4000000000000000.00"}],
        "max_single_award": str(GREATEST),
        "max_per_account_per_day": "0.05",
    },
    "a budget that a total of cents beyond 64 bits exceeds": {
        "tiers": [{"min_failures": 1, "amount": str(GREATEST)}],
        "max_single_award": str(GREATEST),
        "daily_budget": "0.05",
    },
}


@pytest.mark.parametrize("case", AWARDING)
def test_great_awards_are_cut_exactly(nights: Nights, case: str) -> None:
    """Every account loses 30 races of a day, each with the greatest advance payment."""
    names = [f"w{number:02}" for number in range(30)]
    race = {"stock": 1, "policy": "first_come", "advance_amount": GREATEST}
    rows = landing(
        [window(window=name, **race) for name in names],
        [account(name) for name in ("front", *LOSERS)],
        [
            [
                joined(who, window=name),
                paid(who, window=name, amount=GREATEST),
                ordered(who, window=name, clock="03:00" if who == "front" else "03:01"),
            ]
            for who in ("front", *LOSERS)
            for name in names
        ],
    )
    config = OPEN_GATE | {
        "grace_days": 0,
        "bonus": AWARDING[case],
        "history": {"max_failures_per_day": None},
    }
    nights.land(rows)
    nights.run(DAY, config)
    assert differences(nights.warehouse, reference_tables(rows, config, DAY)) == []
    assert len(nights.rows("bonus_awards")) == 90


def test_bonuses_beyond_what_the_ledger_holds_are_refused_before_anything_is_posted(
    nights: Nights,
) -> None:
    race = {"stock": 1, "policy": "first_come"}
    names = ("front", "a", "b")
    rows = landing(
        window(**race),
        [entrant(name) for name in names],
        [ordered(name, clock=f"03:0{place}") for place, name in enumerate(names)],
    )
    bonus = {
        "tiers": [{"min_failures": 1, "amount": str(GREATEST)}],
        "max_single_award": str(GREATEST),
    }
    nights.land(rows)
    with pytest.raises(UsageError) as refused:
        nights.run(DAY, OPEN_GATE | {"grace_days": 0, "bonus": bonus})
    assert str(refused.value).startswith(
        "the run of 2026-03-10 would post bonuses of 19,999,999,999,999,999.98 in all; "
        "the ledger's tables hold sums of at most 9,999,999,999,999,999.99"
    )
    assert nights.rows("bonus_ledger") == []


def test_quantities_beyond_32_bits_are_added_up(nights: Nights) -> None:
    most = 2**31 - 1
    free = {"advance_amount": Decimal(0), "stock": most}
    team = {"unit": "team", "team_min": 2, "team_max": 9}
    rows = landing(
        window("sold", **free),
        [ordered(f"o{n}", "sold", status="confirmed", quantity=most) for n in range(5)],
        window("teams", **free, **team, limit_per_account=most),
        [account(f"m{n}") for n in range(4)],
        [joined(f"m{n}", "teams", team="t", quantity=most) for n in range(4)],
        window("all", **free | {"stock": 5}, limit_per_account=most),
        [joined(f"m{n}", "all", quantity=most) for n in range(4)],
    )
    nights.land(rows)
    nights.run(DAY, OPEN_GATE)
    assert differences(nights.warehouse, reference_tables(rows, OPEN_GATE, DAY)) == []
    results = {row["commodity_id"]: row for row in nights.rows("window_results")}
    assert results["sold"]["oversold_units"] == 4 * most
