"""What a run promises (docs/rules.md sections 1.3 and 10): whatever happened before it, the tables
follow from the landing rows and the settings, and the ledger only adds what differs."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from compare import balances, differences, disagreements, reference_tables, repeated_entries
from deltalake import DeltaTable
from golden import race
from harness import Nights, Row, contents, table_rows, write_rows
from rows import (
    Landing,
    account,
    at,
    days,
    entrant,
    joined,
    landing,
    ordered,
    refunded,
    window,
)

from solatium.contracts.internal import TABLES
from solatium.engine import Engine
from solatium.errors import BusyError, UsageError
from solatium.nightly.intake import Intake
from solatium.nightly.night import Night
from solatium.storage.local import LocalLocation
from solatium.warehouse import commits
from solatium.warehouse.tables import Warehouse

FIRST, SECOND, THIRD, FOURTH = DATES = [days(number) for number in range(4)]
TIERS = [
    {"min_failures": 1, "amount": "2.00"},
    {"min_failures": 2, "amount": "5.00"},
    {"min_failures": 3, "amount": "6.00"},
]
CONFIG: dict[str, Any] = {
    "grace_days": 1,
    "bonus": {"tiers": TIERS, "clawback": True},
    "gates": {"max_quarantine_share": "1"},
}
CAMPAIGNS = {THIRD: "spring"}


def story() -> Landing:
    """A race and a draw on each of four dates; on each, a row that comes in the grace, one that
    comes late, and a late refund."""
    rows = []
    for number, day in enumerate(DATES):
        draw = f"draw-{number}"
        rows += [
            race(f"race-{number}", "front", "ann", "ben", day=day, campaign_id=CAMPAIGNS.get(day)),
            window(draw, day=day),
            [entrant(name, commodity=draw, day=day) for name in ("ann", "ben", "cy")],
            ordered("cy", draw, day=day, status="confirmed"),
            entrant(f"in-grace-{number}", commodity=draw, day=day),
            joined(f"in-grace-{number}", draw, day=day, clock="01:20", dt=day + timedelta(1)),
            [account("late"), joined("late", draw, day=day, dt=day + timedelta(2))],
            refunded("ben", draw, day=day, clock="05:00", dt=day + timedelta(2)),
        ]
    return landing(rows)


STORY = story()


class Standing(NamedTuple):
    """A landing zone, and its warehouse as it stood after the nights up to each date."""

    folder: Path
    running: Engine

    def tables(self, day: date) -> dict[str, list[str]]:
        return tables(self.folder / str(day) / "warehouse")


@pytest.fixture(scope="module")
def standing(running: Engine, tmp_path_factory: pytest.TempPathFactory) -> Standing:
    """Undisturbed: one night after the other."""
    folder = tmp_path_factory.mktemp("standing")
    nights = Nights(folder / "now", running)
    nights.land(STORY)
    for day in DATES:
        assert nights.run(day, CONFIG).handled == [day]
        shutil.copytree(folder / "now", folder / str(day))
    return Standing(folder, running)


@pytest.fixture
def resumed(standing: Standing, tmp_path: Path) -> Callable[[date], Nights]:
    """Gives a copy of everything as it stood after the night of a date."""

    def copied(day: date) -> Nights:
        shutil.copytree(standing.folder / str(day), tmp_path / "copy")
        return Nights(tmp_path / "copy", standing.running)

    return copied


def tables(warehouse: Path) -> dict[str, list[str]]:
    """The rows of all tables, the pipeline's own included; but for the log, which has a clock."""
    names = {table.name for table in TABLES} - {"run_log"}
    return {name: sorted(map(repr, table_rows(warehouse, name))) for name in sorted(names)}


def arrival(nights: Nights, table: str, day: date, part: str) -> Path:
    return nights.landing / table / f"dt={day}" / f"{part}.parquet"


# The story


def test_the_story_is_worth_telling(standing: Standing) -> None:
    """Undisturbed nights give the reference's tables, and every table has rows."""
    nights = Nights(standing.folder / str(FOURTH), standing.running)
    assert differences(nights.warehouse, reference_tables(STORY, CONFIG, FOURTH)) == []
    assert [name for name, rows in standing.tables(FOURTH).items() if not rows] == [
        "_set_aside_orders",
        "_set_aside_windows",
        "bonus_waived",
    ]


# Repeating, catching up


