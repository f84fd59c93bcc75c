"""The SQL of the star: a query for each of its tables, over the tables of a warehouse.

Views of DuckDB named `_from_<table>` have the rows of the warehouse that are published now; `star`
makes them, and these tables and macros:

    _ids        what an id is published as: id, key, is_account
    _in_force   the version of each window that is in force
    _tiers      the tiers of the bonus by business date and campaign
    _dates      the dates that are known
    _landed     rows by arrival date and landing table
    window_key  the key of a window
    plain       a free text, without what databases refuse
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from solatium.contracts.model import Column, Table

# Types of contracts in DuckDB; the rest have the same names there.
DUCKDB_TYPES: Mapping[str, str] = {
    "string": "varchar",
    "int": "integer",
    "timestamp": "timestamptz",
}

# The latest version of each window is in force: late ones are in quarantine (rules, section 2.7).
IN_FORCE = """
create temp table _in_force as
select unnest(max_by(w, struct_pack(updated_at, dt, content := {content})))
from _from_windows w group by commodity_id, window_id
"""

_DIM_DATE = """
select date, year(date) as year, quarter(date) as quarter, month(date) as month,
       day(date) as day_of_month, isoyear(date) as iso_year, weekofyear(date) as iso_week,
       isodow(date) as weekday, isodow(date) > 5 as is_weekend, date <= last_closed as is_closed
from _dates
"""

_DIM_WINDOW = """
with keys as (
  select commodity_id, window_id from _in_force union select commodity_id, window_id from ({named})
)
select window_key(k.commodity_id, k.window_id) as window_key, k.commodity_id, k.window_id,
       w.stock is not null as is_known, r.business_date, plain(w.campaign_id) as campaign_id,
       plain(w.category) as category, w.application_open, w.application_close, w.rush_open,
       w.rush_close, w.stock, w.policy, w.unit, w.team_min, w.team_max,
       if(w.stock is null, null, coalesce(w.limit_per_account, 1)) as limit_per_account,
       w.advance_amount, plain(w.currency) as currency,
       if(w.stock is null, null, coalesce(w.min_qualified, 0)) as min_qualified,
       plain(w.seed_commitment) as seed_commitment, r.status, r.participants, r.qualified, r.ready,
       r.entries, r.attempts, r.winners, r.losers, r.forfeits, r.allocated_units, r.oversold_units
from keys k
left join _in_force w on w.commodity_id = k.commodity_id and w.window_id = k.window_id
left join _from_window_results r
  on r.commodity_id = k.commodity_id and r.window_id = k.window_id
"""

# The latest version of all, whichever a window sees.
_DIM_ACCOUNT = """
select i.key as account_key, v.latest is not null as is_known, v.latest.status as status,
       v.latest.registered_at::date as registered_on
from _ids i left join (
  select account_id, max_by(
    struct_pack(status, registered_at), struct_pack(updated_at, dt, content := {content})
  ) as latest
  from _from_accounts where account_id in (select id from _ids where is_account)
  group by account_id
) v on v.account_id = i.id
where i.is_account
"""

_FACT_PARTICIPATION = """
select i.key as account_key, window_key(p.commodity_id, p.window_id) as window_key,
       p.business_date, p.joined_at, t.key as team_key, p.quantity, p.qualified as is_qualified,
       p.reasons[1] as first_reason, nullif(array_to_string(p.reasons, ','), '') as reasons,
       p.advance_state, p.advance_net
from _from_screened_participants p join _ids i on i.id = p.account_id
left join _ids t on t.id = p.team_id
"""

_FACT_OUTCOME = """
select i.key as account_key, window_key(a.commodity_id, a.window_id) as window_key,
       a.business_date, e.key as entry_key, a.size as entry_size, a.weight, a.attempted_at,
       a.outcome, a.platform_outcome, a.quantity, o.result as counted_result,
       plain(o.scope) as scope, o.consecutive_failures
from _from_allocations a join _ids i on i.id = a.account_id
left join _ids e on e.id = a.entry_id
left join _from_account_outcomes o
  on o.account_id = a.account_id and o.commodity_id = a.commodity_id
  and o.window_id = a.window_id and o.business_date = a.business_date
