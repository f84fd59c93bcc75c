"""Taking in earlier arrival dates once more, since their files are others than they were.

docs/rules.md sections 2 and 10. The rows of such a date are read again and compared with those that
came of it before. Only rows that are gone or new are judged again, with all others of their ids;
so a file that was merely rewritten changes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import reduce

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from solatium import contracts
from solatium.contracts import EVENTS
from solatium.contracts.keys import EVENT, WINDOW
from solatium.dataframes.compare import days, differing
from solatium.dataframes.event_keys import whole
from solatium.dataframes.joins import named_by
from solatium.landing import duplicates
from solatium.landing.gates import Quality, counted
from solatium.nightly.context import Context
from solatium.nightly.placement import Placement
from solatium.nightly.tally import Tally
from solatium.rules import windows

_ROW = [*EVENT, "dt", "whole"]


@dataclass(frozen=True)
class Corrected:
    """What changed files have changed, beside the windows themselves.

    `versions` are those of windows after it, and `in_force` the windows in force by them. `events`
    has, by landing table, the keys of windows whose accepted rows changed; `payments` the
    keys of those whose payments changed, late ones included. `accounts` are the ids of
    accounts with other versions, and `first` is the first arrival date that was taken again.
    """

    versions: DataFrame
    in_force: DataFrame
    events: dict[str, DataFrame]
    payments: DataFrame | None
    accounts: DataFrame | None
    first: date
    tally: Tally


class Corrections:
    """Takes in the arrival dates `context.again`, each with the tables whose files changed."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.tally = Tally()
        self.placement = Placement(context)

    def take(self, versions: DataFrame, before: DataFrame) -> Corrected:
        """Brings all tables of accepted rows to what the files now say; InputError by a gate.

        `before` are the windows in force, by these `versions`.
        """
        accounts, payments = None, None
        events: dict[str, DataFrame] = {}
        with self.context.stages.stage("take again", self.context.day) as stage:
            in_force = before
            if dates := self._dates("windows"):
                versions, in_force = self._windows(dates, before)
            if dates := self._dates("accounts"):
                accounts = self._accounts(dates)
            for source in EVENTS:
                if dates := self._dates(source):
                    others = self._events(source, dates, in_force)
                    if others is None:
                        continue
                    events[source] = _others_by_content(others)
                    if source == "payment":
                        payments = others.select(*WINDOW)
            stage.rows_in = self.tally.rows_in
        first = min(self.context.again)
        return Corrected(versions, in_force, events, payments, accounts, first, self.tally)

    def _dates(self, source: str) -> list[date]:
        return sorted(day for day, tables in self.context.again.items() if source in tables)

    def _read(self, source: str, dates: Sequence[date]) -> tuple[DataFrame, DataFrame]:
        """The well-formed rows of these arrival dates, and quarantine rows of the others."""
        arrivals = []
        for day in dates:
            self.tally.rows_in += self.context.landing.rows(source, day)
            raw = self.context.arrived(source, day)
            arrivals.append(duplicates.arrivals(raw, source, day))
        good, bad = zip(*arrivals, strict=True)
        return (
            self.context.scratch.keep(reduce(DataFrame.unionByName, good), f"{source}_again"),
            self.context.scratch.keep(reduce(DataFrame.unionByName, bad), f"bad_{source}_again"),
        )

    # Reference tables: versions, kept once for each occurrence

    def _windows(self, dates: list[date], before: DataFrame) -> tuple[DataFrame, DataFrame]:
        """The versions of windows as they are now, and the windows in force by them."""
        good, bad = self._read("windows", dates)
        is_late = windows.is_late(self.context.settings)
        others = self.context.warehouse.read("windows").where(~F.col("dt").isin(dates))
        self.context.warehouse.overwrite("windows", others.unionByName(good.where(~is_late)))
        late = good.where(is_late).withColumn("reason", F.lit("late"))
        self.context.warehouse.replace("_set_aside_windows", late, column="dt", dates=dates)
        self._show("windows", dates, bad, dates)
        versions = self.placement.versions()
        in_force = self.context.scratch.keep(self.placement.in_force(versions), "windows_corrected")
        moved = self.context.scratch.keep(
            windows.moved(windows.changed(before, in_force)), "windows_moved_by_correction"
        )
        if not moved.isEmpty():
            for source in EVENTS:
                self.placement.follow(source, moved, in_force)
        return versions, in_force

    def _accounts(self, dates: list[date]) -> DataFrame:
        good, bad = self._read("accounts", dates)
        table = self.context.warehouse.read("accounts")
        then = table.where(F.col("dt").isin(dates))
        now = good.select(*then.columns)
        others = differing(then, now).select("account_id").distinct()
        accounts = self.context.scratch.keep(others, "accounts_corrected")
        if not accounts.isEmpty():
            others = table.where(~F.col("dt").isin(dates))
            self.context.warehouse.overwrite("accounts", others.unionByName(now))
        self._show("accounts", dates, bad, dates)
        return accounts

    # Events

    def _events(self, source: str, dates: list[date], in_force: DataFrame) -> DataFrame | None:
        """Accepted rows, and rows set aside, that were not so before, or are no longer.

        With `business_date` (null of those set aside); None where there are none.
        """
        good, bad = self._read(source, dates)
        gone, new = self._differing(source, dates, good)
        ids = gone.select(*EVENT).unionByName(new.select(*EVENT)).distinct()
        ids = self.context.scratch.keep(ids, f"{source}_ids")
        if ids.count() == 0:
            self._show(source, dates, bad, dates)
            return None
        named = named_by(ids, in_force)
        accepted, aside = self.context.warehouse.read(source), self._aside(source)
        of_dates = F.col("business_date").isin(days(named, "business_date"))
        no_reason = F.lit(None).cast("string").alias("reason")
        no_date = F.lit(None).cast("date").alias("business_date")
        was = self._marked(
            source,
            accepted.where(of_dates)
            .select("*", no_reason)
            .unionByName(aside.select("*", no_date))
            .join(ids, on=EVENT, how="left_semi"),
        )
        was = self.context.scratch.keep(was, f"{source}_was")
        columns = [*contracts.landing(source).names, "dt"]
        remaining = was.join(gone, on=_ROW, how="left_anti").select(*columns)
        judged = self.context.scratch.keep(
            duplicates.judged_by_id(remaining.unionByName(new.select(*columns)), source),
            f"{source}_by_id",
        )
        stays = judged.where(F.col("reason").isNull()).drop("reason")
        now_accepted, now_aside = duplicates.placed(stays, named, self.context.settings.grace_days)
        now = self._marked(
            source,
            now_accepted.select("*", no_reason)
            .unionByName(now_aside.select("*", no_date))
            .unionByName(judged.where(F.col("reason").isNotNull()).select("*", no_date)),
        )
        now = self.context.scratch.keep(now, f"{source}_is")
        others = self._moved(was, now, source)
        self._write(source, ids, now, others)
        shown = sorted({*dates, *days(others.where(F.col("reason").isNotNull()), "dt")})
        self._show(source, dates, bad, shown)
        return others

    def _differing(
        self, source: str, dates: list[date], good: DataFrame
    ) -> tuple[DataFrame, DataFrame]:
        """Rows of these arrival dates that no file has any more, and those that none had."""
        columns = [*contracts.landing(source).names, "dt"]
        # what was accepted is not late
        earliest = F.date_sub(F.lit(min(dates)), self.context.settings.grace_days)
        accepted = self.context.warehouse.read(source).where(F.col("business_date") >= earliest)
        then = accepted.select(*columns).unionByName(self._aside(source).select(*columns))
        then = self._marked(source, then.where(F.col("dt").isin(dates)))
        now = self._marked(source, good.select(*columns)).distinct()
        gone = then.join(now, on=_ROW, how="left_anti")
        new = now.join(then, on=_ROW, how="left_anti")
        return self.context.scratch.keep(gone, f"{source}_gone"), self.context.scratch.keep(
            new, f"{source}_new"
        )

    def _moved(self, was: DataFrame, now: DataFrame, source: str) -> DataFrame:
        """Rows that were at another place, or at none, and rows that are."""
        place = [
            F.coalesce("reason", F.lit("")).alias("said"),
            F.coalesce("business_date", F.lit("0001-01-01").cast("date")).alias("day"),
        ]
        was, now = (frame.select("*", *place) for frame in (was, now))
        same = [*_ROW, "said", "day"]
        found = was.join(now, on=same, how="left_anti").unionByName(
            now.join(was, on=same, how="left_anti")
        )
        found = found.select(*_ROW, "reason", "business_date")
        return self.context.scratch.keep(found, f"{source}_moved")

    def _write(self, source: str, ids: DataFrame, now: DataFrame, others: DataFrame) -> None:
        """Puts the rows of these ids to where they are now; the others of a partition stay."""
        table = f"_set_aside_{source}"
        for name, column, rows in (
            (source, "business_date", others.where("business_date IS NOT NULL")),
            (table, "dt", others.where("reason IS NOT NULL")),
        ):
            if not (dates := days(rows, column)):
                continue
            in_dates = F.col(column).isin(dates)
            kept = (
                self.context.warehouse.read(name)
                .where(in_dates)
                .join(ids, on=EVENT, how="left_anti")
            )
            is_accepted = F.col("reason").isNull()
            here = now.where(in_dates & (is_accepted if name == source else ~is_accepted))
            self.context.warehouse.replace(
                name, kept.unionByName(here.select(*kept.columns)), column=column, dates=dates
            )

    def _aside(self, source: str) -> DataFrame:
        return self.context.warehouse.read(f"_set_aside_{source}")

    def _marked(self, source: str, rows: DataFrame) -> DataFrame:
        return rows.withColumn("whole", whole(contracts.landing(source)))

    # The quarantine, and its gates

    def _show(self, source: str, dates: list[date], bad: DataFrame, shown: Sequence[date]) -> None:
        """Brings the quarantine in line, and judges by it whether the gates are open.

        `dates` were read again, `shown` are all those of which rows may be quarantined or not.
        """
        if later := sorted(set(shown) - set(dates)):
            self.placement.show(source, later)
            self.context.landing.check(later)
        self.placement.show(source, dates, bad)
        quarantine = self.context.warehouse.read("quarantine").where(
            (F.col("source") == source) & F.col("dt").isin(list(shown))
        )
        found = quarantine.groupBy("dt", "reasons").count().collect()
        is_by_window = F.element_at("reasons", 1).isin(*duplicates.BY_WINDOW)
        judged = []
        for day in shown:
            of_day = [row for row in found if row["dt"] == day]
            if day in dates:
                reasons, quarantined = counted(of_day)
                self.tally.quarantined_by_reason += reasons
                self.tally.rows_quarantined += quarantined
            bad = quarantine.where((F.col("dt") == F.lit(day)) & ~is_by_window)
            reasons, quarantined = counted(
                row for row in of_day if row["reasons"][0] not in duplicates.BY_WINDOW
            )
            rows = self.context.landing.rows(source, day)
            judged.append(Quality(source, day, rows, quarantined, reasons, bad))
        self.context.gates.pass_all(judged)


def _others_by_content(moved: DataFrame) -> DataFrame:
    """Keys of windows that have other accepted rows; another arrival date makes no other row."""
    return (
        moved.where(F.col("business_date").isNotNull())
        .groupBy(*EVENT, "whole", "business_date")
        .count()
        .where("count = 1")
        .select(*WINDOW)
    )
