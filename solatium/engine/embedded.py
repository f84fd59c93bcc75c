"""Starting Sail in this process: a server of Spark Connect on loopback, and a session of it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import cast

from pyspark.sql import SparkSession

from solatium.engine.environment import without

# Sail is configured by its environment. What it keeps for a night is read a few times at most.
_SAIL = {"RUST_LOG": "error", "SAIL_PARQUET__COMPRESSION": "lz4_raw"}
# Rows that its operators pass on at once: with four times as many as by default a night takes a
# twentieth less.
_SAIL |= {"SAIL_EXECUTION__BATCH_SIZE": "32768"}
# Its allocator gives back what was freed after 10 s. Memory that was given back has to be cleared
# when it is wanted again, which after 10 ms took an eighth of a night.
_SAIL |= {"MIMALLOC_PURGE_DELAY": "1000", "MIMALLOC_ARENA_PURGE_MULT": "10"}
# What tells PySpark of another Spark than the one that is asked for.
_OF_ANOTHER_SPARK = ("SPARK_", "PYSPARK_REMOTE", "PYSPARK_SUBMIT_ARGS", "MASTER")


@contextmanager
def embedded(memory_mb: int | None) -> Iterator[SparkSession]:
    for name, value in (_SAIL | _bounded(memory_mb)).items():
        os.environ.setdefault(name, value)
    from pysail.spark import SparkConnectServer

    with without(_OF_ANOTHER_SPARK):
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


def _bounded(memory_mb: int | None) -> dict[str, str]:
    """Whoever comes first has the memory; what sorts or aggregates goes on on the disk.

    The plans of a night have many operators; shared evenly among them, it would not do.
    """
    if memory_mb is None:
        return {}
    pool = "SAIL_RUNTIME__MEMORY_POOL__"
    return {f"{pool}TYPE": "greedy", f"{pool}GREEDY__MAX_SIZE": str(memory_mb * 1_000_000)}
