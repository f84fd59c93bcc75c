"""How many rows a run may read, by footers and logs (docs/engines.md)."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pytest
from golden import race
from harness import Nights
from rows import days, landing

from solatium.engine import Engine
from solatium.landing.zone import LandingZone
from solatium.nightly.workload import rows_to_read
from solatium.settings.load import from_mapping
from solatium.storage.location import Location
from solatium.warehouse import commits

MONDAY, TUESDAY = days(0), days(1)
CONFIG = {"grace_days": 0}


@pytest.fixture
def zone(tmp_path: Path, embedded: Engine) -> Nights:
    nights = Nights(tmp_path, embedded)
    nights.land(landing(*(race(f"race-{day}", "ann", "ben", day=day) for day in (MONDAY, TUESDAY))))
    return nights


def counted(nights: Nights) -> int:
    settings = from_mapping(CONFIG)
    place = LandingZone(
        Location.parse(str(nights.landing)), settings.sources, settings.ignored_files
    )
    place.check([TUESDAY])
    root = Location.parse(str(nights.warehouse))
    return rows_to_read(place, [TUESDAY, TUESDAY], root, commits.lineage(root), 0)


def arriving(nights: Nights) -> int:
    files = nights.landing.glob(f"*/dt={TUESDAY}/*.parquet")
    return sum(pq.read_metadata(path).num_rows for path in files)


def test_in_a_new_warehouse_it_is_what_arrives(zone: Nights) -> None:
    assert counted(zone) == arriving(zone) > 0


def test_later_it_is_also_all_accounts_and_what_the_open_dates_brought(zone: Nights) -> None:
    zone.run(MONDAY, CONFIG)
    (monday,) = commits.lineage(Location.parse(str(zone.warehouse)))
    of_monday = sum(sum(rows.values()) for rows in monday.rows.values())
    known = len(zone.rows("accounts")) + len(zone.rows("account_history"))
    assert known > 0
    assert counted(zone) == arriving(zone) + of_monday + known
