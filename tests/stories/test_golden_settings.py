"""The golden landing zone judged by other settings: each rule of history and bonus turned round.

The platform's outcomes count, and in most races nothing was confirmed: there all who tried lost.
"""

from __future__ import annotations

from decimal import Decimal

import pytest
from compare import differences
from golden import FIRST, FOURTH, LANDING, OTHER, SECOND, THIRD, Tables
from harness import Nights
from reference.night import Reference

from solatium.engine import Engine


@pytest.fixture(scope="module")
def nights(running: Engine, tmp_path_factory: pytest.TempPathFactory) -> Nights:
    """All four dates, caught up in one run."""
    nights = Nights(tmp_path_factory.mktemp("other"), running)
    nights.land(LANDING)
    assert nights.run(FOURTH, OTHER).handled == [FIRST, SECOND, THIRD, FOURTH]
    return nights


@pytest.fixture(scope="module")
def tables(nights: Nights) -> Tables:
    return Tables.of(nights)


def test_all_tables_are_those_of_the_reference(nights: Nights) -> None:
    reference = Reference(OTHER)
    for day in (FIRST, SECOND, THIRD, FOURTH):
        expected = reference.night(LANDING, day)
    assert differences(nights.warehouse, expected) == []


@pytest.mark.parametrize(
    ("account", "reasons"),
    [
        ("too-new", []),  # an age of 0 days is enough
        ("credit-599", []),
        ("credit-null", []),
        ("device-a1", []),
        ("device-a3", ["account_not_active"]),
        ("made-after-close", ["account_unknown"]),
    ],
)
def test_screening_that_asks_for_less(tables: Tables, account: str, reasons: list[str]) -> None:
    row = tables.one("screened_participants", commodity_id="screening", account_id=account)
    assert row["reasons"] == reasons


def test_the_business_date_is_that_of_another_timezone(tables: Tables) -> None:
    for window in ("ends-15:30", "ends-16:00"):
        assert tables.one("window_results", commodity_id=window)["business_date"] == FIRST


@pytest.mark.parametrize(
    ("account", "outcomes"),
    [
        ("p-won", {"platform": ("won", 0)}),
        ("p-cancelled", {"platform": ("forfeited", 0)}),
        ("p-never-paid", {"platform": ("lost", 1)}),  # forfeited, by the replay
        ("p-voided", {}),
        ("p-voided-early", {"platform": ("lost", 1)}),
        ("p-failed", {"platform": ("lost", 1)}),  # won, by the replay
        ("p-none", {}),
        ("served", {"bonus": ("won", 0)}),
        # no chance in the replay, whatever the platform says
        ("only-confirmed", {}),
        ("asks-for-five", {}),
        # a forfeit leaves the streak as it is
        (
            "forfeiter",
            {"run-1": ("lost", 1), "run-2-forfeited": ("forfeited", 1), "run-3": ("lost", 2)},
        ),
        # a streak never expires
        ("absent", {"run-1": ("lost", 1), "run-3": ("lost", 2)}),
        # all losses of a day count
        ("busy", {f"busy-{number}": ("lost", number) for number in range(1, 6)}),
        # whatever they cost, and however late they tried
        ("cheap-one", {"cheap": ("lost", 1)}),
        ("too-slow", {"first-come": ("lost", 1)}),
    ],
)
def test_counted_outcomes_and_streaks(
    tables: Tables, account: str, outcomes: dict[str, tuple[str, int]]
) -> None:
    rows = tables.where("account_outcomes", account_id=account)
    found = {row["commodity_id"]: (row["result"], row["consecutive_failures"]) for row in rows}
    assert found == outcomes


@pytest.mark.parametrize(
    ("account", "awards"),
    [
        ("streaker", {"run-2": "3.00"}),  # the second of three losses
        ("busy", {"busy-2": "3.00", "busy-4": "3.33"}),  # the second and the fourth of five
        ("forfeiter", {"run-3": "3.00"}),
        ("absent", {"run-3": "3.00"}),
        ("tier-one", {}),
    ],
)
def test_only_a_loss_at_a_threshold_is_paid(
    tables: Tables, account: str, awards: dict[str, str]
) -> None:
    rows = tables.where("bonus_awards", account_id=account)
    assert {row["commodity_id"]: str(row["amount"]) for row in rows} == awards
    assert {row["reason"] for row in rows} <= {"granted"}


def test_losses_are_paid_from_the_first_date_on(tables: Tables) -> None:
    row = tables.one("bonus_ledger", account_id="busy", commodity_id="busy-2")
    assert (row["business_date"], row["run_date"]) == (FIRST, SECOND)
    assert row["amount"] == Decimal("3.00")
