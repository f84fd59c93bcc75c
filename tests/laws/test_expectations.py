"""The gate: every law holds of a whole good night, and what breaks one is named.

`NIGHT` is one date written down by hand: `w1` sells one unit to individuals, `w2` four units to
teams of two, `w3` is held. Each case changes a few rows of it, and must be found by the expectation
that it is about. All cases together break every expectation of every suite.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from copy import deepcopy
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import psutil
import pytest
import rows as base
import rulebook
from harness import Nights, Row, contents
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T
from sampled import sampled

from solatium import contracts
from solatium.engine import Engine
from solatium.errors import InputError, SolatiumError
from solatium.laws import input as arrived
from solatium.laws import money, suites
from solatium.laws.counting import Laws
from solatium.laws.rush import rush
from solatium.laws.streaks import streaks
from solatium.laws.suites import ExpectationsError, Finding, Suites
from solatium.laws.verdict import Expectations
from solatium.laws.worker import SuitesApart
from solatium.rules import window_results
from solatium.storage.local import LocalLocation

DAY = base.DAY
Tables = dict[str, list[Row]]


def _window(name: str, **changes: Any) -> Row:
    row = base.window(window=name, **changes) | {"business_date": DAY, "held": None}
    return {key: value for key, value in row.items() if key not in ("dt",)}


def _screened(window: str, account: str, **changes: Any) -> Row:
    return {
        "commodity_id": "sku1",
        "window_id": window,
        "account_id": account,
        "business_date": DAY,
        "joined_at": base.at("01:00"),
        "team_id": None,
        "quantity": 1,
        "qualified": True,
        "reasons": [],
        "advance_state": "paid",
        "advance_net": Decimal("10.00"),
    } | changes


def _given(window: str, account: str, outcome: str, **changes: Any) -> Row:
    return {
        "commodity_id": "sku1",
        "window_id": window,
        "account_id": account,
        "business_date": DAY,
        "entry_id": account,
        "size": 1,
        "ticket": "0" * 16,
        "weight": 1,
        "attempted_at": None,
        "outcome": outcome,
        "platform_outcome": outcome,
        "quantity": 1,
    } | changes


def _result(window: str, status: str = "allocated", **numbers: int) -> Row:
    names = ["participants", "qualified", "ready", "entries", "attempts", "winners", "losers"]
    names += ["forfeits", "allocated_units", "oversold_units"]
    return (
        {
            "commodity_id": "sku1",
            "window_id": window,
            "business_date": DAY,
            "status": status,
            "policy": "lottery",
            "unit": "individual",
            "stock": 1,
        }
        | {name: numbers.get(name, 0) for name in names}
        | numbers
    )


def _counted(window: str, account: str, result: str, streak: int) -> Row:
    return {
        "account_id": account,
        "scope": "",
        "commodity_id": "sku1",
        "window_id": window,
        "business_date": DAY,
        "result": result,
        "consecutive_failures": streak,
    }


def _history(account: str, wins: int, failures: int, streak: int, longest: int) -> Row:
    return {
        "account_id": account,
        "scope": "",
        "attempts": wins + failures,
        "wins": wins,
        "failures": failures,
        "forfeits": 0,
        "consecutive_failures": streak,
        "longest_streak": longest,
        "first_business_date": DAY - timedelta(days=9),
        "last_business_date": DAY,
        "last_win_date": None,
        "last_failure_date": None,
    }


def _money(window: str, account: str, amount: str, **more: Any) -> Row:
    return {
        "account_id": account,
        "commodity_id": "sku1",
        "window_id": window,
        "business_date": DAY,
        "amount": Decimal(amount),
        "currency": "CNY",
    } | more


def _events(*rows: Row) -> list[Row]:
    return [row | {"business_date": DAY} for row in rows]


NIGHT: Tables = {
    "participation": _events(base.joined("a"), base.joined("b")),
    "payment": _events(base.paid("a"), base.paid("b")),
    "orders": _events(base.ordered("a")),
    "accounts": [base.account("a"), base.account("b")],
    "windows": [
        _window("w1"),
        _window("w2", unit="team", team_min=2, team_max=2, stock=4),
        _window("w3", draw_seed=None) | {"held": "seed_missing"},
    ],
    "screened_participants": [
        *(_screened("w1", account) for account in "abc"),
        _screened("w1", "x", qualified=False, reasons=["withdrawn"]),
        _screened("w2", "a", team_id="t1", quantity=2),
        _screened("w2", "b", team_id="t1"),
        _screened("w2", "c", team_id="t2", quantity=2),
        _screened("w2", "d", team_id="t2"),
        _screened("w2", "e", team_id="t3"),
        _screened("w3", "a"),
    ],
    "allocations": [
        _given("w1", "a", "won", platform_outcome="lost"),
        _given("w1", "b", "lost"),
        _given("w1", "c", "lost", platform_outcome="won"),
        _given("w2", "a", "won", entry_id="t1", size=3, quantity=2),
        _given("w2", "b", "forfeited", entry_id="t1", size=3),
        _given("w2", "c", "lost", entry_id="t2", size=3, quantity=2),
        _given("w2", "d", "lost", entry_id="t2", size=3),
        _given("w2", "e", "team_incomplete", entry_id=None, size=None, ticket=None, weight=None),
    ],
    "window_results": [
        _result(
            "w1",
            participants=4,
            qualified=3,
            ready=3,
            entries=3,
            attempts=3,
            winners=1,
            losers=2,
            allocated_units=1,
        ),
        _result(
            "w2",
            participants=5,
            qualified=5,
            ready=5,
            entries=2,
            attempts=2,
            winners=1,
            losers=2,
            forfeits=1,
            allocated_units=3,
            stock=4,
        ),
        _result("w3", "seed_missing", participants=1, qualified=1, ready=1),
    ],
    "audit_discrepancies": [
        {
            "commodity_id": "sku1",
            "window_id": "w1",
            "account_id": a,
            "business_date": DAY,
            "kind": k,
        }
        for a, k in (("a", "should_have_won"), ("c", "should_not_have_won"))
    ],
    "refunds_due": [
        {
            "commodity_id": "sku1",
            "window_id": "w1",
            "account_id": "b",
            "business_date": DAY,
            "outcome": "lost",
            "amount": Decimal("10.00"),
            "currency": "CNY",
        }
    ],
    "account_outcomes": [
        _counted("w1", "a", "won", 0),
        _counted("w1", "b", "lost", 3),
        _counted("w1", "c", "lost", 1),
        _counted("w2", "a", "won", 0),
        _counted("w2", "b", "forfeited", 0),
        _counted("w2", "c", "lost", 2),
        _counted("w2", "d", "lost", 1),
    ],
    "opening": [_history("b", 0, 2, 2, 2), _history("z", 1, 0, 0, 0)],
    "account_history": [
        _history("a", 2, 0, 0, 0),
        _history("b", 0, 3, 0, 3) | {"attempts": 4, "forfeits": 1},
        _history("c", 0, 2, 2, 2),
        _history("d", 0, 1, 1, 1),
        _history("z", 1, 0, 0, 0),
    ],
    "bonus_awards": [
        _money("w1", "b", "2.00", consecutive_failures=3, raw_amount=Decimal(2), reason="granted"),
        _money("w2", "c", "1.00", consecutive_failures=2, raw_amount=Decimal(5), reason="capped"),
    ],
    "bonus_ledger": [
        _money("w1", "b", "2.00", entry_id="1", kind="award", revision=0, run_date=DAY),
        _money("w2", "c", "4.00", entry_id="2", kind="award", revision=0, run_date=DAY),
        _money("w2", "c", "1.00", entry_id="3", kind="adjustment", revision=1, run_date=DAY),
    ],
    "bonus_waived": [_money("w2", "c", "4.00", run_date=DAY)],
    "bonus_payouts": [
        {
            "payout_id": account,
            "posting": 0,
            "account_id": account,
            "run_date": DAY,
            "amount": Decimal(amount),
            "entries": entries,
            "currency": "CNY",
        }
        for account, amount, entries in (("b", 2, 1), ("c", 5, 2))
    ],
    "budgets": [{"business_date": DAY, "campaign_id": None, "daily_budget": Decimal("3.00")}],
}

Change = Callable[[Tables], Any]


def _set(table: str, place: int, **values: Any) -> Change:
    return lambda tables: tables[table][place].update(values)


def _drop(table: str, place: int) -> Change:
    return lambda tables: tables[table].pop(place)


def _again(table: str, place: int, **values: Any) -> Change:
    return lambda tables: tables[table].append(tables[table][place] | values)


LATER = DAY + timedelta(days=9)
W1 = "commodity_id=sku1 window_id=w1"
W2 = "commodity_id=sku1 window_id=w2"
W3 = "commodity_id=sku1 window_id=w3"
# what is broken: the frame, the change, the table and columns that are named, the count, a key
CASES: list[tuple[str, Change, str, str, int, str]] = [
    *(
        case
        for table, listed in (
            ("participation", "event_type"),
            ("payment", "kind"),
            ("orders", "status"),
        )
        for case in (
            (table, _set(table, 0, account_id=None), table, "nulls", 1, W1),
            (table, _set(table, 0, **{listed: "odd"}), table, "unknown", 1, W1),
            (table, _again(table, 0, account_id="z"), table, "repeated", 1, "event_id="),
            (table, _set(table, 0, window_id="w9"), table, "outside", 1, "window_id=w9"),
            (table, _set(table, 0, dt=LATER), table, "days_late", 1, "days_late=9"),
        )
    ),
    ("payment", _set("payment", 0, amount=Decimal(0)), "payment", "least_cents", 1, W1),
    ("accounts", _set("accounts", 0, account_id=None), "accounts", "nulls", 1, f"dt={DAY}"),
    ("accounts", _set("accounts", 0, status="odd"), "accounts", "unknown", 1, f"dt={DAY}"),
    ("windows", _again("windows", 0), "windows", "commodity_id, window_id", 2, W1),
    *(
        ("windows", _set("windows", 1, **values), "windows", columns, 1, W2)
        for columns, values in {
            "application_close, application_open": {"application_close": base.at("00:00")},
            "rush_open, application_close": {"rush_open": base.at("01:59")},
            "rush_close, rush_open": {"rush_close": base.at("03:00")},
            "team_max, team_min": {"team_max": 1},
            "stock": {"stock": -1},
            "advance_amount": {"advance_amount": Decimal("-0.01")},
            "policy": {"policy": "odd"},
            "unit": {"unit": "odd"},
            "held": {"held": "odd"},
        }.items()
    ),
    *(
        ("rush", change, table, columns, count, key)
        for table, columns, change, count, key in (
            (
                "screened_participants",
                "screened_twice",
                _again("screened_participants", 3),
                1,
                f"{W1} account_id=x",
            ),
            (
                "screened_participants",
                "qualified_with_reason",
                _set("screened_participants", 0, reasons=["withdrawn"]),
                1,
                W1,
            ),
            ("allocations", "unmatched", _drop("allocations", 1), 1, f"{W1} account_id=b"),
            ("allocations", "unmatched", _again("allocations", 1), 1, "ready=1 outcomes=2"),
            ("allocations", "unmatched", _set("allocations", 1, account_id="x"), 2, "outcomes=1"),
            ("allocations", "stock, allocated_units", _set("allocations", 1, outcome="won"), 1, W1),
            ("allocations", "stock, allocated_units", _set("windows", 1, stock=2), 1, W2),
            ("allocations", "given_while_held", _again("allocations", 0, window_id="w3"), 1, W3),
            ("allocations", "uneven_teams", _set("allocations", 3, size=2), 1, W2),
            ("allocations", "uneven_teams", _set("allocations", 3, outcome="lost"), 1, W2),
            ("allocations", "uneven_teams", _set("allocations", 5, quantity=1), 1, W2),
            ("window_results", "windows", _set("allocations", 0, business_date=LATER), 1, W1),
            ("window_results", "stated_windows, windows", _drop("window_results", 0), 1, W1),
            (
                "window_results",
                "stated_held, is_held",
                _set("window_results", 2, status="allocated"),
                1,
                W3,
            ),
            ("window_results", "stated_stock, stock", _set("window_results", 0, stock=2), 1, W1),
            *(
                (
                    "window_results",
                    f"stated_{name}, {counted}",
                    _set("window_results", 0, **{name: 9}),
                    1,
                    f"stated_{name}=9",
                )
                for name, counted in {
                    "participants": "participants",
                    "qualified": "qualified",
                    "ready": "ready",
                    "entries": "entries",
                    "attempts": "attempts",
                    "winners": "accounts_won",
                    "losers": "accounts_lost",
                    "forfeits": "accounts_forfeited",
                    "allocated_units": "allocated_units",
                }.items()
            ),
            (
                "audit_discrepancies",
                "should_have_won, won_by_replay_only",
                _drop("audit_discrepancies", 0),
                1,
                W1,
            ),
            (
                "audit_discrepancies",
                "should_not_have_won, won_by_platform_only",
                _drop("audit_discrepancies", 1),
                1,
                W1,
            ),
            ("refunds_due", "refunds_of_winners", _set("refunds_due", 0, outcome="won"), 1, W1),
            (
                "refunds_due",
                "refunds_of_nothing",
                _set("refunds_due", 0, amount=Decimal(0)),
                1,
                W1,
            ),
            ("refunds_due", "owed_while_held", _set("refunds_due", 0, window_id="w3"), 1, W3),
            (
                "account_outcomes",
                "counted_wins, wins_to_count",
                _drop("account_outcomes", 0),
                1,
                W1,
            ),
            (
                "account_outcomes",
                "counted_forfeits, forfeits_to_count",
                _drop("account_outcomes", 4),
                1,
                W2,
            ),
            (
                "account_outcomes",
                "losses_to_count, counted_losses",
                _again("account_outcomes", 1, account_id="x"),
                1,
                "counted_losses=3",
            ),
            ("account_outcomes", "counted_twice", _again("account_outcomes", 1), 1, "account_id=b"),
            (
                "account_outcomes",
                "unsound_streaks",
                _set("account_outcomes", 0, consecutive_failures=1),
                1,
                W1,
            ),
            ("bonus_awards", "awarded_twice", _again("bonus_awards", 0), 1, "account_id=b"),
            (
                "bonus_awards",
                "counted_losses, awards",
                lambda tables: [
                    _again("bonus_awards", 0, account_id=account)(tables) for account in "xyz"
                ],
                1,
                "awards=4",
            ),
            (
                "bonus_awards",
                "amounts_off",
                _set("bonus_awards", 0, amount=Decimal("2.01")),
                1,
                W1,
            ),
            ("bonus_awards", "reasons_off", _set("bonus_awards", 0, reason="capped"), 1, W1),
        )
    ),
    (
        "streaks",
        _set("account_outcomes", 5, consecutive_failures=4),
        "account_outcomes",
        "unfounded",
        1,
        "account_id=c scope= streak=3",
    ),
    ("streaks", _drop("opening", 0), "account_outcomes", "unfounded", 1, "account_id=b"),
    (
        "streaks",
        _set("account_outcomes", 6, account_id="c", consecutive_failures=2),
        "account_outcomes",
        "unfounded",
        1,
        "account_id=c",
    ),
    (
        "streaks",
        _set("account_history", 0, wins=1, forfeits=0),
        "account_history",
        "unsound",
        1,
        "account_id=a",
    ),
    ("streaks", _drop("account_history", 3), "account_history", "attempts_added, outcomes", 1, ""),
    *(
        (
            "streaks",
            _set("account_history", 1, **{name: 7}),
            "account_history",
            f"{name}_added, outcomes_{result}",
            1,
            f"{name}_added=",
        )
        for name, result in (("wins", "won"), ("failures", "lost"), ("forfeits", "forfeited"))
    ),
    (
        "unearned",
        _set("bonus_awards", 0, consecutive_failures=5),
        "bonus_awards",
        "unearned",
        1,
        "account_id=b",
    ),
    (
        "budgets",
        _set("budgets", 0, daily_budget=Decimal("2.99")),
        "bonus_awards",
        "budget_cents, total_cents",
        1,
        f"business_date={DAY}",
    ),
    (
        "balances",
        _set("bonus_ledger", 0, amount=Decimal("1.99")),
        "bonus_ledger",
        "unbalanced",
        1,
        f"{W1} account_id=b award=2.00 posted=1.99",
    ),
    ("balances", _drop("bonus_awards", 0), "bonus_ledger", "unbalanced", 1, "account_id=b"),
    ("balances", _set("bonus_ledger", 2, revision=2), "bonus_ledger", "gaps", 1, "account_id=c"),
    (
        "balances",
        _set("bonus_waived", 0, amount=Decimal(-1)),
        "bonus_waived",
        "overdrawn",
        1,
        "account_id=c",
    ),
    (
        "payouts",
        _set("bonus_payouts", 0, amount=Decimal(3)),
        "bonus_payouts",
        "paid_cents, posted_cents",
        1,
        "paid_cents=800 posted_cents=700",
    ),
    ("payouts", _set("bonus_payouts", 0, entries=2), "bonus_payouts", "paid, posted", 1, "paid=4"),
]
# Kept by every case that keeps the others: nobody is qualified or ready beyond the participants.
ALWAYS_SO = {
    ("screened_participants", "participants, qualified"),
    ("screened_participants", "qualified, ready"),
}


@pytest.fixture(scope="module")
def gate() -> Expectations:
    return Expectations(Suites())


@cache
def gate_of(table: str) -> Expectations:
    """A gate that looks at one table: it is done sooner."""
    return Expectations(Suites([table]))


def the_frame(engine: Engine, tables: Tables, table: str) -> DataFrame:
    """A table of a night, on the engine."""
    if table == "budgets":
        schema = "business_date date, campaign_id string, daily_budget decimal(18,2)"
        return engine.spark.createDataFrame(_tuples(tables[table]), schema)
    contract = contracts.warehouse("account_history" if table == "opening" else table)
    fields = [T.StructField(c.name, c.spark_type()) for c in contract.columns]
    if table == "windows":
        fields = [f for f in fields if f.name not in ("dt", "draw_seed", "seed_commitment")]
        fields.append(T.StructField("business_date", T.DateType()))
        fields.append(T.StructField("held", T.StringType()))
    rows = [tuple(row[f.name] for f in fields) for row in tables[table]]
    return engine.spark.createDataFrame(rows, T.StructType(fields))


def the_laws(engine: Engine, tables: Tables, *names: str) -> dict[str, Laws]:
    """The laws of these names, of a night's tables."""

    def frame(table: str) -> DataFrame:
        return the_frame(engine, tables, table)

    def of_rush() -> Laws:
        names = ["windows", "screened_participants", "allocations", "window_results"]
        names += ["account_outcomes", "bonus_awards", "audit_discrepancies", "refunds_due"]
        return rush(*map(frame, names), outcome_source="replay")

    makers: dict[str, Callable[[], Laws]] = {
        source: lambda source=source: arrived.events(source, frame(source), frame("windows"))
        for source in contracts.EVENTS
    }
    makers |= {
        "accounts": lambda: arrived.account_versions(frame("accounts")),
        "windows": lambda: arrived.windows_in_force(frame("windows")),
        "rush": of_rush,
        "streaks": lambda: streaks(
            frame("account_outcomes"), frame("opening"), frame("account_history")
        ),
        "budgets": lambda: money.budgets(frame("bonus_awards"), frame("windows"), frame("budgets")),
        "unearned": lambda: money.unearned(frame("bonus_awards"), frame("account_outcomes")),
        "balances": lambda: money.balances(
            *map(frame, ("bonus_awards", "bonus_ledger", "bonus_waived", "windows")), [DAY]
        ),
        "payouts": lambda: money.payouts(frame("bonus_payouts"), frame("bonus_ledger"), DAY),
    }
    return {name: makers[name]() for name in names or suites.FRAMES}


