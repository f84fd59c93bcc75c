"""Warehouses that earlier releases made, under today's code (docs/rules.md section 10).

`earlier/` has one of each form, with the landing zone it was made from: the race and the draw of a
date, and the race of the next one.
"""

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest
from compare import disagreements, reference_tables
from golden import race
from harness import Nights, contents
from rows import days, entrant, landing, ordered, window

import solatium
from solatium.contracts.tables import WAREHOUSE
from solatium.engine import Engine
from solatium.errors import WarehouseError
from solatium.warehouse.commits import FORMAT

FIRST, SECOND, THIRD = (days(number) for number in range(3))
CONFIG = {"grace_days": 1, "bonus": {"tiers": [{"min_failures": 1, "amount": "2.00"}]}}
ROWS = landing(
    race("race", "ann", "ben", "cy", day=FIRST),
    window("draw", day=FIRST),
    [entrant(name, commodity="draw", day=FIRST) for name in ("ann", "ben")],
    ordered("ann", "race", day=FIRST, status="confirmed"),
    race("race-2", "cy", "ann", "ben", day=SECOND),
)
EARLIER = Path(__file__).parent / "earlier"


def unpacked(form: int, folder: Path, running: Engine) -> Nights:
    with tarfile.open(EARLIER / f"form-{form}.tar.xz") as archive:
        archive.extractall(folder, filter="data")
    return Nights(folder, running)


def test_there_is_a_warehouse_of_each_form() -> None:
    assert sorted(path.name for path in EARLIER.iterdir()) == [
        f"form-{form}.tar.xz" for form in range(1, FORMAT + 1)
    ]


@pytest.mark.parametrize("form", range(1, FORMAT))
def test_a_form_that_is_too_old_is_refused_with_what_to_do(
    form: int, running: Engine, tmp_path: Path
) -> None:
    nights = unpacked(form, tmp_path, running)
    before = contents(nights.warehouse)
    with pytest.raises(WarehouseError, match=f"has form {form}") as refused:
        nights.run(THIRD, CONFIG)
    assert any("solatium nightly with a new folder" in line for line in refused.value.problems)
    assert contents(nights.warehouse) == before


def test_a_form_that_is_too_old_can_be_built_again(running: Engine, tmp_path: Path) -> None:
    nights = unpacked(1, tmp_path, running)
    nights.warehouse = tmp_path / "new"
    nights.run(THIRD, CONFIG)
    assert disagreements(nights, reference_tables(ROWS, CONFIG, THIRD), last_closed=SECOND) == []


def test_todays_form_is_read_and_gone_on_with(running: Engine, tmp_path: Path) -> None:
    nights = unpacked(FORMAT, tmp_path, running)
    tables = solatium.open(nights.warehouse)
    assert set(WAREHOUSE) <= set(tables)
    assert tables["bonus_payouts"].arrow().num_rows == 3
    nights.run(THIRD, CONFIG)
    assert disagreements(nights, reference_tables(ROWS, CONFIG, THIRD), last_closed=SECOND) == []
