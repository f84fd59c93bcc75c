"""Nights of Spark in a store by `spark-submit`, each a process, as a platform runs them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

import jars
import pytest
import spark_cluster
import spark_in_stores
from harness import QUICK_SPARK
from object_store import ObjectStore
from stored_nights import StoreNights

from solatium.engine import Engine
from solatium.errors import StoreError, UsageError
from solatium.nightly.request import Report

ROOT = Path(__file__).parents[2]
_JOB = ROOT / "jobs/nightly.py"
_LOOPBACK = {
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.ui.enabled": "false",
}


def settings_for(landing: str) -> dict[str, str]:
    """What Spark needs on this machine, and for S3 the server that the environment names."""
    options = dict(QUICK_SPARK) | _LOOPBACK
    if landing.startswith("s3:"):
        options |= {f"spark.hadoop.{k}": v for k, v in spark_in_stores.of_s3().items()}
    return options


def command(options: dict[str, str], *script: str | Path, first: tuple[str, ...] = ()) -> list[str]:
    """`spark-submit` of a script with its arguments."""
    given = [str(spark_cluster.SPARK / "bin/spark-submit"), "--master", "local[1]", *first]
    for key, value in options.items():
        given += ["--conf", f"{key}={value}"]
    return [*given, *map(str, script)]


def environment() -> dict[str, str]:
    """That of a process of Spark's, whose Python finds what this one does."""
    python = {"PYSPARK_PYTHON": sys.executable, "PYTHONPATH": os.pathsep.join(sys.path)}
    hdfs = {"HADOOP_USER_NAME": spark_in_stores.USER}
    return spark_cluster.environment() | python | hdfs


def of_spark(place: str) -> str:
    """A place as Hadoop names it."""
    return place.replace("s3:", "s3a:")


class SubmittedNights(StoreNights):
    """The same nights in a store, each by a `spark-submit` of its own."""

    def __init__(self, folder: Path, running: Engine, store: ObjectStore) -> None:
        super().__init__(folder, running, store)
        if self.kept.startswith("abfss:"):
            pytest.skip("Hadoop's client of Azure cannot speak with the emulator")
        if shutil.which("java") is None:
            pytest.skip("needs a Java")
        self.settings: dict[str, str] = {}  # of Spark, beside those that it needs

    def command(self, day: date, *options: str, script: tuple[str, ...] = ()) -> list[str]:
        places = ["--landing", of_spark(self.landed), "--warehouse", of_spark(self.kept)]
        what = [*script, "nightly"] if script else [str(_JOB)]
        given = settings_for(self.landed) | self.settings
        if self.landed.startswith("s3:"):
            given[spark_in_stores.CLASS_PATH] = jars.s3_connector()
        return command(given, *what, "--date", str(day), *places, *options)

    def environment(self) -> dict[str, str]:
        return environment()

    def run(self, day: date, config: dict[str, Any] | None = None, **options: Any) -> Report:
        """As `nights.run` has it: its report names the dates that it handled, its errors say what
        the process said."""
        place = self.landing.parent / "config.json"
        place.write_text(json.dumps(config or {}, default=str))
        summary = self.landing.parent / "summary.json"
        given = [f"--{name}" for name, value in options.items() if value]
        done = subprocess.run(
            self.command(day, "--config", str(place), "--summary-json", str(summary), *given),
            env=self.environment(),
            capture_output=True,
            text=True,
        )
        said = done.stdout + done.stderr
        if done.returncode == 2:
            raise UsageError(said)
        if done.returncode:
            raise StoreError(f"exit status {done.returncode}: {said}")
        handled = json.loads(summary.read_text())["handled"]
        return Report(handled=[date.fromisoformat(day) for day in handled])
