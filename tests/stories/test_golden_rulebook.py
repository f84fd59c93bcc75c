"""Teams, weighted lotteries, scopes, caps and budgets: each window or account is one case.

Three dates, no grace: what the first one gave is history on the second. On the third, settings have
changed and a campaign has its own.
"""

from __future__ import annotations

from decimal import Decimal
from hashlib import sha256

import pytest
from compare import differences
from golden import Tables
from harness import Nights
from reference.night import Reference
from rows import SEED, Row
from rulebook import CONFIG, FIRST, LANDING, SECOND, THIRD

from solatium.engine import Engine


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
