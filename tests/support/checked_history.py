"""A history in a warehouse of its own, and whether its tables are those of the reference."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from decimal import Decimal
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

from compare import LEDGER, differences, key_of
from harness import Nights, write_rows
from histories import History
from reference.ledger import chain_problems
from rows import Row, days

from solatium.engine import Engine

Key = tuple[str, str, str]


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
