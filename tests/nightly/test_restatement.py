"""Closed dates judged again: exactly what was touched, and nothing else (docs/rules.md section 10).

Four dates have closed. On each there is a race that `front` wins against `ann` and `ben`, a
weighted lottery that these two enter with `cy`, and a plain lottery of `dee` and `eve`, who are in
nothing else. Then files of the first dates change, and the fifth night runs.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from compare import disagreements, reference_tables
from deltalake import DeltaTable
from golden import race
from harness import Nights, Row, contents, write_rows
from rows import Landing, account, at, days, entrant, joined, landing, ordered, window
from sampled import sampled

from solatium.engine import Engine
from solatium.errors import InputError
from solatium.laws.suites import Suites
from solatium.laws.verdict import Expectations

FIRST, SECOND, THIRD, FOURTH, FIFTH = DATES = [days(number) for number in range(5)]
CONFIG: dict[str, Any] = {
    "grace_days": 0,
    "bonus": {
        "tiers": [{"min_failures": n, "amount": f"{n}.00"} for n in (1, 2, 3, 4)],
        "clawback": True,
    },
    "gates": {"max_quarantine_share": "1"},
}


def story() -> Landing:
    rows = []
    for number, day in enumerate(DATES[:-1]):
        draw, plain = f"draw-{number}", f"plain-{number}"
        rows += [
            race(f"race-{number}", "front", "ann", "ben", day=day),
            window(draw, day=day, policy="weighted_lottery"),
            [entrant(name, commodity=draw, day=day) for name in ("ann", "ben", "cy")],
            window(plain, day=day),
            [entrant(name, commodity=plain, day=day) for name in ("dee", "eve")],
        ]
    return landing(rows)


@pytest.fixture(scope="module")
def closed(running: Engine, tmp_path_factory: pytest.TempPathFactory) -> Nights:
    """The warehouse after four nights."""
    nights = Nights(tmp_path_factory.mktemp("closed"), running)
    nights.land(story())
    nights.run(FOURTH, CONFIG)
    return nights


@pytest.fixture
def nights(closed: Nights, tmp_path: Path) -> Nights:
    shutil.copytree(closed.landing.parent, tmp_path / "copy")
    return Nights(tmp_path / "copy", closed.running)


def lay(nights: Nights, rows: Landing) -> None:
    """Rewrites the files of which the rows are others than the story's."""
    before = story()
    for table, some in rows.items():
        for day in {row["dt"] for row in [*some, *before[table]]}:
            then, now = ([row for row in r if row["dt"] == day] for r in (before[table], some))
            place = nights.landing / table / f"dt={day}" / "part-0.parquet"
            if not now:
                place.unlink()
            elif now != then:
                write_rows(place, table, now)


Change = Callable[[Landing], None]


def added(*rows: Row | list) -> Change:
    def change(story: Landing) -> None:
        for table, some in landing(*rows).items():
            story[table] += some

    return change


def without(table: str, **where: Any) -> Change:
    """Takes out the rows that have these values; there is one at least."""

    def change(story: Landing) -> None:
        kept = [row for row in story[table] if any(row[k] != v for k, v in where.items())]
        assert len(kept) < len(story[table])
        story[table][:] = kept

    return change


def replaced(table: str, new: Row, **where: Any) -> Change:
    def change(story: Landing) -> None:
        without(table, **where)(story)
        story[table].append(new)

    return change


def repeated_earlier(*rows: Row) -> Change:
    """Rows that came later come on FIRST as well."""
    return added([row | {"dt": FIRST} for row in rows])


def the_same_in_another_order(story: Landing) -> None:
    for rows in story.values():
        rows.reverse()


LATER_JOIN = joined("dee", "plain-2", day=THIRD)

