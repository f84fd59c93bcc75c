"""What a night takes on Spark, stage by stage, and what a larger one would.

    python -m benchmarks.scale measure --participations 250000 --participations 1000000
    python -m benchmarks.scale report

`measure` makes logs of each size, runs a night of them on local Spark with its event log on, and
puts what every task took to the stage of solatium that it ran for, into
`benchmarks/results/scale.json`. `report` draws a line through two sizes, a part that every night
takes and a part for each participation, and writes the tables of docs/scale.md.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

import typer
from pyspark.sql import functions as F

from benchmarks.event_log import EventLog, Task
from benchmarks.observed_night import SPANS, event_log
from solatium import __version__, engine
from solatium.generate.make import generate
from solatium.generate.spec import Spec

ROOT = Path(__file__).parents[1]
BUILD = ROOT / "build" / "scale"
RESULTS = ROOT / "benchmarks" / "results" / "scale.json"
PAGE = ROOT / "docs" / "scale.md"

LARGE = 1_000_000_000  # the night that is asked about
EXECUTORS, CORES = (25, 50, 100), 4  # sizes of clusters, and the cores of an executor
IN_USE = 0.7  # of the time that a core has: stages end with their longest task
BETWEEN = "between stages"  # preparing, planning and committing

app = typer.Typer(add_completion=False, no_args_is_help=True, help=__doc__)


@dataclass
class Taken:
    """What one stage of a night took. Times are in seconds, sizes in bytes.

    `run` and `cpu` are the sums of all tasks; `idle` is what of `wall` no task ran, so that more
    cores do not make it shorter. `read` are the files that were scanned, whole ones where a few
    columns were asked for. `broadcast` is what every executor gets.
    """

    stage: str
    wall: float = 0.0
    idle: float = 0.0
    run: float = 0.0
    cpu: float = 0.0
    gc: float = 0.0
    jobs: int = 0
    tasks: int = 0
    longest_task: float = 0.0
    most_memory: int = 0  # of one task
    read: int = 0
    shuffled: int = 0
    shuffled_rows: int = 0
    spilled: int = 0
    written: int = 0
    results: int = 0  # sent to the driver
    broadcast: int = 0

    def add(self, task: Task) -> None:
        self.run += task.run / 1000
        self.cpu += task.cpu / 1000
        self.gc += task.gc / 1000
        self.tasks += 1
        self.longest_task = max(self.longest_task, task.run / 1000)
        self.most_memory = max(self.most_memory, task.peak_memory)
        self.shuffled += task.shuffle_write
        self.shuffled_rows += task.shuffle_rows
        self.spilled += task.spilled
        self.written += task.written
        self.results += task.result if task.is_last else 0


# Measuring


@app.command()
def measure(
    participations: Annotated[
        list[int], typer.Option(metavar="N", help="A size; give two or more.")
    ],
    number: Annotated[
        int, typer.Option("--night", help="Which night; those before it run on embedded.")
    ] = 1,
    option: Annotated[
        list[str] | None, typer.Option(metavar="KEY=VALUE", help="A Spark setting, for all sizes.")
    ] = None,
) -> None:
    """Run a night of each size on local Spark, and note what every stage took."""
    nights = [night(size, number, option or []) for size in participations]
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    found = {"machine": machine(), "night": number, "options": option or [], "nights": nights}
    RESULTS.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


def night(participations: int, number: int, options: Sequence[str]) -> dict[str, Any]:
    """A night of logs of this size, which are made where they are not there yet."""
    folder = BUILD / f"{participations}-{number}"
    logs = folder / "logs"
    spec = Spec(participations, nights=number)
    day = spec.first_date + timedelta(days=number - 1)
    if not (logs / "config.yaml").exists():
        shutil.rmtree(logs, ignore_errors=True)
        generate(logs, spec)
    for old in ("warehouse", "observed"):
        shutil.rmtree(folder / old, ignore_errors=True)
    places = [str(logs / "landing"), str(folder / "warehouse"), str(logs / "config.yaml")]
    if number > 1:
        names = ("--landing", "--warehouse", "--config")
        named = [word for pair in zip(names, places, strict=True) for word in pair]
        before = ["--date", str(day - timedelta(days=1)), "--engine", "embedded"]
        _python("solatium.cli", "nightly", *named, *before)
    _python("benchmarks.observed_night", *places, str(day), str(folder / "observed"), *options)
    stages = taken(EventLog.read(folder / "observed"), folder / "observed" / SPANS)
    files = list((folder / "warehouse").rglob("*.parquet"))
    return {
        "participations": participations,
        "windows": spec.window_count,
        "files": len(files),
        "bytes": sum(path.stat().st_size for path in files),
        "stages": [asdict(stage) for stage in stages],
    }


def _python(*arguments: str) -> None:
    subprocess.run([sys.executable, "-m", *arguments], cwd=ROOT, check=True)


def machine() -> dict[str, Any]:
    return {
        "cores": os.cpu_count(),
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30),
        "system": platform.platform(),
        "python": platform.python_version(),
        "solatium": __version__,
    }


def taken(log: EventLog, spans: Path) -> list[Taken]:
    """What each stage took, in the order in which stages first ran.

    A job is of the stage in which it began: a stage waits for its jobs.
    """
    times = json.loads(spans.read_text())
    by_stage = {span["stage"]: Taken(span["stage"]) for span in times}
    by_stage[BETWEEN] = Taken(BETWEEN)
    of_job: dict[int, Taken] = {}
    executions: dict[int, Taken] = {}
    for job in log.jobs.values():
        at = (span["stage"] for span in times if span["start"] <= job.started <= span["end"])
        stage = of_job[job.number] = by_stage[next(at, BETWEEN)]
        stage.jobs += 1
        if job.execution is not None:
            executions.setdefault(job.execution, stage)
    busy = []
    for task in log.tasks:
        of_job[task.job.number].add(task)
        busy.append((task.started, task.ended))
    busy = _merged(busy)
    first, last = min(busy[0][0], times[0]["start"]), times[-1]["end"]
    for span in times:
        _time(by_stage[span["stage"]], busy, span["start"], span["end"])
    _time(by_stage[BETWEEN], busy, first, last)
    for name in ("wall", "idle"):
        others = sum(getattr(s, name) for s in by_stage.values() if s.stage != BETWEEN)
        setattr(by_stage[BETWEEN], name, getattr(by_stage[BETWEEN], name) - others)
    for execution, plans in log.plans.items():
        if execution in executions:
            executions[execution].read += log.sum(plans, "size of files read")
            executions[execution].broadcast += log.sum(plans, "data size", of="BroadcastExchange")
    return list(by_stage.values())


def _time(stage: Taken, busy: Iterable[tuple[int, int]], start: float, end: float) -> None:
    """Adds a span of time to a stage: how long it was, and how much of it no task ran."""
    ran = sum(max(0.0, min(end, until) - max(start, since)) for since, until in busy)
    stage.wall += (end - start) / 1000
    stage.idle += (end - start - ran) / 1000


def _merged(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """The times in which any of the spans was, as spans that do not meet."""
    merged: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((start, end))
    return merged


@app.command()
def broadcast(
    windows: Annotated[int, typer.Option(metavar="N", help="Windows to broadcast.")] = 1_000_000,
) -> None:
    """Say what a window takes that is broadcast: with its ids, its date and its end."""
    folder = BUILD / "broadcast"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    with engine.running("spark", event_log(folder)) as started:
        ids = ("concat('C', lpad(id % 5000, 6, '0'))", "concat('W20261101-', lpad(id, 5, '0'))")
        sent = started.spark.range(windows).selectExpr(
            f"{ids[0]} commodity_id", f"{ids[1]} window_id", "date'2026-11-01' business_date",
            "timestamp_seconds(id) rush_close",
        )  # fmt: skip
        keys = sent.select("commodity_id", "window_id")
        keys.join(F.broadcast(sent), on=["commodity_id", "window_id"]).agg(
            F.max("business_date"), F.max("rush_close")
        ).collect()
    log = EventLog.read(folder)
    size = max(log.sum(plans, "data size", of="BroadcastExchange") for plans in log.plans.values())
    typer.echo(f"{windows:,} windows: {_size(size)}, {size / windows:.0f} B each")


# Reckoning


@dataclass(frozen=True)
class Line:
    """A part that every night takes, and a part for each participation."""

    fixed: float
    each: float

    @classmethod
    def through(cls, points: Sequence[tuple[int, float]]) -> Line:
        """The line through the smallest and the largest size; nothing falls with the size."""
        (small, low), (large, high) = min(points), max(points)
        each = max(0.0, (high - low) / (large - small))
        return cls(max(0.0, low - each * small), each)

    def at(self, participations: int) -> float:
        return self.fixed + self.each * participations


def lines(nights: Sequence[dict[str, Any]]) -> dict[str, dict[str, Line]]:
    """A line for each stage and what it takes."""
    points: dict[str, dict[str, list[tuple[int, float]]]] = defaultdict(lambda: defaultdict(list))
    for one in nights:
        for stage in one["stages"]:
            for name, value in stage.items():
                if name != "stage":
                    points[stage["stage"]][name].append((one["participations"], value))
    return {
        stage: {name: Line.through(values) for name, values in of_stage.items()}
        for stage, of_stage in points.items()
    }


# The page


@app.command()
def report() -> None:
    """Write the tables of docs/scale.md from what was measured."""
    found = json.loads(RESULTS.read_text(encoding="utf-8"))
    text = PAGE.read_text(encoding="utf-8")
    for name, table in (("measured", measured(found)), ("reckoned", reckoned(found))):
        text = between(text, name, table)
    PAGE.write_text(text, encoding="utf-8")


def between(page: str, name: str, table: str) -> str:
    """The page with `table` between its two markers of that name."""
    begin, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
    head, found, rest = page.partition(begin)
    _, closed, tail = rest.partition(end)
    if not (found and closed):
        raise SystemExit(f"{PAGE}: expected {begin} and {end}")
    return f"{head}{begin}\n\n{table}\n\n{end}{tail}"


def measured(found: dict[str, Any]) -> str:
    """What the largest night that was measured took, and what of it each participation does."""
    nights = sorted(found["nights"], key=lambda one: one["participations"])
    fits = lines(nights)
    machine = found["machine"]
    sizes = " and ".join(f"{one['participations']:,}" for one in nights)
    options = ", ".join(f"`{option}`" for option in found["options"])
    head = (
        f"Night {found['night']} of {sizes} participations; solatium {machine['solatium']}, "
        f"{machine['cores']} cores, {machine['memory_gb']} GB"
        f"{', ' + options if options else ''}. Seconds of tasks "
        "(run, CPU) and sizes are for a million participations, beyond what every night takes. "
        "Idle, in which no task runs, spilled, and the memory of one task are of the largest "
        "night.\n"
    )
    rows = []
    largest = {stage["stage"]: stage for stage in nights[-1]["stages"]}
    for stage, fit in fits.items():
        million = {name: line.each * 1e6 for name, line in fit.items()}
        rows.append(
            [
                stage,
                f"{largest[stage]['idle']:.1f}",
                f"{million['run']:.1f}",
                f"{million['cpu']:.1f}",
                *(_size(million[name]) for name in ("read", "shuffled", "written")),
                _size(largest[stage]["spilled"]),
                _size(largest[stage]["most_memory"]),
            ]
        )
    names = ["stage", "idle, s", "run, s", "CPU, s", "read", "shuffled", "written", "spilled"]
    return head + "\n" + _table([*names, "memory of a task"], rows)


def reckoned(found: dict[str, Any]) -> str:
    """What a night of LARGE participations would take."""
    fits = lines(found["nights"])
    largest = max(found["nights"], key=lambda one: one["participations"])
    # plans and commits, as many as before: docs/scale.md lists what grows for the driver
    idle = {stage["stage"]: stage["idle"] for stage in largest["stages"]}
    rows, sums = [], defaultdict[str, float](float)
    for stage, fit in fits.items():
        at = {name: line.at(LARGE) for name, line in fit.items()} | {"idle": idle[stage]}
        for name, value in at.items():
            sums[name] += value
        rows.append([stage, *_reckoned(at)])
    rows.append(["**all**", *_reckoned(sums)])
    names = ["stage", "core hours", "idle, s", "read", "shuffled", "written"]
    hours = [
        [f"{number} of {CORES} cores", f"{sums['idle'] / 3600 + _hours(sums['run'], number):.1f}"]
        for number in EXECUTORS
    ]
    return _table(names, rows) + "\n\n" + _table(["executors", "hours"], hours)


def _hours(run: float, executors: int) -> float:
    return run / 3600 / (executors * CORES * IN_USE)


def _reckoned(at: dict[str, float]) -> list[str]:
    sizes = (_size(at[name]) for name in ("read", "shuffled", "written"))
    return [f"{at['run'] / 3600:,.1f}", f"{at['idle']:.0f}", *sizes]


def _size(number: float) -> str:
    for unit in ("B", "kB", "MB", "GB"):
        if number < 1000:
            return f"{number:.3g} {unit}" if number else "0"
        number /= 1000
    return f"{number:,.3g} TB"


def _table(names: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [names, ["---"] + ["---:"] * (len(names) - 1), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


if __name__ == "__main__":
    app()
