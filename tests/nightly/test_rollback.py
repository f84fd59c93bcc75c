"""Rolling back, and what readers see meanwhile (docs/rules.md sections 10.2 and 10.6)."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from compare import differences, reference_tables
from golden import race
from harness import Nights, Row, contents
from rows import days, landing

import solatium
from solatium.engine import Engine
from solatium.errors import BusyError, UsageError, WarehouseError
from solatium.ledger.audit import audit
from solatium.nightly import night
from solatium.nightly import nights as each_night
from solatium.nightly import rollback as roll_back
from solatium.nightly.night import Night
from solatium.nightly.rollback import RolledBack, rollback
from solatium.storage.local import LocalLocation

FIRST, SECOND, THIRD, FOURTH = DATES = [days(number) for number in range(4)]
TIERS = [{"min_failures": 1, "amount": "2.00"}, {"min_failures": 2, "amount": "5.00"}]


def config(*, clawback: bool) -> dict[str, Any]:
    return {"grace_days": 0, "bonus": {"tiers": TIERS, "clawback": clawback}}


STORY = landing(
    [race(f"r{number}", "front", "ann", "ben", day=day) for number, day in enumerate(DATES)]
)


@pytest.fixture(
    params=[
        pytest.param(True, id="clawback", marks=pytest.mark.torture),
        pytest.param(False, id="no-clawback"),
    ]
)
def handled(
    request: pytest.FixtureRequest, nights: Nights
) -> tuple[Nights, dict[str, Any], list[dict[str, list[str]]]]:
    """Three nights, the settings, and what the tables held after each of them."""
    settings = config(clawback=request.param)
    nights.land(STORY)
    states = []
    for day in DATES[:3]:
        nights.run(day, settings)
        states.append(judged(nights))
    return nights, settings, states


DECISIONS = {"bonus_ledger", "bonus_ledger_digests", "bonus_payouts", "bonus_waived", "run_log"}


def judged(nights: Nights) -> dict[str, list[str]]:
    """The tables that record no decisions."""
    found = contents(nights.warehouse)
    return {name: rows for name, rows in found.items() if name not in {*DECISIONS, "_commits"}}


def back(nights: Nights, to: date, **options: Any) -> RolledBack:
    running = nights.running
    return rollback(LocalLocation(nights.warehouse), to, running.name, running, **options)


def standing(nights: Nights) -> dict[tuple[str, str], Decimal]:
    """What the ledger owes by account and race, less what was waived; nothing left out."""
    found: Counter[tuple[str, str]] = Counter()
    for sign, table in ((1, "bonus_ledger"), (-1, "bonus_waived")):
        for row in nights.rows(table):
            found[row["account_id"], row["commodity_id"]] += sign * row["amount"]
    return {key: amount for key, amount in found.items() if amount}


def awards(nights: Nights) -> dict[tuple[str, str], Decimal]:
    rows = nights.rows("bonus_awards")
    return {(row["account_id"], row["commodity_id"]): row["amount"] for row in rows}


def test_the_tables_are_those_of_that_night_and_the_ledger_follows(
    handled: tuple[Nights, dict[str, Any], list[dict[str, list[str]]]],
) -> None:
    nights, settings, states = handled
    entries = nights.rows("bonus_ledger")
    done = back(nights, FIRST)
    assert (done.to, done.newest) == (FIRST, THIRD)
    assert done.nights == done.reopened == (SECOND, THIRD)
    assert judged(nights) == states[0]
    assert standing(nights) == awards(nights)
    assert all(row in nights.rows("bonus_ledger") for row in entries)  # nothing was removed
    if settings["bonus"]["clawback"]:
        assert (done.posted.total, done.posted.waived) == (Decimal("-20.00"), 0)
        assert nights.rows("bonus_waived") == []
    else:
        assert (done.posted.total, done.posted.waived) == (0, Decimal("20.00"))
        assert nights.rows("bonus_ledger") == entries
    audit(LocalLocation(nights.warehouse), nights.running.name, nights.running)
    assert solatium.open(nights.warehouse).day == FIRST


@pytest.mark.torture
def test_the_nights_after_it_end_as_if_nothing_had_happened(
    handled: tuple[Nights, dict[str, Any], list[dict[str, list[str]]]],
) -> None:
    nights, settings, states = handled
    back(nights, FIRST)
    nights.run(SECOND, settings)
    nights.run(THIRD, settings)
    assert judged(nights) == states[2]
    assert standing(nights) == awards(nights)
    assert sum(row["amount"] for row in nights.rows("bonus_waived")) == 0  # used up
    audit(LocalLocation(nights.warehouse), nights.running.name, nights.running)


@pytest.mark.torture
def test_open_dates_stay_those_of_the_version_that_judged_them(
    nights: Nights, monkeypatch: pytest.MonkeyPatch
) -> None:
    later = race("r1", "cy", "dee", "eve", day=SECOND)
    nights.land(landing(race("r0", "front", "ann", "ben", day=FIRST), later))
    settings = config(clawback=True) | {"grace_days": 3}
    nights.run(FIRST, settings)
    assert nights.run(SECOND, settings).tally.windows_judged == 1
    for module in (night, each_night, roll_back):
        monkeypatch.setattr(module, "VERSION", "99.0.0")
    back(nights, FIRST)
    report = nights.run(SECOND, settings)
    assert report.tally.windows_judged == 2  # that of the first date by the newer version too


@pytest.mark.torture
def test_a_dry_run_says_what_would_change_and_changes_nothing(
    handled: tuple[Nights, dict[str, Any], list[dict[str, list[str]]]],
) -> None:
    nights, _, _ = handled
    before = contents(nights.warehouse)
    said = back(nights, SECOND, dry_run=True)
    assert contents(nights.warehouse) == before
    done = back(nights, SECOND)
    assert said.is_dry_run
    assert (said.to, said.nights, said.reopened, said.posted) == (
        done.to,
        done.nights,
        done.reopened,
        done.posted,
    )


def test_what_cannot_be_rolled_back_is_refused(nights: Nights, tmp_path: Path) -> None:
    nights.land(STORY)
    nights.run(SECOND, config(clawback=True))
    before = contents(nights.warehouse)
    with pytest.raises(UsageError, match=f"newest date that .* has handled is {SECOND}"):
        back(nights, SECOND)
    with pytest.raises(UsageError, match=f"is before {FIRST}"):
        back(nights, days(-1))
    with LocalLocation(nights.warehouse).held({}), pytest.raises(BusyError):
        back(nights, FIRST)
    assert contents(nights.warehouse) == before
    with pytest.raises(UsageError, match="there is no warehouse"):
        rollback(LocalLocation(tmp_path / "nothing"), FIRST, nights.running.name, nights.running)


@pytest.mark.torture
def test_a_wrong_date_can_be_taken_back(nights: Nights) -> None:
    """As after `--date 2062-11-01 --allow-future`; every empty date on the way costs nothing."""
    settings = config(clawback=True)
    nights.land(STORY)
    nights.run(SECOND, settings)
    state = judged(nights)
    far = SECOND.replace(year=SECOND.year + 36)
    begun = time.monotonic()
    report = nights.run(far, settings)
    assert report.handled == [THIRD, FOURTH, far]
    back(nights, SECOND)
    assert judged(nights) == state
    nights.run(THIRD, settings)
    found = differences(nights.warehouse, reference_tables(STORY, settings, THIRD))
    assert [line for line in found if line.split(":")[0] not in DECISIONS] == []
    assert standing(nights) == awards(nights)
    assert time.monotonic() - begun < 120  # 13,000 empty dates at two seconds each are seven hours


@pytest.mark.parametrize(
    ("today", "is_refused"),
    [
        (SECOND, True),
        pytest.param(THIRD, False, marks=pytest.mark.torture),
        pytest.param(FOURTH, False, marks=pytest.mark.torture),
        (None, False),
    ],
)
def test_a_date_after_today_is_refused(
    nights: Nights, today: date | None, is_refused: bool
) -> None:
    nights.land(STORY)
    if is_refused:
        with pytest.raises(UsageError, match=f"{THIRD} is after today, {today}") as refused:
            nights.run(THIRD, config(clawback=True), today=today)
        assert refused.value.exit_status == 2
        assert not list(nights.warehouse.glob("*"))
    else:
        nights.run(THIRD, config(clawback=True), today=today)
        # and today's date decides nothing in any table
        expected = reference_tables(STORY, config(clawback=True), THIRD)
        assert differences(nights.warehouse, expected) == []


def test_a_backfill_names_dates_that_were_handled(nights: Nights) -> None:
    nights.land(STORY)
    settings = config(clawback=True)
    with pytest.raises(UsageError, match="nothing is handled yet"):
        nights.run(SECOND, settings, again_from=FIRST)
    nights.run(SECOND, settings)
    before = contents(nights.warehouse)
    with pytest.raises(UsageError, match=f"--to {THIRD} is after {SECOND}") as refused:
        nights.run(THIRD, settings, again_from=FIRST)
    assert refused.value.exit_status == 2
    assert contents(nights.warehouse) == before


# What readers see


class _StoppedError(Exception):
    """The end of a run in its midst."""


@contextmanager
def stopped_at(day: date) -> Iterator[None]:
    """The night of `day` fails before it writes anything."""
    handle = Night.handle

    def handled(self: Night, *arguments: Any, **options: Any) -> Any:
        if self.context.day == day:
            raise _StoppedError
        return handle(self, *arguments, **options)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Night, "handle", handled)
        yield


def rows_seen(nights: Nights) -> dict[str, list[Row]]:
    tables = solatium.open(nights.warehouse)
    return {name: sorted(map(str, tables[name].arrow().to_pylist())) for name in tables}


@pytest.mark.torture
def test_readers_never_go_back_in_time(nights: Nights, embedded: Engine) -> None:
    settings = config(clawback=True)
    nights.land(STORY)
    nights.run(THIRD, settings)
    seen = rows_seen(nights)
    with stopped_at(THIRD), pytest.raises(_StoppedError):
        nights.run(THIRD, settings, again_from=FIRST)
    # two dates are handled again, and not shown: readers had seen the third
    assert solatium.open(nights.warehouse).day == THIRD
    assert rows_seen(nights) == seen
    audit(LocalLocation(nights.warehouse), embedded.name, embedded)
    with pytest.raises(UsageError, match=f"{SECOND} is before {THIRD}"):
        nights.run(SECOND, settings)
    assert nights.run(THIRD, settings).handled == [THIRD]
    assert solatium.open(nights.warehouse).day == THIRD
    assert differences(nights.warehouse, reference_tables(STORY, settings, THIRD)) == []


@pytest.mark.torture
def test_an_interrupted_backfill_is_gone_after_a_roll_back(nights: Nights) -> None:
    settings = config(clawback=False)
    nights.land(STORY)
    nights.run(FIRST, settings)
    state = judged(nights)
    nights.run(THIRD, settings)
    with stopped_at(SECOND), pytest.raises(_StoppedError):
        nights.run(THIRD, settings, again_from=FIRST)
    back(nights, FIRST)
    assert judged(nights) == state
    assert standing(nights) == awards(nights)
    nights.run(FOURTH, settings)
    expected = reference_tables(STORY, settings, FOURTH)
    found = differences(nights.warehouse, expected)
    assert [line for line in found if line.split(":")[0] not in DECISIONS] == []
    assert standing(nights) == awards(nights)


# Forms of a warehouse


def of_form(nights: Nights, number: int) -> None:
    record = max((nights.warehouse / "_commits").glob("*.json"))
    facts = json.loads(record.read_text()) | {"format": number, "version": "9.9.9"}
    record.write_text(json.dumps(facts))


def test_a_newer_form_is_refused_with_the_version_to_install(nights: Nights) -> None:
    nights.land(STORY)
    nights.run(FIRST, config(clawback=True))
    of_form(nights, 99)
    with pytest.raises(WarehouseError, match=r"has form 99, of solatium 9\.9\.9") as refused:
        nights.run(SECOND, config(clawback=True))
    assert refused.value.problems == ("install solatium 9.9.9 or later",)
    with pytest.raises(WarehouseError, match="has form 99"):
        solatium.open(nights.warehouse)


def test_an_older_form_is_refused_with_what_to_do(nights: Nights) -> None:
    nights.land(STORY)
    nights.run(FIRST, config(clawback=True))
    of_form(nights, 1)
    before = contents(nights.warehouse)
    for work in (lambda: nights.run(SECOND, config(clawback=True)), lambda: back(nights, FIRST)):
        with pytest.raises(WarehouseError, match=r"has form 1, of solatium 9\.9\.9") as refused:
            work()
        assert "build it again from the logs" in refused.value.problems[0]
    assert contents(nights.warehouse) == before