def test_a_repeated_run_leaves_the_tables_and_posts_nothing(
    standing: Standing, resumed: Callable[[date], Nights]
) -> None:
    nights = resumed(FOURTH)
    report = nights.run(FOURTH, CONFIG)
    assert report.handled == [FOURTH]
    assert (report.tally.entries_posted, report.tally.entries_sum) == (0, 0)
    assert tables(nights.warehouse) == standing.tables(FOURTH)
    assert len(nights.rows("run_log")) == 5


@pytest.mark.torture
def test_catching_up_in_one_run_equals_night_by_night(standing: Standing, nights: Nights) -> None:
    nights.land(STORY)
    assert nights.run(THIRD, CONFIG).handled == [FIRST, SECOND, THIRD]
    assert tables(nights.warehouse) == standing.tables(THIRD)
    [log] = nights.rows("run_log")
    assert (log["date"], log["entries_posted"]) == (THIRD, len(nights.rows("bonus_ledger")))


def test_a_date_before_the_newest_is_refused(resumed: Callable[[date], Nights]) -> None:
    nights = resumed(FOURTH)
    before = contents(nights.warehouse)
    with pytest.raises(UsageError, match=f"{THIRD} is before {FOURTH}"):
        nights.run(THIRD, CONFIG)
    assert contents(nights.warehouse) == before


@pytest.mark.torture
def test_a_backfill_judges_anew_and_ends_with_the_same_tables(
    standing: Standing, resumed: Callable[[date], Nights]
) -> None:
    nights = resumed(FOURTH)
    report = nights.run(THIRD, CONFIG, again_from=THIRD)
    assert report.handled == [THIRD, FOURTH]  # what was handled later follows
    assert report.tally.entries_posted == 0
    # THIRD had closed: its race and its draw are judged once more, and counted once
    assert report.tally.restated_by_reason() == {str(THIRD): {"again": 2}}
    assert report.tally.windows_restated == 2
    assert tables(nights.warehouse) == standing.tables(FOURTH)


def test_dates_on_which_nothing_happens_are_passed_over(nights: Nights) -> None:
    rows = {name: [row for row in rows if row["dt"] == FIRST] for name, rows in STORY.items()}
    nights.land(rows)
    far = days(30)
    assert nights.run(far, CONFIG).handled == [FIRST, SECOND, far]
    assert differences(nights.warehouse, reference_tables(rows, CONFIG, far)) == []
    assert {row["run_date"] for row in nights.rows("bonus_ledger")} == {SECOND}


def test_tables_without_a_folder_are_empty(nights: Nights) -> None:
    (nights.landing / "orders").mkdir()
    assert nights.run(FIRST, CONFIG).handled == [FIRST]
    assert {name for name, rows in tables(nights.warehouse).items() if rows} == set()
    assert len(nights.rows("run_log")) == 1


# Failing, being killed


@pytest.mark.torture  # tests/test_faults.py has a sample
def test_a_night_that_fails_leaves_all_as_it_was(
    standing: Standing, resumed: Callable[[date], Nights]
) -> None:
    """It fails after its first writes, after its last one, and with its commit record."""
    nights = resumed(SECOND)
    before = contents(nights.warehouse)
    for room, method, works, error in (
        (Intake, "take", True, RuntimeError),
        (Night, "_post", True, KeyboardInterrupt),
        (Warehouse, "commit", False, OSError),
    ):
        with pytest.MonkeyPatch.context() as patched:
            work = getattr(room, method) if works else None
            patched.setattr(room, method, failing(error, after=work))
            with pytest.raises(error, match="no luck"):
                nights.run(THIRD, CONFIG)
        assert contents(nights.warehouse) == before, method
    nights.run(THIRD, CONFIG)
    assert tables(nights.warehouse) == standing.tables(THIRD)
    assert repeated_entries(nights) == []


def failing(error: type[BaseException], *, after: Callable[..., Any] | None) -> Callable[..., None]:
    """A method that fails, after its work or without it."""

    def failed(*arguments: Any) -> None:
        if after:
            after(*arguments)
        raise error("no luck")

    return failed