# What is changed, and which windows are judged again for it.
CASES: dict[str, tuple[Change, dict[date, dict[str, int]]]] = {
    "rows in another order touch nothing": (the_same_in_another_order, {}),
    "a newcomer in a plain lottery touches that": (
        added(entrant("newcomer", commodity="plain-1", day=SECOND)),
        {SECOND: {"participation": 1, "payment": 1}},
    ),
    "a loser who is first now has other points": (
        replaced(
            "orders",
            ordered("ann", "race-0", clock="03:00"),
            commodity_id="race-0",
            account_id="ann",
        ),
        # by FOURTH she has won a lottery, this way and that
        {FIRST: {"orders": 1}, SECOND: {"points": 1}, THIRD: {"points": 1}},
    ),
    "an application whose sequence alone differs": (
        replaced(
            "participation",
            LATER_JOIN | {"sequence": 5},
            commodity_id="plain-2",
            account_id="dee",
        ),
        {THIRD: {"participation": 1}},
    ),
    "a payment that is gone": (
        without("payment", account_id="eve", commodity_id="plain-2"),
        {THIRD: {"payment": 1}},
    ),
    "a window with more stock": (
        replaced("windows", window("plain-0", stock=2), commodity_id="plain-0"),
        {FIRST: {"windows": 1}},
    ),
    "a window that is gone": (without("windows", commodity_id="plain-1"), {SECOND: {"windows": 1}}),
    "a window that was on another date": (
        replaced("windows", window("plain-0", day=SECOND, dt=FIRST), commodity_id="plain-0"),
        {SECOND: {"windows": 1}},
    ),
    "an account that was blacklisted until its next version": (
        added(
            account(
                "dee", day=SECOND, blacklisted=True, updated_at=at("00:30", SECOND), dt=SECOND
            )
        ),
        {day: {"accounts": 1} for day in (SECOND, THIRD)},
    ),
    "an account that was closed after it had lost": (
        added(account("dee", status="closed", updated_at=at("09:00", FOURTH), dt=FIRST)),
        {},
    ),
    "a row that came earlier already, too": (repeated_earlier(LATER_JOIN), {THIRD: {}}),
    "another row with an id that comes later": (
        added(joined("eve", "plain-2", day=THIRD, clock="00:30", dt=FIRST,
                     event_id=LATER_JOIN["event_id"])),
        {THIRD: {"participation": 1}},
    ),
    "a date before the first": (
        added(
            race("race-x", "front", "ann", day=days(-1)),
            window("plain-x", day=days(-1)),
            entrant("dee", commodity="plain-x", day=days(-1)),
        ),
        {
            days(-1): {"windows": 2, "participation": 2, "payment": 2, "orders": 1},
            **{day: {"points": 1} for day in (FIRST, SECOND, THIRD)},
        },
    ),
}  # fmt: skip


SAMPLE = (
    "a newcomer in a plain lottery touches that",
    "a loser who is first now has other points",
    "a payment that is gone",
    "a window that was on another date",
    "an account that was blacklisted until its next version",
)


@pytest.mark.parametrize("case", sampled(CASES, SAMPLE))
def test_what_is_touched_is_judged_again_and_all_tables_are_those_of_the_reference(
    nights: Nights, case: str
) -> None:
    change, touched = CASES[case]
    rows = story()
    change(rows)
    lay(nights, rows)
    nights.run(FIFTH, CONFIG)
    first = min(row["dt"] for some in rows.values() for row in some)
    expected = reference_tables(rows, CONFIG, FIFTH, first)
    assert disagreements(nights, expected, last_closed=FIFTH) == []
    (logged,) = (row for row in nights.rows("run_log") if row["date"] == FIFTH)
    assert json.loads(logged["restated_by_reason"]) == {
        day.isoformat(): reasons for day, reasons in touched.items() if reasons
    }
    # no window counts twice, and none is restated without a reason
    numbers = [number for reasons in touched.values() for number in reasons.values()]
    most = [max(reasons.values()) for reasons in touched.values() if reasons]
    assert sum(most) <= logged["windows_restated"] <= sum(numbers)


