"""What was measured: runs of the cases of a scenario, where, and with what; kept as JSON.

A scenario is a question, such as how a hot window tells; a case is one thing that is run for it.
"""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

import psutil

from solatium import __version__

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "benchmarks" / "results"

_PACKAGES = ("pysail", "pyspark", "delta-spark", "deltalake", "pyarrow", "duckdb", "polars")
MEASURES = ("wall", "cpu", "peak")


@dataclass(frozen=True)
class Run:
    """One run of a case: seconds of wall and CPU time, and peak memory in MiB, where it counts."""

    case: str
    round: int
    wall: float
    cpu: float
    peak: float | None


@dataclass
class Result:
    """All runs of a scenario. `equal` are the cases whose tables were found equal to those of
    solatium, of its first engine that ran."""

    scenario: str
    parameters: dict[str, Any]
    machine: dict[str, Any]
    equal: list[str] = field(default_factory=list)
    runs: list[Run] = field(default_factory=list)

    @property
    def cases(self) -> list[str]:
        return list(dict.fromkeys(run.case for run in self.runs))

    @property
    def rounds(self) -> int:
        return max((run.round for run in self.runs), default=0)

    def median(self, case: str, measure: str) -> float | None:
        """The median of all runs; None where the case or the measure is not there."""
        return _median(getattr(run, measure) for run in self.runs if run.case == case)

    def ratio(self, case: str, base: str, measure: str) -> float | None:
        ours, theirs = self.median(case, measure), self.median(base, measure)
        return ours / theirs if ours is not None and theirs else None

    def save(self, folder: Path = FOLDER) -> Path:
        """Writes `<scenario>.json`, with the medians for people to read."""
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{self.scenario}.json"
        medians = {case: {m: self.median(case, m) for m in MEASURES} for case in self.cases}
        written = {**asdict(self), "medians": medians}
        path.write_text(json.dumps(written, indent=1) + "\n", encoding="utf-8")
        return path


def load(scenario: str, folder: Path = FOLDER) -> Result | None:
    """What was measured last; None where nothing was."""
    path = folder / f"{scenario}.json"
    if not path.exists():
        return None
    read = json.loads(path.read_text(encoding="utf-8"))
    del read["medians"]
    runs = [Run(**run) for run in read.pop("runs")]
    return Result(**read, runs=runs)


def machine() -> dict[str, Any]:
    """Where it runs, and the versions of what runs."""
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "solatium": __version__,
        **{name: version(name) for name in _PACKAGES},
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.machine())


def _median(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return round(median(known), 2) if known else None


@dataclass(frozen=True)
class Goal:
    """A bound: of the median of a case, or of its ratio to that of a `base`."""

    scenario: str
    case: str
    measure: str
    limit: float
    base: str = ""

    def measured(self, result: Result) -> float | None:
        if self.base:
            return result.ratio(self.case, self.base, self.measure)
        return result.median(self.case, self.measure)


_TENTH, _ALL = "late rows in a tenth of the windows", "late rows in all windows"

GOALS = (
    Goal("usual", _TENTH, "wall", 0.7, base=f"DuckDB by hand, {_TENTH}"),
    Goal("usual", _ALL, "wall", 1.2, base=f"DuckDB by hand, {_ALL}"),
    Goal("usual", _TENTH, "wall", 1.3, base="first night"),
    Goal("night", "embedded", "wall", 1.3, base="duckdb"),
    Goal("night", "embedded", "cpu", 1.3, base="duckdb"),
    Goal("night", "embedded", "peak", 1.0, base="duckdb"),
    Goal("night", "spark", "cpu", 1.0, base="spark-sql"),
    Goal("skew", "90 %", "wall", 1.1, base="30 %"),
    Goal("history", "night 100", "wall", 1.1, base="night 2"),
    Goal("size", "20,000,000", "wall", 4.2, base="5,000,000"),
    Goal("small", "1,000", "wall", 3.0),
)
