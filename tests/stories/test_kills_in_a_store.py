"""Runs in a store that are killed, or meet late rows: the tables are those of a local warehouse.

docs/rules.md sections 1.3 and 10; docs/architecture.md "When a run is ended".
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any

import faults
import pytest
from harness import Nights
from object_store import ObjectStore
from rows import days, entrant, landing, ordered, window
from stored_nights import StoreNights, same
from submitted import SubmittedNights

from solatium.engine import Engine
from solatium.errors import UsageError

CONFIG: dict[str, Any] = {
    "grace_days": 0,
    "bonus": {"tiers": [{"min_failures": 1, "amount": "2.00"}], "clawback": True},
}
FIRST, SECOND, THIRD = DATES = [days(number) for number in range(3)]
_PATIENCE = 120  # seconds


def of(day: date, *accounts: str, order: str | None = "a") -> dict[str, list]:
    """A window whose one unit `order` gets, and the accounts that lose."""
    name = f"w-{day}"
    rows: list[Any] = [window(window=name, day=day)]
    rows += [ordered(order, window=name, day=day)] if order else []
    return landing(*rows, *(entrant(who, window=name, day=day) for who in accounts))


@pytest.fixture(params=[StoreNights, SubmittedNights], ids=["embedded", "spark"])
def both(
    request: pytest.FixtureRequest, embedded: Engine, store: ObjectStore, tmp_path: Path
) -> tuple[Nights, StoreNights]:
    """Without runs, and with the rows of three dates; those of the folder are always embedded."""
    local = Nights(tmp_path / "local", embedded)
    there = request.param(tmp_path / "there", embedded, store)
    for nights in (local, there):
        nights.land(_joined(*(of(day, *"ab") for day in DATES)))
    return local, there


def _joined(*parts: dict[str, list]) -> dict[str, list]:
    names = {name for part in parts for name in part}
    return {name: [row for part in parts for row in part.get(name, [])] for name in names}


@pytest.mark.torture
def test_a_closed_date_is_restated_as_in_a_folder(both: tuple[Nights, StoreNights]) -> None:
    for nights in both:
        for day in (FIRST, SECOND):
            nights.run(day, CONFIG)
        late = [entrant("c", window=f"w-{FIRST}", day=FIRST)]
        nights.land(landing(*late), part="part-1")
        nights.run(THIRD, CONFIG)
    same(both[0].warehouse, both[1].kept)
    restated = {row["account_id"] for row in both[0].rows("bonus_ledger")}
    assert "c" in restated


@pytest.mark.torture
def test_the_past_is_restated_by_other_settings_as_in_a_folder(
    both: tuple[Nights, StoreNights],
) -> None:
    """Nothing is written before it is asked for; then the ledger posts what differs."""
    there = both[1]
    other = CONFIG | {"bonus": {"tiers": [{"min_failures": 2, "amount": "5.00"}], "clawback": True}}
    for nights in both:
        for day in (FIRST, SECOND):
            nights.run(day, CONFIG)
    before = there.files()
    with pytest.raises(UsageError, match="--restate"):
        there.run(THIRD, other)
    assert there.files() == before
    for nights in both:
        assert nights.run(THIRD, other, restate=True).handled == DATES
    same(both[0].warehouse, there.kept)
    posted = Counter(row["kind"] for row in there.rows("bonus_ledger"))
    assert posted["reversal"] > 0


@pytest.mark.torture
def test_a_process_that_is_killed_is_repeated(
    both: tuple[Nights, StoreNights],
) -> None:
    """At several sizes of the warehouse; the note of the dead run is removed by hand each time."""
    local, there = both
    local.run(FIRST, CONFIG)
    there.run(FIRST, CONFIG)
    (local.landing.parent / "config.json").write_text(json.dumps(CONFIG))
    begun = len(there.store.keys(there.kept))
    said = local.landing.parent / "said"
    for more in (2, 12, 40):
        with said.open("w") as file:
            process = subprocess.Popen(
                there.command(SECOND, "--config", str(local.landing.parent / "config.json")),
                env=there.environment(),
                stdout=file,
                stderr=file,
                start_new_session=True,
            )
        end = time.monotonic() + _PATIENCE
        while len(there.store.keys(there.kept)) < begun + more and time.monotonic() < end:
            assert process.poll() in (None, 0), said.read_text()
        os.killpg(process.pid, signal.SIGKILL)  # spark-submit has a Python beside it
        process.wait()
        there.store.delete(f"{there.kept}/_holder.json")  # a minute is not waited for
        faults.TRIED[f"kills in a store, {there.kept.partition(':')[0]}"] += 1
    for nights in both:
        nights.run(SECOND, CONFIG)
    same(local.warehouse, there.kept)
