"""One clean first night in DuckDB, as one would write it by hand for just this night.

It writes the tables that solatium writes, as one Parquet file each. It takes for granted what
benchmarks/landing.py makes: one night, nothing late, one version of every window and account,
quantities of 1, teams of one size, seeds as they are, no history before; and the settings of
benchmarks/config.yaml. What would make rows bad, and event ids that come twice, it looks for.

    python -m benchmarks.duckdb_night LANDING OUT DATE
"""

from __future__ import annotations

import sys
from pathlib import Path

import duckdb

from benchmarks.by_hand import (
    BAD,
    EVENTS,
    IDS,
    MAX_LOSSES_A_DAY,
    REQUIRED,
    TABLES,
    TIMEZONE,
    WRITTEN_ALIKE,
)

# `w` numbers the windows in history order, and stands for the two columns of their key.
WINDOWS = f"""
    SELECT
        row_number() OVER (ORDER BY rush_close, commodity_id, window_id)::SMALLINT AS w,
        (rush_close AT TIME ZONE '{TIMEZONE}')::DATE AS business_date,
        windows.*
    FROM windows"""

# An account in a window: its last word in the application period, and when it first joined after
# its last withdrawal.
APPLIED = """
    WITH events AS (
        SELECT
            w, account_id, event_type, team_id, event_time, event_id,
            event_time >= application_open AND event_time < application_close AS counts
        FROM participation JOIN window_facts USING (commodity_id, window_id)
    ),
    grouped AS (
        SELECT
            w, account_id,
            max_by({type: event_type, team: team_id}, (event_time, event_id)) FILTER (counts)
                AS latest,
            min(event_time) FILTER (counts AND event_type = 'join') AS first_join,
            max((event_time, event_id)) FILTER (counts AND event_type = 'withdraw') AS withdrawal
        FROM events GROUP BY ALL
    ),
    returned AS (
        SELECT w, account_id, min(event_time) AS returned_at
        FROM events JOIN (SELECT * FROM grouped WHERE withdrawal IS NOT NULL)
            USING (w, account_id)
        WHERE counts AND event_type = 'join' AND (event_time, event_id) > withdrawal
        GROUP BY ALL
    )
    SELECT
        w, account_id,
        latest IS NOT NULL AS has_applied,
        coalesce(latest.type = 'join', false) AS is_in,
        CASE WHEN is_in AND withdrawal IS NULL THEN first_join WHEN is_in THEN returned_at END
            AS joined_at,
        CASE WHEN is_in THEN latest.team END AS team_id
    FROM grouped LEFT JOIN returned USING (w, account_id)"""

# Advance payments in the currency of the window: before the rush, and in all.
PAID = """
    WITH signed AS (
        SELECT
            w, account_id, kind, event_time < rush_open AS is_before,
            CASE kind WHEN 'advance_paid' THEN amount WHEN 'advance_refunded' THEN -amount END
                AS amount
        FROM payment JOIN window_facts USING (commodity_id, window_id)
        WHERE payment.currency = window_facts.currency
    )
    SELECT
        w, account_id,
        coalesce(sum(amount) FILTER (is_before), 0)::DECIMAL(18, 2) AS net_before,
        coalesce(bool_or(kind = 'advance_paid') FILTER (is_before), false) AS has_paid,
        coalesce(sum(amount), 0)::DECIMAL(18, 2) AS net
    FROM signed GROUP BY ALL"""

