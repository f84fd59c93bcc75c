"""The star of a snapshot, in DuckDB: the rows of each of its tables that a publishing sends.

No engine runs: DuckDB reads the files of the warehouse through Arrow, and of facts only those of
the dates that are sent.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

from solatium import contracts
from solatium.contracts.calendar import moved, shifted
from solatium.contracts.star import FACTS, star
from solatium.errors import WarehouseError
from solatium.packages import optional
from solatium.publish.pseudonyms import Names
from solatium.publish.publication import SOURCES, Changes
from solatium.publish.quality import landed_rows
from solatium.publish.queries import IN_FORCE, QUERIES, content, typed
from solatium.settings.load import Settings
from solatium.warehouse import commits
from solatium.warehouse.snapshot import Snapshot, SnapshotTable

# Dates between two known ones are known too, unless the gap is longer: windows without an end are
# of the year 9999.
_LONGEST_GAP = timedelta(days=366)
_BEYOND_ALL_FAILURES = 2**31 - 1
_SOURCE = "_from_"  # how the names of views of the warehouse's tables begin

# The ids of a fact's source that are published under other names; the first is its account.
_IDS = {
    "screened_participants": ("account_id", "team_id"),
    "allocations": ("account_id", "entry_id"),
    "bonus_awards": ("account_id",),
    "bonus_ledger": ("account_id", "entry_id"),
    "bonus_payouts": ("account_id", "payout_id"),
    "refunds_due": ("account_id",),
    "audit_discrepancies": ("account_id",),
}


class Star:
    """Answers with the rows of the star that changes ask for, on a DuckDB connection.

    Everything that it makes there is temporary.
    """

    def __init__(self, connection: Any, tables: Snapshot, names: Names, asked: Changes) -> None:
        self.connection = connection
        self.tables = tables
        self.changes = asked
        connection.execute("set timezone = 'UTC'")
        connection.execute("create or replace temp macro window_key(c, w) as c || '|' || w")
        connection.execute(
            "create or replace temp macro plain(text) as replace(text, chr(0), chr(65533))"
        )
        self._open_sources()
        self._name_ids(names)
        self._find_windows()
        self._find_tiers(tables.settings)
        self._find_dates(tables.settings)
        self._find_landed()

    def query(self, name: str) -> str:
        """A query for the rows of a table that are sent."""
        query = QUERIES[name]
        if name == "dim_window":
            query = query.format(named=self._named_windows())
        if name == "dim_account":
            query = query.format(content=content(contracts.landing("accounts").columns))
        return typed(star(name), query)

    # What its queries read

    def _open_sources(self) -> None:
        for fact in FACTS:
            dates = list(self.changes.facts[fact].sent)
            [by] = star(fact).partition_by
            for source in SOURCES[fact]:
                table = self.tables[source]
                column = by if by in table.columns else table.contract.partition_by[0]
                is_sent = pc.field(column).isin(pa.array(dates, pa.date32()))
                self._register(source, table.dataset().filter(is_sent))
        for source in ("windows", "window_results", "accounts"):
            self._register(source, self.tables[source].dataset())

    def _register(self, name: str, rows: ds.Dataset | pa.Table) -> None:
        self.connection.register(f"{_SOURCE}{name}", rows)

    def _name_ids(self, names: Names) -> None:
        """Gives every id its name once, however many facts have it: hashing is what takes long."""
        body, variables = names.macro()
        for variable, value in variables.items():
            self.connection.execute(f"set variable {variable} = ?", [value])
        self.connection.execute(f"create or replace temp macro pseudonym(id) as {body}")
        self._register("new_accounts", _account_ids(self.tables["accounts"], self.changes.accounts))
        found = ["select account_id as id, true as is_account from _from_new_accounts"]
        for source, (account, *others) in _IDS.items():
            found.append(f"select {account}, true from _from_{source}")
            found += [f"select {other}, false from _from_{source}" for other in others]
        if self.changes.accounts is None and not self.changes.because:
            found += [f"select account_id, true from {view}" for view in self._open_whole()]
        self.connection.execute(
            "create or replace temp table _ids as "
            "select id, pseudonym(id) as key, bool_or(is_account) as is_account from ("
            f"{' union all '.join(found)}) where id is not null group by id"
        )

    def _open_whole(self) -> Iterator[str]:
        """Views of all rows of what names accounts, for when all accounts are sent."""
        for source in _IDS:
            self._register(f"all_{source}", self.tables[source].dataset())
            yield f"_from_all_{source}"

    def _find_windows(self) -> None:
        self.connection.execute("drop table if exists temp._in_force")
        tie = content(contracts.landing("windows").columns)
        self.connection.execute(IN_FORCE.format(content=tie))

    def _named_windows(self) -> str:
        sources = [name for name in _IDS if "window_id" in self.tables[name].columns]
        return " union ".join(f"select commodity_id, window_id from _from_{s}" for s in sources)

    def _find_tiers(self, settings: Settings) -> None:
        """Tiers by date and campaign; settings are asked once for each that may differ."""
        asked = self.connection.execute(
            "select distinct a.business_date, coalesce(w.campaign_id, '') from _from_bonus_awards a"
            " left join _in_force w using (commodity_id, window_id)"
        ).fetchall()
        named = set(settings.named_campaigns())
        known: dict[tuple[int, str], list[int]] = {}
        rows: list[tuple[date, str, int, int]] = []
        for day, campaign in asked:
            changed = sum(change.first_day <= day for change in settings.changes)
            place = (changed, campaign if campaign in named else "")
            if place not in known:
                tiers = settings.on(day, campaign or None).bonus.tiers
                known[place] = [tier.min_failures for tier in tiers]
            ends = [*known[place][1:], _BEYOND_ALL_FAILURES]
            rows += [(day, campaign, *span) for span in zip(known[place], ends, strict=False)]
        self._register_rows(
            "_tiers",
            rows,
            {
                "business_date": pa.date32(),
                "campaign_id": pa.string(),
                "min_failures": pa.int32(),
                "next_failures": pa.int32(),
            },
        )

    def _find_dates(self, settings: Settings) -> None:
        last_closed = shifted(self.tables.day, -timedelta(days=settings.grace_days))
        handled = [commit.day for commit in commits.built(self.tables.root)]
        known = {day for day in handled if day <= self.tables.day} | {*self.changes.known_dates}
        found = self.connection.execute(
            "select distinct business_date from _from_window_results union "
            "select distinct run_date from _from_bonus_ledger"
        ).fetchall()
        dates = _with_gaps_filled(known | {day for [day] in found})
        self._register_rows(
            "_dates",
            [(day, last_closed) for day in dates],
            {"date": pa.date32(), "last_closed": pa.date32()},
        )

    def _find_landed(self) -> None:
        sent = set(self.changes.facts["quality_by_day"].sent)
        rows = [
            (day, source, number)
            for day, numbers in landed_rows(self.tables).items()
            if day in sent
            for source, number in numbers.items()
        ]
        kinds = {"dt": pa.date32(), "source": pa.string(), "landed_rows": pa.int64()}
        self._register_rows("_landed", rows, kinds)

    def _register_rows(self, name: str, rows: list[Any], kinds: dict[str, pa.DataType]) -> None:
        columns = zip(*rows, strict=True) if rows else [()] * len(kinds)
        arrays = [pa.array(list(c), kind) for c, kind in zip(columns, kinds.values(), strict=True)]
        self.connection.register(name, pa.table(arrays, names=list(kinds)))


@contextmanager
def readable(tables: Snapshot) -> Iterator[None]:
    """WarehouseError where DuckDB cannot read a table of the snapshot."""
    duckdb = optional("duckdb", extra="publish")
    try:
        yield
    except duckdb.Error as error:
        said = " ".join(str(error).split())
        if _SOURCE not in said:
            raise
        raise WarehouseError(
            f"{tables.root}: a table cannot be read: {said}",
            [
                "nothing was published",
                "a vacuum or a backfill may have come between: give the same command again",
            ],
        ) from error


def _account_ids(table: SnapshotTable, files: tuple[str, ...] | None) -> ds.Dataset:
    """The rows of these files of accounts, or of all."""
    whole = table.dataset()
    if files is None:
        return whole
    some = [one for one in whole.get_fragments() if one.path in set(files)]
    return ds.FileSystemDataset(some, whole.schema, whole.format, whole.filesystem)


def _with_gaps_filled(known: set[date]) -> list[date]:
    """The known dates in order, and those between two that are not too far apart."""
    dates: list[date] = []
    for day in sorted(known):
        if dates and day - dates[-1] <= _LONGEST_GAP:
            while dates[-1] < day:
                dates.append(moved(dates[-1], 1))
        else:
            dates.append(day)
    return dates
