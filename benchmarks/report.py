"""Makes docs/performance.md from benchmarks/results, without running anything.

    python -m benchmarks.report

Only what stands between `<!-- begin NAME -->` and `<!-- end NAME -->` is written; the text around
it is left as it is. Names are those of the scenarios, and `goals`.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from pathlib import Path

import altair as alt
from rich.table import Table

from benchmarks.results import FOLDER, GOALS, MEASURES, ROOT, Goal, Result, load

PAGE = ROOT / "docs" / "performance.md"

# The case that the others of a scenario are set against; the first one where none is named.
BASES = {"night": "duckdb", "size": "5,000,000"}
TITLES = {
    "embedded": "solatium, embedded",
    "spark": "solatium, spark",
    "duckdb": "DuckDB by hand",
    "polars": "Polars by hand",
    "sail-sql": "Spark SQL by hand, on Sail",
    "spark-sql": "Spark SQL by hand",
    "floor": "reading and writing alone",
}
HEADINGS = {"wall": "wall, s", "cpu": "CPU, s", "peak": "peak memory, GiB"}
MEASURE_NAMES = {"wall": "wall time", "cpu": "CPU time", "peak": "peak memory"}

_MARKED = re.compile(r"(<!-- begin (\S+) -->\n).*?(<!-- end \2 -->)", re.DOTALL)
_OPENED = re.compile(r"<!-- begin (\S+) -->")


def make(page: Path = PAGE, folder: Path = FOLDER) -> None:
    """Writes the generated parts of the page, and its plots beside it."""
    text = page.read_text(encoding="utf-8")
    opened = _OPENED.findall(text)
    closed = [name for _, name, _ in _MARKED.findall(text)]
    if opened != closed:
        sys.exit(f"{page}: parts that begin: {opened}; those that end too: {closed}")
    parts = {name: _part(name, page, folder) for name in opened}
    made = _MARKED.sub(lambda found: f"{found[1]}\n{parts[found[2]]}\n\n{found[3]}", text)
    page.write_text(made, encoding="utf-8")


def _part(name: str, page: Path, folder: Path) -> str:
    if name == "goals":
        return _goals(folder)
    result = load(name, folder)
    if result is None:
        return f"Not measured yet: `make bench ARGS={name}`."
    parts = [_table(result), _where(result)]
    if name in _PLOTS:
        picture = page.with_name(f"{page.stem}-{name}.svg")
        _PLOTS[name](result).save(picture)
        parts.insert(1, f"![{name}]({picture.name})")
    return "\n\n".join(parts)


# Tables


def _table(result: Result) -> str:
    """A row for each case: medians, and each as a multiple of the base's."""
    base = _base(result)
    others = len(result.cases) > 1
    of = TITLES.get(base, base)
    heads = ["", *HEADINGS.values()]
    heads += [f"{name} / {of}" for name in MEASURE_NAMES.values()] if others else []
    lines = [_line(heads), _line(["---", *["---:"] * (len(heads) - 1)])]
    for case in result.cases:
        cells = [TITLES.get(case, case), *_medians(result, case)]
        if others:
            cells += [_number(result.ratio(case, base, measure)) for measure in MEASURES]
        lines.append(_line(cells))
    return "\n".join(lines)


def _goals(folder: Path) -> str:
    lines = [_line(["goal", "at most", "measured"]), _line(["---", "---:", "---:"])]
    for goal in GOALS:
        result = load(goal.scenario, folder)
        measured = None if result is None else goal.measured(result)
        shown = _number(measured)
        if measured is not None and measured > goal.limit:
            shown += " (missed)"
        lines.append(_line([_in_words(goal), _number(goal.limit), shown]))
    return "\n".join(lines)


def _in_words(goal: Goal) -> str:
    case = TITLES.get(goal.case, goal.case)
    of = f" / {TITLES.get(goal.base, goal.base)}" if goal.base else ", s"
    return f"{goal.scenario}: {MEASURE_NAMES[goal.measure]}, {case}{of}"


def _where(result: Result) -> str:
    """How it was measured, in a line or two."""
    machine = dict(result.machine)
    known = [machine.pop(name) for name in ("processor", "cores", "memory_gib", "system")]
    processor, cores, memory, system = known
    versions = ", ".join(f"{name} {version}" for name, version in machine.items())
    rounds = "One run" if result.rounds == 1 else f"Medians of {result.rounds} rounds"
    if participations := result.parameters.get("participations"):
        rounds += f" of nights of {participations:,} participations"
    lines = [
        f"{rounds} on {cores} cores of {processor}, {memory} GiB of memory, {system}; {versions}."
    ]
    if result.equal:
        equal = ", ".join(TITLES.get(name, name) for name in result.equal)
        lines.append(f"All tables were found equal, row by row, to those of solatium: {equal}.")
    return "\n".join(lines)


def summary(result: Result) -> Table:
    """The medians, for a terminal."""
    table = Table(title=result.scenario)
    base = _base(result)
    for heading in ("", *HEADINGS.values(), f"wall / {base}", f"peak / {base}"):
        table.add_column(heading, justify="right" if heading else "left")
    for case in result.cases:
        ratios = [_number(result.ratio(case, base, measure)) for measure in ("wall", "peak")]
        table.add_row(case, *_medians(result, case), *ratios)
    return table


def _base(result: Result) -> str:
    named = BASES.get(result.scenario, "")
    return named if named in result.cases else result.cases[0]


def _medians(result: Result, case: str) -> list[str]:
    peak = result.median(case, "peak")
    values = (result.median(case, "wall"), result.median(case, "cpu"), peak and peak / 1024)
    return [_number(value) for value in values]


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


# Plots


def _bars(result: Result) -> alt.HConcatChart:
    """Wall time, CPU time and peak memory of every case, side by side."""
    order = [TITLES.get(case, case) for case in result.cases]
    charts: list[alt.LayerChart] = []
    for measure, heading in HEADINGS.items():
        rows = [
            {"case": TITLES.get(case, case), "value": median / (1024 if measure == "peak" else 1)}
            for case in result.cases
            if (median := result.median(case, measure)) is not None
        ]
        is_first = not charts
        labels = alt.Axis(title=None, labels=is_first, ticks=is_first, labelLimit=200)
        place = alt.Y("case:N", sort=order, axis=labels, scale=alt.Scale(domain=order))
        base = alt.Chart(alt.Data(values=rows)).encode(y=place, x=alt.X("value:Q", title=heading))
        text = base.mark_text(align="left", dx=3).encode(text=alt.Text("value:Q", format=".1f"))
        charts.append((base.mark_bar(color="#4c78a8") + text).properties(width=190, height=160))
    return alt.hconcat(*charts)


def _by_size(result: Result) -> alt.HConcatChart:
    """Wall time and peak memory by millions of participations."""
    charts = []
    for measure in ("wall", "peak"):
        rows = [
            {
                "millions": int(case.replace(",", "")) / 1e6,
                "value": median / (1024 if measure == "peak" else 1),
            }
            for case in result.cases
            if (median := result.median(case, measure)) is not None
        ]
        chart = alt.Chart(alt.Data(values=rows)).mark_line(point=True, color="#4c78a8")
        charts.append(
            chart.encode(
                x=alt.X("millions:Q", title="millions of participations"),
                y=alt.Y("value:Q", title=HEADINGS[measure]),
            ).properties(width=280, height=180)
        )
    return alt.hconcat(*charts)


_PLOTS = {"night": _bars, "size": _by_size}


if __name__ == "__main__":
    make()