# Orders of an account in a window. `state` is the first of: confirmed, submitted, cancelled,
# voided, failed; `attempt` the first submission in the rush.
ORDERED = """
    WITH of_order AS (
        SELECT
            w, account_id, order_id,
            max_by(status, (event_time, event_id)) AS latest,
            bool_or(status = 'confirmed') AS was_confirmed,
            min((event_time, event_id)) FILTER (
                status = 'submitted' AND event_time >= rush_open AND event_time < rush_close
            ) AS attempt
        FROM orders JOIN window_facts USING (commodity_id, window_id)
        GROUP BY ALL
    )
    SELECT
        w, account_id,
        min(CASE latest WHEN 'confirmed' THEN 0 WHEN 'submitted' THEN 1 WHEN 'cancelled' THEN 2
            WHEN 'voided' THEN 3 ELSE 4 END)::TINYINT AS state,
        bool_or(latest = 'cancelled' AND was_confirmed) AS was_cancelled,
        bool_or(latest = 'voided' AND was_confirmed) AS was_voided,
        min(attempt) AS attempt,
        count(*) FILTER (latest = 'confirmed') AS sold
    FROM of_order GROUP BY ALL"""

# Few people have two accounts, so only theirs are put in order.
SCREENED = """
    WITH judged AS (
        SELECT
            applied.*, person_id, advance_amount, net_before, has_paid,
            CASE WHEN has_applied AND is_in AND status = 'active'
                AND NOT coalesce(blacklisted, false) AND registered_at <= application_open
                AND (unit = 'individual' OR team_id IS NOT NULL)
            THEN []
            ELSE list_filter([
                CASE WHEN NOT has_applied THEN 'outside_application_period' END,
                CASE WHEN has_applied AND NOT is_in THEN 'withdrawn' END,
                CASE WHEN status IS NULL THEN 'account_unknown' END,
                CASE WHEN status <> 'active' THEN 'account_not_active' END,
                CASE WHEN blacklisted THEN 'account_blacklisted' END,
                CASE WHEN registered_at > application_open THEN 'account_too_new' END,
                CASE WHEN is_in AND unit = 'team' AND team_id IS NULL THEN 'team_missing' END
            ], lambda reason: reason IS NOT NULL)
            END AS reasons
        FROM applied
        JOIN window_facts USING (w)
        LEFT JOIN accounts USING (account_id)
        LEFT JOIN paid USING (w, account_id)
    ),
    people AS (
        SELECT person_id FROM accounts WHERE person_id IS NOT NULL
        GROUP BY person_id HAVING count(*) > 1
    ),
    doubles AS (
        SELECT w, account_id FROM judged SEMI JOIN people USING (person_id)
        WHERE len(reasons) = 0
        QUALIFY row_number() OVER (PARTITION BY w, person_id ORDER BY joined_at, account_id) > 1
    )
    SELECT
        w, account_id, joined_at, team_id,
        CASE WHEN doubles.w IS NULL THEN reasons ELSE ['duplicate_person'] END AS reasons,
        CASE
            WHEN advance_amount = 0 THEN 'not_required'
            WHEN net_before >= advance_amount THEN 'paid'
            WHEN net_before > 0 THEN 'partial'
            WHEN has_paid THEN 'refunded'
            ELSE 'unpaid' END AS advance_state,
        coalesce(net_before, 0) AS advance_net
    FROM judged LEFT JOIN doubles USING (w, account_id)"""

# Ready accounts, each with the entry that competes for it, where it has one.
READY = """
    WITH ready AS (
        SELECT
            screened.w, account_id, joined_at, team_id, unit, team_min, team_max,
            state, was_cancelled, was_voided, attempt
        FROM screened JOIN window_facts USING (w) LEFT JOIN ordered USING (w, account_id)
        WHERE len(reasons) = 0 AND advance_state IN ('paid', 'not_required')
    ),
    teams AS (
        SELECT
            *,
            row_number() OVER (team ORDER BY joined_at, account_id) AS place,
            count(*) OVER team AS mates
        FROM ready WHERE unit = 'team'
        WINDOW team AS (PARTITION BY w, team_id)
    ),
    of_teams AS (
        SELECT
            w, team_id, count(*)::INTEGER AS size, min(attempt) AS attempt, min(state) AS state,
            bool_or(was_cancelled) AS was_cancelled, bool_or(was_voided) AS was_voided
        FROM teams WHERE place <= team_max AND mates >= team_min
        GROUP BY ALL
    )
    SELECT
        w, account_id, account_id AS entry_id, 1 AS size, attempt, state, was_cancelled, was_voided,
        NULL AS left_out
    FROM ready WHERE unit = 'individual'
    UNION ALL
    SELECT
        w, account_id, team_id, of_teams.size, of_teams.attempt, of_teams.state,
        of_teams.was_cancelled, of_teams.was_voided, NULL
    FROM teams JOIN of_teams USING (w, team_id)
    WHERE place <= team_max
    UNION ALL
    SELECT
        w, account_id, NULL, NULL, NULL, state, was_cancelled, was_voided,
        CASE WHEN place > team_max THEN 'team_overfull' ELSE 'team_incomplete' END
    FROM teams WHERE place > team_max OR mates < team_min"""

