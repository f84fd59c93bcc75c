-- What consolation costs, by business date, campaign and tier.
--
-- One row is one business date, campaign, tier and currency. `tier_amount` is what the tiers give,
-- `awarded` what was left of it by caps, budgets and other steps, and `owed` what the ledger has
-- posted: 0 until the date is closed.
with owed as (
  select account_key, window_key, sum(amount) as amount
  from fact_ledger
  group by account_key, window_key
)
select a.business_date,
       d.is_closed,
       w.campaign_id,
       a.tier_min_failures,
       a.currency,
       count(*) as awards,
       count(*) filter (where a.reason <> 'granted') as cut,
       sum(a.raw_amount) as tier_amount,
       sum(a.amount) as awarded,
       coalesce(sum(o.amount), 0) as owed
from fact_award a
join dim_window w on w.window_key = a.window_key
join dim_date d on d.date = a.business_date
left join owed o on o.account_key = a.account_key and o.window_key = a.window_key
group by a.business_date, d.is_closed, w.campaign_id, a.tier_min_failures, a.currency
order by a.business_date, w.campaign_id, a.tier_min_failures, a.currency
