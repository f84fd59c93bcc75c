"""Properties of whole histories: the library's tables against the reference's, run after run.

The one law (docs/rules.md section 1) says that tables follow from the landing rows and the
configuration alone. So they are the same in one night after another, when nights are caught up, and
when files of old dates come, change or go; only the ledger remembers how it came about.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from decimal import Decimal
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.database import DirectoryBasedExampleDatabase

from compare import LEDGER, differences, key_of
from harness import Nights, write_rows
from histories import ACCOUNTS, File, History, histories
from reference import Reference, chain_problems
from rows import Row, days, entrant, joined, landing, ordered, paid, window
from solatium.engine import Engine

ONE_DAY = timedelta(days=1)
Key = tuple[str, str, str]

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


def agree(
    nights: Nights, expected: dict[str, list[Row]], *, ledger_as_a_whole: bool, run: date
) -> None:
    """All tables are as expected; of the ledger, where windows moved, the balances."""
    found = differences(nights.warehouse, expected)
    if not ledger_as_a_whole:
        found = [line for line in found if table_of(line) not in LEDGER]
        for table in ("bonus_ledger", "bonus_waived"):
            ours, theirs = sums(nights.rows(table)), sums(expected[table])
            if ours != theirs:
                found.append(f"sums of {table}: {ours}, expected {theirs}")
    assert not found, report(run, found)
    assert not books(nights)


def ledger_follows_the_awards(
    nights: Nights, history: History, expected: dict[str, list[Row]], run: date, before: list[Row]
) -> list[Row]:
    """What stands after waivers is the award of every closed date; entries are only added."""
    entries, waived = nights.rows("bonus_ledger"), nights.rows("bonus_waived")
    closed = run - timedelta(days=history.config.get("grace_days", 2))
    due = sums(row for row in expected["bonus_awards"] if row["business_date"] <= closed)
    balances, given_up = sums(entries), sums(waived)
    standing = {
        key: balances.get(key, Decimal(0)) - given_up.get(key, Decimal(0))
        for key in balances | given_up
    }
    assert {k: v for k, v in standing.items() if v} == due, f"ledger after {run}"
    assert all(amount > 0 for amount in given_up.values()), f"waived after {run}"
    if history.config["bonus"].get("clawback"):
        assert not given_up, f"waived in spite of clawback, after {run}"
    assert all(row in entries for row in before), f"an entry is gone after {run}"
    assert not books(nights)
    return entries


def books(nights: Nights) -> list[str]:
    """What is wrong with the ledger by itself."""
    entries = nights.rows("bonus_ledger")
    by_key: dict[Key, list[Row]] = defaultdict(list)
    net: dict[tuple[str, date], list[Decimal]] = defaultdict(list)
    for entry in sorted(entries, key=lambda entry: entry["revision"]):
        by_key[key_of(entry)].append(entry)
        net[entry["account_id"], entry["run_date"]].append(entry["amount"])
    wrong = chain_problems(nights.rows("bonus_ledger_digests"), entries)
    for key, some in by_key.items():
        balance = Decimal(0)
        for revision, entry in enumerate(some):
            balance += entry["amount"]
            later = "adjustment" if balance else "reversal"
            said = sha256("|".join([*key, str(revision)]).encode()).hexdigest()
            should = (revision, "award" if revision == 0 else later, said)
            if (entry["revision"], entry["kind"], entry["entry_id"]) != should:
                wrong.append(f"{entry}, should be {should}")
    paid: dict[tuple[str, date], list[Decimal]] = defaultdict(list)
    numbers: dict[tuple[str, date], int] = defaultdict(int)
    for row in nights.rows("bonus_payouts"):
        paid[row["account_id"], row["run_date"]].append(row["amount"])
        numbers[row["account_id"], row["run_date"]] += row["entries"]
    for place in net | paid:
        if sum(net[place]) != sum(paid[place]) or len(net[place]) != numbers[place]:
            wrong.append(f"payouts of {place}: {paid[place]}, should be {net[place]}")
    return wrong


# Their parts


@contextmanager
def a_warehouse(running: Engine) -> Iterator[Nights]:
    with TemporaryDirectory(prefix="history-") as folder:
        yield Nights(Path(folder), running)


def put(nights: Nights, history: History, step: int) -> None:
    """Makes the landing zone what it is at a step."""
    for file in history.files:
        path = nights.landing / file.table / f"dt={file.dt}" / f"{file.part}.parquet"
        if not file.lies_at(step):
            path.unlink(missing_ok=True)
        elif not path.exists():
            write_rows(path, file.table, list(file.rows))


def days_between(first: date, last: date) -> list[date]:
    return [days(number, first) for number in range((last - first).days + 1)]


def sums(rows: Iterable[Row]) -> dict[Key, Decimal]:
    """The amounts of each account and window, those of 0 left out."""
    found: dict[Key, Decimal] = defaultdict(Decimal)
    for row in rows:
        found[key_of(row)] += row["amount"]
    return {key: amount for key, amount in found.items() if amount}


def table_of(difference: str) -> str:
    return difference.split(":", 1)[0]


def report(run: date, found: list[str]) -> str:
    return "\n".join([f"after the run of {run}:", *found])


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
