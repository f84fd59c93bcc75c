"""`solatium audit-ledger` (docs/rules.md section 8.7): a sound ledger passes, and whatever anybody
changes in it is found and named."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from decimal import Decimal
from hashlib import sha256
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake
from golden import race
from harness import Nights, Row, table_rows
from reference.ledger import entries_digest, row_digest
from rows import account, at, days, landing

from solatium import contracts
from solatium.cli import show
from solatium.engine import Engine
from solatium.errors import LedgerError, UsageError, WarehouseError
from solatium.ledger.audit import Audited, audit
from solatium.ledger.checks import LAWS
from solatium.storage.local import LocalLocation

FIRST, SECOND = days(0), days(1)
TIERS = [{"min_failures": 1, "amount": "2.00"}, {"min_failures": 2, "amount": "5.00"}]
CONFIG = {"grace_days": 0, "bonus": {"tiers": TIERS, "clawback": True}}
Tables = dict[str, list[Row]]


# An audit takes its time: `make torture` tries these.
RARE = ("of another date", "of nothing", "with a bar in an id", "run_date", "entries", "amount")


def few(name: str, values: Iterable[Any]) -> Any:
    return pytest.param(*values, id=name, marks=[pytest.mark.torture] if name in RARE else [])


class Books:
    """A warehouse whose tables can be forged, as far as its newest commit record names them."""

    def __init__(self, nights: Nights) -> None:
        self.nights = nights
        self.folder = nights.warehouse
        self.record = max((self.folder / "_commits").glob("*.json"))
        self.true_record = self.record.read_text()

    def audit(self) -> Audited:
        return audit(LocalLocation(self.folder), self.nights.running.name, self.nights.running)

    def refused(self) -> LedgerError:
        with pytest.raises(LedgerError) as refused:
            self.audit()
        assert refused.value.exit_status == 1
        return refused.value

    def rows(self, table: str) -> list[Row]:
        """In an order of their own, so that a test can mean one of them."""
        return sorted(table_rows(self.folder, table), key=str)

    def forge(self, **tables: list[Row]) -> None:
        """Puts rows in the place of tables, under versions that the commit record then names."""
        record = json.loads(self.record.read_text())
        for name, rows in tables.items():
            path, contract = str(self.folder / name), contracts.warehouse(name)
            new = pa.Table.from_pylist(rows, contract.arrow_schema())
            write_deltalake(path, new, mode="overwrite")
            record["tables"][name] = DeltaTable(path).version()
        self.record.write_text(json.dumps(record))

    def restore(self) -> None:
        now = json.loads(self.record.read_text())["tables"]
        true = json.loads(self.true_record)["tables"]
        for name, version in true.items():
            if now[name] != version:
                delta = DeltaTable(str(self.folder / name))
                delta.restore(version)
                now[name] = delta.version()
        self.record.write_text(json.dumps(json.loads(self.true_record) | {"tables": now}))


@pytest.fixture(scope="module")
def posted(running: Engine, tmp_path_factory: pytest.TempPathFactory) -> Books:
    """Two nights that pay `ann` and `ben`, and then what takes some of that back: four postings.

    | number | run date | entries |
    | 0 | FIRST  | 2.00 to each for the race `r0` |
    | 1 | SECOND | 5.00 to each for the race `r1` |
    | 2 | FIRST  | -2.00 from `ben`, who was blacklisted |
    | 3 | SECOND | -5.00 from each: `ann` had closed her account |
    """
    nights = Nights(tmp_path_factory.mktemp("posted"), running)
    nights.land(
        landing(race("r0", "front", "ann", "ben"), race("r1", "front", "ann", "ben", day=SECOND))
    )
    nights.run(SECOND, CONFIG)
    late = landing(
        account("ben", blacklisted=True, updated_at=at("00:30")),
        account("ann", status="closed", updated_at=at("05:00"), day=SECOND),
    )
    nights.land(late, part="part-1")
    nights.run(SECOND, CONFIG, again_from=FIRST)
    return Books(nights)


@pytest.fixture
def books(posted: Books) -> Books:
    """The same, made true again."""
    posted.restore()
    return posted


def entry_of(rows: list[Row], account_id: str, window: str, revision: int = 0) -> Row:
    (row,) = (
        row
        for row in rows
        if (row["account_id"], row["commodity_id"], row["revision"])
        == (account_id, window, revision)
    )
    return row


def id_of(row: Row) -> str:
    said = "|".join(
        str(row[name]) for name in ("account_id", "commodity_id", "window_id", "revision")
    )
    return sha256(said.encode()).hexdigest()


def broken(error: LedgerError) -> dict[str, str]:
    """What is said of each law that is broken."""
    names = {meaning: name for name, meaning in LAWS.items()}
    return {
        names.get(meaning, meaning): said
        for meaning, _, said in (problem.partition(": ") for problem in error.problems)
    }


def test_a_sound_ledger_is_told_in_numbers(books: Books) -> None:
    audited = books.audit()
    assert (audited.entries, audited.keys, audited.postings) == (7, 4, 4)
    assert audited.totals == {"CNY": Decimal("2.00")}
    newest = max(books.rows("bonus_ledger_digests"), key=lambda row: row["number"])
    assert audited.digest == newest["digest"]
    lines = show.of_audit(audited).splitlines()
    assert [line.split("  ")[0] for line in lines][2:5] == [
        "entries",
        "accounts and windows",
        "postings",
    ]
    assert lines[5].split() == ["total", "CNY", "2.00"]


@pytest.mark.spark_at_length
def test_a_ledger_of_either_engine_is_sound_and_a_forged_one_is_not(nights: Nights) -> None:
    nights.land(landing(race("r0", "front", "ann", "ben")))
    nights.run(FIRST, CONFIG)
    books = Books(nights)
    assert books.audit().totals == {"CNY": Decimal("4.00")}
    rows = books.rows("bonus_ledger")
    forged = entry_of(rows, "ann", "r0")
    forged |= {"amount": Decimal("9.00"), "business_date": SECOND, "kind": "adjustment"}
    books.forge(bonus_ledger=rows)
    error = books.refused()
    assert set(broken(error)) == {
        "kind", "business_date", "sealed", "balance", "payout",
        "run_log says that 2 entries of 4.00 were posted",
    }  # fmt: skip
    assert f"the first thing that is wrong: entry {forged['entry_id']}, " in error.headline


# What is changed of the first entry for `ben`, and where it shows; each breaks the seal besides
CHANGES = {
    "entry_id": ("f" * 64, {"entry_id"}),
    "account_id": ("eve", {"entry_id", "revision", "kind", "balance", "payout"}),
    "commodity_id": ("r9", {"entry_id", "revision", "kind", "balance"}),
    "window_id": ("w9", {"entry_id", "revision", "kind", "balance"}),
    "business_date": (days(-1), set()),
    "amount": (Decimal("3.00"), {"kind", "balance", "payout"}),
    "currency": ("USD", {"currency", "payout"}),
    "kind": ("adjustment", {"kind"}),
    "revision": (5, {"entry_id", "revision", "kind"}),
    "run_date": (SECOND, {"payout"}),
}


@pytest.mark.parametrize("column", CHANGES)
def test_a_changed_entry_is_found(books: Books, column: str) -> None:
    value, laws = CHANGES[column]
    rows = books.rows("bonus_ledger")
    changed = entry_of(rows, "ben", "r0")
    assert changed[column] != value
    changed[column] = value
    books.forge(bonus_ledger=rows)
    error = books.refused()
    found = broken(error)
    found.pop(next((said for said in found if said.startswith("run_log")), ""), None)
    assert found.keys() == laws | {"sealed"}
    assert f"posting 2 of {FIRST}: sealed were 3 entries of 2.00" in found["sealed"]
    if "entry_id" in laws:
        assert (
            f"entry {changed['entry_id']}, account {changed['account_id']}, " in found["entry_id"]
        )
    if laws - {"payout"}:
        assert "ben" in error.headline or "eve" in error.headline
    else:
        assert f"posting 2 of {FIRST}" in error.headline


def test_every_column_of_an_entry_is_changed_above() -> None:
    assert CHANGES.keys() == set(contracts.warehouse("bonus_ledger").names)


def remove(rows: list[Row]) -> None:
    rows.remove(entry_of(rows, "ben", "r0", 1))


def repeat(rows: list[Row]) -> None:
    rows.append(dict(entry_of(rows, "ben", "r0", 1)))


def forge(rows: list[Row], **changes: object) -> None:
    new = entry_of(rows, "ann", "r0") | {"account_id": "eve"} | changes
    rows.append(new | {"entry_id": id_of(new)})


CASES: dict[str, tuple[Callable[[list[Row]], None], set[str]]] = {
    "removed": (remove, {"sealed", "balance", "payout"}),
    "repeated": (repeat, {"sealed", "revision", "kind", "balance", "payout"}),
    "forged": (forge, {"sealed", "balance", "payout"}),
    "of another date": (
        lambda rows: forge(rows, run_date=days(5)),
        {"sealed", "balance", "payout"},
    ),
    "of nothing": (
        lambda rows: forge(rows, amount=Decimal("0.00")),
        {"sealed", "amount", "payout"},
    ),
    "with a bar in an id": (
        lambda rows: entry_of(rows, "ben", "r0").update(
            account_id="ben|r0", commodity_id="w", window_id="1"
        ),
        {"sealed", "entry_id", "revision", "kind", "balance", "payout"},
    ),
}


@pytest.mark.parametrize(("change", "laws"), [few(case, CASES[case]) for case in CASES])
def test_a_ledger_with_more_or_less_is_found(
    books: Books, change: Callable[[list[Row]], None], laws: set[str]
) -> None:
    rows = books.rows("bonus_ledger")
    change(rows)
    books.forge(bonus_ledger=rows)
    found = broken(books.refused())
    found.pop(next((said for said in found if said.startswith("run_log")), ""), None)
    assert found.keys() == laws


def test_a_forgery_that_agrees_with_everything_else_breaks_the_seal_alone(books: Books) -> None:
    """An award, its entry and its payout: only the posting says that they were not there."""
    entries, awards = books.rows("bonus_ledger"), books.rows("bonus_awards")
    payouts = books.rows("bonus_payouts")
    forge(entries)
    awards.append(next(row for row in awards if row["account_id"] == "ann") | {"account_id": "eve"})
    payouts.append(
        next(row for row in payouts if (row["account_id"], row["posting"]) == ("ann", 0))
        | {"account_id": "eve"}
    )
    for row in (awards[-1], payouts[-1]):
        row["amount"] = Decimal("2.00")
    payouts[-1]["payout_id"] = sha256(f"{payouts[-1]['posting']}|eve".encode()).hexdigest()
    log = books.rows("run_log")
    log[0]["entries_posted"] += 1
    log[0]["entries_sum"] += 2
    books.forge(bonus_ledger=entries, bonus_awards=awards, bonus_payouts=payouts, run_log=log)
    error = books.refused()
    assert broken(error).keys() == {"sealed", "payout_sum"}
    assert f"posting 2 of {FIRST}: sealed were 3 entries of 2.00, there are 4 of 4.00" in str(error)


# What is changed of the second posting, of SECOND, which the last one followed
SEALS = {
    "number": (7, {"number", "digest", "previous", "sealed", "payout_sum"}),
    "run_date": (FIRST, {"digest", "sealed", "payout_sum"}),
    "entries": (1, {"digest", "sealed", "payout_sum"}),
    "amount": (Decimal("9.00"), {"digest", "sealed", "payout_sum"}),
    "content": ("0" * 64, {"digest"}),
    "previous": ("0" * 64, {"digest", "previous"}),
    "digest": ("0" * 64, {"digest", "previous"}),
}


@pytest.mark.parametrize("column", [few(column, [column]) for column in SEALS])
def test_a_changed_posting_is_found(books: Books, column: str) -> None:
    value, laws = SEALS[column]
    rows = books.rows("bonus_ledger_digests")
    (changed,) = (row for row in rows if row["number"] == 1)
    changed[column] = value
    books.forge(bonus_ledger_digests=rows)
    error = books.refused()
    assert broken(error).keys() == laws
    assert f"posting {changed['number']}" in str(error)


def test_every_column_of_a_posting_is_changed_above() -> None:
    assert SEALS.keys() == set(contracts.warehouse("bonus_ledger_digests").names)


def swap(rows: list[Row]) -> None:
    rows[1]["number"], rows[2]["number"] = 2, 1


@pytest.mark.parametrize(
    ("change", "laws"),
    [
        (lambda rows: rows.pop(0), {"number", "previous", "sealed", "payout_sum"}),
        (lambda rows: rows.pop(1), {"number", "previous", "sealed", "payout_sum"}),
        (lambda rows: rows.pop(3), {"sealed", "payout_sum"}),
        (lambda rows: rows.clear(), {"sealed", "payout_sum"}),
        (swap, {"digest", "previous", "payout_sum"}),
    ],
    ids=["the first", "the second", "the last", "all", "swapped"],
)
def test_postings_that_are_gone_or_in_another_order_are_found(
    books: Books, change: Callable[[list[Row]], None], laws: set[str]
) -> None:
    rows = sorted(books.rows("bonus_ledger_digests"), key=lambda row: row["number"])
    change(rows)
    books.forge(bonus_ledger_digests=rows)
    assert broken(books.refused()).keys() == laws


def test_a_posting_that_is_sealed_anew_breaks_the_chain_after_it(books: Books) -> None:
    """Whoever changes an entry, and the digest with it, has to change all later digests too."""
    entries, rows = books.rows("bonus_ledger"), books.rows("bonus_ledger_digests")
    rows.sort(key=lambda row: row["number"])
    entry_of(entries, "ben", "r0")["business_date"] = days(-1)
    rows[2]["content"] = entries_digest([row for row in entries if row["run_date"] == FIRST])
    rows[2]["digest"] = row_digest({k: v for k, v in rows[2].items() if k != "digest"})
    books.forge(bonus_ledger=entries, bonus_ledger_digests=rows)
    error = books.refused()
    assert broken(error).keys() == {"previous"}
    assert f"posting 3 of {SECOND}: previous " in error.headline


def test_what_else_does_not_agree_with_the_ledger_is_found(books: Books) -> None:
    awards, waived = books.rows("bonus_awards"), books.rows("bonus_waived")
    next(row for row in awards if row["account_id"] == "ann" and row["amount"])["amount"] += 1
    books.forge(bonus_awards=awards)
    found = broken(books.refused())
    assert found.keys() == {"balance"}
    assert "account ann, commodity r0, " in found["balance"]
    assert found["balance"].endswith("balance 2.00, waived 0.00, award 3.00")

    books.restore()
    one = entry_of(books.rows("bonus_ledger"), "ann", "r0") | {"amount": Decimal("-1.00")}
    books.forge(bonus_waived=[*waived, one])
    assert broken(books.refused()).keys() == {"balance", "waived"}

    books.restore()
    payouts = books.rows("bonus_payouts")
    books.forge(bonus_payouts=payouts[1:])
    found = broken(books.refused())
    assert found.keys() == {"payout", "payout_sum"}
    assert f"account {payouts[0]['account_id']}, CNY of {payouts[0]['run_date']}" in str(found)

    books.restore()
    renamed = books.rows("bonus_payouts")
    renamed[0]["payout_id"] = renamed[1]["payout_id"]
    books.forge(bonus_payouts=renamed)
    found = broken(books.refused())
    assert found.keys() == {"payout_id"}
    assert f"payout_id {renamed[1]['payout_id']} stands 2 times" in str(found)

    books.restore()
    log = books.rows("run_log")
    log[0]["entries_posted"] -= 1
    books.forge(run_log=log)
    assert list(broken(books.refused())) == ["run_log says that 6 entries of 2.00 were posted"]


def test_every_posting_has_payouts_of_its_own(posted: Books) -> None:
    """Those of one run date and account stand apart, so that each can be paid once."""
    rows = sorted(posted.rows("bonus_payouts"), key=lambda row: (row["posting"], row["account_id"]))
    assert [
        (row["posting"], row["account_id"], row["run_date"], str(row["amount"])) for row in rows
    ] == [
        (0, "ann", FIRST, "2.00"),
        (0, "ben", FIRST, "2.00"),
        (1, "ann", SECOND, "5.00"),
        (1, "ben", SECOND, "5.00"),
        (2, "ben", FIRST, "-2.00"),
        (3, "ann", SECOND, "-5.00"),
        (3, "ben", SECOND, "-5.00"),
    ]
    assert [row["payout_id"] for row in rows] == [
        sha256(f"{row['posting']}|{row['account_id']}".encode()).hexdigest() for row in rows
    ]


def test_the_audit_holds_nothing_and_sees_what_is_committed(books: Books) -> None:
    """A run that has posted, and has not committed, is not seen."""
    forge(rows := books.rows("bonus_ledger"))
    path = str(books.folder / "bonus_ledger")
    new = pa.Table.from_pylist(rows, contracts.warehouse("bonus_ledger").arrow_schema())
    write_deltalake(path, new, mode="overwrite")
    with LocalLocation(books.folder).held({"engine": "spark", "date": str(SECOND)}):
        assert books.audit().entries == 7


def test_rows_that_no_commit_names_are_reported_while_no_run_goes_on(books: Books) -> None:
    rows = books.rows("bonus_ledger")
    rows[0]["amount"] += 5
    path = str(books.folder / "bonus_ledger")
    new = pa.Table.from_pylist(rows, contracts.warehouse("bonus_ledger").arrow_schema())
    write_deltalake(path, new, mode="overwrite")
    error = books.refused()
    assert "bonus_ledger: version" in error.problems[-1]
    assert "no run holds the warehouse" in error.problems[-1]
    # what an interrupted run took back again is the same rows under a later version
    DeltaTable(path).restore(json.loads(books.record.read_text())["tables"]["bonus_ledger"])
    assert books.audit().entries == 7


def test_a_damaged_ledger_is_reported_by_file(books: Books) -> None:
    for damage in (Path.unlink, lambda file: file.write_bytes(file.read_bytes()[:-9])):
        file = max((books.folder / "bonus_ledger").rglob("*.parquet"))
        content = file.read_bytes()
        damage(file)
        with pytest.raises(WarehouseError, match="the warehouse is damaged") as refused:
            books.audit()
        assert any(file.name in problem for problem in refused.value.problems)
        file.write_bytes(content)
    assert books.audit().entries == 7


def test_an_audit_needs_a_warehouse(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no warehouse; solatium nightly makes one"):
        audit(LocalLocation(tmp_path), "embedded")
    (tmp_path / "_commits").mkdir()
    with pytest.raises(UsageError, match="nothing is committed yet"):
        audit(LocalLocation(tmp_path), "embedded")
