"""How many queries a small night asks of Spark, each of which has to be planned and compiled."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.event_log import EventLog
from benchmarks.landing import Shape, make

ROOT = Path(__file__).parents[2]
SHAPE = Shape(5_000)
MOST_QUERIES = 100

FOR_FEW_ROWS = {
    "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
    "spark.sql.adaptive.enabled": "false",
    "spark.sql.shuffle.partitions": "1",
}

pytestmark = [pytest.mark.torture, pytest.mark.usefixtures("on_spark")]


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> EventLog:
    """The event log of a first night."""
    folder = tmp_path_factory.mktemp("night")
    make(folder / "landing", SHAPE)
    config = ROOT / "benchmarks" / "config.yaml"
    places = [folder / "landing", folder / "warehouse", config, SHAPE.last_day, folder / "observed"]
    options = [f"{key}={value}" for key, value in FOR_FEW_ROWS.items()]
    command = ["benchmarks.observed_night", *map(str, places), *options]
    done = subprocess.run(
        [sys.executable, "-m", *command], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-5000:]
    return EventLog.read(folder / "observed")


def test_a_first_night_asks_few_queries(log: EventLog) -> None:
    assert len(log.plans) <= MOST_QUERIES


def test_no_query_reads_the_log_of_a_table(log: EventLog) -> None:
    leaves = [
        one.text
        for plans in log.plans.values()
        for plan in plans
        for one in plan.all()
        if not one.children
    ]
    assert [text for text in leaves if "_delta_log" in text or "Delta Table State" in text] == []
