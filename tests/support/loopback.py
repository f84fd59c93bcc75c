"""Servers on loopback that are programs of their own."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

_PATIENCE = 30  # seconds


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@contextmanager
def served(
    command: Sequence[str], port: int, log: Path, variables: Mapping[str, str] | None = None
) -> Iterator[None]:
    """Runs a server as long as the block lasts, which begins once it answers on its port."""
    with log.open("wb") as file:
        environment = os.environ | dict(variables or {})
        process = subprocess.Popen(command, env=environment, stdout=file, stderr=file)
    try:
        _await(port)
        yield
    finally:
        process.kill()
        process.wait()


def _await(port: int) -> None:
    end = time.monotonic() + _PATIENCE
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            assert time.monotonic() < end, "the server does not answer"
            time.sleep(0.1)
