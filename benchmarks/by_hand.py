"""What the nights by hand have in common: what they take for granted, and SQL that is one in all.

Each of them is otherwise a night for itself, as one would write it for one engine alone.
"""

from __future__ import annotations

TIMEZONE = "Asia/Shanghai"
MAX_LOSSES_A_DAY = 3

EVENTS = ("participation", "payment", "orders")
TABLES = (*EVENTS, "windows", "accounts")
IDS = ("event_id", "order_id", "account_id", "commodity_id", "window_id", "team_id")

# What a row must not be, beside that none of these columns may be null and all ids are well formed.
REQUIRED = {
    "participation": "event_id, event_type, account_id, commodity_id, window_id, event_time",
    "payment": "event_id, account_id, commodity_id, window_id, kind, amount, currency, event_time",
    "orders": "event_id, order_id, account_id, commodity_id, window_id, status, event_time",
    "windows": "commodity_id, window_id, application_open, application_close, rush_open, "
    "rush_close, stock, policy, unit, advance_amount, currency, updated_at",
    "accounts": "account_id, registered_at, status, updated_at",
}
BAD = {
    "participation": "event_type NOT IN ('join', 'withdraw')",
    "payment": "amount <= 0 OR kind NOT IN "
    "('advance_paid', 'advance_refunded', 'balance_paid', 'balance_refunded')",
    "orders": "status NOT IN ('submitted', 'confirmed', 'cancelled', 'voided', 'failed')",
    "windows": "stock < 0 OR advance_amount < 0 OR unit NOT IN ('individual', 'team') "
    "OR policy NOT IN ('first_come', 'lottery', 'weighted_lottery') "
    "OR NOT (application_open < application_close AND application_close <= rush_open "
    "AND rush_open < rush_close) "
    "OR unit = 'team' AND NOT coalesce(1 <= team_min AND team_min <= team_max, false)",
    "accounts": "status NOT IN ('active', 'suspended', 'closed')",
}

# Tables that DuckDB and Spark make of their steps in the same words. The logs have no sequence.
WRITTEN_ALIKE = {
    **{
        table: f"""
            SELECT {table}.*, CAST(NULL AS bigint) AS sequence, business_date
            FROM {table} JOIN window_facts
                ON {table}.commodity_id = window_facts.commodity_id
                AND {table}.window_id = window_facts.window_id"""
        for table in EVENTS
    },
    "allocations": """
        SELECT
            commodity_id, window_id, account_id, business_date, entry_id, size, ticket, weight,
            attempted_at, outcome, platform_outcome, 1 AS quantity
        FROM allocated JOIN window_facts USING (w)""",
    "audit_discrepancies": """
        WITH judged AS (
            SELECT
                w, account_id, coalesce(outcome = 'won', false) AS by_replay,
                coalesce(platform_outcome = 'won', state = 0) AS by_platform
            FROM allocated FULL JOIN ordered USING (w, account_id)
        )
        SELECT
            commodity_id, window_id, account_id, business_date,
            CASE WHEN by_replay THEN 'should_have_won' ELSE 'should_not_have_won' END AS kind
        FROM judged JOIN window_facts USING (w) WHERE by_replay <> by_platform""",
    "refunds_due": """
        SELECT
            commodity_id, window_id, account_id, business_date,
            coalesce(outcome, 'not_ready') AS outcome, net AS amount, currency
        FROM paid JOIN window_facts USING (w) LEFT JOIN allocated USING (w, account_id)
        WHERE net > 0 AND coalesce(outcome NOT IN ('won', 'forfeited'), true)""",
    "account_outcomes": """
        SELECT
            account_id, '' AS scope, commodity_id, window_id, business_date, outcome AS result,
            streak AS consecutive_failures
        FROM counted JOIN window_facts USING (w)""",
    "bonus_awards": """
        SELECT
            account_id, commodity_id, window_id, business_date, streak AS consecutive_failures,
            raw_amount, amount, 'CNY' AS currency, reason
        FROM awarded JOIN window_facts USING (w)""",
}
