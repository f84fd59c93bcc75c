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


AFTER_ONE_WITHOUT = """
from solatium import engine
for delta in (False, True):
    with engine.running("spark", rows=lambda: 1, delta=delta) as running:
        spark = running.spark
        extensions = spark.conf.get("spark.sql.extensions", "none").rpartition(".")[2]
        table = spark.range(2).write.format("delta" if delta else "parquet")
        table.mode("overwrite").save("{place}/" + str(delta))
        print(extensions)
"""


def test_only_a_catalog_needs_delta(tmp_path: Path) -> None:
    """A later session of the process gets Delta, though the JVM began without."""
    code = AFTER_ONE_WITHOUT.format(place=tmp_path)
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-5000:]
    assert done.stdout.split() == ["none", "DeltaSparkSessionExtension"]
    assert (tmp_path / "True" / "_delta_log").is_dir()
    assert not (tmp_path / "False" / "_delta_log").exists()


def test_what_is_asked_for_goes_before() -> None:
    options = {"spark.sql.shuffle.partitions": "3"}
    assert started("lambda: 1", options) == ["false", "3", "True"]
