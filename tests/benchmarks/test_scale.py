"""How a night is measured by stage, and reckoned for another size; no engine runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks import scale
from benchmarks.event_log import EventLog
from benchmarks.scale import BETWEEN, Line, Taken


def job(number: int, at: int, *stages: int, execution: int | None = None) -> dict[str, Any]:
    properties = {} if execution is None else {"spark.sql.execution.id": str(execution)}
    return {
        "Event": "SparkListenerJobStart",
        "Job ID": number,
        "Submission Time": at,
        "Stage IDs": list(stages),
        "Properties": properties,
    }


def task(stage: int, start: int, end: int, *, shuffled: int = 0, result: int = 10) -> dict:
    return {
        "Event": "SparkListenerTaskEnd",
        "Stage ID": stage,
        "Task Type": "ShuffleMapTask" if shuffled else "ResultTask",
        "Task Info": {
            "Executor ID": "0",
            "Launch Time": start,
            "Finish Time": end,
            "Accumulables": [{"ID": 7, "Update": "5", "Metadata": "sql"}],
        },
        "Task Metrics": {
            "Executor Run Time": end - start,
            "Executor CPU Time": (end - start) * 500_000,
            "JVM GC Time": 0,
            "Peak Execution Memory": 100 * stage,
            "Result Size": result,
            "Disk Bytes Spilled": 0,
            "Shuffle Read Metrics": {"Remote Bytes Read": 1, "Local Bytes Read": 2},
            "Shuffle Write Metrics": {
                "Shuffle Bytes Written": shuffled,
                "Shuffle Records Written": 1,
            },
            "Output Metrics": {"Bytes Written": 4, "Records Written": 1},
        },
    }  # fmt: skip


def plan(name: str, *children: dict, **metrics: int) -> dict[str, Any]:
    return {
        "nodeName": name,
        "simpleString": f"{name} text",
        "children": list(children),
        "metrics": [{"name": key, "accumulatorId": value} for key, value in metrics.items()],
    }


SCANNED = plan("Scan parquet") | {"metrics": [{"name": "size of files read", "accumulatorId": 8}]}
SENT = plan("BroadcastExchange", SCANNED)
SENT |= {"metrics": [{"name": "data size", "accumulatorId": 9}]}
SQL = "org.apache.spark.sql.execution.ui.SparkListener"
EVENTS = [
    {"Event": "SparkListenerApplicationStart"},
    {"Event": f"{SQL}SQLExecutionStart", "executionId": 3, "sparkPlanInfo": plan("Join", SENT)},
    {"Event": f"{SQL}DriverAccumUpdates", "executionId": 3, "accumUpdates": [[8, 42], [9, 168]]},
    job(0, 1000, 0, 1, execution=3),
    task(0, 1000, 1400, shuffled=70),
    task(0, 1200, 1600, shuffled=30),
    task(1, 1700, 1900),
    job(1, 2500, 2),
    task(2, 2500, 2600),
    job(2, 3100, 3),
    task(3, 3100, 3500),
]
SPANS = [
    {"day": "2026-11-01", "stage": "screen", "start": 900, "end": 2000},
    {"day": "2026-11-01", "stage": "post", "start": 3000, "end": 4000},
]


@pytest.fixture
def observed(tmp_path: Path) -> Path:
    (tmp_path / "local-1").write_text("".join(json.dumps(event) + "\n" for event in EVENTS))
    (tmp_path / "spans.json").write_text(json.dumps(SPANS))
    return tmp_path


@pytest.fixture
def stages(observed: Path) -> dict[str, Taken]:
    log = EventLog.read(observed)
    return {stage.stage: stage for stage in scale.taken(log, observed / "spans.json")}


def test_what_a_task_took_is_of_the_stage_in_which_its_job_began(stages: dict[str, Taken]) -> None:
    assert list(stages) == ["screen", "post", BETWEEN]
    assert [stage.tasks for stage in stages.values()] == [3, 1, 1]
    screen = stages["screen"]
    assert (screen.run, screen.cpu) == pytest.approx((1.0, 0.5))
    assert (screen.shuffled, screen.read, screen.written) == (100, 42, 12)
    assert (screen.results, screen.broadcast) == (10, 168)
    assert screen.most_memory == 100


def test_idle_is_the_time_in_which_no_task_runs(stages: dict[str, Taken]) -> None:
    times = {name: (stage.wall, stage.idle) for name, stage in stages.items()}
    assert times["screen"] == pytest.approx((1.1, 0.3))
    assert times["post"] == pytest.approx((1.0, 0.6))
    assert times[BETWEEN] == pytest.approx((1.0, 0.9))


def test_sums_of_operators_are_those_of_tasks_and_driver(observed: Path) -> None:
    log = EventLog.read(observed)
    assert log.metrics == {7: 25, 8: 42, 9: 168}
    (found,) = log.plans[3]
    assert [one.name for one in found.all()] == ["Join", "BroadcastExchange", "Scan parquet"]


@pytest.mark.parametrize(
    ("points", "fixed", "each"),
    [
        ([(100, 30.0), (200, 50.0)], 10.0, 0.2),
        ([(200, 50.0), (100, 30.0), (150, 0.0)], 10.0, 0.2),
        ([(100, 30.0), (200, 30.0)], 30.0, 0.0),
        ([(100, 30.0), (200, 20.0)], 30.0, 0.0),  # nothing falls with the size
        ([(100, 10.0), (200, 40.0)], 0.0, 0.3),  # nor is a fixed part below nothing
    ],
)
def test_a_line_goes_through_two_sizes(
    points: list[tuple[int, float]], fixed: float, each: float
) -> None:
    line = Line.through(points)
    assert (line.fixed, line.each) == pytest.approx((fixed, each))
    assert line.at(1000) == pytest.approx(fixed + 1000 * each)


def test_tables_stand_between_their_markers_and_the_rest_stays() -> None:
    page = "# Page\n\n<!-- measured -->\n\nold\n\n<!-- end of measured -->\n\ntext\n"
    new = scale.between(page, "measured", "| new |")
    assert new == page.replace("old", "| new |")
    assert scale.between(new, "measured", "old") == page
    with pytest.raises(SystemExit, match="reckoned"):
        scale.between(page, "reckoned", "")


def test_the_page_is_made_from_what_was_measured(stages: dict[str, Taken]) -> None:
    nights = [
        {"participations": number, "stages": [vars(stage) for stage in stages.values()]}
        for number in (1000, 2000)
    ]
    machine = {"solatium": "1.0", "cores": 2, "memory_gb": 16}
    found = {"machine": machine, "night": 1, "options": ["a=b"], "nights": nights}
    measured, reckoned = scale.measured(found), scale.reckoned(found)
    assert "1,000 and 2,000 participations; solatium 1.0, 2 cores, 16 GB, `a=b`" in measured
    assert [line.split(" | ")[0] for line in measured.splitlines()[4:]] == [
        "| screen", "| post", f"| {BETWEEN}",
    ]  # fmt: skip
    assert "| **all** | 0.0 | 2 | 42 B |" in reckoned
    page = scale.PAGE.read_text(encoding="utf-8")
    for name, table in (("measured", measured), ("reckoned", reckoned)):
        assert table in scale.between(page, name, table)
