"""Properties of whole histories: the library's tables against the reference's, run after run.

The one law (docs/rules.md section 1) says that tables follow from the landing rows and the
configuration alone. So they are the same in one night after another, when nights are caught up, and
when files of old dates come, change or go; only the ledger remembers how it came about.
"""

from __future__ import annotations

from datetime import timedelta

import pytest
from checked_history import (
    a_warehouse,
    agree,
    days_between,
    ledger_follows_the_awards,
    put,
    report,
    table_of,
)
from compare import LEDGER, differences
from histories import ACCOUNTS, File, History, histories
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.database import DirectoryBasedExampleDatabase
from reference.night import Reference
from rows import Row, days, entrant, joined, landing, ordered, paid, window

from solatium.engine import Engine

ONE_DAY = timedelta(days=1)

common = {
    "deadline": None,
    "suppress_health_check": list(HealthCheck),
    "phases": [Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink],
}
few = settings(max_examples=1, derandomize=True, database=None, **common)
kept = DirectoryBasedExampleDatabase(".hypothesis/examples")
many = settings(max_examples=500, database=kept, **common)
dozens = settings(many, max_examples=100)


# The properties


def each_night_gives_the_tables_of_the_reference(running: Engine, history: History) -> None:
    with a_warehouse(running) as nights:
        put(nights, history, 0)
        reference = Reference(history.config)
        for day in days_between(history.first, history.last + timedelta(days=2)):
            nights.run(day, history.config)
            expected = reference.night(history.landing(), day)
            agree(nights, expected, ledger_as_a_whole=not history.moves_windows, run=day)


def catching_up_gives_the_tables_of_single_nights(
    running: Engine, history: History, runs: list[int]
) -> None:
    """`runs` are the days of the runs, counted from the first arrival; one may be repeated."""
    with a_warehouse(running) as nights:
        put(nights, history, 0)
        reference = Reference(history.config)
        handled = history.first - ONE_DAY
        expected: dict[str, list[Row]] = {}
        for number in sorted(runs):
            run = history.first + timedelta(days=number)
            nights.run(run, history.config)
            for day in days_between(handled + ONE_DAY, run):
                expected = reference.night(history.landing(), day)
            handled = run
            agree(nights, expected, ledger_as_a_whole=not history.moves_windows, run=run)


def files_of_old_dates_are_replayed(running: Engine, history: History, runs: list[int]) -> None:
    """`runs` has the day of one run for each step of the history, counted from the first."""
    with a_warehouse(running) as nights:
        posted: list[Row] = []
        for step, number in enumerate(sorted(runs)):
            run = history.first + timedelta(days=number)
            put(nights, history, step)
            nights.run(run, history.config)
            rows = history.landing(step)
            arrived = [row["dt"] for some in rows.values() for row in some]
            reference = Reference(history.config)
            for day in days_between(min([*arrived, run]), run):
                expected = reference.night(rows, day)
            found = differences(nights.warehouse, expected)
            found = [line for line in found if table_of(line) not in LEDGER]
            assert not found, report(run, found)
            posted = ledger_follows_the_awards(nights, history, expected, run, posted)


# The tests: a history that is always the same, and hundreds of others

# the last run handles the fourth night, or one after it
RUNS = st.tuples(st.lists(st.integers(0, 7), max_size=2), st.integers(3, 7)).map(
    lambda drawn: [number for number in drawn[0] if number <= drawn[1]] + [drawn[1]]
)
THREE_RUNS = st.lists(st.integers(0, 6), min_size=3, max_size=3)


@few
@given(history=histories(), runs=RUNS)
def test_catching_up_gives_the_tables_of_single_nights(
    embedded: Engine, history: History, runs: list[int]
) -> None:
    catching_up_gives_the_tables_of_single_nights(embedded, history, runs)


@pytest.mark.torture
@dozens
@given(history=histories())
def test_each_of_many_nights_gives_the_tables_of_the_reference(
    embedded: Engine, history: History
) -> None:
    each_night_gives_the_tables_of_the_reference(embedded, history)


@pytest.mark.torture
@many
@given(history=histories(), runs=RUNS)
def test_catching_up_many_histories_gives_the_tables_of_single_nights(
    embedded: Engine, history: History, runs: list[int]
) -> None:
    catching_up_gives_the_tables_of_single_nights(embedded, history, runs)


@pytest.mark.torture
@dozens
@given(history=histories(steps=3), runs=THREE_RUNS)
def test_files_of_old_dates_of_many_histories_are_replayed(
    embedded: Engine, history: History, runs: list[int]
) -> None:
    files_of_old_dates_are_replayed(embedded, history, runs)


def test_a_small_history_has_the_tables_of_the_reference_on_either_engine(running: Engine) -> None:
    """One run catches up two dates: losers, what is set aside, and times at the end of a period."""
    rows = landing(
        window(min_qualified=2),
        [entrant(name) for name in ACCOUNTS[:3]],
        ordered(ACCOUNTS[1]),
        joined("9", clock="02:00"),
        joined("late", dt=days(1)),
        joined("nowhere", window="w9"),
        [paid("9", event_id="e"), paid("9", event_id="e", amount="10.01")],
        paid("9", amount="10.005"),
        window(window="w2", policy="first_come"),
        [entrant(name, window="w2") for name in ACCOUNTS[:3]],
        [ordered(name, window="w2", clock="03:00") for name in ACCOUNTS[:2]],
    )
    bonus = {"tiers": [{"min_failures": 1, "advance_share": "0.0125"}]}
    config = {"grace_days": 0, "bonus": bonus, "gates": {"max_quarantine_share": "1"}}
    files = [
        File(table, dt, "part", tuple(row for row in some if row["dt"] == dt))
        for table, some in rows.items()
        for dt in {row["dt"] for row in some}
    ]
    catching_up_gives_the_tables_of_single_nights(running, History(config, tuple(files)), [1])
