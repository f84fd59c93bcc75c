-- Who is about to give up: accounts by the length of their streak.
--
-- One row is one scope and streak length, as of the newest business date. `accounts` stand at that
-- streak after their last counted outcome; `away` of them have had none in the last 14 days.
-- `gave_up_before` says of all who ever stood there, and had 14 days to go on, how many did not.
with ordered as (
  select o.account_key,
         o.scope,
         o.business_date,
         o.consecutive_failures,
         lead(o.business_date) over streak as next_date,
         max(o.business_date) over () as newest
  from fact_outcome o
  join dim_window w on w.window_key = o.window_key
  where o.counted_result is not null
  window streak as (
    partition by o.account_key, o.scope
    order by o.business_date, w.rush_close, w.commodity_id, w.window_id
  )
)
select scope,
       consecutive_failures,
       count(*) filter (where next_date is null) as accounts,
       count(*) filter (where next_date is null and newest - business_date > 14) as away,
       count(*) filter (where newest - business_date > 14) as stood_there_before,
       count(*) filter (
         where newest - business_date > 14
           and (next_date is null or next_date - business_date > 14)
       ) as gave_up_before
from ordered
where consecutive_failures > 0
group by scope, consecutive_failures
order by scope, consecutive_failures
