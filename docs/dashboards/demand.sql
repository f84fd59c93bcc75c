-- Sell-through and demand by window.
--
-- One row is one window that is due. Rates are shares of 1; a rate without a divisor is null.
-- `demand_per_unit` counts ready accounts for each unit of stock.
select w.business_date,
       d.is_closed,
       w.campaign_id,
       w.category,
       w.commodity_id,
       w.window_id,
       w.policy,
       w.status,
       w.participants,
       w.qualified,
       w.ready,
       w.stock,
       w.allocated_units,
       w.oversold_units,
       round(w.allocated_units / nullif(cast(w.stock as numeric(18, 4)), 0), 4) as sell_through,
       round(w.ready / nullif(cast(w.stock as numeric(18, 4)), 0), 2) as demand_per_unit,
       round(w.qualified / nullif(cast(w.participants as numeric(18, 4)), 0), 4) as qualified_rate
from dim_window w
join dim_date d on d.date = w.business_date
order by w.business_date, w.ready desc, w.window_key
