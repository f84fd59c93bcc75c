"""The digests of postings (docs/rules.md section 8.6), against plain Python and by hand."""

from __future__ import annotations

import re
import subprocess
from datetime import date
from decimal import Decimal
from hashlib import sha256
from pathlib import Path

import pytest
from harness import Row
from reference.ledger import entries_digest, seal
from rows import DAY, days

from solatium import contracts
from solatium.engine import Engine
from solatium.ledger import digests

LEDGER = contracts.warehouse("bonus_ledger")
DIGESTS = contracts.warehouse("bonus_ledger_digests")
RULES = Path(__file__).parents[2] / "docs" / "rules.md"


def entry(account: str = "u-101", *, amount: str = "5.00", revision: int = 0, run: date) -> Row:
    said = f"{account}|sku1|w1|{revision}"
    return {
        "entry_id": sha256(said.encode()).hexdigest(),
        "account_id": account,
        "commodity_id": "sku1",
        "window_id": "w1",
        "business_date": DAY,
        "amount": Decimal(amount),
        "currency": "CNY",
        "kind": "adjustment" if revision else "award",
        "revision": revision,
        "run_date": run,
    }


def frame(running: Engine, table: contracts.Table, rows: list[Row], parts: int = 1):
    values = [tuple(row[name] for name in table.names) for row in rows]
    return running.spark.createDataFrame(values, table.spark_schema()).repartition(parts)


def contents(running: Engine, rows: list[Row], parts: int = 1) -> dict[date, tuple]:
    found = digests.contents(frame(running, LEDGER, rows, parts)).collect()
    return {row.run_date: (row.entries, row.amount, row.content) for row in found}


MANY = [
    entry(f"ü-{n} 語", amount=f"{n - 250}.{n % 100:02}", revision=n % 3, run=days(n % 2))
    for n in range(600)
]


@pytest.mark.both_engines
def test_contents_are_those_of_the_rules_however_the_entries_are_spread(running: Engine) -> None:
    """Over 256 buckets, of which some have several entries; negative amounts; ids of any script."""
    expected = {}
    for day in (days(0), days(1)):
        some = [row for row in MANY if row["run_date"] == day]
        total = sum(row["amount"] for row in some)
        expected[day] = (len(some), total, entries_digest(some))
    assert contents(running, MANY) == expected
    assert contents(running, MANY[::-1], parts=7) == expected


@pytest.mark.both_engines
def test_each_posting_holds_the_digest_of_the_one_before(running: Engine) -> None:
    """The third posts once more under the run date of the first, and seals its entries too."""
    runs = [days(0), days(1), days(0)]
    entries: list[Row] = []
    expected: list[Row] = []
    found: list[Row] = []
    for number, run in enumerate(runs):
        known = len(entries)
        entries += [entry(name, revision=number, run=run) for name in ("a", "b")[: number + 1]]
        before = frame(running, DIGESTS, found)
        added = frame(running, LEDGER, entries[known:])
        row = digests.posting(before, added, frame(running, LEDGER, entries), run)
        found += [row.asDict() for row in row.collect()]
        expected.append(seal(expected, entries, known, run))
    assert found == expected
    assert [row["number"] for row in found] == [0, 1, 2]
    assert found[0]["previous"] == "0" * 64
    assert found[2]["entries"] == 2


OTHER = {
    "entry_id": sha256(b"").hexdigest(),
    "account_id": "u-102",
    "commodity_id": "sku2",
    "window_id": "w2",
    "business_date": days(-1),
    "amount": Decimal("5.01"),
    "currency": "CNH",
    "kind": "reversal",
    "revision": 2,
}


def test_every_column_of_an_entry_is_sealed(running: Engine) -> None:
    """A content for each change, told apart by run dates; the text of each is one of its own."""
    one = entry(run=days(0))
    changed = [one | {name: value} for name, value in OTHER.items()]
    assert OTHER.keys() | {"run_date"} == set(LEDGER.names)
    found = {
        contents(running, [row])[days(0)][2] for row in [one, *changed, entry("u-1", run=days(0))]
    }
    assert len(found) == len(changed) + 2
    assert contents(running, [entry(run=days(1))])[days(1)][2] not in found


def test_the_example_of_the_rules_can_be_computed_by_hand() -> None:
    """Its commands are run, and give what stands below them; so does the reference."""
    text = RULES.read_text(encoding="utf-8")
    (example,) = re.findall(r"```console\n(\$ entry=.*?)```", text, re.DOTALL)
    lines = example.splitlines()
    commands = "\n".join(line[2:] for line in lines if line.startswith(("$ ", "> ")))
    said = [line for line in lines if not line.startswith(("$ ", "> "))]
    done = subprocess.run(["bash", "-ec", commands], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == said
    sealed = seal([], [entry(run=days(2))], 0, days(2))
    assert said == [sealed["content"], sealed["digest"]]
