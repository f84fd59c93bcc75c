"""The queries of docs/dashboards run as they are, and say what the warehouse says."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import rulebook
from harness import Nights
from stars import Shelf

from solatium.engine import Engine
from solatium.warehouse.snapshot import Snapshot

QUERIES = Path(__file__).resolve().parents[2] / "docs" / "dashboards"
Row = dict[str, Any]


@pytest.fixture(scope="module")
def tables(embedded_session: Engine, tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    """Three dates with teams, weights, campaigns, caps and budgets."""
    nights = Nights(tmp_path_factory.mktemp("dashboards"), embedded_session)
    nights.land(rulebook.LANDING)
    nights.run(rulebook.THIRD, rulebook.CONFIG)
    return Snapshot.of(nights.warehouse)


@pytest.fixture
def shows(tables: Snapshot, database: Shelf) -> Any:
    """The rows of a query of docs/dashboards, from a database that has the star."""
    database.publish(tables)

    def call(name: str) -> list[Row]:
        text = (QUERIES / f"{name}.sql").read_text(encoding="utf-8")
        return database.query(text).to_pylist()

    return call


def of(tables: Snapshot, name: str) -> list[Row]:
    return tables[name].arrow().to_pylist()


def test_every_dashboard(tables: Snapshot, shows: Any) -> None:
    demand(tables, shows("demand"))
    streaks(tables, shows("streaks"))
    cost(tables, shows("cost"))


def demand(tables: Snapshot, rows: list[Row]) -> None:
    """Sell-through and demand of every window that is due."""
    results = {(r["commodity_id"], r["window_id"]): r for r in of(tables, "window_results")}
    assert len(rows) == len(results) > 3
    for row in rows:
        result = results[row["commodity_id"], row["window_id"]]
        share = result["allocated_units"] / result["stock"] if result["stock"] else None
        assert row["ready"] == result["ready"]
        assert (row["sell_through"] is None) == (share is None)
        if share is not None:
            assert float(row["sell_through"]) == pytest.approx(share, abs=0.0001)


def streaks(tables: Snapshot, rows: list[Row]) -> None:
    """The last streak of each account and scope, as its history has it."""
    expected = Counter(
        (r["scope"], r["consecutive_failures"])
        for r in of(tables, "account_history")
        if r["consecutive_failures"]
    )
    found = {(r["scope"], r["consecutive_failures"]): r["accounts"] for r in rows if r["accounts"]}
    assert found == expected
    assert expected


def cost(tables: Snapshot, rows: list[Row]) -> None:
    """What tiers give, what is awarded, and what is owed, to the cent."""
    awards, ledger = of(tables, "bonus_awards"), of(tables, "bonus_ledger")
    assert sum(row["awards"] for row in rows) == len(awards) > 3
    for column, entries, amount in (
        ("tier_amount", awards, "raw_amount"),
        ("awarded", awards, "amount"),
    ):
        assert sum(Decimal(row[column]) for row in rows) == sum(row[amount] for row in entries)
    awarded = {(r["account_id"], r["commodity_id"], r["window_id"]) for r in awards}
    owed = [
        r["amount"]
        for r in ledger
        if (r["account_id"], r["commodity_id"], r["window_id"]) in awarded
    ]
    assert sum(Decimal(row["owed"]) for row in rows) == sum(owed)
    assert all(row["tier_min_failures"] for row in rows)
