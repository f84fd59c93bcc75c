"""Whole nights of Spark in stores, by spark-submit: tables are those of the embedded engine.

Spark reads and writes S3 by Hadoop's connector, which is of the version of its own Hadoop, and
HDFS by Hadoop itself.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import jars
import pytest
from harness import write_landing
from object_store import ObjectStore
from stored_nights import same
from submitted import ROOT, command, environment, of_spark, settings_for
from two_nights import CONFIG, STORY, TUESDAY

from solatium.engine.spark import DELTA_PACKAGE

pytestmark = [pytest.mark.torture, pytest.mark.usefixtures("on_spark")]


def test_a_version_is_named_that_spark_has() -> None:
    version = jars.hadoop_version()
    for page in ("conf/spark-defaults.conf", "docs/how-to/object-stores.md"):
        assert f"org.apache.hadoop:hadoop-aws:{version}" in (ROOT / page).read_text()


def test_nights_of_spark_in_a_store_are_those_of_the_embedded_engine(
    store: ObjectStore, tmp_path: Path
) -> None:
    """Two nights, one caught up on; then the embedded engine goes on with that warehouse."""
    write_landing(tmp_path / "landing", STORY)
    (tmp_path / "config.yaml").write_text(json.dumps(CONFIG, default=str))
    landing, warehouse = store.place("landing"), store.place("warehouse")
    store.put_folder(tmp_path / "landing", landing)
    submit(tmp_path, landing, warehouse)
    nightly = [sys.executable, "-m", "solatium.cli", "nightly", "--config", "config.yaml"]
    nightly += ["--date", str(TUESDAY), "--landing"]
    local = [str(tmp_path / "landing"), "--warehouse", str(tmp_path / "warehouse")]
    subprocess.run([*nightly, *local], cwd=tmp_path, check=True)
    same(tmp_path / "warehouse", warehouse)
    subprocess.run([*nightly, landing, "--warehouse", warehouse], cwd=tmp_path, check=True)
    subprocess.run([*nightly, *local], cwd=tmp_path, check=True)
    same(tmp_path / "warehouse", warehouse)


def submit(folder: Path, landing: str, warehouse: str) -> None:
    """`spark-submit jobs/nightly.py`, as docs/how-to/object-stores.md has it, on this machine."""
    packages = [DELTA_PACKAGE, *([_connector()] if landing.startswith("s3:") else [])]
    first = ("--properties-file", str(ROOT / "conf/spark-defaults.conf"))
    first += ("--packages", ",".join(packages))
    script = [ROOT / "jobs/nightly.py", "--config", "config.yaml", "--date", str(TUESDAY)]
    places = ["--landing", of_spark(landing), "--warehouse", of_spark(warehouse)]
    done = subprocess.run(
        command(settings_for(landing), *script, *places, first=first),
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-5000:]


def _connector() -> str:
    """As conf/spark-defaults.conf names it."""
    text = (ROOT / "conf/spark-defaults.conf").read_text()
    start = text.index("org.apache.hadoop:hadoop-aws:")
    return text[start:].split(",")[0].split()[0]
