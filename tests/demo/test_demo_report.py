"""The figures of the demo's report, and that they reach the page."""

from datetime import date
from decimal import Decimal
from io import StringIO
from typing import Any

import pyarrow as pa
import pytest
from rich.console import Console

from solatium import contracts
from solatium.demo.figures import (
    SizeRow,
    Stage,
    TierCost,
    consolation,
    failed_most,
    funnel,
    success_by_size,
)
from solatium.demo.landing import DemoFacts, SizeFact
from solatium.demo.report import report

TWO = {"min_failures": 2, "amount": Decimal("1.00")}
THREE = {"min_failures": 3, "advance_share": Decimal("0.25")}


def facts(*sizes: SizeFact) -> DemoFacts:
    return DemoFacts(
        source="a lottery",
        seed="s",
        made_up=("Times: all of them.",),
        draw_nights=(date(2021, 3, 15),),
        last_night=date(2021, 3, 17),
        currency="USD",
        configuration={"bonus": {"tiers": [THREE, TWO]}},
        rows={},
        by_size=sizes,
    )


def table(name: str, *rows: dict[str, Any]) -> pa.Table:
    """A table of the warehouse; what a row leaves out is null."""
    contract = contracts.warehouse(name)
    assert all(row.keys() <= set(contract.names) for row in rows)
    return pa.Table.from_pylist(list(rows), schema=contract.arrow_schema())


def result(**counts: Any) -> dict[str, Any]:
    zeros = dict.fromkeys(("participants", "qualified", "ready", "entries", "winners"), 0)
    return zeros | {"status": "allocated"} | counts


def screened(*reasons: str, advance: str = "paid") -> dict[str, Any]:
    return {"qualified": not reasons, "reasons": list(reasons), "advance_state": advance}


def allocated(account: str, outcome: str, quantity: int = 1) -> dict[str, Any]:
    return {"account_id": account, "outcome": outcome, "quantity": quantity}


def history(account: str, streak: int, failures: int | None = None) -> dict[str, Any]:
    return {
        "account_id": account,
        "consecutive_failures": streak,
        "failures": streak if failures is None else failures,
        "wins": 0,
        "last_failure_date": date(2021, 3, 15),
    }


def award(account: str, streak: int, amount: str, reason: str = "granted") -> dict[str, Any]:
    return {
        "account_id": account,
        "consecutive_failures": streak,
        "amount": Decimal(amount),
        "reason": reason,
    }


def test_the_funnel_counts_every_stage_and_what_held_the_others_back() -> None:
    stages = funnel(
        table(
            "window_results",
            result(participants=5, qualified=4, ready=3, entries=3, winners=1),
            result(participants=2, qualified=2, ready=2, status="seed_missing"),
        ),
        table(
            "screened_participants",
            screened("withdrawn", "account_unknown"),
            screened("account_unknown", advance="unpaid"),
            screened(advance="partial"),
            screened(),
        ),
        table("allocations", allocated("a", "won"), allocated("b", "lost"), allocated("c", "lost")),
    )
    assert stages == (
        Stage("participations", 7),
        Stage("qualified", 6, (("account_unknown", 2), ("withdrawn", 1))),
        Stage("ready", 5, (("partial", 1),)),
        Stage("entries", 3, (("seed_missing", 2),)),
        Stage("winners", 1, (("lost", 2),)),
    )


def test_an_account_counts_once_with_its_largest_group_and_when_it_was_drawn() -> None:
    allocations = table(
        "allocations",
        allocated("a", "lost", 2),
        allocated("a", "forfeited", 4),
        allocated("b", "won", 4),
        allocated("b", "won", 4),
        allocated("c", "cannot_fit", 4),
        allocated("d", "not_formed", 2),
    )
    assert success_by_size(allocations, facts(SizeFact(2, 10, 1), SizeFact(4, 20, 5))) == (
        SizeRow(2, 10, 1, replay_ready=1, replay_drawn=0),
        SizeRow(4, 20, 5, replay_ready=3, replay_drawn=2),
    )


def test_a_size_that_was_never_ready_has_no_success() -> None:
    (row,) = success_by_size(table("allocations"), facts(SizeFact(7, 4, 1)))
    assert (row.really, row.replay) == (0.25, 0.0)


def test_failures_are_ordered_by_streak_failures_and_bonus() -> None:
    found = failed_most(
        table(
            "account_history",
            history("a", 2),
            history("b", 3),
            history("c", 3),
            history("d", 3, 4),
            history("e", 3),
        ),
        table("bonus_awards", award("e", 2, "1.00"), award("e", 3, "2.00")),
        count=4,
    )
    assert found.streaks == ((3, 4), (2, 1))
    assert [row["account_id"] for row in found.most] == ["d", "e", "b", "c"]
    assert [row["bonus"] for row in found.most] == [0, Decimal("3.00"), 0, 0]


def test_consolation_is_summed_by_the_tier_that_a_streak_reaches() -> None:
    cost = consolation(
        table(
            "bonus_awards",
            award("a", 2, "1.00"),
            award("a", 3, "6.00"),
            award("b", 9, "1.50"),
            award("c", 2, "0.00", "served_by_platform"),
        ),
        table("bonus_ledger", {"amount": Decimal("8.50")}, {"amount": Decimal("-1.00")}),
        facts(),
    )
    assert cost.tiers == (TierCost(TWO, 1, Decimal("1.00")), TierCost(THREE, 2, Decimal("7.50")))
    assert cost.accounts == 2
    assert cost.unpaid == (("served_by_platform", 1),)
    assert (cost.entries, cost.posted) == (2, Decimal("7.50"))


@pytest.mark.parametrize("filled", [True, False])
def test_the_report_is_printed_whole(filled: bool) -> None:
    rows: dict[str, list[dict[str, Any]]] = {
        "window_results": [result(participants=1234, qualified=1000, ready=900)],
        "screened_participants": [screened("account_too_new")],
        "allocations": [allocated("a", "won", 4)],
        "account_history": [history("A00007", 3)],
        "bonus_awards": [award("A00007", 3, "12.50")],
        "bonus_ledger": [{"amount": Decimal("12.50")}],
    }
    tables = {name: table(name, *(content if filled else [])) for name, content in rows.items()}
    page = Console(file=StringIO(), width=100)
    page.print(report(tables, facts(SizeFact(4, 20, 5))))
    text = page.file.getvalue()
    assert "25.0%" in text
    assert "all of them." in text
    for shown in ("1,234", "account too new 1", "A00007", "12.50", "25% of the advance"):
        assert (shown in text) == (filled or shown == "25% of the advance")
