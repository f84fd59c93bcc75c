"""Measures nights: solatium on both engines, and the same night by hand.

    python -m benchmarks.run night --participations 1000000 --rounds 1 --only embedded --only duckdb
    python -m benchmarks.run --help

Every case is run as a whole process in a warehouse or folder of its own, case after case, round
after round. Results go to benchmarks/results; `python -m benchmarks.report` makes
docs/performance.md from them.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml
from rich.console import Console

from benchmarks import duckdb_usual, landing, results
from benchmarks.compare import differences
from benchmarks.landing import Shape
from benchmarks.measure import measure
from benchmarks.report import summary
from benchmarks.results import ROOT, Result, Run

CONFIG = ROOT / "benchmarks" / "config.yaml"
ENGINES = ("embedded", "spark")
PEERS = {
    "duckdb": "duckdb_night",
    "polars": "polars_night",
    "sail-sql": "sail_night",
    "spark-sql": "spark_night",
}
NIGHT = ("embedded", "duckdb", "polars", "sail-sql", "spark", "spark-sql", "floor")
NEED_JAVA = ("spark", "spark-sql")

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
console = Console(highlight=False)

_Rounds = Annotated[int, typer.Option(help="How often each case is run, in turn.")]
_Participations = Annotated[int, typer.Option(metavar="N", help="Participations of a night.")]
_Only = Annotated[
    list[str] | None,
    typer.Option(metavar="CASE", help=f"Run this case alone: {', '.join(NIGHT)}. Repeatable."),
]
_Build = Annotated[Path, typer.Option(metavar="FOLDER", help="Where logs and tables are made.")]
_Results = Annotated[
    Path, typer.Option("--results", metavar="FOLDER", help="Where the results are written.")
]

BUILD = ROOT / "build" / "bench"


@dataclass(frozen=True)
class Case:
    """Something to measure: `run` does it in an empty folder, and is given the round."""

    name: str
    run: Callable[[Path, int], Run]

    @property
    def folder(self) -> str:
        return _plain(self.name)


@dataclass(frozen=True)
class Bench:
    """A scenario's folder, in which landing zones, tables and what was said are kept."""

    scenario: str
    build: Path

    def landing(self, shape: Shape) -> Path:
        """A landing zone, which scenarios share, made where it is not there."""
        name = (
            f"{shape.participations}x{shape.nights}-hot{shape.hot:g}-late{shape.late:g}"
            f"-seed{shape.seed}"
        )
        return landing.made(self.build / "landing" / name, shape)

    def solatium(
        self,
        name: str,
        warehouse: Path,
        logs: Path,
        day: date,
        *,
        engine: str = "embedded",
        config: Path = CONFIG,
        turn: int = 0,
    ) -> Run:
        """`solatium nightly`."""
        options = {
            "--engine": engine,
            "--landing": logs,
            "--warehouse": warehouse,
            "--config": config,
            "--date": day,
        }
        arguments = [str(word) for pair in options.items() for word in pair]
        return self.measured(name, turn, ["-m", "solatium.cli", "nightly", *arguments])

    def measured(self, name: str, turn: int, arguments: Sequence[str]) -> Run:
        """A run of Python; what it says is kept in a file."""
        said = self.said(name, turn)
        took = measure([sys.executable, *arguments], said, {"PYTHONPATH": str(ROOT)})
        return Run(name, turn, round(took.wall, 2), round(took.cpu, 2), round(took.peak / 2**20))

    def said(self, name: str, turn: int) -> Path:
        return self.build / "said" / f"{self.scenario}-{_plain(name)}-{turn}.txt"

    def measure(
        self,
        cases: Sequence[Case],
        rounds: int,
        parameters: dict[str, Any],
        folder: Path,
        after: Callable[[Path, Result], None] = lambda tables, result: None,
    ) -> Result:
        """Runs all cases in turn; `after` sees the tables of every first round, in a folder for
        each case, before they are removed."""
        result = Result(self.scenario, parameters, results.machine())
        tables = self.build / "tables"
        for turn in range(1, rounds + 1):
            shutil.rmtree(tables, ignore_errors=True)
            tables.mkdir(parents=True)
            for case in cases:
                run = case.run(tables / case.folder, turn)
                result.runs.append(run)
                peak = "" if run.peak is None else f", peak {run.peak / 1024:.2f} GiB"
                console.print(
                    f"{turn}/{rounds} {case.name}: {run.wall:.1f} s, CPU {run.cpu:.1f} s{peak}"
                )
            if turn == 1:
                after(tables, result)
        shutil.rmtree(tables, ignore_errors=True)
        console.print(summary(result))
        console.print(f"written: {result.save(folder)}")
        return result


