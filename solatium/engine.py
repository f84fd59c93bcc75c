"""The two engines, behind one seam: the only module that knows which of them runs.

`embedded` is Sail in the Python process, `spark` is Apache Spark with Delta. Both give a session
with the DataFrame API of Spark Connect, in UTC; all other code keeps to what both have.
"""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from functools import reduce
from math import isqrt
from operator import or_
from typing import Any, cast

import pyarrow as pa
from deltalake import DeltaTable
from pyspark import SparkContext
from pyspark.errors import AnalysisException, PySparkException
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import StructType

from solatium.contracts import Table
from solatium.dataframes.grouping import PARTS
from solatium.errors import SolatiumError, UsageError
from solatium.storage import parquet
from solatium.storage.location import Location

NAMES = ("embedded", "spark")

_CORES = os.cpu_count() or 1

_SESSION = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.caseSensitive": "true",
}
# Or PySpark looks up the calling line of every column, a quarter of the time of a small night.
_NO_CALL_SITES = {"spark.python.sql.dataFrameDebugging.enabled": "false"}
# Sail is configured by its environment. What it keeps for a night is read a few times at most.
_SAIL = {"RUST_LOG": "error", "SAIL_PARQUET__COMPRESSION": "lz4_raw"}
# Its allocator gives back what was freed after 10 ms; by default it keeps it for longer.
_SAIL |= {"MIMALLOC_PURGE_DELAY": "10", "MIMALLOC_ARENA_PURGE_MULT": "1"}
# Fewer rows than these come in one part. Of 5 million participations a part took some 100 bytes for
# each row; twice as much is reckoned with where memory is bounded.
_ROWS_IN_ONE_PART = 800_000
_ROWS_A_MEGABYTE = 5_000
_DELTA = {
    "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
    "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
    # a table's log is small: two tasks read it sooner than Delta's 50
    "spark.databricks.delta.snapshotPartitions": "2",
    # not INT96, which many readers take for nanoseconds, and those hold no year before 1678
    "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
}
# where pages of Parquet files have checksums, as those that Spark writes
_CHECKED_PAGES = {"parquet.page.verify-checksum.enabled": "true"}
# What tells PySpark of another Spark than the one that is asked for.
_OF_ANOTHER_SPARK = ("SPARK_", "PYSPARK_REMOTE", "PYSPARK_SUBMIT_ARGS", "MASTER")
_OF_CONNECT = ("SPARK_REMOTE", "SPARK_API_MODE", "SPARK_CONNECT_MODE", "SPARK_LOCAL_REMOTE")
_DELTA_PACKAGE = "io.delta:delta-spark_4.1_2.13:4.4.0"
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


