"""The star of a snapshot in plain Python, and the star as a target has it."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import adbc_driver_postgresql.dbapi as postgres
import duckdb
import pyarrow as pa
import pyarrow.dataset as ds
from harness import Row

from solatium.contracts.star import STAR, star
from solatium.publish.pseudonyms import Names
from solatium.publish.publishing import Published, publish_snapshot, target_of
from solatium.publish.target import Target
from solatium.warehouse import commits
from solatium.warehouse.snapshot import Snapshot
from solatium.warehouse.window_facts import content

KEY = bytes(range(32))
SHELVES = ("postgres", "duckdb", "folder")  # kinds of places


@dataclass(frozen=True)
class Shelf:
    """A place for a star, of one of the three kinds, and how to look at it."""

    kind: str
    to: str
    schema: str | None = None

    @property
    def target(self) -> Target:
        return target_of(self.to, self.schema)

    def publish(self, tables: Snapshot, key: bytes | None = KEY) -> Published:
        return publish_snapshot(tables, self.target, Names(key))

    def rows(self) -> dict[str, list[Row]]:
        """The rows of all tables, sorted."""
        return {name: _sorted(self._table(name)) for name in STAR}

    def query(self, text: str) -> pa.Table:
        """What SQL says, where the names of tables need no schema."""
        if self.kind == "postgres":
            with postgres.connect(self.to) as connection, connection.cursor() as cursor:
                cursor.execute(f"set search_path to {quoted(self.schema)}")
                cursor.execute(text)
                return cursor.fetch_arrow_table()
        if self.kind == "duckdb":
            with duckdb.connect(self.to, read_only=True) as connection:
                connection.execute("set timezone = 'UTC'")
                return connection.sql(text).to_arrow_table()
        with duckdb.connect() as connection:
            for name in STAR:
                connection.register(name, self._files(name).to_table())
            return connection.sql(text).to_arrow_table()

    def execute(self, text: str) -> None:
        """Changes what it holds; a folder has no SQL."""
        if self.kind == "postgres":
            with postgres.connect(self.to) as connection, connection.cursor() as cursor:
                cursor.execute(f"set search_path to {quoted(self.schema)}")
                cursor.execute(text)
                connection.commit()
        else:
            with duckdb.connect(self.to) as connection:
                connection.execute(text)

    def _table(self, name: str) -> list[Row]:
        if self.kind == "folder":
            found = self._files(name).to_table()
        else:
            found = self.query(f"select * from {name}")
        contract = star(name)
        assert tuple(found.column_names) == contract.names
        exact = {c.name for c in contract.columns if c.type.startswith("decimal")}
        return [
            {k: Decimal(v) if k in exact and v is not None else v for k, v in row.items()}
            for row in found.to_pylist()
        ]

    def _files(self, name: str) -> ds.Dataset:
        place = Path(self.to) / "current" / name
        return ds.dataset(place if place.is_dir() else place.with_suffix(".parquet"))


def quoted(name: str | None) -> str:
    return '"' + (name or "").replace('"', '""') + '"'


def expected(tables: Snapshot, key: bytes | None = KEY) -> dict[str, list[Row]]:
    """What the star of a snapshot should be."""
    names = Names(key)
    of = {name: tables[name].arrow().to_pylist() for name in tables}

    def called(id_: str | None) -> str | None:
        return None if id_ is None else names.of(id_)

    def place(row: Row, **more: Any) -> Row:
        window = f"{row['commodity_id']}|{row['window_id']}"
        account = called(row["account_id"])
        day = row["business_date"]
        return {"account_key": account, "window_key": window, "business_date": day} | more

    def picked(row: Row, *columns: str) -> Row:
        return {column: row[column] for column in columns}

    windows = _in_force(of["windows"])
    counted = {
        (r["account_id"], r["commodity_id"], r["window_id"]): r for r in of["account_outcomes"]
    }
    found: dict[str, list[Row]] = {
        "fact_participation": [
            place(
                r,
                **picked(r, "joined_at", "quantity", "advance_state", "advance_net"),
                team_key=called(r["team_id"]),
                is_qualified=not r["reasons"],
                first_reason=r["reasons"][0] if r["reasons"] else None,
                reasons=",".join(r["reasons"]) or None,
            )
            for r in of["screened_participants"]
        ],
        "fact_outcome": [
            place(
                r,
                **picked(r, "weight", "attempted_at", "outcome", "platform_outcome", "quantity"),
                entry_key=called(r["entry_id"]),
                entry_size=r["size"],
                **_counted(counted.get((r["account_id"], r["commodity_id"], r["window_id"]))),
            )
            for r in of["allocations"]
        ],
        "fact_award": [
            place(
                r,
                **picked(r, "consecutive_failures", "raw_amount", "amount", "currency", "reason"),
                tier_min_failures=_tier(tables, r, windows),
            )
            for r in of["bonus_awards"]
        ],
        "fact_ledger": [
            place(
                r,
                **picked(r, "run_date", "revision", "kind", "amount", "currency"),
                entry_key=called(r["entry_id"]),
            )
            for r in of["bonus_ledger"]
        ],
        "fact_payout": [
            picked(r, "run_date", "posting", "entries", "amount", "currency")
            | {"payout_key": called(r["payout_id"]), "account_key": called(r["account_id"])}
            for r in of["bonus_payouts"]
        ],
        "fact_refund": [
            place(r, **picked(r, "outcome", "amount", "currency")) for r in of["refunds_due"]
        ],
        "fact_discrepancy": [place(r, kind=r["kind"]) for r in of["audit_discrepancies"]],
        "quality_by_day": _quality(tables, of["quarantine"]),
    }
    found["dim_window"] = _windows(windows, of["window_results"], found)
    found["dim_account"] = _accounts(of, called)
    found["dim_date"] = _dates(tables, of, found)
    return {
        name: _sorted([{c: row[c] for c in star(name).names} for row in found[name]])
        for name in STAR
    }


def _sorted(rows: list[Row]) -> list[Row]:
    return sorted(rows, key=lambda row: repr(list(row.values())))


def _counted(row: Row | None) -> Row:
    row = row or {}
    names = {"counted_result": "result", "scope": "scope"}
    names["consecutive_failures"] = "consecutive_failures"
    return {name: row.get(column) for name, column in names.items()}


def _in_force(versions: list[Row]) -> dict[tuple[str, str], Row]:
    ordered = sorted(versions, key=lambda r: (r["updated_at"], r["dt"], content(r)))
    return {(row["commodity_id"], row["window_id"]): row for row in ordered}


def _tier(tables: Snapshot, award: Row, windows: dict[tuple[str, str], Row]) -> int | None:
    window = windows[award["commodity_id"], award["window_id"]]
    tiers = tables.settings.on(award["business_date"], window["campaign_id"]).bonus.tiers
    reached = [t.min_failures for t in tiers if t.min_failures <= award["consecutive_failures"]]
    return max(reached, default=None)


def _windows(
    windows: dict[tuple[str, str], Row], results: list[Row], facts: dict[str, list[Row]]
) -> list[Row]:
    by_key = {(row["commodity_id"], row["window_id"]): row for row in results}
    named = {
        tuple(row["window_key"].split("|"))
        for name, rows in facts.items()
        for row in rows
        if "window_key" in star(name).names
    }
    found = []
    for commodity, window in {*windows, *named}:
        terms, result = windows.get((commodity, window)), by_key.get((commodity, window), {})
        row = {name: (terms or {}).get(name) for name in star("dim_window").names}
        row |= {name: value for name, value in result.items() if row.get(name) is None}
        if terms:
            row["limit_per_account"] = terms["limit_per_account"] or 1
            row["min_qualified"] = terms["min_qualified"] or 0
        row |= {"window_key": f"{commodity}|{window}", "is_known": terms is not None}
        found.append(row | {"commodity_id": commodity, "window_id": window})
    return found


def _accounts(of: dict[str, list[Row]], called: Any) -> list[Row]:
    latest: dict[str, Row] = {}
    for row in sorted(of["accounts"], key=lambda r: (r["updated_at"], r["dt"], repr(r))):
        latest[row["account_id"]] = row
    sources = ("screened_participants", "allocations", "bonus_awards", "bonus_ledger")
    sources += ("bonus_payouts", "refunds_due", "audit_discrepancies")
    ids = {row["account_id"] for source in sources for row in of[source]} | {*latest}
    return [
        {
            "account_key": called(id_),
            "is_known": id_ in latest,
            "status": latest[id_]["status"] if id_ in latest else None,
            "registered_on": latest[id_]["registered_at"].date() if id_ in latest else None,
        }
        for id_ in ids
    ]


def _quality(tables: Snapshot, quarantine: list[Row]) -> list[Row]:
    landed: dict[tuple[date, str], int] = {}
    for commit in commits.lineage(tables.root):
        if commit.number <= tables.commit.number:
            for day, rows in commit.rows.items():
                landed = {place: n for place, n in landed.items() if place[0] != day}
                landed |= {(day, source): number for source, number in rows.items()}
    reasons: dict[tuple[date, str], Counter[str]] = defaultdict(Counter)
    late = {"event_id_conflict": "conflict", "unknown_window": "unknown_window", "late": "late"}
    for row in quarantine:
        reasons[row["dt"], row["source"]][late.get(row["reasons"][0], "bad")] += 1
    return [
        {
            "arrival_date": day,
            "source": source,
            "landed_rows": landed.get((day, source)),
            "quarantined_rows": sum(reasons[day, source].values()),
        }
        | {
            f"{why}_rows": reasons[day, source][why]
            for why in ("bad", "conflict", "unknown_window", "late")
        }
        for day, source in {*landed, *reasons}
    ]


def _dates(tables: Snapshot, of: dict[str, list[Row]], facts: dict[str, list[Row]]) -> list[Row]:
    known = {commit.day for commit in commits.lineage(tables.root) if commit.day <= tables.day}
    for name, rows in facts.items():
        dated = [c.name for c in star(name).columns if c.refers_to == "dim_date.date"]
        known |= {row[column] for row in rows for column in dated}
    known |= {row["business_date"] for row in of["window_results"]}
    first = min(known)
    assert (max(known) - first).days < 366
    days = [first + timedelta(days=n) for n in range((max(known) - first).days + 1)]
    closed = tables.day - timedelta(days=tables.settings.grace_days)
    return [
        {
            "date": day,
            "year": day.year,
            "quarter": (day.month + 2) // 3,
            "month": day.month,
            "day_of_month": day.day,
            "iso_year": day.isocalendar().year,
            "iso_week": day.isocalendar().week,
            "weekday": day.isoweekday(),
            "is_weekend": day.isoweekday() > 5,
            "is_closed": day <= closed,
        }
        for day in days
    ]
