"""The tables of a snapshot as views of a DuckDB connection, cut to the dates of a report."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import pyarrow.compute as pc

from solatium.contracts.calendar import shifted
from solatium.errors import UsageError
from solatium.packages import optional
from solatium.warehouse.snapshot import Snapshot

# Views of these hold the rows of the period alone.
_OF_THE_PERIOD = (
    "screened_participants",
    "allocations",
    "window_results",
    "audit_discrepancies",
    "refunds_due",
    "account_outcomes",
    "bonus_awards",
    "bonus_ledger",
    "bonus_waived",
)
_WHOLE = ("windows", "accounts", "account_history", "quarantine", "run_log")

# The latest version of each window, which is the one in force: late versions are in quarantine.
_IN_FORCE = """
create table in_force as
select commodity_id, window_id, unnest(max_by(
    struct_pack(campaign_id, category, currency, advance_amount, rush_open, rush_close),
    struct_pack(updated_at, dt)
)) from windows group by commodity_id, window_id
"""

# What competed in the period, an entry a row, with what is alike for all of its accounts.
ENTRIES = """
create table entries as
select unit, policy, size, members, points, allocated
from (select commodity_id, window_id, any_value(size) size, count(*) members,
             any_value(weight) - 1 points,
             bool_or(outcome in ('won', 'forfeited', 'voided')) allocated
      from allocations where outcome in ('won', 'forfeited', 'voided', 'lost', 'cannot_fit')
      group by commodity_id, window_id, entry_id)
join window_results using (commodity_id, window_id)
"""

# The awards of the period, summed by everything that a report shows them by.
_COSTS = """
create table costs as
select a.business_date, w.campaign_id, a.consecutive_failures, a.reason, a.currency,
       count(*) awards, sum(a.raw_amount) raw_amount, sum(a.amount) amount
from bonus_awards a left join in_force w using (commodity_id, window_id)
group by all
"""


@dataclass(frozen=True)
class Period:
    """The business dates of a report, both included."""

    first: date
    last: date

    def __str__(self) -> str:
        return str(self.first) if self.first == self.last else f"{self.first} to {self.last}"


class Answers:
    """Answers SQL about the tables of a DuckDB connection."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def rows(self, query: str, *values: Any) -> list[dict[str, Any]]:
        """The rows of a query, each as a mapping by column; `values` stand for its `?`."""
        found = self._connection.execute(query, list(values))
        names = [column[0] for column in found.description]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]

    def row(self, query: str, *values: Any) -> dict[str, Any]:
        """The only row of a query."""
        [row] = self.rows(query, *values)
        return row


class Source(Answers):
    """Answers SQL about a period of a snapshot, and knows the settings that judged it."""

    def __init__(self, tables: Snapshot, period: Period, connection: Any) -> None:
        super().__init__(connection)
        self.tables = tables
        self.period = period
        self.settings = tables.settings

    @property
    def last_closed(self) -> date:
        """The last business date that was closed when the snapshot was taken."""
        return shifted(self.tables.day, -timedelta(days=self.settings.grace_days))


def period_of(tables: Snapshot, first: date | None, last: date | None) -> Period:
    """The dates asked for; without any, the newest business date that has a window.

    Raises a UsageError where the warehouse has no window on these dates.
    """
    found = tables["window_results"].arrow(["business_date"])["business_date"]
    if not len(found):
        raise UsageError(
            f"{tables.root}: no window has been due yet, so there is nothing to report"
        )
    newest = pc.max(found).as_py()
    first, last = first or last or newest, last or first or newest
    if first > last:
        raise UsageError(f"--from {first} is after --to {last}")
    held = pc.and_(pc.greater_equal(found, first), pc.less_equal(found, last))
    if not pc.any(held).as_py():
        raise UsageError(
            f"{tables.root}: no window has a business date of {Period(first, last)}",
            [f"windows have dates from {pc.min(found).as_py()} to {newest}"],
        )
    return Period(first, last)


@contextmanager
def database() -> Iterator[Any]:
    """A DuckDB connection of its own, in UTC."""
    with optional("duckdb", extra="report").connect() as connection:
        connection.execute("set timezone = 'UTC'")
        yield connection


@contextmanager
def opened(tables: Snapshot, period: Period) -> Iterator[Source]:
    """A source for a report, on a DuckDB connection of its own."""
    with database() as connection:
        # datasets are read by reference, so that the view outlives this loop
        for name in (*_WHOLE, *_OF_THE_PERIOD):
            if name not in tables:
                continue
            connection.register(f"_{name}", tables[name].dataset())
            where = (
                f"where business_date between date '{period.first}' and date '{period.last}'"
                if name in _OF_THE_PERIOD
                else ""
            )
            connection.execute(f"create view {name} as select * from _{name} {where}")
        connection.execute(_IN_FORCE)
        connection.execute(ENTRIES)
        connection.execute(_COSTS)
        yield Source(tables, period, connection)
