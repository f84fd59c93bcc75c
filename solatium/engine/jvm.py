"""The JVM that PySpark starts in this process, and how it ends.

PySpark starts one at the first session, keeps it for all later ones, and tells nobody of it.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_STARTED: list[subprocess.Popen[bytes]] = []


@contextmanager
def ended_by_signals() -> Iterator[None]:
    """Where a signal ends what is done with Spark, ends the JVM that PySpark started for it.

    It may have been started for an earlier session of this process, as in a notebook. The signal
    may have come between a call to the JVM and its answer: the next call, to stop it, would get
    that answer. PySpark's own way with SIGINT is to make such a call, so it is put aside.
    """
    from pyspark import java_gateway

    module: Any = java_gateway

    def start(*command: Any, **options: Any) -> subprocess.Popen[bytes]:
        _STARTED.append(subprocess.Popen(*command, **options))
        return _STARTED[-1]

    module.Popen = start
    try:
        yield
    except Exception:
        raise  # the JVM serves the next session
    except BaseException:
        for process in _STARTED:
            process.kill()
        _forget()
        raise
    finally:
        module.Popen = subprocess.Popen


def end_without(package: str) -> None:
    """Ends a JVM of this process that was started without a package, since it can get none later.

    The next session starts another one.
    """
    if not all(any(package in str(part) for part in process.args) for process in _STARTED):  # type: ignore[union-attr]
        for process in _STARTED:
            process.kill()
        _forget()


def _forget() -> None:
    """The next session starts a JVM of its own."""
    from pyspark import SparkContext
    from pyspark.sql import SparkSession

    if _STARTED:
        _STARTED.clear()
        context: Any = SparkContext
        context._gateway = context._jvm = context._active_spark_context = None
        SparkSession._instantiatedSession = None