@app.command()
def night(
    participations: _Participations = Shape.participations,
    rounds: _Rounds = 3,
    only: _Only = None,
    build: _Build = BUILD,
    folder: _Results = results.FOLDER,
) -> None:
    """One clean first night: solatium on both engines, the same by hand, and what nobody can beat.

    The tables of the first round are compared with each other, row by row.
    """
    bench = Bench("night", build)
    shape = Shape(participations=participations)
    logs = bench.landing(shape)
    day = str(shape.last_day)
    chosen = _chosen(only)

    def solatium(engine: str) -> Callable[[Path, int], Run]:
        return lambda out, turn: bench.solatium(
            engine, out, logs, shape.last_day, engine=engine, turn=turn
        )

    def peer(name: str) -> Callable[[Path, int], Run]:
        peer = ["-m", f"benchmarks.{PEERS[name]}", str(logs)]
        return lambda out, turn: bench.measured(name, turn, [*peer, str(out), day])

    def floor(out: Path, turn: int) -> Run:
        finished = next(out.parent / name for name in chosen if name != "floor")
        arguments = ["-m", "benchmarks.floor", str(logs), str(finished), str(out)]
        bench.measured("floor", turn, arguments)
        told = bench.said("floor", turn).read_text(encoding="utf-8").splitlines()[-1]
        pieces = json.loads(told).values()
        wall, cpu = (round(sum(piece[m] for piece in pieces), 2) for m in ("wall", "cpu"))
        return Run("floor", turn, wall, cpu, None)

    def check(tables: Path, result: Result) -> None:
        first = next((name for name in chosen if name in ENGINES), None)
        if first is None:
            return
        for name in chosen:
            if name in (first, "floor"):
                continue
            found = differences(tables / name, tables / first)
            if found:
                listed = "\n".join(map(str, found))
                sys.exit(f"{name}: other tables than those of {first}\n{listed}")
            console.print(f"{name}: all tables are equal to those of {first}")
            result.equal.append(name)

    ways = {engine: solatium(engine) for engine in ENGINES} | {name: peer(name) for name in PEERS}
    cases = [Case(name, (ways | {"floor": floor})[name]) for name in chosen]
    bench.measure(cases, rounds, asdict(shape) | _settings(CONFIG), folder, check)


@app.command()
def skew(
    participations: _Participations = Shape.participations,
    rounds: _Rounds = 3,
    build: _Build = BUILD,
    folder: _Results = results.FOLDER,
) -> None:
    """A night in which one window draws 30 %, and one in which it draws 90 %."""
    shapes = {f"{hot:.0%}".replace("%", " %"): Shape(participations, hot=hot) for hot in (0.3, 0.9)}
    _first_nights("skew", shapes, rounds, build, folder)


@app.command()
def size(
    millions: Annotated[
        list[int] | None, typer.Option(metavar="N", help="Millions of participations. Repeatable.")
    ] = None,
    rounds: _Rounds = 3,
    build: _Build = BUILD,
    folder: _Results = results.FOLDER,
) -> None:
    """Nights of 1, 2, 5, 10 and 20 million participations."""
    counts = [n * 1_000_000 for n in millions or (1, 2, 5, 10, 20)]
    _first_nights("size", {f"{n:,}": Shape(n) for n in counts}, rounds, build, folder)


@app.command()
def small(
    rounds: _Rounds = 5, build: _Build = BUILD, folder: _Results = results.FOLDER
) -> None:  # fmt: skip
    """A night of 1,000 participations, which mostly starts and ends."""
    _first_nights("small", {"1,000": Shape(1_000)}, rounds, build, folder)


@app.command()
def history(
    participations: _Participations = 50_000,
    nights: Annotated[int, typer.Option(metavar="N", help="Nights, at least 3.")] = 100,
    rounds: _Rounds = 3,
    build: _Build = BUILD,
    folder: _Results = results.FOLDER,
) -> None:
    """The 2nd and the 100th night of the same pool of accounts."""
    shape = Shape(participations, nights=nights)
    _later_nights("history", shape, (2, nights), rounds, build, folder, CONFIG)


