"""A store on a bad day: a night ends with the tables of a good one, or fails plainly.

Where it fails, the same command again on a good day ends with these tables.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import faults
import faulty_store
import pytest
from faulty_store import FaultyStore
from harness import Nights
from object_store import KEY, SECRET
from stored_nights import StoreNights, same
from submitted import SubmittedNights
from two_nights import CONFIG, MONDAY, STORY, TUESDAY

from solatium.engine import Engine
from solatium.errors import SolatiumError, StoreError
from solatium.storage import object_lease


@pytest.fixture(scope="module")
def faulty() -> Iterator[FaultyStore]:
    with faulty_store.started() as store:
        yield store


@pytest.fixture(scope="module")
def local(embedded_session: Engine, tmp_path_factory: pytest.TempPathFactory) -> Nights:
    nights = Nights(tmp_path_factory.mktemp("local"), embedded_session)
    nights.land(STORY)
    for day in (MONDAY, TUESDAY):
        nights.run(day, CONFIG)
    return nights


# each late answer takes as long as its client waits
OFTEN = {"late": (5, 20), "stale": (20, 200, 1000)}
CASES = [(way, often) for way in faulty_store.WAYS for often in OFTEN.get(way, (20, 200))]


@pytest.mark.torture
@pytest.mark.parametrize(("way", "in_a_thousand"), CASES)
def test_a_night_ends_alike_or_fails_plainly(
    local: Nights,
    faulty: FaultyStore,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    way: str,
    in_a_thousand: int,
) -> None:
    monkeypatch.setattr(object_lease, "_left", lambda *facts: 0)  # a minute is not waited for
    nights = StoreNights(tmp_path, local.running, faulty.store)
    nights.land(STORY)
    for day in (MONDAY, TUESDAY):
        ended = "as on a good day"
        with faulty.failing(way, in_a_thousand):
            try:
                nights.run(day, CONFIG)
            except SolatiumError:  # any other error fails the test
                ended = "plainly, and well the next time"
        if ended != "as on a good day":
            nights.run(day, CONFIG)
        faults.TRIED[f"nights in a store, {way}: ended {ended}"] += 1
    same(local.warehouse, nights.kept)


@pytest.mark.torture
def test_what_a_store_does_to_spark_is_told_as_the_store_s(
    local: Nights, faulty: FaultyStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Spark's own requests fail, those of solatium do not; no key is in what is said."""
    monkeypatch.setattr(object_lease, "_left", lambda *facts: 0)
    nights = SubmittedNights(tmp_path, local.running, faulty.store)
    for setting in ("attempts.maximum", "retry.limit", "retry.throttle.limit"):
        nights.settings[f"spark.hadoop.fs.s3a.{setting}"] = "1"
    nights.land(STORY)
    with faulty.failing("java", 1000), pytest.raises(StoreError) as refused:
        nights.run(MONDAY, CONFIG)
    said = str(refused.value)
    assert "exit status 1" in said
    assert "a store failed; the run ended, and nothing of its last night is visible" in said
    assert "AWSServiceThrottledException: " in said
    assert "Traceback" not in said
    assert KEY not in said
    assert SECRET not in said
    for day in (MONDAY, TUESDAY):
        nights.run(day, CONFIG)
    same(local.warehouse, nights.kept)