# What competes, in its place. All entries of a window have one size, so the first ones fit.
ENTRIES = """
    WITH entries AS (
        SELECT w, entry_id, size, attempt FROM ready
        JOIN window_facts USING (w) WHERE unit = 'individual'
        UNION ALL
        SELECT DISTINCT w, entry_id, size, attempt FROM ready
        JOIN window_facts USING (w) WHERE unit = 'team' AND entry_id IS NOT NULL
    ),
    drawn AS (
        SELECT
            w, entry_id, size,
            sha256(concat_ws('|', draw_seed, commodity_id, window_id, entry_id, '0'))[:16] AS ticket
        FROM entries JOIN window_facts USING (w) WHERE policy <> 'first_come'
    ),
    ranked AS (
        SELECT
            w, entry_id, size, ticket,
            row_number() OVER (PARTITION BY w ORDER BY ticket, entry_id) AS place
        FROM drawn
        UNION ALL
        SELECT w, entry_id, size, NULL, row_number() OVER (PARTITION BY w ORDER BY attempt)
        FROM entries JOIN window_facts USING (w)
        WHERE policy = 'first_come' AND attempt IS NOT NULL
    )
    SELECT w, entry_id, ticket, place * size <= stock AS wins
    FROM ranked JOIN window_facts USING (w)"""

ALLOCATED = """
    SELECT
        w, account_id, entry_id, size, ticket,
        CASE WHEN ticket IS NOT NULL THEN 1 END AS weight,
        CASE WHEN policy = 'first_come' THEN attempt[1] END AS attempted_at,
        CASE
            WHEN left_out IS NOT NULL THEN left_out
            WHEN wins IS NULL THEN 'no_attempt'
            WHEN size > stock THEN 'cannot_fit'
            WHEN NOT wins THEN 'lost'
            WHEN state = 2 THEN 'forfeited'
            WHEN state = 3 THEN 'voided'
            ELSE 'won' END AS outcome,
        CASE
            WHEN state IS NULL THEN 'none'
            WHEN state = 0 THEN 'won'
            WHEN state = 2 AND was_cancelled THEN 'forfeited'
            WHEN state = 3 AND was_voided THEN 'voided'
            ELSE 'lost' END AS platform_outcome
    FROM ready LEFT JOIN entries USING (w, entry_id) JOIN window_facts USING (w)"""

# Counted outcomes. `losses` are those of the account up to here, `before` those up to its last win.
_SINCE = f"""
    WITH numbered AS (
        SELECT
            account_id, w, outcome, platform_outcome,
            count(*) FILTER (outcome = 'lost') OVER history AS losses{{more}}
        FROM {{allocated}} WHERE outcome IN ('won', 'lost', 'forfeited')
        WINDOW history AS (PARTITION BY account_id ORDER BY w)
    ),
    since AS (
        SELECT
            *, coalesce(max(losses) FILTER (outcome <> 'lost') OVER history, 0) AS before
        FROM numbered WHERE outcome <> 'lost' OR losses <= {MAX_LOSSES_A_DAY}
        WINDOW history AS (PARTITION BY account_id ORDER BY w)
    )"""


def since(allocated: str, more: str = "") -> str:
    """The beginning of a query: `since` has outcomes of a table that count, and `more` numbers."""
    return _SINCE.format(allocated=allocated, more=more)