def test_the_laws_hold_for_what_is_judged_again(nights: Nights) -> None:
    rows = story()
    for case in (
        "a loser who is first now has other points",
        "a payment that is gone",
    ):
        CASES[case][0](rows)
    lay(nights, rows)
    nights.expectations = Expectations(Suites())
    nights.run(FIFTH, CONFIG)
    expected = reference_tables(rows, CONFIG, FIFTH)
    assert disagreements(nights, expected, last_closed=FIFTH) == []


# What is left alone


def files(nights: Nights, table: str) -> dict[str, set[str]]:
    """The data files of a table, by business date."""
    found: dict[str, set[str]] = {}
    for path in DeltaTable(str(nights.warehouse / table)).file_uris():
        day = Path(path).parent.name.removeprefix("business_date=")
        found.setdefault(day, set()).add(Path(path).name)
    return found


@pytest.mark.torture
def test_partitions_of_dates_on_which_nothing_differs_are_not_written(nights: Nights) -> None:
    tables = ("participation", "allocations", "account_outcomes", "bonus_awards", "window_results")
    before = {table: files(nights, table) for table in tables}
    rows = story()
    added(entrant("newcomer", commodity="plain-1", day=SECOND))(rows)
    lay(nights, rows)
    nights.run(FIFTH, CONFIG)
    for table in tables:
        now = files(nights, table)
        for day in (FIRST, THIRD, FOURTH):
            assert now[str(day)] == before[table][str(day)], (table, day)
        assert now[str(SECOND)] != before[table][str(SECOND)], table


def test_a_night_without_changes_reads_no_closed_date(
    nights: Nights,
) -> None:
    """Their files might as well be gone."""
    for table in ("participation", "payment", "orders", "allocations", "account_outcomes"):
        for day, names in files(nights, table).items():
            if day <= str(FOURTH):
                for name in names:
                    (nights.warehouse / table / f"business_date={day}" / name).unlink()
    nights.run(FIFTH, CONFIG)
    assert nights.rows("account_history")


# Gates and repetitions


def test_a_gate_that_a_changed_file_shuts_refuses_the_night(nights: Nights) -> None:
    before = contents(nights.warehouse)
    rows = story()
    added(joined("x", "plain-1", day=SECOND, quantity=1, event_id="|"))(rows)
    lay(nights, rows)
    config = CONFIG | {"gates": {"max_quarantine_share": "0.01"}}
    with pytest.raises(InputError) as refused:
        nights.run(FIFTH, config)
    assert refused.value.problems[0].startswith(
        f"participation, dt={SECOND}: 1 of 9 rows are bad (bad_id_event_id 1), such as"
    )
    assert contents(nights.warehouse) == before


@pytest.mark.torture
def test_a_repeated_run_takes_again_what_the_first_one_took(nights: Nights) -> None:
    """Also beyond rescan_days, where only the first looked."""
    rows = story()
    added(entrant("newcomer", commodity="plain-1", day=SECOND))(rows)
    lay(nights, rows)
    config = CONFIG | {"rescan_days": 1}
    nights.run(FIFTH, config, rescan=True)
    report = nights.run(FIFTH, config)
    assert report.notes == [
        f"taking dt={SECOND} again: its files have changed: participation, payment, accounts"
    ]
    expected = reference_tables(rows, CONFIG, FIFTH)
    assert disagreements(nights, expected, last_closed=FIFTH) == []


@pytest.mark.torture
def test_a_second_correction_stands_on_the_first(nights: Nights) -> None:
    """The first one changes the history of dates that earlier nights had closed."""
    rows = story()
    CASES["a loser who is first now has other points"][0](rows)
    lay(nights, rows)
    nights.run(FIFTH, CONFIG)
    later = landing(race("race-x", "front", "ann", day=THIRD))
    nights.land(later, part="part-1")
    rows = {table: [*some, *later[table]] for table, some in rows.items()}
    sixth = days(5)
    nights.run(sixth, CONFIG)
    expected = reference_tables(rows, CONFIG, sixth)
    assert disagreements(nights, expected, last_closed=sixth) == []