@app.command()
def usual(
    participations: _Participations = Shape.participations,
    nights: Annotated[int, typer.Option(metavar="N", help="Nights before, at least 3.")] = 10,
    rounds: _Rounds = 3,
    build: _Build = BUILD,
    folder: _Results = results.FOLDER,
) -> None:
    """A usual night, for which late rows have come, the same by hand, and the first night.

    A date closes two days later. Late rows have come in a tenth of the windows, or in all. By hand
    the three open dates are computed as a whole. The tables of the first round are compared.
    """
    bench = Bench("usual", build)
    config = ROOT / "benchmarks" / "usual.yaml"
    ready = build / "ready"
    shutil.rmtree(ready, ignore_errors=True)
    cases: list[Case] = []
    pairs: dict[str, tuple[str, date]] = {}
    shapes = {
        "late rows in a tenth of the windows": Shape(participations, nights + 1, late=0.1),
        "late rows in all windows": Shape(participations, nights + 1, late=1.0),
    }
    for name, shape in shapes.items():
        logs = bench.landing(shape)
        if not cases:
            cases.append(_first_night(bench, "first night", logs, shape.day(1), config))
        eve = ready / _plain(name)
        console.print(f"{name}: nights up to {nights}, not measured")
        bench.solatium(f"before {name}", eve, logs, shape.day(nights), config=config)
        ours = _night_after(bench, eve, name, logs, shape.last_day, config)
        theirs = _usual_by_hand(bench, eve, f"DuckDB by hand, {name}", logs, shape.last_day)
        cases += [ours, theirs]
        pairs[theirs.name] = (ours.folder, shape.last_day)

    def check(tables: Path, result: Result) -> None:
        for name, (ours, day) in pairs.items():
            by_hand = tables / _plain(name)
            if found := differences(by_hand, tables / ours, duckdb_usual.compared(day)):
                listed = "\n".join(map(str, found))
                sys.exit(f"{name}: other tables than those of solatium\n{listed}")
            result.equal.append(name)

    parameters = {name: asdict(shape) for name, shape in shapes.items()}
    bench.measure(cases, rounds, parameters | _settings(config), folder, check)
    shutil.rmtree(ready)


def _usual_by_hand(bench: Bench, eve: Path, name: str, logs: Path, day: date) -> Case:
    state = eve.with_name(f"{eve.name}-state")
    duckdb_usual.state_of(eve, state)
    peer = ["-m", "benchmarks.duckdb_usual", str(logs), str(state)]
    return Case(name, lambda out, turn: bench.measured(name, turn, [*peer, str(out), str(day)]))


def _first_night(bench: Bench, name: str, logs: Path, day: date, config: Path) -> Case:
    return Case(
        name, lambda out, turn: bench.solatium(name, out, logs, day, config=config, turn=turn)
    )


def _first_nights(
    scenario: str, shapes: dict[str, Shape], rounds: int, build: Path, folder: Path
) -> None:
    """Measures first nights of several shapes, on the embedded engine."""
    bench = Bench(scenario, build)

    def case(name: str, shape: Shape) -> Case:
        logs = bench.landing(shape)
        return Case(
            name, lambda out, turn: bench.solatium(name, out, logs, shape.last_day, turn=turn)
        )

    cases = [case(name, shape) for name, shape in shapes.items()]
    parameters = {name: asdict(shape) for name, shape in shapes.items()}
    bench.measure(cases, rounds, parameters | _settings(CONFIG), folder)


def _later_nights(
    scenario: str,
    shape: Shape,
    nights: Sequence[int],
    rounds: int,
    build: Path,
    folder: Path,
    config: Path,
) -> None:
    """Measures some nights of one landing zone, each by itself; those before it are caught up in
    one run, in a warehouse that each round is given a copy of."""
    bench = Bench(scenario, build)
    logs = bench.landing(shape)
    ready = build / "ready"
    shutil.rmtree(ready, ignore_errors=True)
    before = ready / "0"
    cases = []
    for number in nights:
        eve = ready / str(number - 1)
        if before.exists():
            shutil.copytree(before, eve)
        console.print(f"nights up to {number - 1}, not measured")
        bench.solatium(f"before {number}", eve, logs, shape.day(number - 1), config=config)
        before = eve
        cases.append(_night_after(bench, eve, f"night {number}", logs, shape.day(number), config))
    parameters = asdict(shape) | _settings(config)
    bench.measure(cases, rounds, parameters, folder)
    shutil.rmtree(ready)


def _night_after(
    bench: Bench, eve: Path, name: str, logs: Path, day: date, config: Path
) -> Case:  # fmt: skip
    def run(out: Path, turn: int) -> Run:
        shutil.copytree(eve, out)
        return bench.solatium(name, out, logs, day, config=config, turn=turn)

    return Case(name, run)


def _chosen(only: list[str] | None) -> list[str]:
    """The cases of a night in their order; those that need a Java are left out where none is."""
    unknown = sorted(set(only or ()) - set(NIGHT))
    if unknown:
        raise typer.BadParameter(f"{', '.join(unknown)}: there are {', '.join(NIGHT)}")
    chosen = [name for name in NIGHT if not only or name in only]
    if chosen == ["floor"]:
        raise typer.BadParameter("floor writes tables that another case has made; name one too")
    home = os.environ.get("JAVA_HOME")
    if not only and not shutil.which("java", path=f"{home}/bin" if home else None):
        console.print(f"no Java, so without {' and '.join(NEED_JAVA)}")
        chosen = [name for name in chosen if name not in NEED_JAVA]
    return chosen


def _plain(name: str) -> str:
    """A name for files and folders."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


def _settings(config: Path) -> dict[str, Any]:
    return {"settings": yaml.safe_load(config.read_text(encoding="utf-8"))}


if __name__ == "__main__":
    app()