"""

_FACT_AWARD = """
select i.key as account_key, window_key(a.commodity_id, a.window_id) as window_key,
       a.business_date, a.consecutive_failures, t.min_failures as tier_min_failures, a.raw_amount,
       a.amount, plain(a.currency) as currency, a.reason
from _from_bonus_awards a join _ids i on i.id = a.account_id
left join _in_force w on w.commodity_id = a.commodity_id and w.window_id = a.window_id
left join _tiers t
  on t.business_date = a.business_date and t.campaign_id = coalesce(w.campaign_id, '')
  and a.consecutive_failures >= t.min_failures and a.consecutive_failures < t.next_failures
"""

_FACT_LEDGER = """
select n.key as entry_key, i.key as account_key,
       window_key(l.commodity_id, l.window_id) as window_key, l.business_date,
       l.run_date, l.revision, l.kind, l.amount, plain(l.currency) as currency
from _from_bonus_ledger l join _ids i on i.id = l.account_id join _ids n on n.id = l.entry_id
"""

_FACT_PAYOUT = """
select n.key as payout_key, i.key as account_key, p.run_date, p.posting, p.entries, p.amount,
       plain(p.currency) as currency
from _from_bonus_payouts p join _ids i on i.id = p.account_id join _ids n on n.id = p.payout_id
"""

_FACT_REFUND = """
select i.key as account_key, window_key(r.commodity_id, r.window_id) as window_key,
       r.business_date, r.outcome, r.amount, plain(r.currency) as currency
from _from_refunds_due r join _ids i on i.id = r.account_id
"""

_FACT_DISCREPANCY = """
select i.key as account_key, window_key(d.commodity_id, d.window_id) as window_key,
       d.business_date, d.kind
from _from_audit_discrepancies d join _ids i on i.id = d.account_id
"""

# A row has several reasons only where all of them are about the row alone (rules, section 2.5).
_QUALITY_BY_DAY = """
with bad as (
  select dt, source, count(*) as quarantined,
         count(*) filter (list_contains(reasons, 'event_id_conflict')) as conflict,
         count(*) filter (list_contains(reasons, 'unknown_window')) as unknown_window,
         count(*) filter (list_contains(reasons, 'late')) as late
  from _from_quarantine group by dt, source
)
select dt as arrival_date, source, l.landed_rows, coalesce(quarantined, 0) as quarantined_rows,
       coalesce(quarantined - conflict - unknown_window - late, 0) as bad_rows,
       coalesce(conflict, 0) as conflict_rows,
       coalesce(unknown_window, 0) as unknown_window_rows, coalesce(late, 0) as late_rows
from bad full join _landed l using (dt, source)
"""

QUERIES: Mapping[str, str] = {
    "dim_date": _DIM_DATE,
    "dim_window": _DIM_WINDOW,
    "dim_account": _DIM_ACCOUNT,
    "fact_participation": _FACT_PARTICIPATION,
    "fact_outcome": _FACT_OUTCOME,
    "fact_award": _FACT_AWARD,
    "fact_ledger": _FACT_LEDGER,
    "fact_payout": _FACT_PAYOUT,
    "fact_refund": _FACT_REFUND,
    "fact_discrepancy": _FACT_DISCREPANCY,
    "quality_by_day": _QUALITY_BY_DAY,
}


def typed(table: Table, query: str) -> str:
    """A query with exactly the columns of a table, in its order and types."""
    columns = ", ".join(
        f'"{c.name}"::{DUCKDB_TYPES.get(c.type, c.type)} as "{c.name}"' for c in table.columns
    )
    return f"select {columns} from ({query})"


def content(columns: Iterable[Column]) -> str:
    """The content of a row as one text (rules, section 2.6): what decides between equal times."""
    return " || '|' || ".join(f"coalesce({_text(c)}, '')" for c in columns)


def _text(column: Column) -> str:
    if column.type == "timestamp":
        return f"strftime({column.name} at time zone 'UTC', '%Y-%m-%d %H:%M:%S.%f')"
    return f"{column.name}::varchar"
