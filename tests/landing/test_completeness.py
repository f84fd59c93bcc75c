"""Input that is not there (docs/rules.md section 2.8): what stops a run, and what is only noted."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from harness import Nights, contents
from rows import account, days, entrant, landing, paid, window

from solatium.errors import InputError
from solatium.landing.completeness import Arrived, shortages, silences
from solatium.landing.gates import accepted_gates
from solatium.landing.zone import LandingZone
from solatium.settings.load import from_mapping
from solatium.storage.local import LocalLocation

FIRST, SECOND, THIRD = (days(number) for number in range(3))
REQUIRED: dict[str, Any] = {"gates": {"required_tables": ["participation", "payment"]}}


def two_days(nights: Nights) -> None:
    for day in (FIRST, SECOND):
        name = f"w-{day}"
        nights.land(
            landing(
                window(window=name, day=day, dt=day),
                entrant("a", window=name, day=day),
                paid("a", window=name, day=day),
                account("z", dt=day),
            ),
            part=f"part-{day}",
        )


def shut(nights: Nights, day: Any, config: dict[str, Any], **options: Any) -> tuple[str, ...]:
    before = contents(nights.warehouse)
    with pytest.raises(InputError) as refused:
        nights.run(day, config, **options)
    assert refused.value.exit_status == 3
    assert contents(nights.warehouse) == before
    return refused.value.problems


def test_a_date_without_a_required_table_is_refused(nights: Nights) -> None:
    two_days(nights)
    shutil.rmtree(nights.landing / "payment" / f"dt={SECOND}")
    nights.run(FIRST, REQUIRED)
    problem = f"payment, dt={SECOND}: expected a file, found none"
    assert shut(nights, SECOND, REQUIRED) == (problem,)
    accepted = accepted_gates([f"payment:{SECOND}:a holiday of the bank"])
    report = nights.run(SECOND, REQUIRED, accepted=accepted)
    assert report.tally.gates_accepted == [f"payment:{SECOND}:a holiday of the bank"]
    [log] = [row for row in nights.rows("run_log") if row["date"] == SECOND]
    assert log["gates_accepted"] == [f"payment:{SECOND}:a holiday of the bank"]
    # it was let pass once, and is no new date any more
    assert nights.run(SECOND, REQUIRED).handled == [SECOND]


def test_every_date_and_table_that_lacks_input_is_named_before_any_work(nights: Nights) -> None:
    two_days(nights)
    shutil.rmtree(nights.landing / "payment")
    assert shut(nights, THIRD, REQUIRED) == (
        f"payment, dt={FIRST}: expected a file, found none",
        f"payment, dt={SECOND}: expected a file, found none",
        f"participation, dt={THIRD}: expected a file, found none",
        f"payment, dt={THIRD}: expected a file, found none",
    )


def test_far_fewer_rows_than_usual_are_refused(nights: Nights) -> None:
    config = {"gates": {"min_share_of_usual": "0.5"}}
    for number in range(3):
        day = days(number)
        rows = [paid(f"a{place}", day=day, dt=day) for place in range(4 if number < 2 else 1)]
        nights.land(landing(rows), part=f"part-{day}")
    nights.run(SECOND, config)
    [problem] = shut(nights, THIRD, config)
    assert problem == (
        f"payment, dt={THIRD}: 1 rows, fewer than 0.5 of the usual 4 "
        "(the median of the last 2 arrival dates that had some)"
    )


def arrived(*counts: int | None, table: str = "payment", since: int = 0) -> list[Arrived]:
    """Dates with so many rows of a table; None is without a file."""
    return [
        Arrived(days(since + place), {} if number is None else {table: number})
        for place, number in enumerate(counts)
    ]


@pytest.mark.parametrize(
    ("before", "now", "share", "is_short"),
    [
        ([], 1, "1", False),
        ([10], 5, "0.5", False),
        ([10], 4, "0.5", True),
        ([10, 20], 7, "0.5", True),  # the median of two is 15
        ([10, 20], 8, "0.5", False),
        ([0, None, 10], 5, "0.5", False),  # dates without rows do not count
        ([100] * 3 + [10] * 7, 5, "0.5", False),  # the last seven alone
        ([10], None, "0.5", True),
        ([3], 0, "0", False),
    ],
)
def test_what_is_usual_is_the_median_of_seven_dates_that_had_rows(
    before: list[int | None], now: int | None, share: str, is_short: bool
) -> None:
    from decimal import Decimal

    found = shortages(
        arrived(*before), arrived(now, since=len(before)), required=(), share=Decimal(share)
    )
    assert bool(found) == is_short


def test_nothing_is_missing_before_the_first_file_of_a_log() -> None:
    early = Arrived(FIRST, {"accounts": 3})
    whole = Arrived(SECOND, {"participation": 1, "payment": 1})
    assert shortages([], [early, whole], required=("payment",), share=None) == []
    [found] = shortages([], [whole, early], required=("payment",), share=None)
    assert (found.table, found.day) == ("payment", FIRST)


def test_a_table_that_falls_silent_is_noted() -> None:
    [note] = silences(arrived(1, 2, 3), arrived(None, since=3))
    assert note.startswith(f"payment: nothing arrived on dt={days(3)}")
    assert silences(arrived(1, 0, 3), arrived(None, since=3)) == []
    assert silences(arrived(1, 2), arrived(None, since=2)) == []


def test_a_landing_zone_without_any_table_is_refused(tmp_path: Path) -> None:
    (tmp_path / "payments").mkdir()
    with pytest.raises(InputError) as refused:
        LandingZone(LocalLocation(tmp_path))
    expected, near = refused.value.problems
    assert "expected a folder of one of the tables participation, payment" in expected
    assert "found payments" in expected
    assert near.endswith("payments: not read, since no table has this name; did you mean payment?")


@pytest.mark.parametrize("name", ["payments", "Payment", "order", "particpation", "windows "])
def test_a_folder_that_is_nearly_a_table_is_noted(tmp_path: Path, name: str) -> None:
    (tmp_path / "accounts").mkdir()
    (tmp_path / name).mkdir()
    [note] = LandingZone(LocalLocation(tmp_path)).notes
    assert "not read, since no table has this name; did you mean" in note


def test_what_tools_leave_behind_is_no_data_and_noted_once(tmp_path: Path) -> None:
    day = tmp_path / "payment" / f"dt={FIRST}"
    day.mkdir(parents=True)
    for name in ("_SUCCESS", "part_$folder$", ".part.crc", "a.crc", "b.filepart", "c.inprogress.7"):
        (day / name).touch()
    (tmp_path / "payment" / "dt_$folder$").touch()
    (tmp_path / "payment" / "latest").symlink_to(day)
    (day / "notes.bak").touch()
    zone = LandingZone(LocalLocation(tmp_path), ignored=["*.bak"])
    assert zone.arrived(FIRST) == {}
    [note] = zone.notes
    for said in ("*_$folder$", "*.crc", "*.filepart", "*.inprogress*", "*.bak", "latest"):
        assert said in note


def test_a_loop_of_links_is_refused(tmp_path: Path) -> None:
    day = tmp_path / "payment" / f"dt={FIRST}"
    day.mkdir(parents=True)
    (day / "again").symlink_to(tmp_path / "payment")
    with pytest.raises(InputError) as refused:
        LandingZone(LocalLocation(tmp_path))
    assert "the link leads back to a folder above it" in refused.value.problems[0]


@pytest.mark.parametrize(
    ("gates", "problem"),
    [
        ({"required_tables": ["payments"]}, "is no landing table; did you mean payment?"),
        ({"required_tables": "payment"}, "must be a list"),
        ({"min_share_of_usual": "1.5"}, "must be a share from 0 to 1"),
    ],
)
def test_gates_that_cannot_be_meant_are_refused(gates: dict[str, Any], problem: str) -> None:
    with pytest.raises(Exception, match="gates") as refused:
        from_mapping({"gates": gates})
    assert problem in str(refused.value)
