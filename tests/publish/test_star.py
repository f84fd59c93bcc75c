"""The star has the rows of the warehouse, in every kind of target, after every night."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import golden
import pytest
from harness import Nights
from rows import DAY, entrant, landing, window
from sampled import sampled
from stars import SHELVES, Shelf, expected
from two_nights import MONDAY

from solatium.engine import Engine
from solatium.warehouse.snapshot import Snapshot

NIGHTS = (golden.FIRST, golden.SECOND, golden.THIRD, golden.FOURTH)


@pytest.fixture(scope="module")
def warehouse(embedded_session: Engine, golden_nights: golden.Story) -> Path:
    """The golden nights: every kind of outcome, late rows, a seed that comes when all is closed."""
    return golden_nights.nights.warehouse


@pytest.mark.parametrize("shelf", sampled(SHELVES, ["postgres"]), indirect=True)
def test_after_each_night_it_is_what_the_warehouse_is(warehouse: Path, shelf: Shelf) -> None:
    sent = {}
    for day in NIGHTS:
        tables = Snapshot.of(warehouse, day)
        published = shelf.publish(tables)
        assert shelf.rows() == expected(tables)
        sent[day] = {one.table: one.dates for one in published.sent}
    # the seed that came on the fourth date changes the second, which is closed, and no other
    assert golden.FIRST not in sent[golden.FOURTH]["fact_outcome"]
    assert golden.SECOND in sent[golden.FOURTH]["fact_outcome"]


@pytest.mark.parametrize("shelf", sampled(SHELVES, ["postgres"]), indirect=True)
def test_it_goes_back_with_the_warehouse(warehouse: Path, shelf: Shelf) -> None:
    """As after a roll back, or a publishing of an earlier night."""
    for day in (golden.FOURTH, golden.SECOND, golden.THIRD):
        tables = Snapshot.of(warehouse, day)
        shelf.publish(tables)
        assert shelf.rows() == expected(tables)


@pytest.fixture(scope="module")
def odd(embedded_session: Engine, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Texts that need care in SQL or in PostgreSQL, and a window without an end."""
    nights = Nights(tmp_path_factory.mktemp("odd"), embedded_session)
    for commodity, changes in {
        "a'b": {"campaign_id": 'it\'s \\ \0 "one"\n', "category": "\0"},
        "ü語": {"rush_close": datetime(9999, 12, 31, 23, 59, 59, 999999, UTC)},
        "%s": {"currency": "C\0"},
    }.items():
        nights.land(landing(window(commodity, **changes), entrant(commodity=commodity)), commodity)
    nights.run(DAY, {"grace_days": 0, "history": {"scope": "campaign"}})
    return nights.warehouse


def test_odd_texts_and_far_times(odd: Path, shelf: Shelf) -> None:
    """PostgreSQL refuses the character 0 in a text, so that none is published."""
    shelf.publish(Snapshot.of(odd))
    windows = {row["commodity_id"]: row for row in shelf.rows()["dim_window"]}
    assert windows["a'b"]["campaign_id"] == 'it\'s \\ \ufffd "one"\n'
    assert windows["%s"]["currency"] == "C\ufffd"
    assert windows["ü語"]["rush_close"].year == 9999
    assert windows["ü語"]["status"] is None
    scopes = {row["scope"] for row in shelf.rows()["fact_outcome"]} - {None}
    assert scopes == {windows["a'b"]["campaign_id"]}


@pytest.mark.spark_at_length
def test_either_engine_may_have_written_it(after_two_nights: Nights, tmp_path: Path) -> None:
    shelf = Shelf("duckdb", str(tmp_path / "star.duckdb"))
    for day in (MONDAY, None):
        tables = Snapshot.of(after_two_nights.warehouse, day)
        shelf.publish(tables)
        assert shelf.rows() == expected(tables)
