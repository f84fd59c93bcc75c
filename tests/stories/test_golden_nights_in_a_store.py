"""The golden stories with landing zone and warehouse in a store: every table is the reference's.

What each case of them is about, `test_golden_nights`, `test_golden_settings` and
`test_golden_rulebook` say, in folders.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import golden
import pytest
import rulebook
from compare import differences, reference_tables
from golden import FIRST, FOURTH, OTHER, SECOND, THIRD, Tables
from stored_nights import StoreNights

from solatium.engine import Engine


@pytest.fixture
def there(embedded: Engine, store: Any, tmp_path: Path) -> StoreNights:
    return StoreNights(tmp_path, embedded, store)


@pytest.mark.spark_at_length
def test_a_golden_night(running: Engine, store: Any, tmp_path: Path) -> None:
    """On Spark too, on which the others take many minutes."""
    there = StoreNights(tmp_path, running, store)
    there.land(golden.LANDING)
    there.run(FIRST, golden.CONFIG)
    expected = reference_tables(golden.LANDING, golden.CONFIG, FIRST)
    assert differences(there.kept, expected) == []


@pytest.mark.torture
def test_golden_nights_that_are_caught_up_repeated_and_gone_on_with(there: StoreNights) -> None:
    there.land(golden.LANDING)
    for day in (FIRST, THIRD):
        there.run(day, golden.CONFIG)
    caught_up = rows_of(there)
    there.run(THIRD, golden.CONFIG)
    assert rows_of(there) == caught_up
    there.run(FOURTH, golden.CONFIG)
    expected = reference_tables(golden.LANDING, golden.CONFIG, FOURTH)
    assert differences(there.kept, expected) == []


def rows_of(nights: StoreNights) -> dict[str, list[str]]:
    """The rows of all tables but the log of runs, which has a clock."""
    tables = Tables.of(nights)
    return {name: sorted(map(repr, rows)) for name, rows in tables.items() if name != "run_log"}


@pytest.mark.torture
def test_the_golden_rulebook(there: StoreNights) -> None:
    there.land(rulebook.LANDING)
    dates = [rulebook.FIRST, rulebook.SECOND, rulebook.THIRD]
    assert there.run(rulebook.THIRD, rulebook.CONFIG).handled == dates
    expected = reference_tables(rulebook.LANDING, rulebook.CONFIG, rulebook.THIRD)
    assert differences(there.kept, expected) == []


@pytest.mark.torture
def test_golden_nights_by_other_settings(there: StoreNights) -> None:
    there.land(golden.LANDING)
    dates = [FIRST, SECOND, THIRD, FOURTH]
    assert there.run(FOURTH, OTHER).handled == dates
    assert differences(there.kept, reference_tables(golden.LANDING, OTHER, FOURTH)) == []
