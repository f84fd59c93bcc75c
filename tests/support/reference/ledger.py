"""The ledger, its seal and its payouts (docs/rules.md section 8)."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from hashlib import sha256

from reference.contract import money
from reference.types import LedgerKey, Row


class Ledger:
    """What is owed: entries that are only ever added, and what was waived."""

    def __init__(self) -> None:
        self.entries: list[Row] = []
        self.waivers: list[Row] = []
        self.revisions: Counter[LedgerKey] = Counter()
        self.balance: Counter[LedgerKey] = Counter()
        self.posted: dict[tuple[LedgerKey, date], int] = {}
        self.waived: dict[LedgerKey, dict[date, int]] = defaultdict(dict)
        self.currency: dict[LedgerKey, str] = {}
        self.digests: list[Row] = []

    def post(
        self,
        due: dict[tuple[LedgerKey, date], int],
        claws_back: Callable[[LedgerKey, date], bool],
        run_date: date,
    ) -> None:
        """Bring every key and closed business date to what it is `due` (cents; 0 if not named).

        What a key lost comes before what it gained: a window that moved to another date is first
        taken back, then paid.
        """
        places = due.keys() | self.posted.keys()
        places |= {(key, day) for key, days in self.waived.items() for day in days}
        known = len(self.entries)
        differences = []
        for key, day in places:
            amount = due.get((key, day), 0)
            standing = self.posted.get((key, day), 0) - self.waived.get(key, {}).get(day, 0)
            differences.append((key, amount > standing, day, amount))
        for key, _, day, amount in sorted(differences):
            if claws_back(key, day):
                self._balance_exactly(key, day, amount, run_date)
            else:
                self._never_take_back(key, day, amount, run_date)
        if len(self.entries) > known:
            self.digests.append(seal(self.digests, self.entries, known, run_date))

    def _balance_exactly(self, key: LedgerKey, day: date, amount: int, run_date: date) -> None:
        """With clawback: the balance becomes the amount, and nothing stays waived."""
        self._waive(key, day, -self.waived.get(key, {}).get(day, 0), run_date)
        self._enter(key, day, amount - self.posted.get((key, day), 0), run_date)

    def _never_take_back(self, key: LedgerKey, day: date, amount: int, run_date: date) -> None:
        """Without: a decrease is waived, and an increase uses up first what was waived."""
        waived = self.waived.get(key, {})
        difference = amount - (self.posted.get((key, day), 0) - waived.get(day, 0))
        used_up = min(difference, sum(waived.values())) if difference > 0 else difference
        self._waive(key, day, -used_up, run_date)
        self._enter(key, day, difference - used_up, run_date)

    def _waive(self, key: LedgerKey, day: date, amount: int, run_date: date) -> None:
        if amount == 0:
            return
        self.waived[key][day] = self.waived[key].get(day, 0) + amount
        self.waivers.append(
            ledger_ids(key)
            | {
                "business_date": day,
                "amount": money(amount),
                "currency": self.currency[key],
                "run_date": run_date,
            }
        )

    def _enter(self, key: LedgerKey, day: date, amount: int, run_date: date) -> None:
        if amount == 0:
            return
        revision = self.revisions[key]
        self.revisions[key] += 1
        self.balance[key] += amount
        self.posted[key, day] = self.posted.get((key, day), 0) + amount
        kind = "reversal" if self.balance[key] == 0 else "adjustment"
        self.entries.append(
            {
                "entry_id": sha256("|".join([*key, str(revision)]).encode()).hexdigest(),
                **ledger_ids(key),
                "business_date": day,
                "amount": money(amount),
                "currency": self.currency[key],
                "kind": "award" if revision == 0 else kind,
                "revision": revision,
                "run_date": run_date,
            }
        )

    def payouts(self) -> list[Row]:
        """The net of every posting's entries, per account and currency."""
        rows, known = [], 0
        for digest in self.digests:
            posted = self.entries[known : known + digest["entries"]]
            known += digest["entries"]
            first = min(entry["currency"] for entry in posted)
            net: dict[tuple[str, str], list[Decimal]] = defaultdict(list)
            for entry in posted:
                net[entry["account_id"], entry["currency"]].append(entry["amount"])
            for (account_id, currency), amounts in net.items():
                said = [
                    str(digest["number"]),
                    account_id,
                    *([currency] if currency != first else []),
                ]
                rows.append(
                    {
                        "payout_id": sha256("|".join(said).encode()).hexdigest(),
                        "posting": digest["number"],
                        "account_id": account_id,
                        "run_date": digest["run_date"],
                        "amount": sum(amounts),
                        "entries": len(amounts),
                        "currency": currency,
                    }
                )
        return rows


def seal(before: list[Row], entries: list[Row], known: int, run_date: date) -> Row:
    """The row of bonus_ledger_digests for a posting: all entries but the first `known`."""
    posted = entries[known:]
    row = {
        "number": len(before),
        "run_date": run_date,
        "entries": len(posted),
        "amount": sum((entry["amount"] for entry in posted), Decimal("0.00")),
        "content": entries_digest([e for e in entries if e["run_date"] == run_date]),
        "previous": before[-1]["digest"] if before else "0" * 64,
    }
    return row | {"digest": row_digest(row)}


def chain_problems(digests: list[Row], entries: list[Row]) -> list[str]:
    """What is wrong with the rows of bonus_ledger_digests, by themselves or for the entries."""
    wrong, previous = [], "0" * 64
    newest: dict[date, Row] = {}
    for number, row in enumerate(sorted(digests, key=lambda row: row["number"])):
        sealed = {name: value for name, value in row.items() if name != "digest"}
        if (row["number"], row["previous"]) != (number, previous):
            wrong.append(f"{row}: should be posting {number}, after {previous}")
        if row["digest"] != row_digest(sealed):
            wrong.append(f"{row}: should have the digest {row_digest(sealed)}")
        previous = row["digest"]
        newest[row["run_date"]] = row
    for run_date in {entry["run_date"] for entry in entries} | newest.keys():
        posted = [entry for entry in entries if entry["run_date"] == run_date]
        of_date = [row for row in digests if row["run_date"] == run_date]
        said = (
            sum(row["entries"] for row in of_date),
            sum((row["amount"] for row in of_date), Decimal(0)),
            newest[run_date]["content"] if of_date else None,
        )
        total = sum((entry["amount"] for entry in posted), Decimal(0))
        should = (len(posted), total, entries_digest(posted))
        if said != should:
            wrong.append(f"postings of {run_date}: {said}, should be {should}")
    return wrong


def entries_digest(entries: list[Row]) -> str:
    """A digest of the digests of 256 buckets; an entry is in that of its id's first characters."""
    buckets: dict[str, list[str]] = defaultdict(list)
    for entry in entries:
        columns = "entry_id account_id commodity_id window_id business_date amount currency kind"
        in_order = [*columns.split(), "revision", "run_date"]
        buckets[entry["entry_id"][:2]].append(row_digest({name: entry[name] for name in in_order}))
    return lines_digest([lines_digest(sorted(buckets[bucket])) for bucket in sorted(buckets)])


def row_digest(row: Row) -> str:
    return sha256("|".join(map(str, row.values())).encode()).hexdigest()


def lines_digest(lines: list[str]) -> str:
    return sha256("".join(f"{line}\n" for line in lines).encode()).hexdigest()


def ledger_ids(key: LedgerKey) -> Row:
    return dict(zip(("account_id", "commodity_id", "window_id"), key, strict=True))
