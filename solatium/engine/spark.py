"""Starting Spark, or using the one that spark-submit started.

Nights read and write Delta tables as the files that they are (`warehouse/file_table`). Views of a
catalog are of Delta tables, and need Spark's own Delta: to find its jars takes seconds at each
start, and its extension has rules for every plan.
"""

from __future__ import annotations

import logging
import os
import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date, datetime
from typing import Any

from pyspark.sql import SparkSession

from solatium.engine import jvm
from solatium.engine.environment import NO_CALL_SITES, without
from solatium.errors import SolatiumError

# Not INT96, which many readers take for nanoseconds, and those hold no year before 1678.
_PARQUET = {"spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS"}
_DELTA = {
    "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
    "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
    # a table's log is small: two tasks read it sooner than Delta's 50
    "spark.databricks.delta.snapshotPartitions": "2",
}
_OF_CONNECT = ("SPARK_REMOTE", "SPARK_API_MODE", "SPARK_CONNECT_MODE", "SPARK_LOCAL_REMOTE")
DELTA_PACKAGE = "io.delta:delta-spark_4.1_2.13:4.4.0"
_LOCAL = {
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.memory": "8g",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.sql.shuffle.partitions": "8",
    "spark.default.parallelism": "8",
    # a look at each file of a table, which is here, takes less than a job with a task for each
    "spark.sql.sources.parallelPartitionDiscovery.threshold": "10000",
}
# A night of so few rows is mostly starting, planning and compiling: one compiler that is quick, one
# thread that collects garbage, room for what both leave, and no second look at plans whose tasks
# take milliseconds.
_FEW_ROWS = 500_000
_FOR_FEW_ROWS = {
    "spark.driver.extraJavaOptions": (
        "-XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=256m -XX:MetaspaceSize=512m "
        "-XX:+UseSerialGC -Xms2g -Xmn700m"
    ),
    "spark.sql.adaptive.enabled": "false",
    "spark.sql.shuffle.partitions": "1",
    "spark.default.parallelism": "1",
}


def _local(rows: Callable[[], int] | None) -> dict[str, str]:
    """How local Spark starts for so many rows; for an unknown number as for many."""
    is_for_few = rows is not None and rows() <= _FEW_ROWS
    return _LOCAL | NO_CALL_SITES | (_FOR_FEW_ROWS if is_for_few else {})


class _EarlyDates:
    """Hands dates before the year 1000 over to Java.

    PySpark 4.1.4 writes their years without zeros, as `1-01-02`, which Java refuses.
    """

    def can_convert(self, value: object) -> bool:
        return isinstance(value, date) and not isinstance(value, datetime) and value.year < 1000

    def convert(self, value: date, gateway_client: Any) -> Any:
        from py4j.java_gateway import JavaClass

        return JavaClass("java.time.LocalDate", gateway_client).parse(value.isoformat())


@contextmanager
def spark(
    options: Mapping[str, str], rows: Callable[[], int] | None, *, delta: bool
) -> Iterator[SparkSession]:
    from py4j import protocol

    builder = SparkSession.builder.appName("solatium")
    settings = _PARQUET | (_DELTA if delta else {})
    if not under_spark_submit():
        settings |= _local(rows) | dict(options)
        builder = builder.master("local[*]")
    for key, value in settings.items():
        builder = builder.config(key, value)
    if delta and not under_spark_submit():
        from delta import configure_spark_with_delta_pip

        builder = configure_spark_with_delta_pip(builder)
        jvm.end_without(DELTA_PACKAGE)
    protocol.register_input_converter(_EarlyDates(), prepend=True)
    with jvm.ended_by_signals():
        session = _started(builder)
        try:
            yield session
        except Exception:
            session.stop()
            raise
        session.stop()


def _started(builder: SparkSession.Builder) -> SparkSession:
    """A session of Spark; SolatiumError where it does not start."""
    at_sigint = signal.getsignal(signal.SIGINT)
    try:
        with without(_OF_CONNECT):
            session = builder.getOrCreate()
    except Exception as error:
        raise SolatiumError(
            f"Spark did not start: {error}",
            [
                "it needs Java 17 or 21 (JAVA_HOME, or java on the PATH)",
                f"under spark-submit, a catalog needs --packages {DELTA_PACKAGE}",
                "without Java, use --engine embedded",
            ],
        ) from error
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, at_sigint)
    session.sparkContext.setLogLevel("ERROR")
    home = os.environ.get("SPARK_HOME", "that of the package pyspark")
    master = session.sparkContext.master
    logging.getLogger("solatium").info("Spark %s, %s, on %s", session.version, home, master)
    return session


def under_spark_submit() -> bool:
    return "PYSPARK_GATEWAY_PORT" in os.environ
