"""Views in Spark's catalog show whole nights, and only move forward (docs/rules.md section 10)."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyspark
import pytest
from golden import Story, race
from harness import Nights, write_landing
from loopback import free_port
from rows import days, landing

from solatium import contracts
from solatium.contracts.tables import WAREHOUSE
from solatium.engine import Engine
from solatium.errors import SolatiumError, UsageError
from solatium.storage.local import LocalLocation
from solatium.warehouse import catalog, commits

FIRST, SECOND = days(0), days(1)
STORY = landing([race(f"r{n}", "front", "ann", day=days(n)) for n in range(2)])
CONFIG: dict[str, Any] = {
    "grace_days": 0,
    "bonus": {"tiers": [{"min_failures": 1, "amount": "2.00"}]},
}


def test_an_engine_without_a_catalog_that_lasts_is_refused() -> None:
    with pytest.raises(UsageError, match="has no catalog that lasts"):
        catalog.refuse_catalog("solatium", "embedded")


@pytest.mark.parametrize("schema", ["", "a b", "a;b", "a.b", "1a", "`"])
def test_a_schema_that_cannot_be_named_is_refused(schema: str) -> None:
    with pytest.raises(UsageError, match="cannot be named so"):
        catalog.refuse_catalog(schema, "spark")


def test_a_night_with_a_catalog_is_refused_before_it_begins(nights: Nights) -> None:
    nights.land(STORY)
    if nights.running.name == "spark":
        pytest.skip("for the embedded engine")
    with pytest.raises(UsageError, match="has no catalog that lasts"):
        nights.run(FIRST, CONFIG, catalog="solatium")
    assert commits.lineage(LocalLocation(nights.warehouse)) == []


A_COMMIT = commits.Commit(
    number=1, parent=None, day=FIRST, run_id="r", engine="spark", version="v", config_digest="c",
    judging={}, awaited=(), judged_from=FIRST, settled=FIRST, files={},
)  # fmt: skip


class RefusingSession:
    """A session whose store refuses it; the error is one of Java, and none of PySpark's."""

    def sql(self, statement: str) -> None:
        raise RuntimeError(
            "An error occurred while calling o9.sql.\n"
            ": java.nio.file.AccessDeniedException: s3a://b/x: "
            "org.apache.hadoop.fs.s3a.auth.NoAwsCredentialsException: no credentials\n"
        )


def test_what_a_store_refuses_is_said_in_words(tmp_path: Path) -> None:
    refused = Engine("spark", RefusingSession())  # type: ignore[arg-type]
    with pytest.raises(SolatiumError, match="could not be registered") as told:
        catalog.register(refused, LocalLocation(tmp_path), A_COMMIT, "shop")
    what, look, then = told.value.problems
    assert what == "AccessDeniedException: s3a://b/x: NoAwsCredentialsException: no credentials"
    assert "AWS_ACCESS_KEY_ID" in look
    assert "nights that are committed stay" in then


@pytest.mark.both_engines
def test_views_show_a_commit_and_move_forward(
    on_spark: None, running: Engine, golden_nights: Story
) -> None:
    """Sail's catalog ends with its process."""
    nights = golden_nights.nights
    root = LocalLocation(nights.warehouse)
    _, second, *_, last = commits.lineage(root)
    assert catalog.register(running, root, second, "nights") == len(WAREHOUSE)
    awards = running.spark.table("nights.bonus_awards")
    assert {row["business_date"] for row in awards.collect()} == {SECOND}
    assert catalog.register(running, root, last, "nights") == len(WAREHOUSE)
    assert catalog.register(running, root, second, "nights") == 0, "a view went back"
    for name in WAREHOUSE:
        view = running.spark.table(f"nights.{name}")
        assert view.columns == list(contracts.warehouse(name).names)
        assert view.count() == len(nights.rows(name)), name
    described = running.spark.sql("DESCRIBE TABLE EXTENDED nights.bonus_awards").collect()
    said = {row["col_name"]: row["comment"] or row["data_type"] for row in described}
    table = contracts.warehouse("bonus_awards")
    assert said["account_id"] == table.columns[0].meaning
    assert said["Comment"] == table.description()
    running.spark.sql("DROP DATABASE nights CASCADE")


@pytest.mark.spark_at_length
def test_a_table_of_somebody_else_is_left_alone(running: Engine, nights: Nights) -> None:
    if running.name == "embedded":
        pytest.skip("Sail's catalog ends with its process")
    nights.land(STORY)
    nights.run(FIRST, CONFIG)
    root = LocalLocation(nights.warehouse)
    spark = running.spark
    spark.sql("CREATE DATABASE theirs")
    spark.sql(f"CREATE VIEW theirs.{WAREHOUSE[0]} AS SELECT 1 AS one")
    with pytest.raises(UsageError, match="is no view of solatium"):
        catalog.register(running, root, commits.lineage(root)[-1], "theirs")
    assert spark.table(f"theirs.{WAREHOUSE[0]}").columns == ["one"]
    with pytest.raises(UsageError, match="ends with it"):
        nights.run(SECOND, CONFIG, catalog="theirs")
    spark.sql("DROP DATABASE theirs CASCADE")


