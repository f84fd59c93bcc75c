"""Teams, weighted lotteries, scopes, caps and budgets: each window or account is one case.

Three dates, no grace: what the first one gave is history on the second. On the third, settings have
changed and a campaign has its own.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from hashlib import sha256
from typing import Any

import pytest

from compare import differences
from golden import Tables
from harness import Nights
from reference import Reference
from rows import SEED, Row, account, at, commitment, days, entrant, joined, landing, ordered, window
from solatium.engine import Engine

FIRST, SECOND, THIRD = (days(number) for number in range(3))

CONFIG: dict[str, Any] = {
    "grace_days": 0,
    "draw": {"weight_cap": 3},
    "history": {"scope": "category", "streak_expiry_days": 1, "max_failures_per_day": None},
    "bonus": {
        "tiers": [{"min_failures": 1, "amount": "2.00"}, {"min_failures": 3, "amount": "2.50"}],
        "max_per_account_per_day": "4.00",
    },
    "campaigns": {
        "spring": {
            "draw": {"weight_cap": 1},
            "bonus": {"daily_budget": "1.00", "max_per_account_per_day": None},
        }
    },
    "changes": [
        {"from": THIRD.isoformat(), "bonus": {"max_per_account_per_day": "5.00"}},
        {
            "from": THIRD.isoformat(),
            "screening": {"min_credit_score": 701},
            "campaigns": {"spring": {"screening": {"min_credit_score": None}}},
        },
    ],
    "gates": {"max_quarantine_share": "1"},
}


def team(team_id: str, *names: str, at: str, clocks: tuple[str, ...] = (), **join: Any) -> list:
    """Accounts that join one team of window `at`, each a minute after the one before it."""
    clocks = clocks or tuple(f"01:{minute:02}" for minute in range(len(names)))
    return [
        entrant(name, commodity=at, team=team_id, clock=clock, **join)
        for name, clock in zip(names, clocks, strict=True)
    ]


def teams() -> list:
    of_two = {"unit": "team", "team_min": 2, "team_max": 3}
    return [
        window("teams", stock=5, **of_two),
        team("pair", "pair-1", "pair-2", at="teams"),
        team("alone", "alone-1", at="teams"),
        team("four", "four-4", "four-3", "four-2", "four-1", at="teams"),
        # two join at one time: the smaller id is the third member
        team(
            "tied",
            "tied-1",
            "tied-2",
            "tied-z",
            "tied-a",
            at="teams",
            clocks=("01:00", "01:01", "01:02", "01:02"),
        ),
        # one of two is not ready
        team("half", "half-1", at="teams"),
        joined("half-2", "teams", team="half"),
        window("not-formed", min_qualified=3, **of_two),
        team("few", "few-1", "few-2", at="not-formed"),
        # sizes are sums of quantities; the third team fits what the second leaves
        window("sizes", stock=7, policy="first_come", **of_two),
        team("big", "big-1", "big-2", at="sizes", quantity=2),
        team("too-big", "too-big-1", "too-big-2", at="sizes", quantity=4),
        team("also-big", "also-big-1", "also-big-2", at="sizes", quantity=2),
        team("small", "small-1", "small-2", at="sizes"),
        team("idle", "idle-1", "idle-2", at="sizes"),
        # the first order of any member counts, whatever quantity it says
        ordered("big-2", "sizes", clock="03:00", quantity=1),
        ordered("big-1", "sizes", clock="03:30"),
        ordered("too-big-1", "sizes", clock="03:01"),
        ordered("also-big-1", "sizes", clock="03:02"),
        ordered("small-2", "sizes", clock="03:03"),
        # all orders are each member's
        window("orders", stock=100, **of_two),
        team("cancels", "cancels-1", "cancels-2", at="orders"),
        [
            ordered("cancels-1", "orders", status=status, clock=clock)
            for status, clock in [("confirmed", "03:01"), ("cancelled", "03:02")]
        ],
        team("saved", "saved-1", "saved-2", at="orders"),
        ordered("saved-1", "orders", status="voided"),
        ordered("saved-2", "orders", status="confirmed"),
        team("left-out", "lo-1", "lo-2", "lo-3", "lo-4", at="orders"),
        ordered("lo-4", "orders", status="confirmed"),
    ]


def race(commodity: str, day: date, *names: str, category: str = "shoes", **changes: Any) -> list:
    """A window for one unit that nobody of `names` gets, as somebody else is first."""
    return [
        window(commodity, day=day, policy="first_come", category=category, **changes),
        [
            [entrant(name, commodity=commodity, day=day), ordered(name, commodity, day=day)]
            for name in names
        ],
        entrant("first", commodity=commodity, day=day),
        ordered("first", commodity, day=day, clock="03:00"),
    ]


def commitments() -> list:
    """Versions that commit to other seeds: the first commitment binds, later ones are too late."""
    first, second = (
        {"seed_commitment": commitment(seed), "updated_at": at(clock, days(-1))}
        for seed, clock in ((SEED, "01:00"), ("another", "02:00"))
    )
    return [
        [window("bound", **version) for version in (first, second)],
        [window("turned", draw_seed="another", **version) for version in (first, second)],
        [entrant("bound", commodity=commodity) for commodity in ("bound", "turned")],
    ]


def streaks() -> list:
    """On the first date `thrice` fails three times in shoes, others once or in tickets."""
    weighted = {"policy": "weighted_lottery", "stock": 2}
    people = ["thrice", "once", "other-scope", "new"]
    return [
        race("r1", FIRST, "thrice", "once"),
        race("r2", FIRST, "thrice"),
        race("r3", FIRST, "thrice", "rests"),
        race("t1", FIRST, "other-scope", category="tickets"),
        # the same date says nothing of itself
        window("same-date", day=FIRST, category="shoes", **weighted | {"stock": 0}),
        [entrant(name, commodity="same-date") for name in people],
        window("weighted", day=SECOND, category="shoes", **weighted),
        [entrant(name, commodity="weighted", day=SECOND) for name in people],
        window("capped", day=SECOND, category="shoes", campaign_id="spring", **weighted),
        [entrant(name, commodity="capped", day=SECOND) for name in people],
        window(
            "weighted-teams", day=SECOND, category="shoes", unit="team", team_min=2, team_max=2,
            **weighted,
        ),
        [entrant(n, commodity="weighted-teams", team="odd", day=SECOND) for n in ("thrice", "new")],
        [entrant(n, commodity="weighted-teams", team="two", day=SECOND) for n in ("n1", "n2")],
        # two days later the streak has run out
        window("expired", day=THIRD, category="shoes", stock=0, policy="weighted_lottery"),
        entrant("rests", commodity="expired", day=THIRD),
    ]  # fmt: skip


def bonuses() -> list:
    """On the third date: caps across windows, a campaign's budget, scores that are too low."""
    campaign = {"day": THIRD, "campaign_id": "spring", "category": "b"}
    return [
        [race(f"cap-{n}", THIRD, "cap-me", category=f"c{n}") for n in range(3)],
        race("cap-3", THIRD, "cap-me", category="c3", rush_close=at("03:30", THIRD)),
        window("budget", **campaign),
        [entrant(f"b{n}", commodity="budget", day=THIRD) for n in range(8)],
        entrant("low", commodity="cap-0", day=THIRD)[1:],
    ]


