"""Each window in numbers: what was asked for, what was given out, what was sold (section 6)."""

from __future__ import annotations

from dataclasses import dataclass

from solatium.report.source import Source


@dataclass(frozen=True)
class WindowRow:
    """A window: counts of `window_results`, and shares of its stock, null where the stock is 0
    and, of demand, while the window is on hold.

    `demand` is the quantity of all ready accounts over the stock, `sell_through` the allocated
    units over the stock. `should_have_won` and `should_not_have_won` count discrepancies.
    """

    business_date: str
    commodity_id: str
    window_id: str
    campaign_id: str
    policy: str
    unit: str
    status: str
    stock: int
    participants: int
    ready: int
    winners: int
    demand: float | None
    sell_through: float | None
    oversold_units: int
    should_have_won: int
    should_not_have_won: int


def windows(source: Source) -> tuple[WindowRow, ...]:
    """The windows of the period, those with the greatest demand first."""
    found = source.rows(
        """
        select r.business_date::varchar business_date, r.commodity_id, r.window_id,
               coalesce(w.campaign_id, '') campaign_id, r.policy, r.unit, r.status, r.stock,
               r.participants, r.ready, r.winners,
               case when r.stock > 0 and r.status not like 'seed%'
                    then coalesce(a.asked, 0) / r.stock end demand,
               case when r.stock > 0 then r.allocated_units / r.stock end sell_through,
               r.oversold_units,
               coalesce(d.more, 0) should_have_won, coalesce(d.less, 0) should_not_have_won
        from window_results r
        left join in_force w using (commodity_id, window_id)
        left join (select commodity_id, window_id, sum(quantity) asked
                   from allocations group by all) a using (commodity_id, window_id)
        left join (select commodity_id, window_id,
                          count(*) filter (kind = 'should_have_won') more,
                          count(*) filter (kind = 'should_not_have_won') less
                   from audit_discrepancies group by all) d using (commodity_id, window_id)
        order by demand desc nulls last, r.ready desc, r.commodity_id, r.window_id
        """
    )
    return tuple(WindowRow(**row) for row in found)