@pytest.mark.torture
def test_nights_that_were_done_stay_when_a_later_one_fails(
    standing: Standing, resumed: Callable[[date], Nights], monkeypatch: pytest.MonkeyPatch
) -> None:
    nights = resumed(FIRST)
    award = Night._award

    def failing(night: Night, *arguments: Any) -> None:
        award(night, *arguments)
        if night.context.day == THIRD:
            raise RuntimeError("no luck")

    monkeypatch.setattr(Night, "_award", failing)
    with pytest.raises(RuntimeError, match="no luck"):
        nights.run(THIRD, CONFIG)
    assert tables(nights.warehouse) == standing.tables(SECOND)
    assert [row["date"] for row in nights.rows("run_log")] == [FIRST]


KILLED = """
import json, os, sys
from datetime import date
from pathlib import Path
from harness import Nights
from solatium import engine
from solatium.nightly.night import Night

post = Night._post

def killed(night, *arguments):
    post(night, *arguments)
    os._exit(9)

Night._post = killed
folder, day, config = sys.argv[1:]
with engine.running("embedded") as running:
    Nights(Path(folder), running).run(date.fromisoformat(day), json.loads(config))
"""


@pytest.mark.torture  # tests/test_faults.py has a sample
def test_what_a_killed_run_left_is_taken_back(
    standing: Standing, resumed: Callable[[date], Nights]
) -> None:
    nights = resumed(SECOND)
    here = Path(__file__).parents[1] / "support"
    path = os.pathsep.join([str(here), str(here.parents[1]), os.environ.get("PYTHONPATH", "")])
    command = [sys.executable, "-c", KILLED, str(nights.landing.parent), str(THIRD)]
    done = subprocess.run(
        [*command, json.dumps(CONFIG)],
        env=os.environ | {"PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 9, done.stderr
    # it had posted, and nobody is told: the newest record is that of the night before
    assert len(nights.rows("bonus_ledger")) > len(standing.tables(SECOND)["bonus_ledger"])
    assert commits.lineage(LocalLocation(nights.warehouse))[-1].day == SECOND
    nights.run(THIRD, CONFIG)
    assert tables(nights.warehouse) == standing.tables(THIRD)
    assert repeated_entries(nights) == []
    assert not (nights.warehouse / "_scratch").exists()


def test_a_warehouse_that_another_run_holds_is_left_alone(
    resumed: Callable[[date], Nights],
) -> None:
    nights = resumed(THIRD)
    before = contents(nights.warehouse)
    with (
        LocalLocation(nights.warehouse).held({"engine": "spark", "date": str(FOURTH)}),
        pytest.raises(BusyError, match=f"engine spark, date {FOURTH}"),
    ):
        nights.run(FOURTH, CONFIG)
    assert contents(nights.warehouse) == before


# Files of old dates


@pytest.mark.torture
def test_old_files_that_are_new_changed_or_gone_are_noticed(
    resumed: Callable[[date], Nights],
) -> None:
    """The oldest date that is looked at is the one after D - rescan_days."""
    nights = resumed(THIRD)
    new = landing(entrant("newcomer", commodity="draw-0"))
    nights.land(new, part="part-1")
    rows = {name: [*some, *new[name]] for name, some in STORY.items()}
    # of SECOND, a payment comes to nothing; of THIRD, no order was sent
    payments = [row for row in rows["payment"] if row["dt"] == SECOND]
    write_rows(arrival(nights, "payment", SECOND, "part-0"), "payment", payments[1:])
    rows["payment"].remove(payments[0])
    arrival(nights, "orders", THIRD, "part-0").unlink()
    rows["orders"] = [row for row in rows["orders"] if row["dt"] != THIRD]
    report = nights.run(FOURTH, CONFIG | {"rescan_days": 4})
    assert report.handled == [FOURTH]
    assert report.notes == [
        f"taking dt={day} again: its files have changed: {names}"
        for day, names in (
            (FIRST, "participation, payment, accounts"),
            (SECOND, "payment"),
            (THIRD, "orders"),
        )
    ]
    expected = reference_tables(rows, CONFIG, FOURTH)
    assert disagreements(nights, expected, last_closed=THIRD) == []


@pytest.mark.torture
def test_files_of_older_dates_are_noticed_with_rescan_alone(
    standing: Standing, resumed: Callable[[date], Nights]
) -> None:
    nights = resumed(FOURTH)
    new = landing(entrant("newcomer", commodity="draw-1", day=SECOND))
    nights.land(new, part="part-1")
    config = CONFIG | {"rescan_days": 2}
    assert nights.run(FOURTH, config).handled == [FOURTH]
    assert tables(nights.warehouse) == standing.tables(FOURTH)
    assert nights.run(FOURTH, config, rescan=True).handled == [FOURTH]
    rows = {name: [*some, *new[name]] for name, some in STORY.items()}
    expected = reference_tables(rows, CONFIG, FOURTH)
    assert disagreements(nights, expected, last_closed=THIRD) == []


# Other settings


def test_other_settings_for_closed_dates_are_refused_unless_the_past_is_restated(
    resumed: Callable[[date], Nights],
) -> None:
    nights = resumed(FOURTH)
    before = contents(nights.warehouse)
    other = CONFIG | {
        "history": {"max_failures_per_day": 1},
        "bonus": {"tiers": TIERS[1:], "clawback": True},
    }
    with pytest.raises(UsageError) as refused:
        nights.run(FOURTH, other)
    assert f"the closed dates {FIRST} to {THIRD} " in refused.value.headline
    losses, tiers, *advice = refused.value.problems
    assert losses == f"history.max_failures_per_day: was 3, now 1 ({FIRST} to {THIRD})"
    assert tiers.startswith("bonus.tiers: was [{")
    assert "--restate" in advice[0]
    assert advice[1].startswith(f"to have them from {FOURTH} on")
    assert contents(nights.warehouse) == before

    report = nights.run(FOURTH, other, restate=True)
    assert report.handled == DATES
    keys = "history.max_failures_per_day, bonus.tiers"
    assert report.notes == [f"judging again from {FIRST} on: other settings: {keys}"]
    expected = reference_tables(STORY, other, FOURTH)
    assert disagreements(nights, expected, last_closed=THIRD) == []


def test_other_settings_are_no_matter_while_nothing_has_closed(
    resumed: Callable[[date], Nights],
) -> None:
    nights = resumed(FIRST)
    other = CONFIG | {"bonus": {"tiers": TIERS[1:]}}
    nights.run(FIRST, other)
    assert differences(nights.warehouse, reference_tables(STORY, other, FIRST)) == []


@pytest.mark.torture
def test_a_first_night_may_have_closed_dates_before_its_own(nights: Nights) -> None:
    """Logs of an earlier rush that arrive with the first ones, still in its grace."""
    rows = landing(race("race", "front", "ann", day=FIRST))
    nights.land({name: [row | {"dt": SECOND} for row in some] for name, some in rows.items()})
    nights.run(SECOND, CONFIG)
    assert [row["run_date"] for row in nights.rows("bonus_ledger")] == [SECOND]
    other = CONFIG | {"bonus": {"tiers": TIERS[1:], "clawback": True}}
    with pytest.raises(UsageError, match=f"the closed date {FIRST} otherwise"):
        nights.run(SECOND, other)
    nights.run(SECOND, other, restate=True)
    assert balances(nights) == {}


def changing(day: date, **sections: Any) -> dict[str, Any]:
    """CONFIG, with a change from a date on."""
    return CONFIG | {"changes": [{"from": day, **sections}]}


def test_a_change_from_an_open_date_is_no_matter_for_closed_ones(
    standing: Standing, resumed: Callable[[date], Nights]
) -> None:
    nights = resumed(THIRD)
    other = changing(THIRD, bonus={"tiers": TIERS[1:]}, history={"max_failures_per_day": 1})
    assert nights.run(FOURTH, other).handled == [FOURTH]
    expected = reference_tables(STORY, other, FOURTH)
    assert disagreements(nights, expected, last_closed=THIRD) == []
    usual = standing.tables(FOURTH)
    for name in ("account_outcomes", "bonus_awards"):
        closed = {
            row for row in usual[name] if f"{THIRD!r}" not in row and f"{FOURTH!r}" not in row
        }
        now = set(tables(nights.warehouse)[name])
        assert closed < now
        assert now != set(usual[name])


@pytest.mark.torture
def test_settings_of_what_is_still_to_come_leave_all_tables_as_they_are(
    standing: Standing, resumed: Callable[[date], Nights]
) -> None:
    """A change from a later date, and a campaign that has had no window."""
    nights = resumed(FOURTH)
    nothing = {"bonus": {"tiers": []}}
    other = changing(days(9), **nothing) | {"campaigns": {"summer": nothing}}
    assert nights.run(FOURTH, other).handled == [FOURTH]
    assert tables(nights.warehouse) == standing.tables(FOURTH)


def test_a_change_that_reaches_back_to_closed_dates_is_refused(
    resumed: Callable[[date], Nights],
) -> None:
    nights = resumed(FOURTH)
    before = contents(nights.warehouse)
    with pytest.raises(UsageError) as refused:
        nights.run(FOURTH, changing(SECOND, history={"max_failures_per_day": 1}))
    assert f"the closed dates {SECOND} to {THIRD} otherwise" in refused.value.headline
    assert refused.value.problems[0] == (
        f"history.max_failures_per_day: was 3, now 1 ({SECOND} to {THIRD})"
    )
    assert contents(nights.warehouse) == before


@pytest.mark.torture
def test_settings_of_a_campaign_matter_from_its_first_window_on(
    resumed: Callable[[date], Nights],
) -> None:
    nights = resumed(FOURTH)
    other = CONFIG | {"campaigns": {"spring": {"bonus": {"tiers": []}}}}
    with pytest.raises(UsageError) as refused:
        nights.run(FOURTH, other)
    assert f"the closed date {THIRD} otherwise" in refused.value.headline
    assert refused.value.problems[0].startswith("bonus.tiers of campaign spring: was [{")
    assert refused.value.problems[0].endswith(f"now [] ({THIRD})")

    report = nights.run(FOURTH, other, restate=True)
    assert report.handled == [THIRD, FOURTH]
    assert report.notes == [
        f"judging again from {THIRD} on: other settings: bonus.tiers of campaign spring"
    ]
    expected = reference_tables(STORY, other, FOURTH)
    assert disagreements(nights, expected, last_closed=THIRD) == []


# Closed dates that are judged anew


def surprises() -> Landing:
    """Seeds that come when their dates have closed, and a window that moves from a closed date.

    `moody` loses a race on FIRST and on SECOND. Between them lie three windows of FIRST that wait
    for a seed: on THIRD it turns out that she won the first one, and on FOURTH that she lost the
    other two. `mover` loses on FIRST, and again when the window is held anew on FOURTH.
    """

    def held(case: str, *names: str, clock: str, seed_on: date) -> list:
        version = {"rush_close": at(clock), "draw_seed": None}
        late = {"draw_seed": "autumn-7391", "updated_at": at("12:00", seed_on), "dt": seed_on}
        entrants = [entrant(name, commodity=case) for name in names]
        return [window(case, **version), window(case, **version | late), entrants]

    moved = {
        "rush_open": at("03:00", FOURTH),
        "rush_close": at("04:00", FOURTH),
        "updated_at": at("12:00"),
        "dt": SECOND,
    }
    return landing(
        race("lost-1", "front", "moody", rush_close=at("03:30")),
        held("held", "moody", clock="04:00", seed_on=THIRD),
        held("held-a", "moody", "lucky", clock="05:00", seed_on=FOURTH),
        held("held-b", "moody", "lucky", clock="05:00", seed_on=FOURTH),
        race("lost-2", "front", "moody", day=SECOND),
        [window("moves"), window("moves", **moved)],
        [entrant(name, commodity="moves") for name in ("mover", "lucky")],
    )


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(True, id="clawback", marks=pytest.mark.torture),
        pytest.param(False, id="no-clawback"),
    ],
)
def surprised(
    request: pytest.FixtureRequest, running: Engine, tmp_path_factory: pytest.TempPathFactory
) -> tuple[bool, Nights, dict[str, list[Row]]]:
    """With and without clawback: the warehouse after all nights, and the reference's tables."""
    config = CONFIG | {"grace_days": 0, "bonus": {"tiers": TIERS, "clawback": request.param}}
    nights = Nights(tmp_path_factory.mktemp("surprised"), running)
    nights.land(surprises())
    nights.run(FOURTH, config)
    return request.param, nights, reference_tables(surprises(), config, FOURTH)


