"""How local Spark starts (docs/engines.md): for few rows or for many. Each starts a JVM."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

pytestmark = [pytest.mark.torture, pytest.mark.usefixtures("on_spark")]

CODE = """
from solatium import engine
rows, options = {rows}, {options}
with engine.running("spark", options, rows=rows) as running:
    conf = running.spark.conf
    print(conf.get("spark.sql.adaptive.enabled"), conf.get("spark.sql.shuffle.partitions"))
    java = running.spark.sparkContext.getConf().get("spark.driver.extraJavaOptions", "")
    print("SerialGC" in java)
"""


def started(rows: str, options: dict[str, str] | None = None) -> list[str]:
    code = CODE.format(rows=rows, options=options)
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-5000:]
    return done.stdout.split()


def test_few_rows_have_one_partition_and_a_small_jvm() -> None:
    assert started("lambda: 500_000") == ["false", "1", "True"]


@pytest.mark.parametrize("rows", ["lambda: 500_001", "None"])
def test_many_rows_or_an_unknown_number_have_all(rows: str) -> None:
    assert started(rows) == ["true", "8", "False"]


def test_what_is_asked_for_goes_before() -> None:
    options = {"spark.sql.shuffle.partitions": "3"}
    assert started("lambda: 1", options) == ["false", "3", "True"]
