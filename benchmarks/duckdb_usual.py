"""A usual night in DuckDB, as one would write it by hand: three open dates, computed as a whole.

The steps are those of `duckdb_night`, and so is what is taken for granted; here rows may come a
night late, and there is history before. Rows that came on earlier nights were checked then. The
dates follow one another, since an entry of a weighted lottery draws as many tickets as the streak
that its accounts come with.

    python -m benchmarks.duckdb_usual LANDING STATE OUT DATE

STATE has `history.parquet`, the `account_history` of all dates before the three, and
`payouts.parquet`, what was paid so far. OUT gets the rows that solatium writes on this night, a
file for each table, and `state/history.parquet` for the next night.
"""

from __future__ import annotations

import sys
from datetime import date, timedelta
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
from deltalake import DeltaTable

from benchmarks.by_hand import EVENTS, TABLES
from benchmarks.duckdb_night import (
    ALLOCATED,
    APPLIED,
    AWARDED,
    ORDERED,
    PAID,
    POSTED,
    READY,
    SCREENED,
    WINDOWS,
    WRITTEN,
    refuse_bad_rows,
    since,
    text,
)
from solatium import contracts
from solatium.contracts.internal import HISTORY_CLOSED

GRACE_DAYS = 2
_WEIGHT_CAP = 20

# Entries of one date, `ready_here` and `streaks` before it. The points of a team are the mean of
# its members', halves up. One SHA-256 carries four tickets.
_ENTRIES = f"""
    WITH entries AS (
        SELECT
            w, entry_id, any_value(size) AS size, any_value(attempt) AS attempt,
            (2 * sum(coalesce(streak, 0)) + count(*)) // (2 * count(*)) AS points
        FROM ready_here LEFT JOIN streaks USING (account_id)
        WHERE entry_id IS NOT NULL
        GROUP BY ALL
    ),
    weighted AS (
        SELECT
            w, entry_id, size, attempt, policy,
            concat_ws('|', draw_seed, commodity_id, window_id, entry_id, '') AS said,
            CASE WHEN policy = 'weighted_lottery' THEN 1 + least(points, {_WEIGHT_CAP}) ELSE 1 END
                ::INTEGER AS weight
        FROM entries JOIN window_facts USING (w)
    ),
    hashed AS (
        SELECT
            w, entry_id, size, weight,
            [sha256(said || k) FOR k IN range((weight + 3) // 4)] AS hashes
        FROM weighted WHERE policy <> 'first_come' AND weight > 1
    ),
    drawn AS (
        SELECT
            w, entry_id, size, weight,
            list_min([
                hashes[1 + j // 4][1 + 16 * (j % 4) : 16 + 16 * (j % 4)] FOR j IN range(weight)
            ]) AS ticket
        FROM hashed
        UNION ALL
        SELECT w, entry_id, size, weight, sha256(said || '0')[:16]
        FROM weighted WHERE policy <> 'first_come' AND weight = 1
    ),
    ranked AS (
        SELECT
            w, entry_id, size, weight, ticket,
            row_number() OVER (PARTITION BY w ORDER BY ticket, entry_id) AS place
        FROM drawn
        UNION ALL
        SELECT
            w, entry_id, size, NULL, NULL, row_number() OVER (PARTITION BY w ORDER BY attempt)
        FROM weighted WHERE policy = 'first_come' AND attempt IS NOT NULL
    )
    SELECT w, entry_id, weight AS tickets, ticket, place * size <= stock AS wins
    FROM ranked JOIN window_facts USING (w)"""

_ALLOCATED = ALLOCATED.replace("FROM ready ", "FROM ready_here ").replace(
    "CASE WHEN ticket IS NOT NULL THEN 1 END AS weight", "tickets AS weight"
)

# Counted outcomes of one date: the streak that an account comes with goes on until it is reset.
_RESETS = """,
            count(*) FILTER (outcome <> 'lost') OVER history AS resets"""
