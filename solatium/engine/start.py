"""Which engine is started, and the settings of its session."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from pyspark.errors import AnalysisException, PySparkException

from solatium.dataframes.grouping import PARTS
from solatium.engine.embedded import embedded
from solatium.engine.engine import Engine
from solatium.engine.environment import CORES, NO_CALL_SITES
from solatium.engine.spark import spark, under_spark_submit
from solatium.errors import UsageError

NAMES = ("embedded", "spark")

_SESSION = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.caseSensitive": "true",
}
# where pages of Parquet files have checksums, as those that Spark writes
_CHECKED_PAGES = {"parquet.page.verify-checksum.enabled": "true"}


def default_name() -> str:
    """`spark` where spark-submit started this process, else `embedded`."""
    return "spark" if under_spark_submit() else "embedded"


@contextmanager
def running(
    name: str,
    options: Mapping[str, str] | None = None,
    memory_mb: int | None = None,
    rows: Callable[[], int] | None = None,
    *,
    delta: bool = False,
) -> Iterator[Engine]:
    """Starts the engine `name`, and stops it at the end.

    `options` are more of local Spark; `memory_mb` is what the embedded engine may work in; `rows`
    tells how many are to be read, where that is known: local Spark starts for few or for many.
    With `delta` Spark knows Delta tables by itself, as views of a catalog need it.
    """
    if name not in NAMES:
        raise UsageError(f"no engine {name}: there are {' and '.join(NAMES)}")
    starting = (
        embedded(memory_mb) if name == "embedded" else spark(options or {}, rows, delta=delta)
    )
    with starting as session:
        own = NO_CALL_SITES | {PARTS: str(CORES)} if name == "embedded" else _CHECKED_PAGES
        settings = _SESSION | own
        for key, value in settings.items():
            session.conf.set(key, value)
        yield Engine(name, session, memory_mb)


def is_passing_fault(error: BaseException) -> bool:
    """Whether an engine failed by itself, so that the same work may succeed the next time."""
    import grpc
    from py4j.protocol import Py4JError

    if isinstance(error, AnalysisException):
        return False
    return isinstance(error, PySparkException | grpc.RpcError | Py4JError)
