"""What both engines share: the machine's cores, and the environment in which PySpark starts."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

CORES = os.cpu_count() or 1
# Or PySpark looks up the calling line of every column, a quarter of the time of a small night.
NO_CALL_SITES = {"spark.python.sql.dataFrameDebugging.enabled": "false"}


@contextmanager
def without(prefixes: tuple[str, ...]) -> Iterator[None]:
    """Without the variables of the environment that begin so, which are put back at the end."""
    taken = {name: os.environ.pop(name) for name in list(os.environ) if name.startswith(prefixes)}
    try:
        yield
    finally:
        os.environ.update(taken)