_COUNTED = f"""{since("allocated_here", _RESETS)}
    SELECT
        account_id, w, outcome, platform_outcome,
        CASE
            WHEN outcome <> 'lost' THEN 0
            WHEN resets = 0 THEN losses + coalesce(streaks.streak, 0)
            ELSE losses - before END::INTEGER AS streak
    FROM since LEFT JOIN streaks USING (account_id)"""

_STREAKS = """
    SELECT account_id, coalesce(since.streak, streaks.streak) AS streak
    FROM streaks FULL JOIN (
        SELECT account_id, max_by(streak, w) AS streak FROM counted_here GROUP BY account_id
    ) AS since USING (account_id)"""

# The history before the three dates, and what was counted since, up to a date.
_HISTORY = """
    WITH added AS (
        SELECT
            account_id, count(*) AS attempts, count(*) FILTER (outcome = 'won') AS wins,
            count(*) FILTER (outcome = 'lost') AS failures,
            count(*) FILTER (outcome = 'forfeited') AS forfeits,
            max_by(streak, w) AS streak, max(streak) AS longest,
            min(business_date) AS first, max(business_date) AS last,
            max(business_date) FILTER (outcome = 'won') AS last_win,
            max(business_date) FILTER (outcome = 'lost') AS last_failure
        FROM counted JOIN window_facts USING (w) WHERE business_date <= {until}
        GROUP BY account_id
    )
    SELECT
        account_id, '' AS scope,
        coalesce(old.attempts, 0) + coalesce(added.attempts, 0) AS attempts,
        coalesce(old.wins, 0) + coalesce(added.wins, 0) AS wins,
        coalesce(old.failures, 0) + coalesce(added.failures, 0) AS failures,
        coalesce(old.forfeits, 0) + coalesce(added.forfeits, 0) AS forfeits,
        coalesce(streak, old.consecutive_failures) AS consecutive_failures,
        greatest(longest, old.longest_streak) AS longest_streak,
        coalesce(old.first_business_date, first) AS first_business_date,
        coalesce(last, old.last_business_date) AS last_business_date,
        coalesce(last_win, old.last_win_date) AS last_win_date,
        coalesce(last_failure, old.last_failure_date) AS last_failure_date
    FROM history AS old FULL JOIN added USING (account_id)"""

_PAYOUTS = """
    SELECT
        sha256(number || '|' || account_id) AS payout_id, number AS posting, account_id, run_date,
        sum(amount)::DECIMAL(18, 2) AS amount, count(*)::INTEGER AS entries, currency
    FROM posted, (SELECT coalesce(max(posting) + 1, 0)::INTEGER AS number FROM payouts)
    GROUP BY ALL"""


def state_of(warehouse: Path, state: Path) -> None:
    """Writes the state that a warehouse has after a night, in the form of this module."""
    state.mkdir(parents=True, exist_ok=True)
    for table, name in ((HISTORY_CLOSED.name, "history"), ("bonus_payouts", "payouts")):
        pq.write_table(DeltaTable(warehouse / table).to_pyarrow_table(), state / f"{name}.parquet")


def compared(day: date) -> dict[str, str]:
    """Conditions, by table, on the rows of a warehouse that this night writes."""
    first = day - timedelta(days=GRACE_DAYS)
    added = dict.fromkeys(TABLES, "dt") | {"quarantine": "dt"}
    added |= dict.fromkeys(("bonus_ledger", "bonus_payouts", "bonus_waived"), "run_date")
    replaced = [
        table.name
        for table in map(contracts.warehouse, contracts.WAREHOUSE)
        if "business_date" in table.names and table.name not in added
    ]
    return {
        **{table: f"{column} = {_date(day)}" for table, column in added.items()},
        **{table: f"business_date BETWEEN {_date(first)} AND {_date(day)}" for table in replaced},
    }


