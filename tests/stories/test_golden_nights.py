"""Golden nights: what the tables hold after a few runs on the landing zone of golden.py.

The expected values are worked out by hand from docs/rules.md, and the hashes with `sha256sum`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from compare import differences
from golden import CONFIG, EXAMPLE, FIRST, FOURTH, LANDING, SECOND, THIRD, Story, Tables
from harness import Nights
from pyspark.sql import DataFrame
from reference.night import Reference
from rows import at

from solatium import contracts, engine
from solatium.engine import Engine
from solatium.warehouse.scratch import Scratch

pytestmark = pytest.mark.both_engines

# Values of test_golden_rulebook, and of a ledger that takes back.
NOT_HERE = {
    ("screened_participants", "reasons"): {"team_missing"},
    ("allocations", "outcome"): {"team_incomplete", "team_overfull"},
    ("refunds_due", "outcome"): {"team_incomplete", "team_overfull"},
    ("window_results", "policy"): {"weighted_lottery"},
    ("window_results", "unit"): {"team"},
    ("bonus_awards", "reason"): {"capped", "budget_scaled"},
    ("bonus_ledger", "kind"): {"adjustment", "reversal"},
    ("run_log", "engine"): {"embedded", "spark"},
    ("quarantine", "source"): {"accounts"},
    ("windows", "policy"): {"weighted_lottery"},
    ("windows", "unit"): {"team"},
}


@pytest.fixture(scope="module")
def story(golden_nights: Story) -> Story:
    """What the runs of the golden nights leave."""
    return golden_nights


@pytest.fixture
def last(story: Story) -> Tables:
    """The tables after the last run."""
    return story.last


def test_all_tables_are_those_of_the_reference(story: Story) -> None:
    reference = Reference(CONFIG)
    for day in (FIRST, SECOND, THIRD, FOURTH):
        expected = reference.night(LANDING, day)
    assert differences(story.nights.warehouse, expected) == []


def test_a_repeated_run_leaves_every_table_as_it_was(running: Engine, story: Story) -> None:
    if running.name == "spark":
        pytest.skip("nothing is repeated on spark")
    assert _others(story.caught_up, story.repeated) == set()


def _others(before: Tables, after: Tables) -> set[str]:
    """The tables with other rows; every run logs itself."""
    return {
        table
        for table in before.keys() - {"run_log"}
        if sorted(map(repr, before[table])) != sorted(map(repr, after[table]))
    }


def test_a_night_that_is_gathered_in_parts_is_the_same(
    running: Engine, story: Story, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if running.name == "spark":
        pytest.skip("Spark has parts of its own")
    monkeypatch.setattr(engine.engine, "_ROWS_IN_TWO_PARTS", 20)
    in_parts = []
    gathered = Scratch.keep_parts

    def seen(scratch: Scratch, parts: Iterable[DataFrame], name: str) -> DataFrame:
        listed = list(parts)
        if name == "activity":
            in_parts.append(len(listed))
        return gathered(scratch, listed, name)

    monkeypatch.setattr(Scratch, "keep_parts", seen)
    nights = Nights(tmp_path, running)
    nights.land(LANDING)
    nights.run(FIRST, CONFIG)
    assert max(in_parts) > 2
    assert _others(story.first, Tables.of(nights)) == set()


def test_every_value_of_the_contracts_occurs(last: Tables) -> None:
    missing = {}
    for name, rows in last.items():
        for column in contracts.warehouse(name).columns:
            values = set()
            for value in (row[column.name] for row in rows if column.values):
                values |= set(value) if isinstance(value, list) else {value}
            never = set(column.values or ()) - values - NOT_HERE.get((name, column.name), set())
            if never:
                missing[name, column.name] = never
    assert missing == {}


# Section 4: screening

REASONS: dict[str, list[str]] = {
    "before-open": ["outside_application_period"],
    "at-open": [],
    "last-moment-join": [],
    "at-close-join": ["outside_application_period"],
    "withdrew-before-open": ["outside_application_period"],
    "withdrawn": ["withdrawn"],
    "only-withdrew": ["withdrawn"],
    "withdrew-at-close": [],
    "changed-mind": [],
    "rejoined": [],
    "rejoined-and-changed": [],
    "join-has-the-later-id": [],
    "withdraw-has-the-later-id": ["withdrawn"],
    "unknown": ["account_unknown"],
    "made-at-close": [],
    "made-after-close": ["account_unknown"],
    "arrived-in-grace": [],
    "arrived-late": ["account_unknown"],
    "suspended": ["account_not_active"],
    "closed": ["account_not_active"],
    "suspended-after-close": [],
    "blacklisted": ["account_blacklisted"],
    "blacklisted-null": [],
    "just-old-enough": [],
    "too-new": ["account_too_new"],
    "credit-599": ["credit_too_low"],
    "credit-600": [],
    "credit-null": ["credit_too_low"],
    "asks-for-0": ["quantity_not_allowed"],
    "asks-for-minus-1": ["quantity_not_allowed"],
    "asks-for-null": [],
    "asks-for-the-limit": [],
    "asks-for-6": ["quantity_not_allowed"],
    "device-a1": ["shared_device"],
    "device-a2": ["shared_device"],
    "device-a3": ["account_not_active", "shared_device"],
    "device-b1": [],
    "device-b2": [],
    "device-b3": ["withdrawn"],
    "person-a-first": [],
    "person-a-later": ["duplicate_person"],
    "person-b-1": [],
    "person-b-10": ["duplicate_person"],
    "person-c-suspended": ["account_not_active"],
    "person-c": [],
    "everything": [
        "account_not_active",
        "account_blacklisted",
        "account_too_new",
        "credit_too_low",
        "quantity_not_allowed",
        "shared_device",
    ],
    "withdrawn-unknown": ["withdrawn", "account_unknown"],
}


@pytest.mark.parametrize("account", REASONS)
def test_screening_codes(last: Tables, account: str) -> None:
    row = last.one("screened_participants", commodity_id="screening", account_id=account)
    assert row["reasons"] == REASONS[account]
    assert row["qualified"] == (not REASONS[account])


def test_everybody_who_took_part_is_screened(last: Tables) -> None:
    found = last.by_account("screened_participants", "reasons", commodity_id="screening")
    assert found.keys() == REASONS.keys()


def test_a_limit_of_null_is_one(last: Tables) -> None:
    row = last.one("screened_participants", account_id="two-of-one")
    assert row["reasons"] == ["quantity_not_allowed"]


@pytest.mark.parametrize(
    ("account", "joined_at", "quantity"),
    [
        ("at-open", at("00:00"), 1),
        ("last-moment-join", at("01:59:59.999999"), 1),
        ("changed-mind", at("00:30"), 2),
        ("rejoined", at("01:20"), 3),
        ("rejoined-and-changed", at("00:50"), 1),
        ("withdrew-at-close", at("01:00"), 1),
        ("join-has-the-later-id", at("01:00"), 1),
        ("asks-for-null", at("01:00"), 1),
        ("asks-for-minus-1", at("01:00"), -1),
        ("withdrawn", None, 1),
        ("before-open", None, 1),
    ],
)
def test_the_application_in_force(
    last: Tables, account: str, joined_at: datetime | None, quantity: int
) -> None:
    row = last.one("screened_participants", commodity_id="screening", account_id=account)
    assert (row["joined_at"], row["quantity"], row["team_id"]) == (joined_at, quantity, None)


ADVANCES = {
    "in-full": ("paid", "20.00"),
    "in-parts": ("paid", "20.00"),
    "over": ("paid", "25.00"),
    "some-back": ("partial", "15.00"),
    "all-back": ("refunded", "0.00"),
    "never": ("unpaid", "0.00"),
    "in-time": ("paid", "20.00"),
    "at-rush": ("unpaid", "0.00"),
    "back-at-rush": ("paid", "20.00"),
    "dollars": ("unpaid", "0.00"),
    "balance": ("unpaid", "0.00"),
    "balance-back": ("paid", "20.00"),
    "only-back": ("unpaid", "-5.00"),
    "quantity-null": ("paid", "10.00"),
    "quantity-0": ("not_required", "0.00"),
    "left-all-back": ("refunded", "0.00"),
    "left": ("paid", "10.00"),
    "in-grace": ("paid", "20.00"),
    "late": ("unpaid", "0.00"),
}


@pytest.mark.parametrize("account", ADVANCES)
def test_advance_states(last: Tables, account: str) -> None:
    row = last.one("screened_participants", commodity_id="advance", account_id=account)
    state, net = ADVANCES[account]
    assert (row["advance_state"], row["advance_net"]) == (state, Decimal(net))


def test_no_advance_is_required_where_none_is_asked(last: Tables) -> None:
    states = last.by_account("screened_participants", "advance_state", commodity_id="screening")
    assert set(states.values()) == {"not_required"}


# Sections 2 and 3: what arrives in time


def test_rows_that_come_within_the_grace_count_and_later_ones_do_not(story: Story) -> None:
    took_part = [
        set(tables.by_account("screened_participants", "qualified", commodity_id="grace"))
        for tables in (story.first, story.caught_up, story.last)
    ]
    in_time = {"in-time-row", "told-twice"}
    assert took_part == [in_time, in_time | {"in-grace-row"}, in_time | {"in-grace-row"}]


def test_an_account_row_that_comes_within_the_grace_is_seen(story: Story) -> None:
    person = {"commodity_id": "screening", "account_id": "arrived-in-grace"}
    before = story.first.one("screened_participants", **person)
    after = story.caught_up.one("screened_participants", **person)
    assert (before["reasons"], after["reasons"]) == (["account_unknown"], [])


def test_a_payment_that_comes_within_the_grace_counts(story: Story) -> None:
    person = {"commodity_id": "advance", "account_id": "in-grace"}
    states = [
        tables.one("screened_participants", **person)["advance_state"]
        for tables in (story.first, story.last)
    ]
    assert states == ["unpaid", "paid"]


def test_the_latest_version_of_a_window_that_came_in_time_is_in_force(story: Story) -> None:
    stock = [
        tables.one("window_results", commodity_id="restocked")["stock"]
        for tables in (story.first, story.caught_up, story.last)
    ]
    assert stock == [1, 2, 2]


def test_late_rows_are_quarantined(last: Tables) -> None:
    late = last.where("quarantine", reasons=["late"])
    assert sorted((row["source"], row["dt"]) for row in late) == [
        ("orders", THIRD),
        ("participation", THIRD),
        ("payment", THIRD),
        ("payment", THIRD),
        ("payment", FOURTH),
        ("payment", FOURTH),
        ("windows", THIRD),
        ("windows", FOURTH),
    ]


def test_rows_of_unknown_windows_are_quarantined_until_the_window_turns_up(story: Story) -> None:
    unknown = [
        [
            (row["dt"], json.loads(row["payload"])["commodity_id"])
            for row in tables.where("quarantine", reasons=["unknown_window"])
        ]
        for tables in (story.first, story.last)
    ]
    assert sorted(unknown[0]) == [(FIRST, "no-such-window"), (FIRST, "turns-up")]
    assert unknown[1] == [(FIRST, "no-such-window")]
    row = story.last.one("participation", commodity_id="turns-up")
    assert (row["dt"], row["business_date"]) == (FIRST, SECOND)


def test_a_row_that_was_delivered_twice_is_one_row_and_another_of_its_id_is_a_conflict(
    last: Tables,
) -> None:
    row = last.one("participation", event_id="twice")
    assert (row["dt"], row["quantity"]) == (FIRST, 1)
    [conflict] = last.where("quarantine", reasons=["event_id_conflict"])
    assert (conflict["event_id"], conflict["dt"]) == ("twice", SECOND)


@pytest.mark.parametrize(
    ("window", "business_date"), [("ends-15:30", FIRST), ("ends-16:00", SECOND)]
)
def test_the_business_date_is_that_of_rush_close_in_the_timezone(
    last: Tables, window: str, business_date: Any
) -> None:
    row = last.one("window_results", commodity_id=window)
    assert row["business_date"] == business_date


def test_a_window_that_is_postponed_leaves_its_date_and_is_judged_on_the_new_one(
    story: Story,
) -> None:
    outcomes = [
        {
            row["account_id"]: (row["business_date"], row["outcome"])
            for row in tables.where("allocations", commodity_id="postponed")
        }
        for tables in (story.first, story.caught_up, story.last)
    ]
    assert outcomes == [
        {"ready-at-once": (FIRST, "won")},
        {},
        # who paid before the new rush is ready too, and has the higher ticket
        {"ready-at-once": (FOURTH, "won"), "pays-later": (FOURTH, "lost")},
    ]


# Section 5: seeds, order, allocation


@pytest.mark.parametrize(
    ("window", "status"),
    [
        ("sku1", "allocated"),
        ("first-come", "allocated"),
        ("nobody", "allocated"),
        ("just-enough", "allocated"),
        ("too-few", "not_formed"),
        ("nobody-of-one", "not_formed"),
        ("no-seed", "seed_missing"),
        ("wrong-seed", "seed_mismatch"),
        ("upper-case", "seed_mismatch"),
        ("three-versions", "allocated"),
        ("two-seeds", "allocated"),
        ("seed-late", "allocated"),
    ],
)
def test_status_of_windows(last: Tables, window: str, status: str) -> None:
    assert last.one("window_results", commodity_id=window)["status"] == status


@pytest.mark.parametrize("window", ["no-seed", "wrong-seed", "upper-case"])
def test_held_windows_have_no_allocations_audit_or_refunds(last: Tables, window: str) -> None:
    for table in ("allocations", "audit_discrepancies", "refunds_due"):
        assert last.where(table, commodity_id=window) == []


def test_a_late_seed_ends_the_waiting_and_brings_nothing_else(story: Story) -> None:
    results = [
        tables.one("window_results", commodity_id="seed-late")
        for tables in (story.caught_up, story.last)
    ]
    assert [(row["status"], row["stock"]) for row in results] == [
        ("seed_missing", 2),
        ("allocated", 2),
    ]


# printf '%s' 'autumn-7391|sku1|w1|u-101|0' | sha256sum | cut -c1-16
TICKETS = {
    ("sku1", "u-101"): "a96dadc016e4ac5a",
    ("sku1", "u-102"): "5871d79150d18858",
    ("sku1", "u-103"): "56467226411e6312",
    ("sku1", "u-104"): "18c99549e9618a3a",
    ("three-versions", "of-three-versions"): "84092ebeb1635edb",
    ("two-seeds", "of-two-seeds"): "01f1878f2b65f5f1",
    ("grün", "of-grün"): "a08bf2af74de99c0",
    ("seed-late", "waits-1"): "6e24018c78a5e3de",
    ("seed-late", "waits-2"): "bdfd711532331fb4",
    ("seed-late", "waits-3"): "bd76a7d17e2790b7",
}


@pytest.mark.parametrize(("window", "account"), TICKETS)
def test_golden_tickets(last: Tables, window: str, account: str) -> None:
    row = last.one("allocations", commodity_id=window, account_id=account)
    assert (row["ticket"], row["weight"]) == (TICKETS[window, account], 1)


def test_a_lottery_passes_over_who_does_not_fit(last: Tables) -> None:
    rows = last.where("allocations", commodity_id="sku1")
    assert {row["account_id"]: (row["size"], row["outcome"]) for row in rows} == {
        "u-104": (1, "won"),
        "u-103": (2, "won"),
        "u-102": (2, "lost"),  # one unit is left
        "u-101": (1, "won"),
    }
    assert {row["account_id"]: row["quantity"] for row in rows} == EXAMPLE


def test_first_come_passes_over_who_does_not_fit(last: Tables) -> None:
    outcomes = last.by_account("allocations", "outcome", commodity_id="first-come")
    assert outcomes["asks-for-two"] == "lost"
    assert outcomes["takes-the-rest"] == "won"


def test_orders_at_one_time_go_by_their_event_ids(last: Tables) -> None:
    """By UTF-8 bytes: E9, e10, e9, é1."""
    assert last.by_account("allocations", "outcome", commodity_id="ties") == {
        "tie-c": "won",
        "tie-a": "won",
        "tie-b": "lost",
        "tie-d": "lost",
    }


def test_attempts_at_one_time_go_by_their_sequences(last: Tables) -> None:
    """No number, then -5, 10 and 11; their ids are in the opposite order."""
    outcomes = last.by_account("allocations", "outcome", commodity_id="sequence-of-attempts")
    assert outcomes == {
        "s-null": "won",
        "s-negative": "won",
        "s-tenth": "lost",
        "s-eleventh": "lost",
    }


def test_in_first_come_an_order_may_ask_for_less(last: Tables) -> None:
    assert last.by_account("allocations", "size", commodity_id="sizes") == {
        "applied-3-ordered-1": 1,
        "applied-1-ordered-3": 1,
        "applied-2-ordered-None": 2,
        "applied-2-ordered-0": 2,
        "applied-2-ordered--1": 2,
        "applied-3-ordered-2-1": 2,  # the earliest order counts
    }


# Section 6: outcomes, platform, audit, numbers, refunds

ATTEMPTS: dict[str, tuple[str, datetime | None]] = {
    "on-the-dot": ("won", at("03:00")),
    "asks-for-five": ("cannot_fit", at("03:00:30")),
    "backs-out": ("forfeited", at("03:05")),
    "voided-by-shop": ("voided", at("03:06")),
    "asks-for-two": ("lost", at("03:10")),
    "takes-the-rest": ("won", at("03:11")),  # its order failed later
    "just-quick-enough": ("lost", at("03:29:59.999999")),
    "too-slow": ("lost", at("03:30")),
    "last-moment": ("lost", at("03:59:59.999999")),
    "at-close": ("no_attempt", None),
    "too-early": ("no_attempt", None),
    "tries-again": ("lost", at("03:40")),
    "never-tries": ("no_attempt", None),
    "only-confirmed": ("no_attempt", None),
}


@pytest.mark.parametrize("account", ATTEMPTS)
def test_outcomes_and_attempts_of_first_come(last: Tables, account: str) -> None:
    row = last.one("allocations", commodity_id="first-come", account_id=account)
    assert (row["outcome"], row["attempted_at"]) == ATTEMPTS[account]
    assert (row["ticket"], row["weight"], row["entry_id"]) == (None, None, account)


def test_who_was_ready_in_a_window_that_was_not_formed(last: Tables) -> None:
    row = last.one("allocations", commodity_id="too-few")
    assert (row["account_id"], row["outcome"], row["size"]) == ("of-too-few", "not_formed", 1)
    assert (row["entry_id"], row["ticket"], row["weight"]) == ("of-too-few", None, None)


PLATFORM = {
    "p-won": ("won", "won"),
    "p-cancelled": ("forfeited", "forfeited"),
    "p-never-paid": ("forfeited", "lost"),
    "p-voided": ("voided", "voided"),
    "p-voided-early": ("voided", "lost"),
    "p-failed": ("won", "lost"),
    "p-submitted": ("won", "lost"),
    "p-none": ("won", "none"),
    "p-second-order": ("won", "won"),
    "p-two-ends": ("forfeited", "lost"),  # cancelled stands before voided
    "p-confirmed-again": ("won", "won"),
    "p-day-after": ("won", "won"),
    "p-late": ("won", "lost"),
    "p-one-time": ("won", "lost"),  # o-9 is after o-10
}


@pytest.mark.parametrize("account", PLATFORM)
def test_platform_outcomes(last: Tables, account: str) -> None:
    row = last.one("allocations", commodity_id="platform", account_id=account)
    assert (row["outcome"], row["platform_outcome"]) == PLATFORM[account]


SEQUENCES = {
    "s-number": "won",  # 9 comes before 10, although the id "10" comes before "9"
    "s-below-zero": "won",
    "s-some-null": "won",  # no number comes before the least one
    "s-all-null": "lost",  # "31" comes before "32"
    "s-far-apart": "won",
    "s-rejoined": "none",
}


def test_states_of_one_time_go_by_their_sequences(last: Tables) -> None:
    said = last.by_account("allocations", "platform_outcome", commodity_id="sequences")
    assert said == SEQUENCES


def test_a_join_and_a_withdrawal_of_one_time_go_by_their_sequences(last: Tables) -> None:
    rows = last.where("screened_participants", commodity_id="sequences")
    found = {row["account_id"]: row for row in rows}
    assert (found["s-withdrew"]["reasons"], found["s-withdrew"]["joined_at"]) == (
        ["withdrawn"],
        None,
    )
    assert (found["s-rejoined"]["reasons"], found["s-rejoined"]["joined_at"]) == ([], at("01:00"))
    assert found["s-rejoined"]["quantity"] == 1


def test_the_audit_finds_where_replay_and_platform_disagree(last: Tables) -> None:
    assert last.by_account("audit_discrepancies", "kind", commodity_id="audit") == {
        "a-won-replay": "should_have_won",
        "a-won-platform": "should_not_have_won",
        "a-unpaid": "should_not_have_won",  # never ready
        "a-stranger": "should_not_have_won",  # never took part
    }


def test_who_forfeited_or_was_voided_is_not_in_the_audit(last: Tables) -> None:
    found = last.by_account("audit_discrepancies", "kind", commodity_id="platform")
    assert found == dict.fromkeys(
        ["p-failed", "p-submitted", "p-none", "p-late", "p-one-time"], "should_have_won"
    )


NUMBERS = ("participants", "qualified", "ready", "entries", "attempts", "winners", "losers")
NUMBERS += ("forfeits", "allocated_units", "oversold_units")


@pytest.mark.parametrize(
    ("window", "numbers"),
    [
        ("sku1", [4, 4, 4, 4, 4, 3, 1, 0, 4, 0]),
        ("first-come", [14, 14, 14, 14, 10, 2, 5, 1, 4, 0]),
        ("sizes", [6, 6, 6, 6, 6, 6, 0, 0, 10, 0]),
        ("screening", [47, 20, 20, 20, 20, 20, 0, 0, 27, 0]),
        ("advance", [19, 16, 8, 8, 8, 8, 0, 0, 15, 0]),
        ("platform", [14, 14, 14, 14, 14, 9, 0, 3, 14, 0]),
        ("too-few", [2, 2, 1, 0, 0, 0, 0, 0, 0, 0]),
        ("no-seed", [1, 1, 1, 0, 0, 0, 0, 0, 0, 2]),
        ("nobody", [0, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
        ("audit", [5, 5, 4, 4, 4, 2, 2, 0, 2, 2]),
        ("oversold", [0, 0, 0, 0, 0, 0, 0, 0, 0, 1]),
    ],
)
def test_windows_in_numbers(last: Tables, window: str, numbers: list[int]) -> None:
    row = last.one("window_results", commodity_id=window)
    assert [row[name] for name in NUMBERS] == numbers


@pytest.mark.parametrize(
    ("window", "refunds"),
    [
        (
            "refunds",
            {
                "r-lost": ("lost", "10.00"),
                "r-late-part": ("lost", "6.00"),
                "r-dollars": ("lost", "10.00"),
                "r-balance": ("lost", "10.00"),
                "r-never-applied": ("not_ready", "10.00"),
                "r-paid-late": ("not_ready", "3.00"),
            },
        ),
        (
            "first-come",
            {
                "asks-for-five": ("cannot_fit", "50.00"),
                "asks-for-two": ("lost", "20.00"),
                "just-quick-enough": ("lost", "10.00"),
                "too-slow": ("lost", "10.00"),
                "last-moment": ("lost", "10.00"),
                "tries-again": ("lost", "10.00"),
                "at-close": ("no_attempt", "10.00"),
                "too-early": ("no_attempt", "10.00"),
                "never-tries": ("no_attempt", "10.00"),
                "only-confirmed": ("no_attempt", "10.00"),
                "voided-by-shop": ("voided", "10.00"),
            },
        ),
        ("too-few", {"of-too-few": ("not_formed", "10.00")}),
        (
            "advance",
            {
                "some-back": ("not_ready", "15.00"),
                "at-rush": ("not_ready", "20.00"),
                "left": ("not_ready", "10.00"),
                "late": ("not_ready", "20.00"),
            },
        ),
        (
            "platform",
            {"p-voided": ("voided", "10.00"), "p-voided-early": ("voided", "10.00")},
        ),
    ],
)
def test_refunds_due(last: Tables, window: str, refunds: dict[str, tuple[str, str]]) -> None:
    rows = last.where("refunds_due", commodity_id=window)
    assert {row["account_id"]: (row["outcome"], str(row["amount"])) for row in rows} == refunds


def test_refunds_follow_the_payments_of_closed_windows(story: Story) -> None:
    due = [
        {
            name: str(amount)
            for name, amount in tables.by_account(
                "refunds_due", "amount", commodity_id="refunds"
            ).items()
            if name in ("r-back-later", "r-late", "r-late-part", "r-paid-late")
        }
        for tables in (story.first, story.caught_up, story.last)
    ]
    assert due == [
        {"r-back-later": "10.00", "r-late": "10.00", "r-late-part": "10.00"},
        {"r-late-part": "10.00"},
        {"r-late-part": "6.00", "r-paid-late": "3.00"},
    ]


# Section 7: history


@pytest.mark.parametrize(
    ("account", "outcomes"),
    [
        ("streaker", {"run-1": ("lost", 1), "run-2": ("lost", 2), "run-3": ("lost", 3)}),
        ("winner", {"run-1": ("lost", 1), "run-2": ("won", 0), "run-3": ("lost", 1)}),
        (
            "forfeiter",
            {"run-1": ("lost", 1), "run-2-forfeited": ("forfeited", 0), "run-3": ("lost", 1)},
        ),
        # two days after the loss before it: expired
        ("absent", {"run-1": ("lost", 1), "run-3": ("lost", 1)}),
        # the fourth loss of a day does not count
        (
            "busy",
            {
                "busy-1": ("lost", 1),
                "busy-2": ("lost", 2),
                "busy-3": ("won", 0),
                "busy-4": ("lost", 1),
            },
        ),
        # order-b closes before order-a
        ("orderly", {"order-b": ("lost", 1), "order-a": ("won", 0)}),
        # an advance of 0.50 is less than min_advance; two of them are as much
        ("cheap-one", {}),
        ("cheap-two", {"cheap": ("lost", 1)}),
        # attempt_within_seconds is half-open
        ("just-quick-enough", {"first-come": ("lost", 1)}),
        ("too-slow", {}),
        # no real chance, or undone by the merchant
        ("asks-for-five", {}),
        ("never-tries", {}),
        ("of-too-few", {}),
        ("voided-by-shop", {}),
        ("backs-out", {"first-come": ("forfeited", 0)}),
    ],
)
def test_counted_outcomes_and_streaks(
    last: Tables, account: str, outcomes: dict[str, tuple[str, int]]
) -> None:
    rows = last.where("account_outcomes", account_id=account)
    found = {row["commodity_id"]: (row["result"], row["consecutive_failures"]) for row in rows}
    assert found == outcomes
    assert {row["scope"] for row in rows} <= {""}


COUNTS = ("attempts", "wins", "failures", "forfeits", "consecutive_failures", "longest_streak")
DATES = ("first_business_date", "last_business_date", "last_win_date", "last_failure_date")


@pytest.mark.parametrize(
    ("account", "counts", "dates"),
    [
        ("streaker", [3, 0, 3, 0, 3, 3], [FIRST, THIRD, None, THIRD]),
        ("winner", [3, 1, 2, 0, 1, 1], [FIRST, THIRD, SECOND, THIRD]),
        ("forfeiter", [3, 0, 2, 1, 1, 1], [FIRST, THIRD, None, THIRD]),
        ("absent", [2, 0, 2, 0, 1, 1], [FIRST, THIRD, None, THIRD]),
        ("busy", [4, 1, 3, 0, 1, 2], [FIRST, FIRST, FIRST, FIRST]),
        ("orderly", [2, 1, 1, 0, 0, 1], [FIRST, FIRST, FIRST, FIRST]),
        ("patient", [4, 0, 4, 0, 4, 4], [FIRST, SECOND, None, SECOND]),
        ("backs-out", [1, 0, 0, 1, 0, 0], [FIRST, FIRST, None, None]),
    ],
)
def test_account_history(last: Tables, account: str, counts: list[int], dates: list[Any]) -> None:
    row = last.one("account_history", account_id=account)
    assert [row[name] for name in COUNTS] == counts
    assert [row[name] for name in DATES] == dates


# Section 8: bonus and ledger


@pytest.mark.parametrize(
    ("account", "window", "streak", "raw", "amount", "reason"),
    [
        ("tier-one", "bonus", 1, "2.00", "2.00", "granted"),
        ("twice", "bonus-again", 2, "0.50", "0.50", "granted"),
        ("streaker", "run-2", 2, "0.50", "0.50", "granted"),
        ("half-down", "share-20.50", 2, "1.02", "1.02", "granted"),  # of 1.025
        ("half-up", "share-20.70", 2, "1.04", "1.04", "granted"),  # of 1.035
        ("three-halves", "share-of-3", 2, "3.08", "3.08", "granted"),  # of 3.075
        ("streaker", "run-3", 3, "5.00", "5.00", "granted"),  # 60.00, cut to max_single_award
        ("patient", "bonus", 4, "0.00", "0.00", "granted"),
        ("served", "bonus", 1, "2.00", "0.00", "served_by_platform"),
        ("suspended-since", "bonus", 1, "2.00", "0.00", "account_ineligible"),
        ("blacklisted-since", "bonus", 1, "2.00", "0.00", "account_ineligible"),
        ("served-and-suspended", "bonus", 1, "2.00", "0.00", "served_by_platform"),
        ("suspended-later", "bonus", 1, "2.00", "2.00", "granted"),
    ],
)
def test_awards(
    last: Tables, account: str, window: str, streak: int, raw: str, amount: str, reason: str
) -> None:
    row = last.one("bonus_awards", account_id=account, commodity_id=window)
    assert row["consecutive_failures"] == streak
    assert (row["raw_amount"], row["amount"]) == (Decimal(raw), Decimal(amount))
    assert (row["currency"], row["reason"]) == ("CNY", reason)


def test_losses_before_pay_from_are_not_paid(last: Tables) -> None:
    assert last.where("account_outcomes", business_date=FIRST, result="lost")
    assert last.where("bonus_awards", business_date=FIRST) == []


def test_windows_of_another_currency_are_not_paid(last: Tables) -> None:
    assert last.one("account_outcomes", account_id="paid-in-dollars")["consecutive_failures"] == 1
    assert last.where("bonus_awards", account_id="paid-in-dollars") == []


def test_awards_of_open_dates_are_not_posted(story: Story) -> None:
    assert story.first["bonus_ledger"] == []
    assert {row["business_date"] for row in story.caught_up["bonus_awards"]} == {SECOND, THIRD}
    assert {row["business_date"] for row in story.caught_up["bonus_ledger"]} == {SECOND}


# printf '%s' 'tier-one|bonus|w1|0' | sha256sum
ENTRIES = {
    ("tier-one", "bonus"): (
        "ea2d0889d6824dd6af37f26a0e20e09617133662af94373a959023baffb6c24f",
        "2.00",
        THIRD,
    ),
    ("twice", "bonus-again"): (
        "c49049f8cd5fecddad13b5608ed6cb2c470d9686f0705da69f0d4add1e36a4ba",
        "0.50",
        THIRD,
    ),
    ("streaker", "run-3"): (
        "7a74d80eeefb1cf5db6116eb90cf7c523cf03af0aace23c64f290db7817c3b38",
        "5.00",
        FOURTH,
    ),
    # of SECOND too; its seed came when that had closed
    ("waits-2", "seed-late"): (
        "a8fb663f7d36fdbdebb8dde1686732b2eb295b3a49397630d8a9cc2c99a5ccae",
        "2.00",
        FOURTH,
    ),
}


@pytest.mark.parametrize(("account", "window"), ENTRIES)
def test_ledger_entries(last: Tables, account: str, window: str) -> None:
    row = last.one("bonus_ledger", account_id=account, commodity_id=window)
    found = (row["entry_id"], str(row["amount"]), row["run_date"])
    assert found == ENTRIES[account, window]
    assert (row["kind"], row["revision"], row["currency"]) == ("award", 0, "CNY")


def test_the_ledger_pays_every_award_of_a_closed_date_once(last: Tables) -> None:
    """All but the last date, FOURTH, have closed; 0.00 makes no entry."""

    def amounts(table: str) -> list[tuple[str, str, Decimal]]:
        return sorted(
            (row["account_id"], row["commodity_id"], row["amount"])
            for row in last[table]
            if row["business_date"] < FOURTH and row["amount"]
        )

    assert amounts("bonus_ledger") == amounts("bonus_awards")
    assert last["bonus_waived"] == []


def test_payouts_are_the_net_of_a_run_for_each_account(last: Tables) -> None:
    payouts = {
        (row["account_id"], row["run_date"]): (str(row["amount"]), row["entries"])
        for row in last["bonus_payouts"]
    }
    assert payouts == {
        ("half-down", THIRD): ("1.02", 1),
        ("half-up", THIRD): ("1.04", 1),
        ("three-halves", THIRD): ("3.08", 1),
        ("suspended-later", THIRD): ("2.00", 1),
        ("tier-one", THIRD): ("2.00", 1),
        ("twice", THIRD): ("2.50", 2),
        ("streaker", THIRD): ("0.50", 1),
        ("streaker", FOURTH): ("5.00", 1),
        ("absent", FOURTH): ("2.00", 1),
        ("forfeiter", FOURTH): ("2.00", 1),
        ("winner", FOURTH): ("2.00", 1),
        ("waits-2", FOURTH): ("2.00", 1),
    }


# Section 10: the run log


def test_every_run_is_logged(running: Engine, story: Story) -> None:
    if running.name == "spark":
        pytest.skip("nothing is repeated on spark")
    log = sorted(story.last["run_log"], key=lambda row: row["started_at"])
    arrived = {
        day: sum(row["dt"] == day for rows in LANDING.values() for row in rows)
        for day in (FIRST, SECOND, THIRD, FOURTH)
    }
    # a run that is repeated judges its own date again, and nothing has touched SECOND, which it
    # closes; then a window gets its seed late
    numbers = ("date", "rows_in", "rows_quarantined", "windows_restated")
    assert [tuple(row[name] for name in numbers) for row in log] == [
        (FIRST, arrived[FIRST], 2, 0),
        (THIRD, arrived[SECOND] + arrived[THIRD], 6, 0),
        (THIRD, arrived[THIRD], 5, 0),
        (FOURTH, arrived[FOURTH], 3, 1),
    ]
    assert json.loads(log[2]["restated_by_reason"]) == {}
    assert [json.loads(row["quarantined_by_reason"]) for row in log] == [
        {"unknown_window": 2},
        {"event_id_conflict": 1, "late": 5},
        {"late": 5},
        {"late": 3},
    ]
    assert [(row["entries_posted"], str(row["entries_sum"])) for row in log] == [
        (0, "0.00"),
        (8, "12.14"),
        (0, "0.00"),
        (5, "13.00"),
    ]
    assert {row["engine"] for row in log} == {story.nights.running.name}
    assert len({row["run_id"] for row in log}) == 4
    assert len({row["config_digest"] for row in log}) == 1
    assert all(row["started_at"] < row["ended_at"] for row in log)
