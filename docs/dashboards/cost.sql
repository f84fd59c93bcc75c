-- What consolation costs, by business date, campaign and tier.
--
-- One row is one business date, campaign, tier and currency. `tier_amount` is what the tiers give,
-- `awarded` what was left of it by caps, budgets and other steps, and `owed` what the ledger has
-- posted: 0 until the date is closed.
with given as (
  select business_date, window_key, tier_min_failures, currency,
         count(*) as awards,
         count(*) filter (where reason <> 'granted') as cut,
         sum(raw_amount) as tier_amount,
         sum(amount) as awarded,
         0 as owed
  from fact_award
  group by business_date, window_key, tier_min_failures, currency
),
posted as (
  select a.business_date, a.window_key, a.tier_min_failures, a.currency,
         0 as awards, 0 as cut, 0 as tier_amount, 0 as awarded,
         sum(l.amount) as owed
  from fact_ledger l
  join fact_award a on a.account_key = l.account_key and a.window_key = l.window_key
  group by a.business_date, a.window_key, a.tier_min_failures, a.currency
)
select f.business_date,
       d.is_closed,
       w.campaign_id,
       f.tier_min_failures,
       f.currency,
       cast(sum(f.awards) as bigint) as awards,
       cast(sum(f.cut) as bigint) as cut,
       sum(f.tier_amount) as tier_amount,
       sum(f.awarded) as awarded,
       sum(f.owed) as owed
from (select * from given union all select * from posted) f
join dim_window w on w.window_key = f.window_key
join dim_date d on d.date = f.business_date
group by f.business_date, d.is_closed, w.campaign_id, f.tier_min_failures, f.currency
order by f.business_date, w.campaign_id, f.tier_min_failures, f.currency