Surprised = tuple[bool, Nights, dict[str, list[Row]]]


def test_after_surprises_all_tables_are_those_of_the_reference(surprised: Surprised) -> None:
    _, nights, expected = surprised
    assert differences(nights.warehouse, expected) == []
    assert repeated_entries(nights) == []


def test_a_late_seed_changes_the_streaks_of_all_dates_after_it(surprised: Surprised) -> None:
    _, nights, _ = surprised
    outcomes = {
        row["commodity_id"]: (row["result"], row["consecutive_failures"])
        for row in nights.rows("account_outcomes")
        if row["account_id"] == "moody"
    }
    assert outcomes == {
        "lost-1": ("lost", 1),
        "held": ("won", 0),
        "held-a": ("lost", 1),
        "held-b": ("lost", 2),
        "lost-2": ("lost", 3),
    }


ENTRIES = {
    True: {
        "lost-1": [("2.00", "award", FIRST, FIRST)],
        # 5.00 for two losses in a row; on THIRD it was one; on FOURTH it is three
        "lost-2": [
            ("5.00", "award", SECOND, SECOND),
            ("-3.00", "adjustment", SECOND, THIRD),
            ("4.00", "adjustment", SECOND, FOURTH),
        ],
        "held-a": [("2.00", "award", FIRST, FOURTH)],
        "held-b": [("5.00", "award", FIRST, FOURTH)],
        "moves": [
            ("2.00", "award", FIRST, FIRST),
            ("-2.00", "reversal", FIRST, SECOND),
            ("2.00", "adjustment", FOURTH, FOURTH),
        ],
    },
    False: {
        "lost-1": [("2.00", "award", FIRST, FIRST)],
        "lost-2": [
            ("5.00", "award", SECOND, SECOND),
            ("1.00", "adjustment", SECOND, FOURTH),
        ],
        "held-a": [("2.00", "award", FIRST, FOURTH)],
        "held-b": [("5.00", "award", FIRST, FOURTH)],
        "moves": [("2.00", "award", FIRST, FIRST)],
    },
}