COUNTED = f"""{since("allocated")}
    SELECT
        account_id, w, outcome, platform_outcome,
        CASE WHEN outcome = 'lost' THEN losses - before ELSE 0 END::INTEGER AS streak
    FROM since"""

AWARDED = """
    WITH raw AS (
        SELECT
            counted.*,
            CASE WHEN streak >= 10 THEN 20.00 WHEN streak >= 5 THEN 5.00 ELSE 2.00 END
                ::DECIMAL(18, 2) AS raw_amount
        FROM counted WHERE outcome = 'lost' AND streak >= 3
    )
    SELECT
        account_id, w, streak, raw_amount,
        CASE
            WHEN platform_outcome = 'won' THEN 'served_by_platform'
            WHEN status IS NULL OR status <> 'active' OR coalesce(blacklisted, false)
                THEN 'account_ineligible'
            ELSE 'granted' END AS reason,
        CASE WHEN reason = 'granted' THEN raw_amount ELSE 0 END::DECIMAL(18, 2) AS amount
    FROM raw LEFT JOIN accounts USING (account_id)"""

POSTED = """
    SELECT
        sha256(concat_ws('|', account_id, commodity_id, window_id, '0')) AS entry_id,
        account_id, commodity_id, window_id, business_date, amount, 'CNY' AS currency,
        'award' AS kind, 0 AS revision, {run_date} AS run_date
    FROM awarded JOIN window_facts USING (w) WHERE amount <> 0"""

# The tables, as docs/tables.md has them.
WRITTEN = {
    **WRITTEN_ALIKE,
    "windows": "FROM windows",
    "accounts": "FROM accounts",
    "quarantine": """
        SELECT
            NULL::VARCHAR AS source, NULL::DATE AS dt, NULL::VARCHAR AS event_id,
            NULL::VARCHAR[] AS reasons, NULL::VARCHAR AS payload
        WHERE false""",
    "screened_participants": """
        SELECT
            commodity_id, window_id, account_id, business_date, joined_at, team_id, 1 AS quantity,
            len(reasons) = 0 AS qualified, reasons, advance_state, advance_net
        FROM screened JOIN window_facts USING (w)""",
    "window_results": """
        WITH people AS (
            SELECT
                w, count(*) AS participants, count(*) FILTER (len(reasons) = 0) AS qualified,
                count(*) FILTER (
                    len(reasons) = 0 AND advance_state IN ('paid', 'not_required')
                ) AS ready
            FROM screened GROUP BY w
        ),
        accounts AS (
            SELECT
                w, count(*) FILTER (outcome = 'won') AS winners,
                count(*) FILTER (outcome = 'lost') AS losers,
                count(*) FILTER (outcome = 'forfeited') AS forfeits,
                count(*) FILTER (outcome IN ('won', 'forfeited', 'voided')) AS allocated_units
            FROM allocated GROUP BY w
        ),
        competing AS (
            SELECT
                w, count(DISTINCT entry_id) AS entries,
                count(DISTINCT entry_id) FILTER (outcome <> 'no_attempt') AS attempts
            FROM allocated JOIN window_facts USING (w) WHERE unit = 'team' GROUP BY w
            UNION ALL
            SELECT w, count(*), count(*) FILTER (outcome <> 'no_attempt')
            FROM allocated JOIN window_facts USING (w) WHERE unit = 'individual' GROUP BY w
        ),
        sales AS (SELECT w, sum(sold) AS sold FROM ordered GROUP BY w)
        SELECT
            commodity_id, window_id, business_date, 'allocated' AS status, policy, unit, stock,
            COLUMNS([
                'participants', 'qualified', 'ready', 'entries', 'attempts', 'winners', 'losers',
                'forfeits', 'allocated_units'
            ]),
            greatest(coalesce(sold, 0) - stock, 0)::BIGINT AS oversold_units
        FROM window_facts LEFT JOIN people USING (w) LEFT JOIN accounts USING (w)
        LEFT JOIN competing USING (w) LEFT JOIN sales USING (w)""",
    "account_history": """
        SELECT
            account_id, '' AS scope, count(*) AS attempts,
            count(*) FILTER (outcome = 'won') AS wins,
            count(*) FILTER (outcome = 'lost') AS failures,
            count(*) FILTER (outcome = 'forfeited') AS forfeits,
            max_by(streak, w) AS consecutive_failures, max(streak) AS longest_streak,
            min(business_date) AS first_business_date, max(business_date) AS last_business_date,
            max(business_date) FILTER (outcome = 'won') AS last_win_date,
            max(business_date) FILTER (outcome = 'lost') AS last_failure_date
        FROM counted JOIN window_facts USING (w) GROUP BY account_id""",
    "bonus_ledger": "FROM posted",
    "bonus_payouts": """
        SELECT
            sha256('0|' || account_id) AS payout_id, 0::INTEGER AS posting,
            account_id, run_date, sum(amount)::DECIMAL(18, 2) AS amount,
            count(*)::INTEGER AS entries, currency
        FROM posted GROUP BY ALL""",
    "bonus_waived": """
        SELECT
            account_id, commodity_id, window_id, business_date, amount, currency, run_date
        FROM posted WHERE false""",
}


