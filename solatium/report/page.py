"""The page: figures, charts and tables in one HTML file that asks no server for anything."""

from __future__ import annotations

from datetime import date
from typing import Any

from markupsafe import Markup

from solatium.report import charts, checks, consolation, fairness, forms, grids
from solatium.report.figures import Figure, figure
from solatium.report.funnel import funnel
from solatium.report.source import Period, Source, opened, period_of
from solatium.report.streaks import longest, streaks
from solatium.report.template import template
from solatium.report.trend import trends
from solatium.report.windows import windows
from solatium.version import VERSION
from solatium.warehouse.snapshot import Snapshot


def report(
    tables: Snapshot,
    first: date | None = None,
    last: date | None = None,
    *,
    with_accounts: bool = False,
) -> str:
    """The report of the business dates `first` to `last` as an HTML page.

    Without dates it is that of the newest business date. Account ids stand in it only
    `with_accounts`. Raises a UsageError where no window has such a date.
    """
    period = period_of(tables, first, last)
    with opened(tables, period) as source:
        return template().render(_content(source, period, with_accounts=with_accounts))


def _content(source: Source, period: Period, *, with_accounts: bool) -> dict[str, Any]:
    steps = funnel(source)
    in_windows = windows(source)
    lengths = streaks(source)
    by_streak = consolation.by_streak(source)
    sizes, teams = fairness.by_size(source), fairness.by_team_size(source)
    points, ages = fairness.by_points(source), fairness.by_account_age(source)
    held = [row for row in in_windows if row.status.startswith("seed")]
    return {
        "period": period,
        "as_of": str(source.tables.day),
        "is_open": period.last > source.last_closed,
        "last_closed": str(source.last_closed),
        "commit": source.tables.commit,
        "version": VERSION,
        "with_accounts": with_accounts,
        "trends": [_trend(trend, source.settings.bonus.currency) for trend in trends(source)],
        "funnel": figure(
            "From application to win",
            charts.funnel_chart(steps),
            [f"{step.name} {step.accounts:,}" for step in steps],
        ),
        "steps": grids.steps(steps),
        "windows": grids.windows(in_windows),
        "held": held,
        "oversold": [row for row in in_windows if row.oversold_units],
        "fairness": [
            _success(title, groups)
            for title, groups in (
                ("By units asked for", sizes),
                ("By members of a team", teams),
                ("By points in weighted lotteries", points),
                ("By age of the account", ages),
            )
            if groups
        ],
        "streaks": figure(
            "Accounts by failures in a row",
            charts.streaks_chart(lengths),
            [f"{row.streak} in a row {row.accounts:,} accounts" for row in lengths],
        ),
        "streak_rows": grids.streaks(lengths),
        "longest": grids.longest(longest(source), source.settings.bonus.currency)
        if with_accounts
        else None,
        "cost": _cost_figure(by_streak),
        "costs": [
            grids.costs("After so many failures in a row", "failures", by_streak),
            grids.costs("By campaign", "campaign", consolation.by_campaign(source)),
            grids.costs("By what decided the amount", "decided by", consolation.by_reason(source)),
        ],
        "budgets": grids.budgets(consolation.budgets(source)),
        "posted": grids.posted(consolation.posted(source)),
        "discrepancies": grids.discrepancies(checks.discrepancies(source)),
        "refunds": grids.refunds(checks.refunds(source)),
        "quarantine": grids.quarantine(checks.quarantine(source, with_accounts=with_accounts)),
        "laws": grids.laws(checks.laws()),
        "runs": grids.runs(checks.runs(source)),
    }


def _trend(trend: Any, currency: str) -> dict[str, Any]:
    def form(value: float) -> str:
        return forms.money(value, currency) if trend.is_money else forms.count(value)

    usual = trend.usual
    return {
        "name": trend.name,
        "latest": form(trend.latest),
        "usual": None if usual is None else form(usual),
        "svg": Markup(charts.sparkline(trend)),
        "alternative": f"{trend.name}, {trend.dates[0]} to {trend.dates[-1]}: "
        + ", ".join(form(value) for value in trend.values),
    }


def _success(title: str, groups: Any) -> dict[str, Any]:
    parts = [f"{one.group}: {forms.share(one.share)} of {one.competed:,}" for one in groups]
    shown = figure(title, charts.success_chart(groups), parts)
    return {"figure": shown, "grid": grids.successes(title, groups)}


def _cost_figure(rows: Any) -> Figure | None:
    if not rows:
        return None
    return figure(
        "What consolation costs, by failures in a row",
        charts.cost_chart(rows),
        [
            f"{row.group} failures: {forms.money(row.amount, row.currency)} awarded, "
            f"{forms.money(row.raw_amount - row.amount, row.currency)} cut"
            for row in rows
        ],
    )
