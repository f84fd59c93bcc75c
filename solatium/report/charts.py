"""Charts as SVG text that stands in the page; each is drawn to be read at 340 points of width."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from solatium.packages import optional
from solatium.report.consolation import CostRow
from solatium.report.fairness import Success
from solatium.report.funnel import Step
from solatium.report.streaks import StreakRow
from solatium.report.trend import Trend

_WIDTH = 210  # of the bars; labels stand beside them
_BAR, _FAINT, _CUT = "#2f7f79", "#8fa3a1", "#c98a2b"
_INK = "currentColor"  # the page's text colour, light or dark


def funnel_chart(steps: Sequence[Step]) -> str:
    """Accounts at each step of the funnel."""
    rows = [{"step": step.name, "accounts": step.accounts} for step in steps]
    return _bars(rows, "step", "accounts", [step.name for step in steps], ",d")


def success_chart(groups: Sequence[Success]) -> str:
    """The share of each group that was allocated."""
    rows = [{"group": one.group, "share": one.share} for one in groups]
    return _bars(rows, "group", "share", [one.group for one in groups], ".1%")


def streaks_chart(rows: Sequence[StreakRow]) -> str:
    """Accounts by the length of their streak; those without one are left out."""
    shown = [row for row in rows if row.streak != "0"]
    data = [{"streak": row.streak, "accounts": row.accounts} for row in shown]
    return _bars(data, "streak", "accounts", [row.streak for row in shown], ",d")


def cost_chart(rows: Sequence[CostRow]) -> str:
    """What is awarded of each group, and what was cut from it, one behind the other."""
    alt = optional("altair", extra="report")
    data = [
        {"group": row.group, "part": part, "amount": float(amount)}
        for row in rows
        for part, amount in (("awarded", row.amount), ("cut", row.raw_amount - row.amount))
    ]
    order = list(dict.fromkeys(row.group for row in rows))
    colours = alt.Scale(domain=["awarded", "cut"], range=[_BAR, _CUT])
    chart = alt.Chart(alt.Data(values=data)).mark_bar(height=14)
    return _svg(
        chart.encode(
            y=alt.Y("group:N", sort=order, title=None),
            x=alt.X("sum(amount):Q", title=None, axis=alt.Axis(tickCount=4)),
            color=alt.Color("part:N", scale=colours, legend=alt.Legend(title=None, orient="top")),
            order=alt.Order("part:N"),
        ).properties(width=_WIDTH, height=alt.Step(22))
    )


@dataclass(frozen=True)
class Side:
    """A value of a group on one side; `low` and `high` where it is known between which it lies."""

    group: str
    side: str
    value: float
    low: float | None = None
    high: float | None = None


def sides_chart(sides: Sequence[Side], form: str) -> str:
    """Values of groups on two sides, one bar below the other; a line from low to high."""
    alt = optional("altair", extra="report")
    data = [asdict(one) for one in sides]
    names = list(dict.fromkeys(one.side for one in sides))
    colours = alt.Scale(domain=names, range=[_FAINT, _BAR])
    base = alt.Chart(alt.Data(values=data)).encode(
        y=alt.Y("group:N", sort=list(dict.fromkeys(one.group for one in sides)), title=None),
        yOffset=alt.YOffset("side:N", sort=names),
    )
    bars = base.mark_bar(height=10).encode(
        x=alt.X("value:Q", title=None, axis=alt.Axis(tickCount=4, format=form)),
        color=alt.Color("side:N", scale=colours, legend=alt.Legend(title=None, orient="top")),
    )
    between = base.transform_filter("isValid(datum.low)").mark_rule(color=_CUT, strokeWidth=2)
    lines = between.encode(x=alt.X("low:Q", title=None), x2="high:Q")
    return _svg((bars + lines).properties(width=_WIDTH, height=alt.Step(16)))


def sparkline(trend: Trend) -> str:
    """The values of the dates as a line, the last one as a dot."""
    alt = optional("altair", extra="report")
    data = [{"position": position, "value": value} for position, value in enumerate(trend.values)]
    base = alt.Chart(alt.Data(values=data)).encode(
        x=alt.X("position:Q", axis=None, scale=alt.Scale(nice=False)),
        y=alt.Y("value:Q", axis=None, scale=alt.Scale(zero=True)),
    )
    line = base.mark_line(color=_FAINT, strokeWidth=1.5)
    dot = base.transform_filter(f"datum.position == {len(data) - 1}").mark_point(
        color=_BAR, filled=True, size=30
    )
    return _svg((line + dot).properties(width=120, height=26))


def _bars(
    rows: Sequence[dict[str, Any]], label: str, number: str, order: Sequence[str], form: str
) -> str:
    alt = optional("altair", extra="report")
    base = alt.Chart(alt.Data(values=list(rows))).encode(
        y=alt.Y(f"{label}:N", sort=list(order), title=None),
        x=alt.X(f"{number}:Q", axis=None),
    )
    bars = base.mark_bar(color=_BAR, height=14)
    texts = base.mark_text(align="left", dx=4, color=_INK).encode(
        text=alt.Text(f"{number}:Q", format=form)
    )
    return _svg((bars + texts).properties(width=_WIDTH, height=alt.Step(22)))


def _svg(chart: Any) -> str:
    """The chart's SVG element, without a title of its own: the page says what it shows."""
    themed = chart.configure(
        background="transparent", font="system-ui, sans-serif", padding={"left": 14, "right": 30}
    ).configure_view(strokeWidth=0)
    axes = {"labelColor": _INK, "domainColor": _FAINT, "tickColor": _FAINT, "gridColor": _FAINT}
    themed = themed.configure_axis(labelFontSize=12, labelLimit=120, gridOpacity=0.3, **axes)
    themed = themed.configure_legend(labelColor=_INK, labelFontSize=12)
    svg = optional("vl_convert", extra="report").vegalite_to_svg(themed.to_json())
    return re.sub(r"<svg ", '<svg aria-hidden="true" focusable="false" ', svg, count=1)