@dataclass(frozen=True)
class Engine:
    """A running engine: its session, and what differs between them beyond it."""

    name: str
    spark: SparkSession
    memory_mb: int | None = None  # what the embedded engine may work in

    def file_path(self, location: Location) -> str:
        """How the engine wants the path of a landing file, which may hold pattern characters."""
        if self.name == "embedded":
            return location.uri
        return "".join(f"\\{c}" if c in "\\*?[]{}" else c for c in location.address)

    @property
    def merges_types(self) -> bool:
        """Whether files can be read together only where the types of all their columns agree.

        Sail merges the types of what it reads as one, also of columns that nobody asked for.
        """
        return self.name == "embedded"

    @property
    def checks_pages(self) -> bool:
        """Whether it compares pages of Parquet files with their checksums; Sail does not."""
        return self.name == "spark"

    @property
    def keeps_logs(self) -> bool:
        """Whether it reads and writes Delta tables with their logs, and does so in milliseconds.

        Spark asks itself several queries for each; it is given the data files instead. Sail does
        not find the dates by which plain Parquet files lie.
        """
        return self.name == "embedded"

    def parts(self, rows: int) -> int:
        """In how many parts so many rows are best grouped by their keys.

        Sail has all keys of a grouping in memory. Each part reads all rows again; so sixteen times
        the rows come in twice the parts, and each holds eight times as much, unless memory is
        bounded. Spark has parts of its own.
        """
        if self.name == "spark":
            return 1
        number = 1 + isqrt(isqrt(rows // _ROWS_IN_ONE_PART))
        if self.memory_mb is not None:
            number = max(number, 1 + rows // (self.memory_mb * _ROWS_A_MEGABYTE))
        return number

    def answers(self) -> bool:
        """Whether it still runs, so that what fails on it is not the engine."""
        try:
            return self.spark.range(1).count() == 1
        except Exception:
            return False

    def text(self, name: str) -> Column:
        """A column of text in landing files, of which Spark would take any bytes; Sail does not."""
        column = F.col(name)
        return F.validate_utf8(column) if self.name == "spark" else column

    def frame(self, rows: Sequence[Mapping[str, Any]], table: Table) -> DataFrame:
        """A few rows as a frame; by Arrow, as executors of Spark have no Python to read others."""
        arrow = pa.Table.from_pylist(list(rows), table.arrow_schema())
        return self.rows_at_hand(arrow, table.spark_schema())

    def rows_at_hand(self, rows: pa.Table, schema: StructType) -> DataFrame:
        """A few rows as a frame, which are part of its plan: Spark leaves out what has none."""
        return self.spark.createDataFrame(rows, schema)

    def kept(self, folders: Sequence[Location], schema: StructType) -> DataFrame:
        """The rows of folders of Parquet files that it wrote; on Spark a few stay at hand."""
        if self.name == "spark":
            parts = [parquet.few_rows(folder) for folder in folders]
            few = [part for part in parts if part is not None]
            if len(few) == len(parts):
                rows = pa.concat_tables(few)
                if parquet.are_few(rows.num_rows, 0):
                    return self.rows_at_hand(rows, schema)
        return self.spark.read.schema(schema).parquet(*(folder.address for folder in folders))

    def settled(self, frame: DataFrame, table: Table) -> DataFrame:
        """The same rows, ready to be written to a table with constraints.

        Sail may check constraints on rows that a filter further up takes out, and then refuses rows
        that nobody wrote. It does not look beneath a repartition, which costs it little. And Sail
        takes twice the time to plan its check of NOT NULL for every column more that may hold null:
        here they are checked at once, and made columns that cannot.

        Each part becomes a file. A table without accounts has few rows of a night, for one.
        """
        if self.name != "embedded":
            return frame
        checked = [c for c in table.columns if c.required and not c.type.startswith("array")]
        nulls = reduce(or_, (F.col(c.name).isNull() for c in checked))
        refused = F.raise_error(F.lit(f"{table.name}: null in a column that may hold none"))
        never = {
            c.name: F.lit("1970-01-01" if c.type in ("date", "timestamp") else "0").cast(c.type)
            for c in checked
        }
        return (
            frame.repartition(_CORES if "account_id" in table.names else 1)
            .where(F.when(nulls, refused.cast("boolean")).otherwise(F.lit(True)))
            .select(
                *(
                    F.coalesce(name, never[name]).alias(name) if name in never else F.col(name)
                    for name in table.names
                )
            )
        )

    @contextmanager
    def scratch(self, folder: Location) -> Iterator[Location]:
        """Where frames of a night are kept: on this machine, where the engine runs here alone."""
        if self.name == "embedded":
            with folder.at_hand() as near:
                yield near
        else:
            yield folder

    def restore(self, location: Location, version: int) -> None:
        """Gives a Delta table the content of an older version, as a new version.

        By the `deltalake` package on both engines: Sail has no RESTORE, Spark's takes seconds.
        """
        DeltaTable(location.uri).restore(version)

    def unhinted(self, log: Location) -> None:
        """Takes away what hints at the newest checkpoint of a Delta log, where it misleads.

        Sail follows the hint for older versions too, and then misses the commits that they begin
        with. Without it Sail lists the log, as Delta's protocol has it.
        """
        if self.name == "embedded":
            (log / "_last_checkpoint").remove_file()


def default_name() -> str:
    """`spark` where spark-submit started this process, else `embedded`."""
    return "spark" if _under_spark_submit() else "embedded"


@contextmanager
def running(
    name: str,
    options: Mapping[str, str] | None = None,
    memory_mb: int | None = None,
    rows: Callable[[], int] | None = None,
) -> Iterator[Engine]:
    """Starts the engine `name`, and stops it at the end.

    `options` are more of local Spark; `memory_mb` is what the embedded engine may work in; `rows`
    tells how many are to be read, where that is known: local Spark starts for few or for many.
    """
    if name not in NAMES:
        raise UsageError(f"no engine {name}: there are {' and '.join(NAMES)}")
    starting = _embedded(memory_mb) if name == "embedded" else _spark(options or {}, rows)
    with starting as session:
        own = _NO_CALL_SITES | {PARTS: str(_CORES)} if name == "embedded" else _CHECKED_PAGES
        settings = _SESSION | own
        for key, value in settings.items():
            session.conf.set(key, value)
        yield Engine(name, session, memory_mb)


@contextmanager
def _embedded(memory_mb: int | None) -> Iterator[SparkSession]:
    for name, value in (_SAIL | _bounded(memory_mb)).items():
        os.environ.setdefault(name, value)
    from pysail.spark import SparkConnectServer

    with _without(_OF_ANOTHER_SPARK):
        # PySpark's functions ask for this once, when they are first used
        os.environ["SPARK_CONNECT_MODE_ENABLED"] = "1"
        server = SparkConnectServer(ip="127.0.0.1", port=0)
        server.start(background=True)
        _, port = server.listening_address
        session = _connected(port)
        try:
            yield session
        finally:
            session.stop()
            server.stop()


def _connected(port: int) -> SparkSession:
    """A session of the server in this process: past every proxy, and without taking up again an
    operation that the server has forgotten, as a client does that may lose its connection."""
    from pyspark.sql.connect.client import DefaultChannelBuilder
    from pyspark.sql.connect.session import SparkSession as ConnectSession

    channel = DefaultChannelBuilder(f"sc://127.0.0.1:{port}")
    channel.setChannelOption("grpc.enable_http_proxy", 0)
    session = ConnectSession.builder.channelBuilder(channel).create()
    session.client.disable_reattachable_execute()
    return cast(SparkSession, session)


@contextmanager
def _without(prefixes: tuple[str, ...]) -> Iterator[None]:
    """Without the variables of the environment that begin so, which are put back at the end."""
    taken = {name: os.environ.pop(name) for name in list(os.environ) if name.startswith(prefixes)}
    try:
        yield
    finally:
        os.environ.update(taken)


def is_passing_fault(error: BaseException) -> bool:
    """Whether an engine failed by itself, so that the same work may succeed the next time."""
    import grpc
    from py4j.protocol import Py4JError

    if isinstance(error, AnalysisException):
        return False
    return isinstance(error, PySparkException | grpc.RpcError | Py4JError)


def _bounded(memory_mb: int | None) -> dict[str, str]:
    """Whoever comes first has the memory; what sorts or aggregates goes on on the disk.

    Shared evenly among all operators of a plan, of which a night's have many, it would not do.
    """
    if memory_mb is None:
        return {}
    pool = "SAIL_RUNTIME__MEMORY_POOL__"
    return {f"{pool}TYPE": "greedy", f"{pool}GREEDY__MAX_SIZE": str(memory_mb * 1_000_000)}


def _local(rows: Callable[[], int] | None) -> dict[str, str]:
    """How local Spark starts for so many rows; for an unknown number as for many."""
    is_for_few = rows is not None and rows() <= _FEW_ROWS
    return _LOCAL | _NO_CALL_SITES | (_FOR_FEW_ROWS if is_for_few else {})


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
def _spark(options: Mapping[str, str], rows: Callable[[], int] | None) -> Iterator[SparkSession]:
    from py4j import protocol

    builder = SparkSession.builder.appName("solatium")
    settings = _DELTA if _under_spark_submit() else _DELTA | _local(rows) | dict(options)
    for key, value in settings.items():
        builder = builder.config(key, value)
    if not _under_spark_submit():
        from delta import configure_spark_with_delta_pip

        builder = configure_spark_with_delta_pip(builder.master("local[*]"))
    protocol.register_input_converter(_EarlyDates(), prepend=True)
    with _ended_by_signals():
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
        with _without(_OF_CONNECT):
            session = builder.getOrCreate()
    except Exception as error:
        raise SolatiumError(
            f"Spark did not start: {error}",
            [
                "it needs Java 17 or 21 (JAVA_HOME, or java on the PATH)",
                f"under spark-submit, Delta comes with --packages {_DELTA_PACKAGE}",
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


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """Where a signal ends what is done with Spark, ends the JVM that PySpark started for it.

    The signal may have come between a call to the JVM and its answer: the next call, to stop it,
    would get that answer. PySpark's own way with SIGINT is to make such a call, so it is put aside.
    """
    from pyspark import java_gateway

    module: Any = java_gateway
    started: list[subprocess.Popen[bytes]] = []

    def start(*command: Any, **options: Any) -> subprocess.Popen[bytes]:
        started.append(subprocess.Popen(*command, **options))
        return started[-1]

    module.Popen = start
    try:
        yield
    except Exception:
        raise  # the JVM serves the next session
    except BaseException:
        for process in started:
            process.kill()
            context: Any = SparkContext
            context._gateway = context._jvm = context._active_spark_context = None
            SparkSession._instantiatedSession = None
        raise
    finally:
        module.Popen = subprocess.Popen


def _under_spark_submit() -> bool:
    return "PYSPARK_GATEWAY_PORT" in os.environ


def main(arguments: list[str]) -> None:
    """`python -m solatium.engine --fetch-jars`: starts Spark once, which fetches Delta's jars."""
    if arguments != ["--fetch-jars"]:
        raise SystemExit("usage: python -m solatium.engine --fetch-jars")
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    with running("spark") as engine:
        logging.getLogger(__name__).info("Spark %s is ready", engine.spark.version)


if __name__ == "__main__":
    main(sys.argv[1:])
