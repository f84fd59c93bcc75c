"""The steps of a night on accepted rows, for a range of dates: up to the awards, without a ledger.

docs/rules.md sections 3 to 8. What no seed changes is done once: activity and screening. The rest
is done for each draw. Frames that are read several times lie in a folder outside the warehouse.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import reduce

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from solatium.contracts import EVENTS
from solatium.contracts.keys import WINDOW
from solatium.dataframes.compare import days
from solatium.rules import allocation, history
from solatium.rules.accounts import account_versions, latest_accounts
from solatium.rules.activity import activity
from solatium.rules.allocation import allocate
from solatium.rules.bonus import bonus_awards
from solatium.rules.screening import looks_at_devices, people, screen, screened_participants
from solatium.rules.weights import judged_together
from solatium.rules.windows import named
from solatium.settings.load import Settings
from solatium.settings.regimes import Regimes
from solatium.simulate.committed import Committed
from solatium.simulate.request import in_runs, last_arrival
from solatium.simulate.windows import Key, Window
from solatium.warehouse.scratch import Scratch


@dataclass(frozen=True)
class Prepared:
    """What no draw changes: who was ready, and which of them are eligible.

    `screened` is from `screen`, `people` counts it, and `eligible` is from `latest_accounts`, by
    business date.
    """

    screened: DataFrame
    people: DataFrame
    eligible: DataFrame


@dataclass(frozen=True)
class Replay:
    """The windows `due`, numbered, judged by `settings`; `found` has them as values.

    `placed` is the business date under which the accepted events of each window lie, and `opening`
    is `account_history` before the first date.
    """

    warehouse: Committed
    scratch: Scratch
    settings: Settings
    regimes: Regimes
    due: DataFrame
    found: Sequence[Window]
    placed: Mapping[Key, date]
    opening: DataFrame
    has_less_grace: bool

    @property
    def dates(self) -> list[date]:
        return sorted({window.business_date for window in self.found})

    def prepare(self) -> Prepared:
        """Gathers and screens, and keeps what came of it."""
        eligible: list[DataFrame] = []
        judged = self.scratch.keep_parts(self._judged(eligible), "judged")
        self.scratch.keep(screened_participants(judged, self.due), "screened")
        counted = self.scratch.keep(people(judged), "people")
        return Prepared(judged, counted, self.scratch.keep_parts(eligible, "eligible"))

    def _judged(self, eligible: list[DataFrame]) -> Iterator[DataFrame]:
        """The screened participants, in parts that see the same account versions.

        When a part is kept, `eligible` gets a frame that rests on it.
        """
        newest = self.warehouse.commit_read.day
        dates = self.dates
        last = {day: last_arrival(day, self.settings, newest) for day in dates}
        accounts = self.warehouse.read("accounts")
        arrivals = days(accounts, "dt")
        seen = [max((dt for dt in arrivals if dt <= last[day]), default=date.min) for day in dates]
        for number, run in enumerate(in_runs(dates, seen)):
            in_sight = accounts.where(F.col("dt") <= F.lit(last[run[0]]))
            scratch = self.scratch.part(f"screening_{number}")
            versions = scratch.keep(account_versions(in_sight, scratch.keep), "versions")
            due = self.due.where(F.col("business_date").isin(run))
            acts = self._activity(run, due, scratch)
            screened = screen(acts, versions, due, self.regimes, scratch.keep)
            schema = screened.schema
            yield screened
            place = str(self.scratch.folder / "judged" / str(number))
            kept = self.warehouse.engine.spark.read.schema(schema).parquet(place)
            ready = named(kept.where("is_ready"), due).select("account_id", "business_date")
            eligible.append(ready.distinct().join(latest_accounts(versions), on="account_id"))

    def _activity(self, dates: list[date], due: DataFrame, scratch: Scratch) -> DataFrame:
        here = [window for window in self.found if window.business_date in dates]
        lie_under = sorted({self.placed[window.key] for window in here})
        rows = sum(self.warehouse.rows(source, lie_under) for source in EVENTS)
        number = self.warehouse.engine.parts(rows)
        logs = [self._in_time(source, lie_under, due) for source in EVENTS]
        devices = looks_at_devices(self.regimes)
        return activity(logs, due, number, scratch.keep_parts, devices=devices)

    def _in_time(self, source: str, lie_under: Sequence[date], due: DataFrame) -> DataFrame:
        """The accepted rows of a log; with less grace, those that would have been late go."""
        log = self.warehouse.read(source).where(F.col("business_date").isin(list(lie_under)))
        if not self.has_less_grace:
            return log
        of_window = due.select(*WINDOW, F.col("business_date").alias("date_now"))
        in_time = F.col("dt") <= F.date_add("date_now", self.settings.grace_days)
        return log.join(F.broadcast(of_window), on=WINDOW).where(in_time).drop("date_now")

    def draw(self, prepared: Prepared, due: DataFrame, scratch: Scratch) -> None:
        """Keeps `allocations`, `outcomes` and `awards` of the windows, which have their seeds."""
        keep, past = scratch.keep, self.opening
        allocations, outcomes = [], []
        weighted = {w.business_date for w in self.found if w.policy == "weighted_lottery"}
        groups = judged_together(self.dates, weighted)
        for number, dates in enumerate(groups):
            is_now = F.col("business_date").isin(dates)
            windows = due.where(is_now)
            here = scratch.part(f"allocating_{number}").keep
            allocated = allocate(
                prepared.screened,
                prepared.people,
                windows,
                past,
                self.settings,
                self.regimes,
                here,
            )
            table = allocation.allocations(allocated, windows)
            allocations.append(keep(table, f"allocations/{number}"))
            counted = history.account_outcomes(
                allocations[-1], windows, past, self.settings, self.regimes
            )
            outcomes.append(keep(counted, f"outcomes/{number}"))
            if dates is not groups[-1]:
                after = history.account_history(past, outcomes[-1], due)
                past = keep(after, f"history/{number}")
        awards = bonus_awards(
            reduce(DataFrame.unionByName, outcomes),
            reduce(DataFrame.unionByName, allocations),
            due,
            prepared.eligible,
            self.regimes,
            keep,
        )
        keep(awards, "awards")
