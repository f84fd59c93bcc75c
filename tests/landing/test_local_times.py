"""Local times as instants: gaps, overlaps, and every year, compared with Python's zoneinfo."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest

from solatium.landing.local_times import instants

ZONES = (
    "America/New_York", "Australia/Lord_Howe", "Europe/Dublin", "Asia/Shanghai", "Pacific/Apia",
    "Africa/Monrovia", "Antarctica/Troll", "Asia/Kathmandu", "America/Sao_Paulo", "UTC",
)  # fmt: skip
TICK = timedelta(microseconds=1)


def read(zone: str, *local: datetime | None) -> list[datetime | str | None]:
    """Each local time as UTC without its zone, or as `nonexistent`."""
    times, nonexistent = instants(pa.array(local, pa.timestamp("us")), zone)
    found = times.cast(pa.timestamp("us")).to_pylist()
    missing = nonexistent.to_pylist()
    assert [time for time, gap in zip(found, missing, strict=True) if gap] == [
        time for time, gap in zip(local, missing, strict=True) if gap
    ]
    return ["nonexistent" if gap else time for time, gap in zip(found, missing, strict=True)]


def by_zoneinfo(zone: str, local: datetime) -> datetime | str:
    utc = local.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
    there_and_back = utc.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    return utc.replace(tzinfo=None) if there_and_back == local else "nonexistent"


@pytest.mark.parametrize(
    ("zone", "starts", "ends", "change"),
    [
        # clocks go from 02:00 to 03:00
        (
            "America/New_York",
            datetime(2026, 3, 8, 2),
            datetime(2026, 3, 8, 3),
            datetime(2026, 3, 8, 7),
        ),
        # and here by 30 minutes, from 02:00 to 02:30
        (
            "Australia/Lord_Howe",
            datetime(2026, 10, 4, 2),
            datetime(2026, 10, 4, 2, 30),
            datetime(2026, 10, 3, 15, 30),
        ),
        # a whole day was left out
        (
            "Pacific/Apia",
            datetime(2011, 12, 30),
            datetime(2011, 12, 31),
            datetime(2011, 12, 30, 10),
        ),
        # 43 seconds and a half hour, from local mean time, within an hour
        (
            "Africa/Monrovia",
            datetime(1972, 1, 7),
            datetime(1972, 1, 7, 0, 44, 30),
            datetime(1972, 1, 7, 0, 44, 30),
        ),
        # beyond the last change that a zone's file lists
        (
            "America/New_York",
            datetime(2099, 3, 8, 2),
            datetime(2099, 3, 8, 3),
            datetime(2099, 3, 8, 7),
        ),
    ],
)
def test_a_time_that_clocks_pass_over_does_not_exist(
    zone: str, starts: datetime, ends: datetime, change: datetime
) -> None:
    inside = starts + (ends - starts) / 2
    assert read(zone, starts - TICK, starts, inside, ends - TICK, ends, None) == [
        change - TICK,
        "nonexistent",
        "nonexistent",
        "nonexistent",
        change,
        None,
    ]


@pytest.mark.parametrize(
    ("zone", "starts", "ends", "first", "after"),
    [
        # clocks go from 02:00 back to 01:00
        (
            "America/New_York",
            datetime(2026, 11, 1, 1),
            datetime(2026, 11, 1, 2),
            datetime(2026, 11, 1, 5),
            datetime(2026, 11, 1, 7),
        ),
        # from 02:00 back to 01:30
        (
            "Australia/Lord_Howe",
            datetime(2026, 4, 5, 1, 30),
            datetime(2026, 4, 5, 2),
            datetime(2026, 4, 4, 14, 30),
            datetime(2026, 4, 4, 15, 30),
        ),
        # standard time began at noon of local mean time, 3 minutes and 58 seconds behind it
        (
            "America/New_York",
            datetime(1883, 11, 18, 12),
            datetime(1883, 11, 18, 12, 3, 58),
            datetime(1883, 11, 18, 16, 56, 2),
            datetime(1883, 11, 18, 17, 3, 58),
        ),
    ],
)
def test_a_time_that_occurs_twice_is_the_earlier_one(
    zone: str, starts: datetime, ends: datetime, first: datetime, after: datetime
) -> None:
    length = ends - starts
    assert read(zone, starts - TICK, starts, ends - TICK, ends) == [
        first - TICK,
        first,
        first + length - TICK,
        after,
    ]


@pytest.mark.parametrize("zone", ZONES)
def test_every_year_is_as_zoneinfo_has_it(zone: str) -> None:
    chance = random.Random(zone)
    years = (1, 1582, 1799, 1883, 1899, 1901, 1919, 1942, 1972, 2011, 2026, 2037, 2038, 2100, 9999)
    local = [
        datetime(year, 1, 2) + timedelta(microseconds=chance.randrange(363 * 86_400_000_000))
        for year in years
        for _ in range(100)
    ]
    # every hour of a year, and what is next to it
    for hour in range(365 * 24):
        at = datetime(2026, 1, 1) + timedelta(hours=hour)
        local += [at, at + timedelta(minutes=30) - TICK]
    assert read(zone, *local) == [by_zoneinfo(zone, time) for time in local]


def test_the_ends_of_the_calendar_are_read() -> None:
    first, last = datetime(1, 1, 1), datetime(9999, 12, 31, 23, 59, 59, 999999)
    assert read("UTC", first, last) == [first, last]
    times, _ = instants(pa.array([first, last], pa.timestamp("us")), "Etc/GMT+5")
    later = 5 * 3_600_000_000
    assert times.to_pylist() == [-62_135_596_800_000_000 + later, 253_402_300_799_999_999 + later]


def test_no_times_at_all_are_read() -> None:
    assert read("America/New_York") == []
    assert read("America/New_York", None, None) == [None, None]