def night(landing: Path, out: Path, date: str) -> None:
    """Reads the landing zone and writes the tables of the night of `date`."""
    out.mkdir(parents=True, exist_ok=True)
    with duckdb.connect() as connection:
        connection.execute("SET timezone = 'UTC'; SET preserve_insertion_order = false")
        for table in TABLES:
            files = text(str(landing / table / "dt=*" / "*.parquet"))
            connection.execute(
                f"CREATE VIEW {table} AS FROM read_parquet({files}, hive_partitioning = true) "
                f"WHERE dt <= {text(date)}::DATE"
            )
        refuse_bad_rows(connection)
        posted = POSTED.format(run_date=f"{text(date)}::DATE")
        for name, rows in (
            ("window_facts", WINDOWS),
            ("applied", APPLIED),
            ("paid", PAID),
            ("ordered", ORDERED),
            ("screened", SCREENED),
            ("ready", READY),
            ("entries", ENTRIES),
            ("allocated", ALLOCATED),
            ("counted", COUNTED),
            ("awarded", AWARDED),
            ("posted", posted),
        ):
            connection.execute(f"CREATE TABLE {name} AS {rows}")
        for table, rows in WRITTEN.items():
            file = text(str(out / f"{table}.parquet"))
            connection.execute(f"COPY ({rows}) TO {file} (FORMAT parquet, COMPRESSION zstd)")


def refuse_bad_rows(connection: duckdb.DuckDBPyConnection, which: str = "true") -> None:
    """Ends the night where one of these rows breaks its contract, or an event id comes twice."""
    for table in TABLES:
        columns = connection.table(table).columns
        is_bad = [BAD[table]]
        is_bad += [f"{column} IS NULL" for column in REQUIRED[table].split(", ")]
        is_bad += [
            f"NOT regexp_full_match({column}, '[^|\\x00-\\x1f\\x7f-\\x9f]{{1,128}}')"
            for column in IDS
            if column in columns
        ]
        bad = f"SELECT count(*) FROM {table} WHERE ({' OR '.join(is_bad)}) AND {which}"
        # equal hashes of different ids would be a false alarm, and no loss
        key = "hash(commodity_id, window_id, event_id)"
        twice = f"SELECT count(*) - count(DISTINCT {key}) FROM {table} WHERE {which}"
        unknown = (
            f"SELECT count(*) FROM (FROM {table} WHERE {which}) "
            "ANTI JOIN windows USING (commodity_id, window_id)"
        )
        asked = [bad, twice, unknown] if table in EVENTS else [bad]
        found = [connection.sql(query).fetchall()[0][0] for query in asked]
        if any(found):
            sys.exit(f"{table}: bad rows, ids that come twice, unknown windows: {found}")


def text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


if __name__ == "__main__":
    night(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])