def night(landing: Path, state: Path, out: Path, day: date) -> None:
    """Computes the dates that are open on `day`, and writes what the night adds or replaces."""
    out.mkdir(parents=True, exist_ok=True)
    first = day - timedelta(days=GRACE_DAYS)
    with duckdb.connect() as connection:
        connection.execute("SET timezone = 'UTC'; SET preserve_insertion_order = false")
        _open(connection, landing, state, first, day)
        for name, rows in (
            ("window_facts", f"FROM ({WINDOWS}) WHERE business_date >= {_date(first)}"),
            ("applied", APPLIED),
            ("paid", PAID),
            ("ordered", ORDERED),
            ("screened", SCREENED),
            ("ready", READY),
            ("streaks", "SELECT account_id, consecutive_failures AS streak FROM history"),
        ):
            connection.execute(f"CREATE TABLE {name} AS {rows}")
        for number in range(GRACE_DAYS + 1):
            _allocate(connection, first + timedelta(days=number))
        connection.execute(f"CREATE TABLE awarded AS {AWARDED}")
        posted = POSTED.format(run_date=_date(day)) + f" AND business_date = {_date(first)}"
        connection.execute(f"CREATE TABLE posted AS {posted}")
        arrived = f"WHERE dt = {_date(day)}"
        written = WRITTEN | {
            **{table: f"FROM ({WRITTEN[table]}) {arrived}" for table in EVENTS},
            **{table: f"FROM {table} {arrived}" for table in ("windows", "accounts")},
            "account_history": _HISTORY.format(until=_date(day)),
            "bonus_payouts": _PAYOUTS,
        }
        (out / "state").mkdir(exist_ok=True)
        written["state/history"] = _HISTORY.format(until=_date(first))
        for table, rows in written.items():
            file = text(str(out / f"{table}.parquet"))
            connection.execute(f"COPY ({rows}) TO {file} (FORMAT parquet, COMPRESSION zstd)")


def _open(
    connection: duckdb.DuckDBPyConnection, landing: Path, state: Path, first: date, day: date
) -> None:
    """Views of the logs since the first open date, checked where they came on this night."""
    for table in TABLES:
        files = text(str(landing / table / "dt=*" / "*.parquet"))
        since = date.min if table == "accounts" else first
        connection.execute(
            f"CREATE VIEW {table} AS FROM read_parquet({files}, hive_partitioning = true) "
            f"WHERE dt BETWEEN {_date(since)} AND {_date(day)}"
        )
    for name in ("history", "payouts"):
        file = text(str(state / f"{name}.parquet"))
        connection.execute(f"CREATE TABLE {name} AS FROM read_parquet({file})")
    refuse_bad_rows(connection, f"dt = {_date(day)}")
    for table in EVENTS:
        twice = f"""
            FROM {table} SEMI JOIN (FROM {table} WHERE dt < {_date(day)}) AS earlier
                USING (commodity_id, window_id, event_id)
            WHERE dt = {_date(day)}"""
        if connection.sql(twice).limit(1).fetchall():
            sys.exit(f"{table}: ids that came on an earlier night")


def _allocate(connection: duckdb.DuckDBPyConnection, day: date) -> None:
    """Adds the allocations and counted outcomes of a date, with the streaks before it."""
    here = f"JOIN window_facts USING (w) WHERE business_date = {_date(day)}"
    for name, rows in (
        ("ready_here", f"SELECT ready.* FROM ready {here}"),
        ("entries", _ENTRIES),
        ("allocated_here", _ALLOCATED),
        ("counted_here", _COUNTED),
    ):
        connection.execute(f"CREATE OR REPLACE TABLE {name} AS {rows}")
    for name in ("allocated", "counted"):
        connection.execute(f"CREATE TABLE IF NOT EXISTS {name} AS FROM {name}_here LIMIT 0")
        connection.execute(f"INSERT INTO {name} FROM {name}_here")
    connection.execute(f"CREATE OR REPLACE TABLE streaks AS {_STREAKS}")


def _date(day: date) -> str:
    return f"DATE '{day.isoformat()}'"


if __name__ == "__main__":
    night(Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]), date.fromisoformat(sys.argv[4]))