def scored(rows: list) -> list:
    """The rows, with accounts of a credit score of 701."""
    return [
        scored(row)
        if isinstance(row, list)
        else row | ({"credit_score": 701} if "registered_at" in row else {})
        for row in rows
    ]


LANDING = landing(
    scored([*teams(), *commitments(), *streaks(), *bonuses()]),
    account("low", day=THIRD),
)


@pytest.fixture(scope="module")
def nights(running: Engine, tmp_path_factory: pytest.TempPathFactory) -> Nights:
    nights = Nights(tmp_path_factory.mktemp("rulebook"), running)
    nights.land(LANDING)
    assert nights.run(THIRD, CONFIG).handled == [FIRST, SECOND, THIRD]
    return nights


@pytest.fixture(scope="module")
def tables(nights: Nights) -> Tables:
    return Tables.of(nights)


@pytest.mark.spark_at_length
def test_all_tables_are_those_of_the_reference(nights: Nights) -> None:
    reference = Reference(CONFIG)
    for day in (FIRST, SECOND, THIRD):
        expected = reference.night(LANDING, day)
    assert differences(nights.warehouse, expected) == []


def outcome(tables: Tables, window: str, account: str) -> Row:
    return tables.one("allocations", commodity_id=window, account_id=account)


@pytest.mark.parametrize(
    ("account", "result"),
    [
        ("alone-1", "team_incomplete"),
        ("half-1", "team_incomplete"),
        ("four-1", "team_overfull"),  # joined last
        ("tied-z", "team_overfull"),
    ],
)
def test_who_is_in_no_entry(tables: Tables, account: str, result: str) -> None:
    row = outcome(tables, "teams", account)
    assert row["outcome"] == result
    names = ("entry_id", "size", "ticket", "weight", "attempted_at")
    assert [row[name] for name in names] == [None] * 5


def test_members_share_their_entry(tables: Tables) -> None:
    rows = [outcome(tables, "teams", name) for name in ("four-4", "four-3", "four-2")]
    shared = [{n: row[n] for n in ("entry_id", "size", "ticket", "outcome")} for row in rows]
    said = sha256(f"{SEED}|teams|w1|four|0".encode()).hexdigest()[:16]
    assert shared[0] | {"outcome": ""} == {
        "entry_id": "four", "size": 3, "ticket": said, "outcome": ""
    }  # fmt: skip
    assert shared == [shared[0]] * 3


