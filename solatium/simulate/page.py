"""A simulation as a page, in the manner of the report: charts and tables in one HTML file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from solatium.report import charts
from solatium.report.charts import Side
from solatium.report.figures import Figure, figure
from solatium.report.grids import Cell, Grid, grid
from solatium.report.template import template
from solatium.simulate import words
from solatium.simulate.numbers import SECTIONS, Row, Value
from solatium.simulate.simulation import Simulated
from solatium.version import VERSION

# What the chart of a section shows, and in which form; sections without one are tables alone.
_CHARTS = {
    "success_by_team_size": ("share", ".0%"),
    "success_by_points": ("share", ".0%"),
    "success_by_streak_before": ("share", ".0%"),
    "streaks_after": ("accounts", ",d"),
    "consolation_by_tier": ("awarded", ",d"),
}


def page_of(simulated: Simulated) -> str:
    """The page; no account stands in it."""
    drawn = simulated.request.draws > 0
    return template("solatium.simulate").render(
        title=words.title(simulated),
        as_of=str(simulated.commit.day),
        commit=simulated.commit,
        asked=words.asked(simulated),
        drawn=drawn,
        sections=[
            {
                "id": section,
                "title": words.TITLES[section],
                "figures": _figures(section, rows, drawn=drawn),
                "grid": _grid(section, rows, drawn=drawn),
            }
            for section in SECTIONS
            if (rows := [row for row in simulated.rows if row.key.section == section])
        ],
        version=VERSION,
    )


def _grid(section: str, rows: Sequence[Row], *, drawn: bool) -> Grid:
    group = words.GROUPS.get(section, "")
    later = "#median, #2.5 %, #97.5 %, #least, #greatest" if drawn else "#would be, #change"
    heads = f"{group}, number, #was, {later}" if group else f"number, #was, {later}"
    return grid(
        section,
        words.TITLES[section],
        heads,
        [
            (
                *([Cell(row.key.label, row.key.group)] if group else []),
                words.name(row.key),
                *_cells(row, drawn=drawn),
            )
            for row in rows
        ],
    )


def _cells(row: Row, *, drawn: bool) -> list[Cell]:
    if not drawn:
        said = words.change(row.key, row.was, row.would_be)
        return [_cell(row, row.was), _cell(row, row.would_be), Cell(said)]
    found = row.interval
    if found is None:
        return [_cell(row, row.was), *[Cell("", -1)] * 5]
    values = (row.was, found.median, found.low, found.high, found.least, found.greatest)
    return [_cell(row, value) for value in values]


def _cell(row: Row, value: Value) -> Cell:
    return Cell(words.value(row.key, value), -1 if value is None else value)


def _figures(section: str, rows: Sequence[Row], *, drawn: bool) -> list[Figure]:
    """A chart of the section for each currency, or one where it has no money."""
    if section not in _CHARTS:
        return []
    name, form = _CHARTS[section]
    shown = [row for row in rows if row.key.name == name]
    currencies = list(dict.fromkeys(row.key.currency for row in shown))
    return [
        _figure(section, currency, [r for r in shown if r.key.currency == currency], form, drawn)
        for currency in currencies
    ]


def _figure(
    section: str, currency: str | None, rows: Sequence[Row], form: str, drawn: bool
) -> Figure:
    said = f"{words.TITLES[section]}, by {words.GROUPS[section]}"
    later = "median of the draws" if drawn else "would be"
    sides: list[Side] = []
    for row in rows:
        if row.was is not None:
            sides.append(Side(row.key.label, "was", float(row.was)))
        if row.would_be is not None:
            found: Any = row.interval
            low, high = (float(found.low), float(found.high)) if found else (None, None)
            sides.append(Side(row.key.label, later, float(row.would_be), low, high))
    parts = [
        f"{row.key.label}: was {words.value(row.key, row.was) or 'nobody'}, "
        f"{later} {words.value(row.key, row.would_be) or 'nobody'}"
        for row in rows
    ]
    title = f"{said}, {currency}" if currency else said
    return figure(title, charts.sides_chart(sides, form), parts)
