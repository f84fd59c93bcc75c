"""One clean first night in plain Spark SQL, as one would write it by hand for just this night.

It writes the same tables, and takes the same for granted, as benchmarks/duckdb_night.py, on all
cores of this machine. Latest rows and places are taken by `row_number`. Steps are kept as files:
cached tables that stand on one another keep all plans behind them, and Spark spends minutes on
describing those, however few the rows.

    python -m benchmarks.spark_night LANDING OUT DATE
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from pyspark.sql import SparkSession

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

WELL_FORMED = r"r'^[^|\x00-\x1f\x7f-\x9f]{1,128}\z'"

# `w` numbers the windows in history order, and stands for the two columns of their key.
WINDOWS = f"""
    SELECT
        row_number() OVER (ORDER BY rush_close, commodity_id, window_id) AS w,
        to_date(from_utc_timestamp(rush_close, '{TIMEZONE}')) AS business_date,
        *
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
    placed AS (
        SELECT
            *,
            row_number() OVER latest_first AS recency,
            count_if(event_type = 'withdraw') OVER latest_first AS withdrawals_since
        FROM events WHERE counts
        WINDOW latest_first AS (
            PARTITION BY w, account_id ORDER BY event_time DESC, event_id DESC
        )
    ),
    joined AS (
        SELECT w, account_id, min(event_time) AS joined_at
        FROM placed WHERE event_type = 'join' AND withdrawals_since = 0
        GROUP BY w, account_id
    )
    SELECT
        w, account_id,
        recency IS NOT NULL AS has_applied,
        coalesce(event_type = 'join', false) AS is_in,
        joined_at,
        CASE WHEN event_type = 'join' THEN team_id END AS team_id
    FROM (SELECT DISTINCT w, account_id FROM events)
    LEFT JOIN (SELECT * FROM placed WHERE recency = 1) USING (w, account_id)
    LEFT JOIN joined USING (w, account_id)"""

# Advance payments in the currency of the window: before the rush, and in all.
PAID = """
    WITH signed AS (
        SELECT
            w, account_id, kind, event_time < rush_open AS is_before,
            CASE kind WHEN 'advance_paid' THEN amount WHEN 'advance_refunded' THEN -amount
                ELSE 0 END AS amount
        FROM payment JOIN window_facts USING (commodity_id, window_id)
        WHERE payment.currency = window_facts.currency
    )
    SELECT
        w, account_id,
        cast(sum(CASE WHEN is_before THEN amount ELSE 0 END) AS DECIMAL(18, 2)) AS net_before,
        bool_or(is_before AND kind = 'advance_paid') AS has_paid,
        cast(sum(amount) AS DECIMAL(18, 2)) AS net
    FROM signed GROUP BY w, account_id"""

# Orders of an account in a window. `state` is the first of: confirmed, submitted, cancelled,
# voided, failed; `attempted_at` and `attempt_id` are of the first submission in the rush.
ORDERED = """
    WITH events AS (
        SELECT
            w, account_id, order_id, event_time, event_id,
            status = 'submitted' AND event_time >= rush_open AND event_time < rush_close AS tries,
            CASE status WHEN 'confirmed' THEN 0 WHEN 'submitted' THEN 1 WHEN 'cancelled' THEN 2
                WHEN 'voided' THEN 3 ELSE 4 END AS state
        FROM orders JOIN window_facts USING (commodity_id, window_id)
    ),
    of_order AS (
        SELECT
            w, account_id, min(state) FILTER (WHERE recency = 1) AS state,
            bool_or(state = 0) AS was_confirmed
        FROM (
            SELECT
                *,
                row_number() OVER (
                    PARTITION BY w, account_id, order_id ORDER BY event_time DESC, event_id DESC
                ) AS recency
            FROM events
        ) GROUP BY w, account_id, order_id
    ),
    of_account AS (
        SELECT
            w, account_id, min(state) AS state,
            bool_or(state = 2 AND was_confirmed) AS was_cancelled,
            bool_or(state = 3 AND was_confirmed) AS was_voided,
            count_if(state = 0) AS sold
        FROM of_order GROUP BY w, account_id
    ),
    attempts AS (
        SELECT
            w, account_id, event_time AS attempted_at, event_id AS attempt_id,
            row_number() OVER (PARTITION BY w, account_id ORDER BY event_time, event_id) AS place
        FROM events WHERE tries
    )
    SELECT w, account_id, state, was_cancelled, was_voided, sold, attempted_at, attempt_id
    FROM of_account
    LEFT JOIN (SELECT * FROM attempts WHERE place = 1) USING (w, account_id)"""

SCREENED = """
    WITH judged AS (
        SELECT
            w, account_id, joined_at, team_id, person_id, advance_amount, has_paid,
            coalesce(net_before, 0) AS advance_net,
            filter(array(
                CASE WHEN NOT has_applied THEN 'outside_application_period' END,
                CASE WHEN has_applied AND NOT is_in THEN 'withdrawn' END,
                CASE WHEN status IS NULL THEN 'account_unknown' END,
                CASE WHEN status <> 'active' THEN 'account_not_active' END,
                CASE WHEN blacklisted THEN 'account_blacklisted' END,
                CASE WHEN registered_at > application_open THEN 'account_too_new' END,
                CASE WHEN is_in AND unit = 'team' AND team_id IS NULL THEN 'team_missing' END
            ), reason -> reason IS NOT NULL) AS reasons
        FROM applied
        JOIN window_facts USING (w)
        LEFT JOIN accounts USING (account_id)
        LEFT JOIN paid USING (w, account_id)
    ),
    placed AS (
        SELECT
            *,
            row_number() OVER (
                PARTITION BY w, person_id, size(reasons) = 0 ORDER BY joined_at, account_id
            ) AS place
        FROM judged
    )
    SELECT
        w, account_id, joined_at, team_id,
        CASE WHEN size(reasons) = 0 AND person_id IS NOT NULL AND place > 1
            THEN array('duplicate_person') ELSE reasons END AS reasons,
        CASE
            WHEN advance_amount = 0 THEN 'not_required'
            WHEN advance_net >= advance_amount THEN 'paid'
            WHEN advance_net > 0 THEN 'partial'
            WHEN has_paid THEN 'refunded'
            ELSE 'unpaid' END AS advance_state,
        advance_net
    FROM placed"""

# Ready accounts, each with the entry that competes for it, where it has one.
READY = """
    WITH ready AS (
        SELECT
            w, account_id, joined_at, screened.team_id, unit, team_min, team_max,
            state, was_cancelled, was_voided, attempted_at, attempt_id
        FROM screened JOIN window_facts USING (w) LEFT JOIN ordered USING (w, account_id)
        WHERE size(reasons) = 0 AND advance_state IN ('paid', 'not_required')
    ),
    teams AS (
        SELECT
            *,
            row_number() OVER (PARTITION BY w, team_id ORDER BY joined_at, account_id) AS place,
            count(*) OVER (PARTITION BY w, team_id) AS mates
        FROM ready WHERE unit = 'team'
    ),
    of_teams AS (
        SELECT
            w, team_id, cast(count(*) AS INT) AS size,
            min(struct(attempted_at, attempt_id)) FILTER (WHERE attempted_at IS NOT NULL)
                AS attempt,
            min(state) AS state, bool_or(was_cancelled) AS was_cancelled,
            bool_or(was_voided) AS was_voided
        FROM teams WHERE place <= team_max AND mates >= team_min
        GROUP BY w, team_id
    )
    SELECT
        w, account_id, unit, account_id AS entry_id, 1 AS size, attempted_at, attempt_id, state,
        was_cancelled, was_voided, NULL AS left_out
    FROM ready WHERE unit = 'individual'
    UNION ALL
    SELECT
        w, account_id, unit, team_id, of_teams.size, attempt.attempted_at, attempt.attempt_id,
        of_teams.state, of_teams.was_cancelled, of_teams.was_voided, NULL
    FROM teams JOIN of_teams USING (w, team_id)
    WHERE place <= team_max
    UNION ALL
    SELECT
        w, account_id, unit, NULL, NULL, NULL, NULL, state, was_cancelled, was_voided,
        CASE WHEN place > team_max THEN 'team_overfull' ELSE 'team_incomplete' END
    FROM teams WHERE place > team_max OR mates < team_min"""

# What competes, in its place. All entries of a window have one size, so the first ones fit.
ENTRIES = """
    WITH entries AS (
        SELECT w, entry_id, size, attempted_at, attempt_id FROM ready WHERE unit = 'individual'
        UNION ALL
        SELECT DISTINCT w, entry_id, size, attempted_at, attempt_id FROM ready
        WHERE unit = 'team' AND entry_id IS NOT NULL
    ),
    drawn AS (
        SELECT
            w, entry_id, size, stock,
            substring(
                sha2(concat_ws('|', draw_seed, commodity_id, window_id, entry_id, '0'), 256), 1, 16
            ) AS ticket
        FROM entries JOIN window_facts USING (w) WHERE policy <> 'first_come'
    ),
    ranked AS (
        SELECT
            w, entry_id, size, stock, ticket,
            row_number() OVER (PARTITION BY w ORDER BY ticket, entry_id) AS place
        FROM drawn
        UNION ALL
        SELECT
            w, entry_id, size, stock, NULL,
            row_number() OVER (PARTITION BY w ORDER BY attempted_at, attempt_id)
        FROM entries JOIN window_facts USING (w)
        WHERE policy = 'first_come' AND attempted_at IS NOT NULL
    )
    SELECT w, entry_id, ticket, place * size <= stock AS wins FROM ranked"""

ALLOCATED = """
    SELECT
        w, account_id, unit, entry_id, size, ticket,
        CASE WHEN ticket IS NOT NULL THEN 1 END AS weight,
        CASE WHEN policy = 'first_come' THEN attempted_at END AS attempted_at,
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
    FROM ready LEFT JOIN entries USING (w, entry_id)
    JOIN (SELECT w, policy, stock FROM window_facts) USING (w)"""

# Counted outcomes, each with the streak after it: `turn` counts wins and forfeits up to here.
COUNTED = f"""
    WITH numbered AS (
        SELECT
            account_id, w, outcome, platform_outcome,
            row_number() OVER (PARTITION BY account_id, outcome = 'lost' ORDER BY w) AS place
        FROM allocated WHERE outcome IN ('won', 'lost', 'forfeited')
    ),
    turns AS (
        SELECT
            *,
            count_if(outcome <> 'lost') OVER (PARTITION BY account_id ORDER BY w) AS turn
        FROM numbered WHERE outcome <> 'lost' OR place <= {MAX_LOSSES_A_DAY}
    )
    SELECT
        account_id, w, outcome, platform_outcome,
        cast(count_if(outcome = 'lost') OVER (PARTITION BY account_id, turn ORDER BY w) AS INT)
            AS streak
    FROM turns"""

AWARDED = """
    SELECT
        account_id, w, streak, raw_amount, reason,
        cast(CASE WHEN reason = 'granted' THEN raw_amount ELSE 0 END AS DECIMAL(18, 2)) AS amount
    FROM (
        SELECT
            account_id, w, streak,
            cast(CASE WHEN streak >= 10 THEN 20.00 WHEN streak >= 5 THEN 5.00 ELSE 2.00 END
                AS DECIMAL(18, 2)) AS raw_amount,
            CASE
                WHEN platform_outcome = 'won' THEN 'served_by_platform'
                WHEN status IS NULL OR status <> 'active' OR coalesce(blacklisted, false)
                    THEN 'account_ineligible'
                ELSE 'granted' END AS reason
        FROM counted LEFT JOIN accounts USING (account_id)
        WHERE outcome = 'lost' AND streak >= 3
    )"""

POSTED = """
    SELECT
        sha2(concat_ws('|', account_id, commodity_id, window_id, '0'), 256) AS entry_id,
        account_id, commodity_id, window_id, business_date, amount, 'CNY' AS currency,
        'award' AS kind, 0 AS revision, DATE '{date}' AS run_date
    FROM awarded JOIN window_facts USING (w) WHERE amount <> 0"""

# The tables, as docs/tables.md has them.
WRITTEN = {
    **WRITTEN_ALIKE,
    "windows": "SELECT * FROM windows",
    "accounts": "SELECT * FROM accounts",
    "quarantine": """
        SELECT
            '' AS source, run_date AS dt, '' AS event_id, array('') AS reasons, '' AS payload
        FROM posted WHERE false""",
    "screened_participants": """
        SELECT
            commodity_id, window_id, account_id, business_date, joined_at, team_id, 1 AS quantity,
            size(reasons) = 0 AS qualified, reasons, advance_state, advance_net
        FROM screened JOIN window_facts USING (w)""",
    "window_results": """
        WITH people AS (
            SELECT
                w, count(*) AS participants, count_if(size(reasons) = 0) AS qualified,
                count_if(size(reasons) = 0 AND advance_state IN ('paid', 'not_required')) AS ready
            FROM screened GROUP BY w
        ),
        by_account AS (
            SELECT
                w, count_if(outcome = 'won') AS winners, count_if(outcome = 'lost') AS losers,
                count_if(outcome = 'forfeited') AS forfeits,
                count_if(outcome IN ('won', 'forfeited', 'voided')) AS allocated_units
            FROM allocated GROUP BY w
        ),
        by_entry AS (
            SELECT w, count(*) AS entries, count_if(tried) AS attempts
            FROM (
                SELECT w, outcome <> 'no_attempt' AS tried FROM allocated WHERE unit = 'individual'
                UNION ALL
                SELECT w, tried FROM (
                    SELECT DISTINCT w, entry_id, outcome <> 'no_attempt' AS tried
                    FROM allocated WHERE unit = 'team' AND entry_id IS NOT NULL
                )
            ) GROUP BY w
        ),
        sales AS (SELECT w, sum(sold) AS sold FROM ordered GROUP BY w)
        SELECT
            commodity_id, window_id, business_date, 'allocated' AS status, policy, unit, stock,
            coalesce(participants, 0) AS participants, coalesce(qualified, 0) AS qualified,
            coalesce(ready, 0) AS ready, coalesce(entries, 0) AS entries,
            coalesce(attempts, 0) AS attempts, coalesce(winners, 0) AS winners,
            coalesce(losers, 0) AS losers, coalesce(forfeits, 0) AS forfeits,
            coalesce(allocated_units, 0) AS allocated_units,
            greatest(coalesce(sold, 0) - stock, 0) AS oversold_units
        FROM window_facts LEFT JOIN people USING (w) LEFT JOIN by_account USING (w)
        LEFT JOIN by_entry USING (w) LEFT JOIN sales USING (w)""",
    "account_history": """
        SELECT
            account_id, '' AS scope, count(*) AS attempts, count_if(outcome = 'won') AS wins,
            count_if(outcome = 'lost') AS failures, count_if(outcome = 'forfeited') AS forfeits,
            max_by(streak, w) AS consecutive_failures, max(streak) AS longest_streak,
            min(business_date) AS first_business_date, max(business_date) AS last_business_date,
            max(business_date) FILTER (WHERE outcome = 'won') AS last_win_date,
            max(business_date) FILTER (WHERE outcome = 'lost') AS last_failure_date
        FROM counted JOIN window_facts USING (w) GROUP BY account_id""",
    "bonus_ledger": "SELECT * FROM posted",
    "bonus_payouts": """
        SELECT
            sha2(concat('0|', account_id), 256) AS payout_id, 0 AS posting,
            account_id, run_date, cast(sum(amount) AS DECIMAL(18, 2)) AS amount,
            cast(count(*) AS INT) AS entries, currency
        FROM posted GROUP BY account_id, run_date, currency""",
    "bonus_waived": """
        SELECT account_id, commodity_id, window_id, business_date, amount, currency, run_date
        FROM posted WHERE false""",
}


def night(spark: SparkSession, landing: Path, out: Path, steps: Path, date: str) -> None:
    """Reads the landing zone and writes the tables of the night of `date`, and what they are made
    from to `steps`."""
    for table in TABLES:
        rows = spark.read.parquet(str(landing / table)).where(f"dt <= DATE '{date}'")
        rows.createOrReplaceTempView(table)
    refuse_bad_rows(spark)
    for name, query in (
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
        ("posted", POSTED.format(date=date)),
    ):
        step = str(steps / name)
        spark.sql(query).write.parquet(step)
        spark.read.parquet(step).createOrReplaceTempView(name)
    for table, query in WRITTEN.items():
        spark.sql(query).write.parquet(str(out / f"{table}.parquet"), mode="overwrite")


def refuse_bad_rows(spark: SparkSession) -> None:
    """Ends the night where a row breaks its contract, or an event id comes twice."""
    for table in TABLES:
        columns = spark.table(table).columns
        is_bad = [f"({BAD[table]})"]
        is_bad += [f"{column} IS NULL" for column in REQUIRED[table].split(", ")]
        is_bad += [f"NOT {column} RLIKE {WELL_FORMED}" for column in IDS if column in columns]
        counts = [f"count_if({' OR '.join(is_bad)})"]
        if table in EVENTS:
            # equal hashes of different ids would be a false alarm, and no loss
            key = "xxhash64(commodity_id, window_id, event_id)"
            counts.append(f"count(*) - count(DISTINCT {key})")
        found = list(spark.sql(f"SELECT {', '.join(counts)} FROM {table}").collect()[0])
        if table in EVENTS:
            unknown = f"{table} LEFT ANTI JOIN windows USING (commodity_id, window_id)"
            found += spark.sql(f"SELECT count(*) FROM {unknown}").collect()[0]
        if any(found):
            sys.exit(f"{table}: bad rows, ids that come twice, unknown windows: {found}")


def main(landing: Path, out: Path, date: str) -> None:
    settings = {
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.memory": "8g",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.shuffle.partitions": str(4 * (os.cpu_count() or 2)),
        "spark.sql.parquet.compression.codec": "zstd",
        "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
    }
    builder = SparkSession.builder.appName("night by hand").master("local[*]")
    for key, value in settings.items():
        builder = builder.config(key, value)
    spark = builder.getOrCreate()
    spark.sparkContext.setLogLevel("ERROR")
    try:
        with TemporaryDirectory(prefix="night-by-hand-") as steps:
            night(spark, landing, out, Path(steps), date)
    finally:
        spark.stop()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])