def test_a_window_of_teams_that_is_not_formed_has_no_entries(tables: Tables) -> None:
    row = outcome(tables, "not-formed", "few-1")
    assert (row["outcome"], row["entry_id"], row["size"]) == ("not_formed", None, None)


@pytest.mark.parametrize(
    ("account", "result"),
    [
        ("big-1", "won"),  # 4 of 7
        ("too-big-1", "cannot_fit"),  # 8 is more than there ever was
        ("also-big-2", "lost"),  # 4 do not fit the 3 that are left
        ("small-1", "won"),
        ("idle-2", "no_attempt"),
    ],
)
def test_teams_are_taken_by_their_sizes(tables: Tables, account: str, result: str) -> None:
    assert outcome(tables, "sizes", account)["outcome"] == result


def test_windows_count_entries_once_and_accounts_each(tables: Tables) -> None:
    row = tables.one("window_results", commodity_id="sizes")
    counts = ("entries", "attempts", "winners", "losers", "allocated_units")
    assert [row[name] for name in counts] == [5, 4, 4, 2, 6]


@pytest.mark.parametrize(
    ("account", "result", "platform"),
    [
        ("cancels-1", "forfeited", "forfeited"),
        ("cancels-2", "forfeited", "forfeited"),
        ("saved-1", "won", "won"),
        ("saved-2", "won", "won"),
        ("lo-1", "won", "none"),
        ("lo-4", "team_overfull", "won"),
    ],
)
def test_members_are_judged_by_all_their_orders(
    tables: Tables, account: str, result: str, platform: str
) -> None:
    row = outcome(tables, "orders", account)
    assert (row["outcome"], row["platform_outcome"]) == (result, platform)


@pytest.mark.parametrize(
    ("window", "account", "weight"),
    [
        ("same-date", "thrice", 1),
        ("weighted", "thrice", 4),  # three points
        ("weighted", "once", 2),
        ("weighted", "other-scope", 1),
        ("weighted", "new", 1),
        ("capped", "thrice", 2),  # the campaign lets one point count
        ("capped", "once", 2),
        ("weighted-teams", "thrice", 3),  # a mean of 1.5 is 2
        ("weighted-teams", "n1", 1),
        ("expired", "rests", 1),
    ],
)
def test_a_streak_weighs(tables: Tables, window: str, account: str, weight: int) -> None:
    row = outcome(tables, window, account)
    tickets = []
    for i in range(weight):
        said = f"{SEED}|{window}|w1|{row['entry_id']}|{i // 4}"
        tickets.append(sha256(said.encode()).hexdigest()[16 * (i % 4) :][:16])
    assert (row["weight"], row["ticket"]) == (weight, min(tickets))


def test_the_first_commitment_binds(tables: Tables) -> None:
    status = {
        name: tables.one("window_results", commodity_id=name)["status"]
        for name in ("bound", "turned")
    }
    assert status == {"bound": "allocated", "turned": "seed_mismatch"}


def test_streaks_of_categories_are_apart(tables: Tables) -> None:
    for name, scope in {"once": "shoes", "other-scope": "tickets"}.items():
        row = tables.one("account_history", account_id=name, scope=scope)
        assert row["first_business_date"] == FIRST
    assert tables.where("account_history", account_id="once", scope="tickets") == []


def test_a_cap_cuts_in_history_order(tables: Tables) -> None:
    rows = tables.where("bonus_awards", account_id="cap-me")
    said = {r["commodity_id"]: (str(r["amount"]), r["reason"]) for r in rows}
    assert said == {
        "cap-3": ("2.00", "granted"),  # its rush ends first
        "cap-0": ("2.00", "granted"),
        "cap-1": ("1.00", "capped"),  # 5.00 from this date on
        "cap-2": ("0.00", "capped"),
    }


def test_a_budget_is_spent_to_the_cent(tables: Tables) -> None:
    """Seven losers of 2.00 each share 1.00: 14 cents each, and two of them a cent more."""
    rows = tables.where("bonus_awards", commodity_id="budget")
    assert sum(row["amount"] for row in rows) == Decimal("1.00")
    by_account = sorted((row["account_id"], row["amount"]) for row in rows)
    assert [str(amount) for _, amount in by_account] == ["0.15"] * 2 + ["0.14"] * 5
    assert {row["reason"] for row in rows} == {"budget_scaled"}


def test_settings_that_change_hold_from_their_date_on(tables: Tables) -> None:
    low = tables.one("screened_participants", commodity_id="cap-0", account_id="low")
    assert low["reasons"] == ["credit_too_low"]
