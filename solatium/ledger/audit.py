"""The audit of a warehouse's ledger: reads the tables as last committed, and says what is wrong.

docs/rules.md section 8.7. It holds nothing and writes nothing, so a run may go on meanwhile.
"""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from deltalake import DeltaTable
from pyspark.sql import Column, DataFrame, Row, Window
from pyspark.sql import functions as F

from solatium import engine
from solatium.contracts.calendar import shifted
from solatium.contracts.internal import TABLES
from solatium.contracts.keys import AWARD
from solatium.engine import Engine
from solatium.errors import LedgerError, UsageError
from solatium.ledger import checks
from solatium.ledger.checks import LAWS
from solatium.rules import windows
from solatium.settings.load import Settings
from solatium.settings.regimes import Regimes
from solatium.storage.location import Location
from solatium.warehouse import commits
from solatium.warehouse.commits import Commit
from solatium.warehouse.diagnosis import diagnosed
from solatium.warehouse.tables import Warehouse

_SAMPLE = 3

# The tables that the audit is about.
_LEDGER = ("bonus_ledger", "bonus_ledger_digests", "bonus_payouts", "bonus_waived")


@dataclass(frozen=True)
class Audited:
    """What was found sound: as of which commit, how much of it, and its newest digest.

    `totals` are the sums of all entries by currency.
    """

    commit: Commit
    last_closed: date
    entries: int
    keys: int
    postings: int
    totals: dict[str, Decimal]
    digest: str | None


def audit(root: Location, engine_name: str, running: Engine | None = None) -> Audited:
    """Checks the ledger, on the engine that is `running` or else on one that it starts.

    UsageError where there is no warehouse; LedgerError where something is wrong: the first bad
    entry, by run date and id, then every law that is broken, how often, and a few cases.
    """
    if not (root / "_commits").is_folder():
        raise UsageError(f"{root}: there is no warehouse; solatium nightly makes one")
    with root.plainly_named() as named:
        lineage = commits.published(named)
        if not lineage:
            raise UsageError(f"{root}: nothing is committed yet; solatium nightly does it")
        commits.refuse_older(named, lineage)
        with (
            diagnosed(named),
            nullcontext(running) if running else engine.running(engine_name) as started,
        ):
            return _Audit(Warehouse(started, named, TABLES), lineage[-1]).audited()


