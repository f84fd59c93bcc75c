"""Rolling back: the warehouse as it was after the night of an earlier date.

docs/rules.md section 10.6. The tables go back to the versions of that night, and dates that were
not closed then are open again. Decisions stay: what was posted for dates that are open again is
reversed, or waived without `clawback`, and is used up when they close again.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from uuid import uuid4

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from solatium import engine
from solatium.contracts.calendar import moved
from solatium.contracts.internal import TABLES
from solatium.contracts.keys import WINDOW
from solatium.dataframes.compare import days
from solatium.engine import Engine
from solatium.errors import UsageError
from solatium.ledger import posting
from solatium.ledger.posting import Posting
from solatium.nightly import closing, run_log
from solatium.nightly.closing import Posted
from solatium.nightly.tally import Tally
from solatium.rules import windows
from solatium.settings.load import Settings
from solatium.settings.regimes import Regimes
from solatium.storage.location import Location
from solatium.version import VERSION
from solatium.warehouse import commits
from solatium.warehouse.commits import Commit
from solatium.warehouse.diagnosis import diagnosed
from solatium.warehouse.tables import Warehouse


@dataclass(frozen=True)
class RolledBack:
    """What a roll back did, or as a dry run would do.

    `to` is the date that was gone back to, `newest` the newest date that was handled before.
    `nights` are the dates whose handling is undone, `reopened` the business dates that were closed
    and are open again. `posted` is what the ledger got, and what was waived.
    """

    to: date
    newest: date
    nights: tuple[date, ...]
    reopened: tuple[date, ...]
    posted: Posted
    is_dry_run: bool


def rollback(
    root: Location,
    to: date,
    engine_name: str,
    running: Engine | None = None,
    *,
    dry_run: bool = False,
) -> RolledBack:
    """Takes a warehouse back to what it was after the night of `to`; a dry run changes nothing.

    Raises a UsageError for a date that was never handled, is the newest one, or whose tables a
    vacuum has removed; BusyError while a run holds the warehouse.
    """
    commits.built(root)  # before a folder is made for the lease
    holder = {"command": "rollback", "date": to.isoformat()}
    with root.plainly_named() as named, diagnosed(named), named.held(holder) as lease:
        lineage, seen = commits.lineage(named), commits.published(named)
        commits.refuse_older(named, lineage)
        base = _base(named, seen, to)
        with nullcontext(running) if running else engine.running(engine_name) as started:
            warehouse = Warehouse(started, named, TABLES, lease)
            return _Rollback(warehouse, lineage, seen, base, to).done(engine_name, dry_run=dry_run)


def _base(root: Location, seen: Sequence[Commit], to: date) -> Commit:
    """The commit of the night that is gone back to."""
    first, newest = seen[0].day, seen[-1].day
    if to >= newest:
        raise UsageError(
            f"--to {to}: the newest date that this warehouse has handled is {newest}, so there is "
            "nothing to roll back",
            [f"give a date from {first} to {moved(newest, -1)}"] if first < newest else [],
        )
    if to < first:
        raise UsageError(
            f"--to {to} is before {first}, the first date that this warehouse has handled",
            ["to start over, name a new folder as the warehouse"],
        )
    base = [commit for commit in seen if commit.day <= to][-1]
    if not commits.retained(root, [base]):
        raise UsageError(
            f"--to {to}: the tables of that night were removed by solatium vacuum",
            [
                f"the oldest that are kept are those of {commits.retained(root, seen)[0].day}",
                "solatium backfill judges earlier dates again, from the landing zone",
            ],
        )
    return base


class _Rollback:
    def __init__(
        self,
        warehouse: Warehouse,
        lineage: Sequence[Commit],
        seen: Sequence[Commit],
        base: Commit,
        to: date,
    ) -> None:
        self.warehouse = warehouse
        newest = self.newest = lineage[-1]
        self.seen = seen
        self.base = base
        self.to = to
        # those of a run that went back and was interrupted, too
        self.undone = [c for c in (*seen, *lineage) if c.day > to or c.number > seen[-1].number]
        self.started = datetime.now(UTC)
        self.settings = Settings.from_judging(base.judging)
        self.regimes = Regimes(self.settings)
        self.last_closed = moved(to, -self.settings.grace_days)
        # an entry is never of an earlier run date than its business date
        self.run_date = max(newest.day, seen[-1].day)

    def done(self, engine_name: str, *, dry_run: bool) -> RolledBack:
        with self.warehouse.scratch() as scratch:
            if not dry_run:
                self.warehouse.prepare(self.newest)
                self.warehouse.rewind(self.base, self.newest)
            found = self._posting()
            if dry_run:
                _, posted = closing.reckoned(found, scratch)
            else:
                posted = closing.write(self.warehouse, scratch, found, self.run_date)
                self._commit(engine_name, posted)
        return RolledBack(
            to=self.to,
            newest=self.seen[-1].day,
            nights=tuple(commit.day for commit in self.seen if commit.day > self.to),
            reopened=self._reopened(),
            posted=posted,
            is_dry_run=dry_run,
        )

    def _posting(self) -> Posting:
        """What brings the ledger to the awards of then; dates that are not closed get nothing."""
        ledger = self.warehouse.read("bonus_ledger", self.newest)
        waived = self.warehouse.read("bonus_waived", self.newest)
        was_closed = F.col("business_date") <= F.lit(self.last_closed)
        awards = self.warehouse.read("bonus_awards", self.base).where(was_closed)
        then, now = self._in_force(self.base), self._in_force(self.newest)
        # windows that came later have the campaign that they had, for the settings of their money
        later = now.join(then.select(*WINDOW), on=WINDOW, how="left_anti")
        first = min([moved(self.last_closed, 1), *(c.judged_from for c in self.undone)])
        dates = {
            day
            for rows in (ledger, waived, awards)
            for day in days(rows, "business_date")
            if day >= first
        }
        return posting.post(
            awards,
            ledger,
            waived,
            then.unionByName(later),
            sorted(dates | {self.run_date}),
            run_date=self.run_date,
            regimes=self.regimes,
        )

    def _in_force(self, commit: Commit) -> DataFrame:
        versions = self.warehouse.read("windows", commit)
        set_aside = self.warehouse.read("_set_aside_windows", commit).drop("reason")
        return windows.in_force(versions, set_aside, self.settings, self.regimes).select(
            *WINDOW, "business_date", "campaign_id"
        )

    def _reopened(self) -> tuple[date, ...]:
        """Business dates with windows that were closed and are open again."""
        grace_days = Settings.from_judging(self.seen[-1].judging).grace_days
        closed = moved(self.seen[-1].day, -grace_days)
        results = self.warehouse.read("window_results", self.seen[-1])
        day = F.col("business_date")
        return tuple(
            days(
                results.where((day > F.lit(self.last_closed)) & (day <= F.lit(closed))),
                "business_date",
            )
        )

    def _commit(self, engine_name: str, posted: Posted) -> None:
        run_id = uuid4().hex
        tally = Tally(entries_posted=posted.entries, entries_sum=posted.total)
        digest = self.base.config_digest
        row = run_log.row(run_id, self.to, self.started, engine_name, digest, tally)
        run_log.append(self.warehouse, row)
        self.warehouse.commit(
            replace(
                self.base,
                number=self.newest.number + 1,
                parent=self.base.parent,
                day=self.to,
                run_id=run_id,
                engine=engine_name,
                version=VERSION,
                judged_by=self.base.judging_version,
                settled=self.last_closed,
                hidden_until=None,
            )
        )
