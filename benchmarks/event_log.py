"""Spark's event log, read back: physical plans, jobs and what every task took.

An event log is a file of JSON lines, one for each thing that happened
(https://spark.apache.org/docs/latest/monitoring.html). Only what is asked about here is kept.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_SQL = "org.apache.spark.sql.execution.ui.SparkListener"
_STARTED = f"{_SQL}SQLExecutionStart"
_REPLANNED = f"{_SQL}SQLAdaptiveExecutionUpdate"
_DRIVER_METRICS = f"{_SQL}DriverAccumUpdates"


@dataclass(frozen=True)
class Operator:
    """A node of a physical plan: `text` is how Spark describes it, `metrics` are ids by name."""

    name: str
    text: str
    children: tuple[Operator, ...]
    metrics: dict[str, int]

    @classmethod
    def of(cls, node: dict[str, Any]) -> Operator:
        return cls(
            node["nodeName"],
            node["simpleString"],
            tuple(cls.of(child) for child in node["children"]),
            {metric["name"]: metric["accumulatorId"] for metric in node["metrics"]},
        )

    def all(self) -> Iterator[Operator]:
        """The operator and all beneath it."""
        yield self
        for child in self.children:
            yield from child.all()


@dataclass(frozen=True)
class Job:
    """A job, of the SQL execution `execution` (None: of none), started at a time in ms."""

    number: int
    execution: int | None
    started: int
    stages: tuple[int, ...]


@dataclass(frozen=True)
class Task:
    """What one task took: times in ms (`started` and `ended` since 1970), sizes in bytes.

    `result` is what it sent to the driver.
    """

    stage: int
    job: Job
    executor: str
    is_last: bool  # of its job: what it sends is the job's result
    started: int
    ended: int
    run: int
    cpu: float
    gc: int
    peak_memory: int
    result: int
    shuffle_read: int
    shuffle_write: int
    shuffle_rows: int
    spilled: int
    written: int
    rows_written: int


@dataclass
class EventLog:
    """What one application did.

    `plans` has, by execution, its plan and what adaptive execution made of it, in order;
    `metrics` the sums that operators reported, by the id that an operator has for them.
    """

    plans: dict[int, list[Operator]] = field(default_factory=dict)
    jobs: dict[int, Job] = field(default_factory=dict)
    tasks: list[Task] = field(default_factory=list)
    metrics: dict[int, int] = field(default_factory=dict)

    @classmethod
    def read(cls, folder: Path) -> EventLog:
        """The one event log in a folder."""
        (place,) = (path for path in folder.iterdir() if path.suffix != ".json")
        found = cls()
        by_stage: dict[int, Job] = {}
        with place.open(encoding="utf-8") as lines:
            for line in lines:
                found._take(json.loads(line), by_stage)
        return found

    def sum(self, plans: Iterable[Operator], metric: str, of: str = "") -> int:
        """What the operators of an execution (named `of` something) reported, each counted once."""
        numbers = {
            one.metrics[metric]
            for plan in plans
            for one in plan.all()
            if metric in one.metrics and one.name.startswith(of)
        }
        return sum(self.metrics.get(number, 0) for number in numbers)

    def _take(self, event: dict[str, Any], by_stage: dict[int, Job]) -> None:
        kind = event["Event"]
        if kind in (_STARTED, _REPLANNED):
            plan = Operator.of(event["sparkPlanInfo"])
            self.plans.setdefault(event["executionId"], []).append(plan)
        elif kind == _DRIVER_METRICS:
            for metric, value in event["accumUpdates"]:
                self.metrics[metric] = self.metrics.get(metric, 0) + value
        elif kind == "SparkListenerJobStart":
            execution = event["Properties"].get("spark.sql.execution.id")
            job = Job(
                event["Job ID"],
                None if execution is None else int(execution),
                event["Submission Time"],
                tuple(event["Stage IDs"]),
            )
            self.jobs[job.number] = job
            # a stage whose output is there already is skipped: its tasks ran in an earlier job
            by_stage |= dict.fromkeys(job.stages, job)
        elif kind == "SparkListenerTaskEnd" and "Task Metrics" in event:
            self._add(event, by_stage[event["Stage ID"]])

    def _add(self, event: dict[str, Any], job: Job) -> None:
        took = event["Task Metrics"]
        reads, writes = took["Shuffle Read Metrics"], took["Shuffle Write Metrics"]
        self.tasks.append(
            Task(
                stage=event["Stage ID"],
                job=job,
                executor=event["Task Info"]["Executor ID"],
                is_last=event["Task Type"] == "ResultTask",
                started=event["Task Info"]["Launch Time"],
                ended=event["Task Info"]["Finish Time"],
                run=took["Executor Run Time"],
                cpu=took["Executor CPU Time"] / 1e6,
                gc=took["JVM GC Time"],
                peak_memory=took["Peak Execution Memory"],
                result=took["Result Size"],
                shuffle_read=reads["Remote Bytes Read"] + reads["Local Bytes Read"],
                shuffle_write=writes["Shuffle Bytes Written"],
                shuffle_rows=writes["Shuffle Records Written"],
                spilled=took["Disk Bytes Spilled"],
                written=took["Output Metrics"]["Bytes Written"],
                rows_written=took["Output Metrics"]["Records Written"],
            )
        )
        for metric in event["Task Info"]["Accumulables"]:
            if metric.get("Metadata") == "sql" and "Update" in metric:
                number = metric["ID"]
                self.metrics[number] = self.metrics.get(number, 0) + int(metric["Update"])