class _Audit:
    def __init__(self, warehouse: Warehouse, commit: Commit) -> None:
        self.warehouse = warehouse
        self.commit = commit
        self.settings = Settings.from_judging(commit.judging)
        self.last_closed = shifted(commit.day, -timedelta(days=self.settings.grace_days))
        self.entries = self._read("bonus_ledger")
        self.digests = self._read("bonus_ledger_digests")

    def _read(self, table: str) -> DataFrame:
        return self.warehouse.read(table, self.commit)

    def audited(self) -> Audited:
        sums = self.entries.groupBy("currency").agg(F.count("*"), F.sum("amount"))
        totals = {row[0]: (row[1], row[2]) for row in sums.orderBy("currency").collect()}
        entries = sum(number for number, _ in totals.values())
        total = sum((amount for _, amount in totals.values()), Decimal(0))
        self._refuse(self._findings(), [*self._run_log(entries, total), *self._strays()])
        chained = self.digests.agg(F.count("*"), F.max_by("digest", "number")).collect()[0]
        return Audited(
            commit=self.commit,
            last_closed=self.last_closed,
            entries=entries,
            keys=self.entries.select(*AWARD).distinct().count(),
            postings=chained[0],
            totals={currency: amount for currency, (_, amount) in totals.items()},
            digest=chained[1],
        )

    def _findings(self) -> DataFrame:
        in_force = windows.in_force(
            self._read("windows"),
            self._read("_set_aside_windows").drop("reason"),
            self.settings,
            Regimes(self.settings),
        )
        balances = checks.balances(
            self._read("bonus_awards"),
            self.entries,
            self._read("bonus_waived"),
            in_force,
            self.last_closed,
        )
        return (
            checks.entries(self.entries)
            .unionByName(checks.postings(self.digests, self.entries))
            .unionByName(balances)
            .unionByName(checks.payouts(self._read("bonus_payouts"), self.entries))
            .unionByName(checks.payout_ids(self._read("bonus_payouts"), self.digests))
        )

    def _run_log(self, entries: int, total: Decimal) -> list[str]:
        """What the log of runs says otherwise.

        A run that failed after some of its nights is not in it; then it may say less, never more.
        """
        log = self._read("run_log")
        said = log.agg(
            F.coalesce(F.sum("entries_posted"), F.lit(0)),
            F.coalesce(F.sum("entries_sum"), F.lit(0)),
        ).collect()[0]
        logged = {row[0] for row in log.select("run_id").collect()}
        records = commits.records(self.warehouse.root)
        is_whole = len(records) == self.commit.number and logged.issuperset(
            commit.run_id for commit in records
        )
        if said[0] > entries or (is_whole and (said[0], said[1]) != (entries, total)):
            logs = f"{said[0]:,} entries of {said[1]:,.2f}"
            return [f"run_log says that {logs} were posted: there are {entries:,} of {total:,.2f}"]
        return []

    def _strays(self) -> list[str]:
        """Ledger tables that hold something else than what is committed, while no run goes on."""
        found = []
        for name in _LEDGER:
            place, version = self.warehouse.root / name, self.commit.tables[name]
            newest = self.warehouse.version(name)
            if newest != version and _files(place, newest) != _files(place, version):
                found.append(
                    f"{name}: version {newest} holds other rows than version {version}, the newest "
                    "that a commit record names, and no run holds the warehouse: an interrupted "
                    "run left it, which the next one takes back, or somebody else wrote it"
                )
        return [] if found and self.warehouse.root.is_held() else found

    def _refuse(self, findings: DataFrame, problems: list[str]) -> None:
        """LedgerError where there is anything."""
        by_law = Window.partitionBy("law")
        samples = (
            findings.withColumn("number", F.count("*").over(by_law))
            .withColumn("position_in_law", F.row_number().over(by_law.orderBy(*_in_order())))
            .where(F.col("position_in_law") <= _SAMPLE)
            .collect()
        )
        if not samples and not problems:
            return
        listed = []
        for number, meaning in enumerate(LAWS.values()):
            cases = [row for row in samples if row["law"] == number]
            if cases:
                cases.sort(key=lambda row: row["position_in_law"])
                said = "; ".join(map(_case, cases))
                listed.append(f"{meaning}: {cases[0]['number']:,} not so, such as {said}")
        headline = f"{self.warehouse.root}: the ledger is not sound, as of {self.commit.day}"
        if samples:
            headline += f"; the first thing that is wrong: {_case(min(samples, key=_sorted_by))}"
        raise LedgerError(headline, [*listed, *problems])


def _files(place: Location, version: int) -> set[str]:
    return set(DeltaTable(place.uri, version=version).file_uris())


def _in_order() -> list[Column]:
    """Entries first, by run date and id; then postings, payouts and keys without an entry."""
    return [
        F.col("entry_id").isNull().asc(),
        F.col("run_date").asc_nulls_last(),
        *(F.col(name).asc() for name in ("entry_id", "law", "subject")),
    ]


def _sorted_by(finding: Row) -> tuple[bool, date, str, int, str]:
    """The same order."""
    run_date, entry_id = finding["run_date"] or date.max, finding["entry_id"] or ""
    return not entry_id, run_date, entry_id, finding["law"], finding["subject"]


def _case(finding: Row) -> str:
    entry = f"entry {finding['entry_id']}, " if finding["entry_id"] else ""
    run_date = f" of {finding['run_date']}" if finding["run_date"] else ""
    return f"{entry}{finding['subject']}{run_date}: {finding['said']}"
