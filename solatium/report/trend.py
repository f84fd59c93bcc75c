"""The numbers of a date beside those of the dates before it."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median

from solatium.report.source import Source

_DATES = 14


@dataclass(frozen=True)
class Trend:
    """One number over the last business dates, oldest first, the reported one at the end."""

    name: str
    dates: tuple[str, ...]
    values: tuple[float, ...]
    is_money: bool = False

    @property
    def latest(self) -> float:
        return self.values[-1]

    @property
    def usual(self) -> float | None:
        """The median of the dates before; null without any."""
        return median(self.values[:-1]) if len(self.values) > 1 else None


def trends(source: Source) -> tuple[Trend, ...]:
    """Up to fourteen business dates that had a window, the last of the period at the end."""
    found = source.rows(
        f"""
        with days as (
            select business_date as day, sum(participants) applied, sum(ready) ready,
                   sum(winners) won, sum(oversold_units) oversold,
                   count(*) filter (status like 'seed%') held
            from _window_results where business_date <= ? group by 1
            order by 1 desc limit {_DATES}),
        wrong as (
            select business_date as day, count(*) disagreements
            from _audit_discrepancies group by 1),
        paid as (select business_date as day, sum(amount) bonus from _bonus_awards group by 1)
        select days.*, coalesce(disagreements, 0) disagreements, coalesce(bonus, 0) bonus
        from days left join wrong using (day) left join paid using (day) order by day
        """,
        source.period.last,
    )
    dates = tuple(str(row["day"]) for row in found)
    names = {
        "applied": "applied",
        "ready": "ready",
        "won": "won",
        "bonus": "consolation awarded",
        "disagreements": "replay and platform disagree",
        "oversold": "units oversold",
        "held": "windows on hold",
    }
    return tuple(
        Trend(label, dates, tuple(float(row[name]) for row in found), is_money=name == "bonus")
        for name, label in names.items()
    )