def _tuples(rows: list[Row]) -> list[tuple]:
    return [tuple(row.values()) for row in rows]


def checked(gate: Expectations, found: dict[str, Laws], day: date = DAY) -> list[Finding]:
    return gate.check(found, day=day, parameters={"grace_days": 2})


def _names(failure: Finding) -> tuple[str, str]:
    return failure.table, failure.expectation.partition(" of ")[2]


# A good night


@pytest.mark.spark_at_length
def test_a_good_night_breaks_no_law(running: Engine, gate: Expectations) -> None:
    assert checked(gate, the_laws(running, NIGHT)) == []


def test_a_night_without_rows_breaks_no_law(running: Engine, gate: Expectations) -> None:
    empty: Tables = {table: [] for table in NIGHT}
    assert checked(gate, the_laws(running, empty)) == []


def test_a_night_that_breaks_a_law_is_refused_and_leaves_nothing(
    nights: Nights, gate: Expectations, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nights with all of the rules pass; then window results count every winner twice."""
    nights.expectations = gate
    nights.land(rulebook.LANDING)
    nights.run(rulebook.SECOND, rulebook.CONFIG)
    before = contents(nights.warehouse)
    honest = window_results.window_results

    def counted_twice(*frames: Any) -> Any:
        results = honest(*frames)
        return results.withColumn("winners", results["winners"] * 2)

    monkeypatch.setattr(window_results, "window_results", counted_twice)
    docs = tmp_path / "docs"
    with pytest.raises(InputError) as refusal:
        nights.run(rulebook.THIRD, rulebook.CONFIG, data_docs=LocalLocation(docs))
    assert refusal.value.exit_status == 3
    message = str(refusal.value)
    assert message.startswith(f"{rulebook.THIRD} was not handled: ")
    assert "window_results: " in message
    assert "bound" in message or "cap-0" in message
    assert contents(nights.warehouse) == before
    assert (docs / "index.html").is_file()


# Bad ones


@pytest.mark.parametrize(
    ("frame", "change", "table", "columns", "count", "key"),
    sampled(CASES, list({case[2]: case for case in CASES}.values())),  # one for each table
    ids=[f"{case[2]}-{case[3].replace(', ', '-')}-{number}" for number, case in enumerate(CASES)],
)
def test_what_breaks_a_law_is_named(
    running: Engine,
    frame: str,
    change: Change,
    table: str,
    columns: str,
    count: int,
    key: str,
) -> None:
    tables = deepcopy(NIGHT)
    change(tables)
    failures = checked(gate_of(table), the_laws(running, tables, frame))
    (failure,) = [failure for failure in failures if _names(failure) == (table, columns)]
    assert failure.count == count
    assert key in "; ".join(failure.sample)
    text = str(failure)
    assert text.startswith(f"{table}: {failure.law} (docs/rules.md ")
    assert f": {count}, such as " in text


def test_the_cases_break_every_expectation() -> None:
    stated = set()
    for table in suites.suite_names():
        for expectation in suites.read_suite(table).expectations:
            stated.add((table, suites.columns_of(expectation.configuration)))
    assert stated - ALWAYS_SO == {(case[2], case[3]) for case in CASES}


def test_a_refusal_names_every_failure_and_is_an_input_error(
    running: Engine, gate: Expectations
) -> None:
    tables = deepcopy(NIGHT)
    tables["bonus_awards"][0]["amount"] = Decimal("9.00")
    found = the_laws(running, tables, "rush", "budgets", "balances")
    with pytest.raises(InputError) as caught:
        gate.refuse(found, day=DAY, parameters={"grace_days": 2})
    assert caught.value.exit_status == 3
    told = [problem.split(":")[0] for problem in caught.value.problems]
    assert sorted(told) == ["bonus_awards"] * 3 + ["bonus_ledger"]
    assert str(DAY) in caught.value.headline


def test_a_sample_has_five_keys_at_most(running: Engine, gate: Expectations) -> None:
    tables = deepcopy(NIGHT)
    tables["screened_participants"] += [_screened("w1", f"n{number}") for number in range(9)]
    failures = checked(gate, the_laws(running, tables, "rush"))
    (failure,) = [failure for failure in failures if _names(failure)[1] == "unmatched"]
    assert failure.count == 9
    assert len(failure.sample) == 5


def test_a_look_that_finds_nothing_is_no_failure(running: Engine, gate: Expectations) -> None:
    """Hashes that coincide make a number of repeated rows, and no repeated row."""
    found = the_laws(running, NIGHT, "orders")["orders"]
    colliding = Laws(found.rows.withColumn("repeated", F.lit(1)), found.looks)
    assert checked(gate, {"orders": colliding}) == []


def test_a_column_of_one_value_can_be_hashed(
    running: Engine, gate: Expectations, tmp_path: Path
) -> None:
    """Sail fails where it hashes such a column while it reads a Delta file."""
    tables = deepcopy(NIGHT)
    for table in ("account_outcomes", "bonus_awards", "opening"):
        tables[table] = [row for row in tables[table] if row["account_id"] == "c"]
    found = the_laws(running, tables, "unearned", "streaks")
    place = str(tmp_path / "outcomes")
    outcomes = the_frame(running, tables, "account_outcomes")
    outcomes.coalesce(1).write.format("delta").save(place)
    outcomes = running.spark.read.format("delta").load(place)
    opening = the_frame(running, tables, "opening")
    found["streaks"] = streaks(outcomes, opening, the_frame(running, NIGHT, "account_history"))
    found["unearned"] = money.unearned(the_frame(running, tables, "bonus_awards"), outcomes)
    told = {_names(failure)[0] for failure in checked(gate, found)}
    assert told == {"account_history"}


# Suites


@pytest.mark.parametrize("table", suites.suite_names())
def test_a_suite_is_in_the_form_of_great_expectations(table: str) -> None:
    suite = suites.read_suite(table)
    assert table in contracts.WAREHOUSE
    page = (Path(__file__).parents[2] / "docs" / "rules.md").read_text(encoding="utf-8")
    for expectation in suite.expectations:
        meta = expectation.meta or {}
        number = meta["rules"].removeprefix("docs/rules.md ")
        assert f"\n## {number}. " in page or f"\n### {number} " in page


def test_a_malformed_suite_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(suites, "data_folder", lambda name: tmp_path)
    text = """{"name": "orders", "expectations": [
        {"type": "expect_column_values_to_be_betwixt", "kwargs": {"column": "nulls"},
         "meta": {"law": "it holds", "rules": "docs/rules.md 1", "rows": "orders", "keys": []}}]}"""
    (tmp_path / "orders.json").write_text(text)
    with pytest.raises(ExpectationsError, match=r"expectations/orders\.json: .*betwixt"):
        suites.read_suite("orders")
    (tmp_path / "orders.json").write_text(
        text.replace("to_be_betwixt", "to_not_be_null")
        .replace("law", "lore")
        .replace('"rows": "orders', '"rows": "o')
    )
    with pytest.raises(ExpectationsError, match=r"has no law; .* unknown lore; .*rows is none of"):
        suites.read_suite("orders")


def test_a_suite_that_cannot_be_judged_is_an_error(running: Engine, gate: Expectations) -> None:
    found = the_laws(running, NIGHT, "orders")["orders"]
    lacking = Laws(found.rows.drop("nulls"))
    with pytest.raises(ExpectationsError, match=r"orders\.json: .* of nulls cannot be judged"):
        checked(gate, {"orders": lacking})


def test_frames_have_names(running: Engine, gate: Expectations) -> None:
    with pytest.raises(ExpectationsError, match="no frames order; they are participation"):
        checked(gate, {"order": the_laws(running, NIGHT, "orders")["orders"]})


# Data Docs


def test_data_docs_are_written(running: Engine, tmp_path: Path) -> None:
    gate = Expectations(Suites(docs=True))
    tables = deepcopy(NIGHT)
    tables["window_results"][0]["winners"] = 9
    failures = checked(gate, the_laws(running, tables))
    assert [_names(f) for f in failures] == [("window_results", "stated_winners, accounts_won")]
    gate.write_docs(tmp_path / "docs")
    assert "window_results" in (tmp_path / "docs" / "index.html").read_text(encoding="utf-8")
    pages = list((tmp_path / "docs" / "validations").rglob("*.html"))
    assert len(pages) == len({str(page) for page in pages}) > len(suites.FRAMES)
    assert any("winners are the accounts that won" in p.read_text(encoding="utf-8") for p in pages)


# Apart


@pytest.fixture(scope="module")
def apart() -> Iterator[Expectations]:
    with closing(SuitesApart(docs=True)) as suites:
        yield Expectations(suites)


@pytest.mark.torture
def test_suites_apart_find_the_same(
    running: Engine, gate: Expectations, apart: Expectations, tmp_path: Path
) -> None:
    tables = deepcopy(NIGHT)
    for row in tables["window_results"]:
        row["winners"] += 1
    for row in tables["bonus_awards"]:
        row["amount"] += 1
    tables["orders"] *= 2
    found = the_laws(running, tables)
    here, there = (
        [replace(finding, sample=tuple(sorted(finding.sample))) for finding in checked(by, found)]
        for by in (gate, apart)
    )
    assert {"window_results", "bonus_awards", "orders"} <= {finding.table for finding in here}
    assert there == here
    apart.write_docs(tmp_path / "docs")
    assert "window_results" in (tmp_path / "docs" / "index.html").read_text(encoding="utf-8")


def test_what_is_refused_apart_is_told_and_the_next_night_is_judged(
    running: Engine, apart: Expectations
) -> None:
    good = the_laws(running, NIGHT, "orders")
    lacking = Laws(good["orders"].rows.drop("nulls"))
    with pytest.raises(ExpectationsError, match=r"orders\.json: .* of nulls cannot be judged"):
        checked(apart, {"orders": lacking})
    with pytest.raises(Exception, match="no_such_column"):
        checked(apart, good | {"rush": Laws(good["orders"].rows.select("no_such_column"))})
    assert checked(apart, good) == []


def test_docs_that_cannot_be_written_are_told(apart: Expectations, tmp_path: Path) -> None:
    (tmp_path / "docs").write_text("a file")
    with pytest.raises(ExpectationsError, match="docs"):
        apart.write_docs(tmp_path / "docs")


@pytest.mark.torture
def test_a_malformed_suite_is_told_apart_too(tmp_path: Path) -> None:
    """In a package of its own, as the process that judges reads the files that lie beside it."""
    root = Path(suites.__file__).parents[2]
    shutil.copytree(root / "solatium", tmp_path / "solatium")
    (tmp_path / "expectations").mkdir()
    (tmp_path / "expectations" / "orders.json").write_text("[]")
    asks = (
        "from solatium.laws.worker import SuitesApart; from datetime import date; "
        "SuitesApart().judge([], date(2026, 11, 1), {})"
    )
    done = subprocess.run(
        [sys.executable, "-c", asks], cwd=tmp_path, capture_output=True, text=True, timeout=300
    )
    assert "ExpectationsError: expectations/orders.json: " in done.stderr


def test_a_process_that_has_ended_is_told() -> None:
    with closing(SuitesApart()) as judges:
        judges._process.kill()
        with pytest.raises(SolatiumError, match="has ended with status -9, before it answered"):
            judges.judge([], DAY, {})


def test_the_process_ends_with_who_started_it() -> None:
    starts = (
        "from solatium.laws.worker import SuitesApart; import os; judges = SuitesApart(); "
        "judges.judge([], __import__('datetime').date(2026, 11, 1), {}); "
        "print(judges._process.pid, flush=True); os.kill(os.getpid(), 9)"
    )
    done = subprocess.run([sys.executable, "-c", starts], capture_output=True, text=True)
    assert done.returncode == -9
    with suppress(psutil.NoSuchProcess):
        psutil.Process(int(done.stdout)).wait(timeout=30)