def test_the_ledger_posts_the_differences(surprised: Surprised) -> None:
    clawback, nights, _ = surprised
    found = defaultdict(list)
    for row in sorted(nights.rows("bonus_ledger"), key=lambda row: row["revision"]):
        entry = (str(row["amount"]), row["kind"], row["business_date"], row["run_date"])
        assert row["revision"] == len(found[row["commodity_id"]])
        found[row["commodity_id"]].append(entry)
    assert found == ENTRIES[clawback]


def test_without_clawback_a_difference_is_waived_and_later_used_up(surprised: Surprised) -> None:
    clawback, nights, _ = surprised
    waived = sorted(
        (row["commodity_id"], row["run_date"], row["business_date"], str(row["amount"]))
        for row in nights.rows("bonus_waived")
    )
    assert (
        waived == []
        if clawback
        else [
            ("lost-2", THIRD, SECOND, "3.00"),
            ("lost-2", FOURTH, SECOND, "-3.00"),
            ("moves", SECOND, FIRST, "2.00"),
            ("moves", FOURTH, FOURTH, "-2.00"),
        ]
    )


def test_payouts_take_back_only_with_clawback(surprised: Surprised) -> None:
    clawback, nights, _ = surprised
    payouts = {
        (row["account_id"], row["run_date"]): (str(row["amount"]), row["entries"])
        for row in nights.rows("bonus_payouts")
    }
    always = {
        ("moody", FIRST): ("2.00", 1),
        ("moody", SECOND): ("5.00", 1),
        ("mover", FIRST): ("2.00", 1),
    }
    if clawback:
        assert payouts == always | {
            ("moody", THIRD): ("-3.00", 1),
            ("moody", FOURTH): ("11.00", 3),
            ("mover", SECOND): ("-2.00", 1),
            ("mover", FOURTH): ("2.00", 1),
        }
    else:
        assert payouts == always | {("moody", FOURTH): ("8.00", 3)}


# Commit records


def test_commit_records_name_the_version_of_every_table(standing: Standing) -> None:
    warehouse = standing.folder / str(FOURTH) / "warehouse"
    chain = commits.lineage(LocalLocation(warehouse))
    assert [commit.day for commit in chain] == DATES
    assert [commit.parent for commit in chain] == [None, 1, 2, 3]
    names = {table.name for table in TABLES}
    assert [commit.tables.keys() for commit in chain] == [names] * 4
    for commit in chain:
        rows = {
            name: sorted(
                map(repr, DeltaTable(warehouse / name, version).to_pyarrow_table().to_pylist())
            )
            for name, version in commit.tables.items()
            if name != "run_log"
        }
        assert rows == standing.tables(commit.day)
    newest = {name: DeltaTable(warehouse / name).version() for name in names}
    assert chain[-1].tables == newest
