"""Signals that end a night on Spark, from its first moment on: what it leaves is whole."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from compare import differences, reference_tables
from golden import race
from harness import write_landing
from rows import days, landing

FIRST, SECOND = days(0), days(1)
STORY = landing([race(f"r{number}", "front", "ann", day=days(number)) for number in range(2)])
# A notebook: the second run uses the JVM that the first started, and is interrupted in a query.
NOTEBOOK = """
import os, signal, threading
import psutil
from solatium import engine
# a shell that started this in the background has it ignored
signal.signal(signal.SIGINT, signal.default_int_handler)
def run(work):
    with engine.running("spark", rows=lambda: 1) as running:
        return work(running.spark)
def javas():
    return [one for one in psutil.Process().children(recursive=True) if one.name() == "java"]
def interrupted(spark):
    threading.Timer(1, os.kill, [os.getpid(), signal.SIGINT]).start()
    spark.range(10**15).selectExpr("sum(id % 7)").collect()
run(lambda spark: None)
first = javas()
try:
    run(interrupted)
except KeyboardInterrupt:
    _, left = psutil.wait_procs(first, timeout=10)
    print(len(first), len(left), len(javas()))
"""
AND_A_THIRD = """
print(run(lambda spark: spark.range(3).count()))
"""
CONFIG = {"grace_days": 0, "bonus": {"tiers": [{"min_failures": 1, "amount": "2.00"}]}}
MARKS = ("SPARK_", "PYSPARK_")  # of the session that these tests have

pytestmark = pytest.mark.usefixtures("on_spark")

Moment = Callable[["subprocess.Popen[bytes]", Path], None]


def nightly(place: Path, engine: str) -> list[str]:
    where = ["--landing", str(place / "landing"), "--warehouse", str(place / "wh")]
    how = ["--config", str(place / "config.yaml"), "--date", str(SECOND), "--engine", engine]
    return [sys.executable, "-m", "solatium.cli", "nightly", *where, *how]


def environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith(MARKS)}


def is_held(run: subprocess.Popen[bytes], place: Path) -> None:
    """The lease is taken; no JVM has been asked for yet, or has just been."""
    until(run, (place / "wh" / "_holder.json").exists)


def java_starts(run: subprocess.Popen[bytes], _: Path) -> None:
    until(run, lambda: bool(processes_of_java(run)))


def java_answers(run: subprocess.Popen[bytes], _: Path) -> None:
    """The JVM listens, and its session is being made."""
    until(run, lambda: any(is_listening(one) for one in processes_of_java(run)))


def is_reading(run: subprocess.Popen[bytes], place: Path) -> None:
    until(run, lambda: "read participation" in (place / "said.txt").read_text())


def until(run: subprocess.Popen[bytes], holds: Callable[[], bool]) -> None:
    while not holds():
        assert run.poll() is None, "it ended by itself"
        time.sleep(0.01)  # no event tells of it


def processes_of_java(run: subprocess.Popen[bytes]) -> list[psutil.Process]:
    children = psutil.Process(run.pid).children(recursive=True)
    return [child for child in children if name_of(child) == "java"]


def name_of(process: psutil.Process) -> str:
    try:
        return process.name()
    except psutil.NoSuchProcess:
        return ""


def is_listening(process: psutil.Process) -> bool:
    try:
        found = process.net_connections()
    except psutil.NoSuchProcess:
        return False
    return any(one.status == psutil.CONN_LISTEN for one in found)


@pytest.mark.parametrize(
    ("number", "status", "moment"),
    [
        pytest.param(signal.SIGTERM, 143, is_held, id="it is held", marks=pytest.mark.torture),
        pytest.param(
            signal.SIGTERM, 143, java_starts, id="java starts", marks=pytest.mark.both_engines
        ),
        pytest.param(
            signal.SIGINT, 130, java_starts, id="java starts, by hand", marks=pytest.mark.torture
        ),
        pytest.param(
            signal.SIGTERM, 143, java_answers, id="java answers", marks=pytest.mark.torture
        ),
        pytest.param(
            signal.SIGINT, 130, java_answers, id="java answers, by hand", marks=pytest.mark.torture
        ),
        pytest.param(signal.SIGTERM, 143, is_reading, id="it reads", marks=pytest.mark.torture),
        pytest.param(
            signal.SIGINT, 130, is_reading, id="it reads, by hand", marks=pytest.mark.torture
        ),
    ],
)
def test_a_signal_ends_a_night_on_spark_within_seconds(
    tmp_path: Path, number: int, status: int, moment: Moment
) -> None:
    write_landing(tmp_path / "landing", STORY)
    (tmp_path / "config.yaml").write_text(json.dumps(CONFIG))
    with (
        (tmp_path / "said.txt").open("w") as said,
        subprocess.Popen(
            nightly(tmp_path, "spark"),
            stdout=said,
            stderr=said,
            env=environment(),
            start_new_session=True,
        ) as run,
    ):
        moment(run, tmp_path)
        started = processes_of_java(run)
        if number == signal.SIGINT:  # a terminal sends it to the JVM too
            os.killpg(run.pid, number)
        else:
            run.send_signal(number)
        sent = time.monotonic()
        run.wait(30)
        lasted = time.monotonic() - sent
    told = (tmp_path / "said.txt").read_text()
    assert run.returncode == status, told
    assert lasted < 5
    assert "Traceback" not in told
    assert f"ended by {signal.Signals(number).name}" in told
    assert not (tmp_path / "wh" / "_holder.json").exists()
    _, left = psutil.wait_procs(started, timeout=10)
    assert left == []
    # the night goes on, on the engine that is quicker
    again = subprocess.run(
        nightly(tmp_path, "embedded"), capture_output=True, text=True, env=environment()
    )
    assert again.returncode == 0, again.stderr
    assert differences(tmp_path / "wh", reference_tables(STORY, CONFIG, SECOND)) == []


@pytest.mark.torture
@pytest.mark.parametrize(
    ("code", "told"),
    [(NOTEBOOK, ["1", "0", "0"]), (NOTEBOOK + AND_A_THIRD, ["1", "0", "0", "3"])],
    ids=["ended", "a third"],
)
def test_a_later_run_of_a_process_ends_as_its_first(code: str, told: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env=environment(),
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-5000:]
    assert done.stdout.split() == told
