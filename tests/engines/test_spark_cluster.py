"""Golden nights by spark-submit on a cluster, as an operator gives them.

Executors are processes of their own, without the driver's Python: what leans on either shows.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import golden
import pytest
import rulebook
import yaml
from compare import differences, reference_tables
from harness import QUICK_SPARK, write_landing
from rows import Landing
from spark_cluster import SPARK, cluster, environment

from benchmarks.event_log import EventLog
from benchmarks.observed_night import event_log
from solatium.engine.spark import DELTA_PACKAGE

ROOT = Path(__file__).parents[2]

pytestmark = [pytest.mark.torture, pytest.mark.usefixtures("on_spark")]


@pytest.fixture(scope="module")
def master(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with cluster(tmp_path_factory.mktemp("cluster")) as address:
        yield address


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `make dist` makes, and its metadata; made of a copy of the sources."""
    folder = tmp_path_factory.mktemp("package")
    sources = folder / "sources"
    sources.mkdir()
    for name in ("solatium", "conf", "docs", "expectations", "schemas"):
        shutil.copytree(ROOT / name, sources / name)
    for name in ("setup.py", "pyproject.toml", "LICENSE", "MANIFEST.in"):
        shutil.copy(ROOT / name, sources)
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--skip-dependency-check"]
    build += ["--outdir", str(folder), str(sources)]
    subprocess.run(build, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    return wheel.rename(folder / "solatium.zip")


@pytest.mark.parametrize(
    ("rows", "config", "last"),
    [
        pytest.param(golden.LANDING, golden.CONFIG, golden.FOURTH, id="story"),
        pytest.param(rulebook.LANDING, rulebook.CONFIG, rulebook.THIRD, id="rulebook"),
    ],
)
def test_golden_nights_on_a_cluster_make_the_tables_of_the_reference(
    rows: Landing, config: dict[str, Any], last: date, master: str, package: Path, tmp_path: Path
) -> None:
    write_landing(tmp_path / "landing", rows)
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(config))
    (tmp_path / "events").mkdir()
    submit(master, package, tmp_path, last)
    assert differences(tmp_path / "warehouse", reference_tables(rows, config, last)) == []
    executors = {task.executor for task in EventLog.read(tmp_path / "events").tasks}
    assert len(executors) == 2
    assert "driver" not in executors


def submit(master: str, package: Path, folder: Path, day: date) -> None:
    """`spark-submit jobs/nightly.py --date DAY`, as README has it, from an empty folder."""
    options = QUICK_SPARK | event_log(folder / "events")
    options |= {
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.ui.enabled": "false",
        "spark.executor.memory": "900m",
        "spark.sql.shuffle.partitions": "2",
        "spark.default.parallelism": "2",
        "spark.scheduler.minRegisteredResourcesRatio": "1.0",
    }
    command = [str(SPARK / "bin/spark-submit"), "--master", master]
    command += ["--properties-file", str(ROOT / "conf/spark-defaults.conf")]
    command += ["--packages", DELTA_PACKAGE, "--py-files", str(package)]
    for key, value in options.items():
        command += ["--conf", f"{key}={value}"]
    command += [str(ROOT / "jobs/nightly.py"), "--date", day.isoformat()]
    for name in ("landing", "warehouse"):
        command += [f"--{name}", name]
    of_no_executor = {"PYSPARK_DRIVER_PYTHON": sys.executable, "PYSPARK_PYTHON": "no-python-here"}
    done = subprocess.run(
        [*command, "--config", "config.yaml"],
        cwd=folder,
        env=environment() | of_no_executor,
        capture_output=True,
        text=True,
    )
    (folder / "submit.log").write_text(done.stdout + done.stderr)
    assert done.returncode == 0, done.stderr[-5000:]
