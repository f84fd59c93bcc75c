"""The figures of a report, compared with the rows of the tables, counted by hand in Python."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
import rulebook
from harness import Nights, Row

import solatium
from solatium.engine import Engine
from solatium.errors import UsageError
from solatium.report import checks, consolation, fairness, forms
from solatium.report.funnel import funnel
from solatium.report.source import Period, Source, opened, period_of
from solatium.report.streaks import longest, streaks
from solatium.report.trend import trends
from solatium.report.windows import windows

ALLOCATED = {"won", "forfeited", "voided"}
COMPETED = ALLOCATED | {"lost", "cannot_fit"}


@pytest.fixture(scope="module")
def nights(embedded_session: Engine, tmp_path_factory: pytest.TempPathFactory) -> Nights:
    """Three dates with teams, weighted lotteries, caps and a budget."""
    nights = Nights(tmp_path_factory.mktemp("report"), embedded_session)
    nights.land(rulebook.LANDING)
    nights.run(rulebook.THIRD, rulebook.CONFIG)
    return nights


@pytest.fixture(scope="module")
def source(nights: Nights) -> Iterator[Source]:
    """All three dates."""
    tables = solatium.open(nights.warehouse)
    with opened(tables, period_of(tables, rulebook.FIRST, rulebook.THIRD)) as source:
        yield source


def of(nights: Nights, table: str, **values: Any) -> list[Row]:
    return [row for row in nights.rows(table) if all(row[k] == v for k, v in values.items())]


def test_the_funnel_counts_accounts_and_what_held_back_the_others(
    nights: Nights, source: Source
) -> None:
    screened, allocations = nights.rows("screened_participants"), nights.rows("allocations")
    qualified = [row for row in screened if row["qualified"]]
    ready = [row for row in qualified if row["advance_state"] in ("paid", "not_required")]
    outcomes = Counter(row["outcome"] for row in allocations)
    steps = {step.name: step for step in funnel(source)}
    assert {name: step.accounts for name, step in steps.items()} == {
        "applied": len(screened),
        "qualified": len(qualified),
        "ready": len(ready),
        "competed": sum(outcomes[name] for name in COMPETED),
        "allocated": sum(outcomes[name] for name in ALLOCATED),
        "won": outcomes["won"],
    }
    reasons = Counter(reason for row in screened for reason in row["reasons"])
    assert dict(steps["qualified"].held_back) == reasons
    assert dict(steps["won"].held_back) == {
        name: outcomes[name] for name in ("forfeited", "voided") if outcomes[name]
    }


def test_a_window_is_shown_with_its_demand_and_what_was_sold(
    nights: Nights, source: Source
) -> None:
    shown = {(row.commodity_id, row.window_id): row for row in windows(source)}
    assert len(shown) == len(nights.rows("window_results"))
    for result in nights.rows("window_results"):
        key = (result["commodity_id"], result["window_id"])
        ready = of(nights, "allocations", commodity_id=key[0], window_id=key[1])
        wrong = of(nights, "audit_discrepancies", commodity_id=key[0], window_id=key[1])
        row = shown[key]
        if result["status"].startswith("seed") or not result["stock"]:
            assert row.demand is None
        else:
            assert row.demand == sum(one["quantity"] for one in ready) / result["stock"]
        kinds = Counter(one["kind"] for one in wrong)
        assert row.should_have_won == kinds["should_have_won"]
        assert row.should_not_have_won == kinds["should_not_have_won"]
    demands = [row.demand for row in windows(source) if row.demand is not None]
    assert demands == sorted(demands, reverse=True)


def entries(nights: Nights) -> dict[tuple, list[Row]]:
    found: dict[tuple, list[Row]] = {}
    for row in nights.rows("allocations"):
        if row["outcome"] in COMPETED:
            key = (row["commodity_id"], row["window_id"], row["entry_id"])
            found.setdefault(key, []).append(row)
    return found


def test_success_by_size_counts_a_team_once(nights: Nights, source: Source) -> None:
    competed, allocated = Counter(), Counter()
    for members in entries(nights).values():
        size = str(members[0]["size"]) if members[0]["size"] < 8 else "8 or more"
        competed[size] += 1
        allocated[size] += members[0]["outcome"] in ALLOCATED
    assert {one.group: (one.competed, one.allocated) for one in fairness.by_size(source)} == {
        size: (number, allocated[size]) for size, number in competed.items()
    }


def test_success_by_team_size_is_of_windows_for_teams_alone(nights: Nights, source: Source) -> None:
    of_teams = {
        (row["commodity_id"], row["window_id"]) for row in of(nights, "window_results", unit="team")
    }
    competed = Counter(
        str(len(members)) for key, members in entries(nights).items() if key[:2] in of_teams
    )
    assert {one.group: one.competed for one in fairness.by_team_size(source)} == competed


def test_success_by_points_is_of_weighted_lotteries_alone(nights: Nights, source: Source) -> None:
    weighted = {
        (row["commodity_id"], row["window_id"])
        for row in of(nights, "window_results", policy="weighted_lottery")
    }
    competed = Counter(
        str(members[0]["weight"] - 1)
        for key, members in entries(nights).items()
        if key[:2] in weighted
    )
    assert {one.group: one.competed for one in fairness.by_points(source)} == competed
    assert len(competed) > 1


def test_success_by_age_counts_every_account_that_competed(nights: Nights, source: Source) -> None:
    found = fairness.by_account_age(source)
    rows = [row for row in nights.rows("allocations") if row["outcome"] in COMPETED]
    assert sum(one.competed for one in found) == len(rows)
    assert sum(one.allocated for one in found) == sum(row["outcome"] in ALLOCATED for row in rows)


def test_streaks_are_of_all_history_and_say_who_came_back(nights: Nights, source: Source) -> None:
    history = {(row["account_id"], row["scope"]): row for row in nights.rows("account_history")}
    now = Counter(str(row["consecutive_failures"]) for row in history.values())
    newest = max(row["last_business_date"] for row in history.values())
    losses, back = Counter(), Counter()
    for row in of(nights, "account_outcomes", result="lost"):
        if row["business_date"] < newest:
            last = history[row["account_id"], row["scope"]]["last_business_date"]
            losses[str(row["consecutive_failures"])] += 1
            back[str(row["consecutive_failures"])] += last > row["business_date"]
    found = {row.streak: row for row in streaks(source)}
    assert {name: row.accounts for name, row in found.items() if row.accounts} == now
    assert {name: row.losses for name, row in found.items() if row.losses} == losses
    assert {name: row.came_back for name, row in found.items() if row.came_back} == +back


def test_the_longest_streaks_come_first(nights: Nights, source: Source) -> None:
    found = longest(source)
    lengths = [row.consecutive_failures for row in found]
    assert lengths == sorted(lengths, reverse=True)
    owed: Counter[str] = Counter()
    for row in nights.rows("bonus_ledger"):
        owed[row["account_id"]] += row["amount"]
    assert all(row.owed == owed[row.account_id] for row in found)


def test_costs_add_up_to_the_awards_however_they_are_grouped(
    nights: Nights, source: Source
) -> None:
    awards = nights.rows("bonus_awards")
    raw, amount = (sum(row[name] for row in awards) for name in ("raw_amount", "amount"))
    for grouped in (consolation.by_streak, consolation.by_campaign, consolation.by_reason):
        found = grouped(source)
        assert sum(row.awards for row in found) == len(awards)
        assert sum(row.raw_amount for row in found) == raw
        assert sum(row.amount for row in found) == amount
    reasons = Counter(row["reason"] for row in awards)
    assert {row.group: row.awards for row in consolation.by_reason(source)} == reasons


def test_a_budget_is_shown_where_the_settings_have_one(source: Source) -> None:
    found = consolation.budgets(source)
    assert {(row.campaign_id, row.budget) for row in found} == {("spring", Decimal("1.00"))}
    assert max(row.amount for row in found) == Decimal("1.00")


def test_the_ledger_is_summed_by_kind(nights: Nights, source: Source) -> None:
    entries = nights.rows("bonus_ledger")
    kinds = Counter(row["kind"] for row in entries)
    assert {row.kind: row.entries for row in consolation.posted(source)} == kinds
    assert sum(row.amount for row in consolation.posted(source)) == sum(
        row["amount"] for row in entries
    )


def test_disagreements_and_refunds_are_counted(nights: Nights, source: Source) -> None:
    kinds = Counter(row["kind"] for row in nights.rows("audit_discrepancies"))
    assert {row.kind: row.accounts for row in checks.discrepancies(source)} == kinds
    due = nights.rows("refunds_due")
    outcomes = Counter(row["outcome"] for row in due)
    assert {row.outcome: row.accounts for row in checks.refunds(source)} == outcomes
    assert sum(row.amount for row in checks.refunds(source)) == sum(row["amount"] for row in due)


def test_a_trend_ends_with_the_reported_date(nights: Nights, source: Source) -> None:
    found = {trend.name: trend for trend in trends(source)}
    days = sorted({row["business_date"] for row in nights.rows("window_results")})
    applied = Counter()
    for row in nights.rows("window_results"):
        applied[row["business_date"]] += row["participants"]
    assert found["applied"].values == tuple(applied[day] for day in days)
    assert found["applied"].latest == applied[days[-1]]


def test_a_run_that_caught_up_is_listed_for_the_dates_before_its_last(nights: Nights) -> None:
    tables = solatium.open(nights.warehouse)
    for day in (rulebook.FIRST, rulebook.THIRD):
        with opened(tables, Period(day, day)) as source:
            assert [row.date for row in checks.runs(source)] == [rulebook.THIRD]


def test_laws_are_listed_once_each() -> None:
    found = checks.laws()
    assert len(found) == len(set(found)) > 40
    assert all(row.rules[0].isdigit() for row in found)


def test_without_dates_the_newest_business_date_is_reported(nights: Nights) -> None:
    tables = solatium.open(nights.warehouse)
    newest = max(row["business_date"] for row in nights.rows("window_results"))
    assert period_of(tables, None, None) == Period(newest, newest)
    assert period_of(tables, rulebook.FIRST, None) == Period(rulebook.FIRST, rulebook.FIRST)


def test_dates_without_a_window_are_refused_with_those_that_there_are(nights: Nights) -> None:
    tables = solatium.open(nights.warehouse)
    before = rulebook.FIRST.replace(year=2001)
    with pytest.raises(UsageError, match="no window has a business date of 2001") as refused:
        period_of(tables, before, before)
    assert str(rulebook.FIRST) in refused.value.problems[0]
    with pytest.raises(UsageError, match="is after --to"):
        period_of(tables, rulebook.SECOND, rulebook.FIRST)


@pytest.mark.parametrize(
    ("amount", "currency", "shown"),
    [
        ("1234.50", "EUR", "€1,234.50"),
        ("-0.5", "USD", "-$0.50"),
        ("1234.00", "JPY", "¥1,234"),
        ("1234.56", "JPY", "¥1,234.56"),
        ("2.00", "points", "points 2.00"),
    ],
)
def test_money_has_the_form_of_its_currency(amount: str, currency: str, shown: str) -> None:
    assert forms.money(Decimal(amount), currency).replace("\N{NO-BREAK SPACE}", " ") == shown