# The way of a BI tool: a Thrift server on loopback, and a JDBC client


@pytest.mark.torture
def test_a_jdbc_client_reads_the_committed_night(on_spark: None, tmp_path: Path) -> None:
    write_landing(tmp_path / "logs", STORY)
    config = tmp_path / "night.yaml"
    config.write_text("{grace_days: 0, bonus: {tiers: [{min_failures: 1, amount: '2.00'}]}}")
    environment = _spark_configured(tmp_path)
    places = ["--landing", str(tmp_path / "logs"), "--warehouse", str(tmp_path / "wh")]
    command = [sys.executable, "-m", "solatium.cli", "nightly", "--engine", "spark", *places]
    options = ["--config", str(config), "--date", str(SECOND), "--catalog", "solatium"]
    done = subprocess.run(
        [*command, *options], env=environment, cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    asked = "SELECT business_date, sum(amount) FROM solatium.bonus_awards GROUP BY 1 ORDER BY 1"
    with _thrift_server(tmp_path, environment) as port:
        said = _beeline(port, asked, environment)
    assert said == [f"{FIRST},2.00", f"{SECOND},2.00"]  # ann loses both, and a tier gives 2.00


def _spark_configured(folder: Path) -> dict[str, str]:
    """An environment whose Spark keeps its metastore in a folder."""
    conf = folder / "conf"
    conf.mkdir()
    store = f"jdbc:derby:;databaseName={folder / 'metastore'};create=true"
    (conf / "hive-site.xml").write_text(
        "<configuration><property><name>javax.jdo.option.ConnectionURL</name>"
        f"<value>{store}</value></property></configuration>"
    )
    (conf / "spark-defaults.conf").write_text(f"spark.sql.warehouse.dir {folder / 'hive'}\n")
    marks = ("SPARK_", "PYSPARK_")  # of the session of these tests
    clean = {name: value for name, value in os.environ.items() if not name.startswith(marks)}
    return clean | {"SPARK_CONF_DIR": str(conf)}


@contextmanager
def _thrift_server(folder: Path, environment: dict[str, str]) -> Iterator[int]:
    home = Path(pyspark.__file__).parent
    port = free_port()
    options = {
        "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
        "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
        "spark.ui.enabled": "false",
    }
    # its sessions load classes by the class path alone, and not by what --packages adds; Delta's
    # own jars are all it lacks, and others there would stand before Spark's versions of them
    jars = Path.home().glob(".ivy2*/jars/io.*.jar")
    command = [str(home / "bin" / "spark-submit"), "--master", "local[1]"]
    command += ["--driver-class-path", os.pathsep.join(map(str, jars))]
    for name, value in options.items():
        command += ["--conf", f"{name}={value}"]
    command += ["--class", "org.apache.spark.sql.hive.thriftserver.HiveThriftServer2"]
    command += ["spark-internal", "--hiveconf", f"hive.server2.thrift.port={port}"]
    command += ["--hiveconf", "hive.server2.thrift.bind.host=127.0.0.1"]
    with (folder / "thrift.log").open("w") as log:
        server = subprocess.Popen(command, env=environment, cwd=folder, stdout=log, stderr=log)
        try:
            _wait_for(port, server, folder / "thrift.log")
            yield port
        finally:
            server.terminate()
            server.wait(60)


def _wait_for(port: int, server: subprocess.Popen, log: Path) -> None:
    end = time.monotonic() + 180
    while time.monotonic() < end:
        assert server.poll() is None, log.read_text()[-3000:]
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.5)
        else:
            return
    raise AssertionError(log.read_text()[-3000:])


def _beeline(port: int, query: str, environment: dict[str, str]) -> list[str]:
    beeline = Path(pyspark.__file__).parent / "bin" / "beeline"
    options = ["--silent=true", "--outputformat=csv2", "--showHeader=false"]
    done = subprocess.run(
        [str(beeline), "-u", f"jdbc:hive2://127.0.0.1:{port}/", *options, "-e", query],
        env=environment,
        capture_output=True,
        text=True,
        timeout=180,
    )
    assert done.returncode == 0, done.stderr
    # it may print its prompt before a row
    lines = (line.rsplit("> ", 1)[-1] for line in done.stdout.splitlines())
    return [line for line in lines if line.strip()]
