"""A simulation as a table for a terminal."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.table import Column, Table
from rich.text import Text

from solatium.simulate import words
from solatium.simulate.numbers import Row
from solatium.simulate.simulation import Simulated


def table(simulated: Simulated) -> RenderableType:
    """Every number as it was and as it would be; with draws, the interval of the draws."""
    drawn = simulated.request.draws > 0
    later = ("median", "2.5 %", "97.5 %", "least", "greatest") if drawn else ("would be", "change")
    shown = Table(
        Column(""),
        *(Column(name, justify="right", no_wrap=True) for name in ("was", *later)),
        title=words.title(simulated),
    )
    section = ""
    for row in simulated.rows:
        if row.key.name in ("competed", "allocated"):
            continue  # in JSON and on the page
        if row.key.section != section:
            section = row.key.section
            if shown.row_count:
                shown.add_section()
            shown.add_row(Text(words.TITLES[section], style="bold"))
        shown.add_row(_name(row), words.value(row.key, row.was), *_later(row, drawn=drawn))
    return Group(Text("\n".join(words.asked(simulated))), shown)


def _name(row: Row) -> str:
    said = words.name(row.key)
    return f"  {row.key.label}: {said}" if row.key.label else f"  {said}"


def _later(row: Row, *, drawn: bool) -> list[str]:
    key, found = row.key, row.interval
    if not drawn:
        return [words.value(key, row.would_be), words.change(key, row.was, row.would_be)]
    if found is None:
        return [""] * 5
    values = (found.median, found.low, found.high, found.least, found.greatest)
    return [words.value(key, value) for value in values]
