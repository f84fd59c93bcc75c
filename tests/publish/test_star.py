"""The star has the rows of the warehouse, in every kind of target, after every night."""

from __future__ import annotations

from pathlib import Path

import golden
import pytest
from harness import Nights
from stars import Shelf, expected
from two_nights import MONDAY

from solatium.engine import Engine
from solatium.warehouse.snapshot import Snapshot

NIGHTS = (golden.FIRST, golden.SECOND, golden.THIRD, golden.FOURTH)


@pytest.fixture(scope="module")
def warehouse(embedded_session: Engine, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The golden nights: every kind of outcome, late rows, a seed that comes when all is closed."""
    nights = Nights(tmp_path_factory.mktemp("golden"), embedded_session)
    nights.land(golden.LANDING)
    for day in NIGHTS:
        nights.run(day, golden.CONFIG)
    return nights.warehouse


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


def test_it_goes_back_with_the_warehouse(warehouse: Path, shelf: Shelf) -> None:
    """As after a roll back, or a publishing of an earlier night."""
    for day in (golden.FOURTH, golden.SECOND, golden.THIRD):
        tables = Snapshot.of(warehouse, day)
        shelf.publish(tables)
        assert shelf.rows() == expected(tables)


@pytest.mark.both_engines
def test_either_engine_may_have_written_it(after_two_nights: Nights, tmp_path: Path) -> None:
    shelf = Shelf("duckdb", str(tmp_path / "star.duckdb"))
    for day in (MONDAY, None):
        tables = Snapshot.of(after_two_nights.warehouse, day)
        shelf.publish(tables)
        assert shelf.rows() == expected(tables)
