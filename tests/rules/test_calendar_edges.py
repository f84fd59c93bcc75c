"""Times and dates at both ends of the calendar: data like any other (docs/rules.md section 1.2).

Platforms write 9999-12-31 for a rush that never ends and the year 1 for a date that nobody filled
in. No such row ends a night; all tables are those of the reference.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from compare import differences, reference_tables
from harness import Nights
from rows import (
    DAY,
    Landing,
    Row,
    account,
    days,
    entrant,
    joined,
    landing,
    ordered,
    paid,
    window,
    withdrew,
)

from solatium.laws.suites import Suites
from solatium.laws.verdict import Expectations

FIRST_MOMENT = datetime(1, 1, 1, tzinfo=UTC)
LAST_MOMENT = datetime(9999, 12, 31, 23, 59, 59, 999_999, UTC)
SECOND = timedelta(seconds=1)
ZONES = ("America/New_York", "Pacific/Kiritimati")
OPEN_GATE = {"gates": {"max_quarantine_share": "1"}}
# the greatest values that settings may have
GREATEST = {
    "screening": {"min_account_age_days": 100_000},
    "history": {"streak_expiry_days": 100_000, "attempt_within_seconds": 2**31 - 1},
    "bonus": {"tiers": [{"min_failures": 1, "amount": "1.00"}]},
}


def times(opens: datetime, step: timedelta) -> Row:
    """The four times of a window, a step apart."""
    names = ("application_open", "application_close", "rush_open", "rush_close")
    return {name: opens + place * step for place, name in enumerate(names)}


def takes_part(name: str, where: Row, **changes: Any) -> list:
    """An account that applies at the first moment, pays and orders in a window."""
    place = (name, where["commodity_id"], where["window_id"])
    dt = where["dt"]
    return [
        joined(*place, event_time=where["application_open"], dt=dt, **changes),
        paid(*place, event_time=where["application_open"], dt=dt),
        ordered(*place, event_time=where["rush_open"], dt=dt),
    ]


@pytest.fixture(scope="module")
def gate() -> Expectations:
    return Expectations(Suites())


def agree(nights: Nights, rows: Landing, config: Row, first: date, last: date) -> None:
    nights.land(rows)
    nights.run(last, config)
    expected = reference_tables(rows, config, last, first)
    assert differences(nights.warehouse, expected) == []


def windows_without_an_end() -> list:
    """Open until the last moments of the calendar, in UTC or in a zone before or after it."""
    closing = (timedelta(0), SECOND, timedelta(hours=8), timedelta(hours=14), timedelta(days=1))
    closing += (timedelta(hours=8) - timedelta(microseconds=1),)
    found = [
        window("endless", f"w{place}", rush_close=LAST_MOMENT - before)
        for place, before in enumerate(closing)
    ]
    return [found, *(takes_part("a", each) for each in found)]


def windows_of_the_first_year() -> list:
    """Nobody filled in their times: each arrives long after its date has closed."""
    found = [
        window("unset", f"w{place}", **times(FIRST_MOMENT + start, SECOND), dt=DAY)
        for place, start in enumerate((timedelta(0), timedelta(hours=5), timedelta(days=1)))
    ]
    return [found, *(takes_part("a", each) for each in found)]


def versions_at_the_ends() -> list:
    return [
        window(stock=2, updated_at=LAST_MOMENT),
        window(stock=9, updated_at=FIRST_MOMENT),
        account("old", registered_at=FIRST_MOMENT, updated_at=FIRST_MOMENT),
        account("new", registered_at=LAST_MOMENT, updated_at=FIRST_MOMENT),
        account("new", status="closed", updated_at=LAST_MOMENT),
        [entry for name in ("old", "new") for entry in (joined(name), paid(name))],
        # events at the ends are of no period
        joined("old", event_time=LAST_MOMENT, event_id="last"),
        withdrew("new", event_time=FIRST_MOMENT),
        paid("old", event_time=LAST_MOMENT, event_id="paid"),
        ordered("new", event_time=FIRST_MOMENT),
        ordered("old", event_time=LAST_MOMENT, status="confirmed"),
    ]


USUAL = [window(), [entrant(name) for name in ("a", "b")], ordered("a")]


@pytest.mark.spark_at_length
def test_odd_times_do_not_end_the_night_of_other_windows(
    nights: Nights, gate: Expectations
) -> None:
    nights.expectations = gate
    odd = [windows_without_an_end(), windows_of_the_first_year()]
    rows = landing(USUAL, odd)
    agree(nights, rows, OPEN_GATE, DAY, days(1))
    dates = {row["window_id"]: row["rush_close"].year for row in nights.rows("windows")}
    assert dates["w0"] == 9999
    assert [row["window_id"] for row in nights.rows("window_results")] == ["w1"]


@pytest.mark.parametrize("zone", ZONES)
def test_every_zone_has_a_business_date_for_them(nights: Nights, zone: str) -> None:
    rows = landing(USUAL, windows_without_an_end(), windows_of_the_first_year())
    agree(nights, rows, OPEN_GATE | GREATEST | {"timezone": zone}, DAY, DAY)


def test_versions_and_events_at_the_ends_are_ordered_like_others(nights: Nights) -> None:
    rows = landing(USUAL[1:], versions_at_the_ends())
    agree(nights, rows, OPEN_GATE | GREATEST, DAY, days(3))


@pytest.mark.parametrize(
    ("zone", "grace_days"), [("Asia/Shanghai", 2), ("America/New_York", 3000), ("UTC", 0)]
)
def test_the_last_date_of_the_calendar_is_handled(
    nights: Nights, gate: Expectations, zone: str, grace_days: int
) -> None:
    nights.expectations = gate
    last = date.max
    found = [
        window("last", policy, **times(LAST_MOMENT - 3 * SECOND, SECOND), policy=policy, dt=last)
        for policy in ("first_come", "lottery", "weighted_lottery")
    ]
    people = [account(name, registered_at=FIRST_MOMENT, dt=last) for name in ("a", "b")]
    rows = landing(found, people, [takes_part(name, each) for each in found for name in "ab"])
    config = OPEN_GATE | GREATEST | {"timezone": zone, "grace_days": grace_days}
    agree(nights, rows, config, last, last)


@pytest.mark.spark_at_length
@pytest.mark.parametrize(("zone", "grace_days"), [("America/New_York", 2)])
def test_the_first_dates_of_the_calendar_are_handled(
    nights: Nights, gate: Expectations, zone: str, grace_days: int
) -> None:
    nights.expectations = gate
    first = date.min
    found = [
        window("first", policy, **times(FIRST_MOMENT, SECOND), policy=policy, dt=first)
        for policy in ("first_come", "lottery", "weighted_lottery")
    ]
    people = [account(name, day=DAY, dt=first) for name in ("a", "b")]
    people = [row | {"updated_at": FIRST_MOMENT, "registered_at": FIRST_MOMENT} for row in people]
    rows = landing(found, people, [takes_part(name, each) for each in found for name in "ab"])
    config = OPEN_GATE | GREATEST | {"timezone": zone, "grace_days": grace_days}
    config |= {"screening": {"min_account_age_days": 0}}
    agree(nights, rows, config, first, first + timedelta(days=3))
