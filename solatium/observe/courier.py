"""Delivers lineage events beside the run, which never waits for a backend that does not answer.

A thread of its own builds and sends the events, in their order; to import the client alone takes
longer than a stage of a small night. The client retries for up to a minute, and logs each try. Here
the run waits some seconds in the end, and what went wrong is one message.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

from solatium.errors import SolatiumError, reason
from solatium.observe.places import without_credentials

if TYPE_CHECKING:
    from openlineage.client import OpenLineageClient

SECONDS = 3.0  # for which the end of a run waits for its events to be taken

_CONSOLE = "openlineage.client.transport.console"


class Courier:
    """Sends events, each made by a function that may take its time."""

    def __init__(self) -> None:
        self._events: SimpleQueue[Callable[[], Any] | None] = SimpleQueue()
        self._problems: list[str] = []
        self._thread = threading.Thread(target=self._deliver, daemon=True, name="lineage")
        self._thread.start()

    def send(self, event: Callable[[], Any]) -> None:
        self._events.put(event)

    def close(self) -> None:
        """Waits until all is sent, for SECONDS at most; a SolatiumError where not all of it was."""
        self._events.put(None)
        self._thread.join(SECONDS)
        if self._problems:
            raise SolatiumError(f"not all events were delivered: {self._problems[0]}")
        if self._thread.is_alive():
            raise SolatiumError(f"not all events were delivered within {SECONDS:.0f} s")

    def _deliver(self) -> None:
        try:
            import openlineage.client.client  # noqa: F401 - its loggers are there from now on
        except ImportError as error:
            self._failed(error)
            return
        with _kept_from_log(self._problems):
            try:
                client = _client()
            except Exception as error:  # of the client, for a configuration that makes no sense
                self._failed(error)
                return
            while (event := self._events.get()) is not None:
                self._try(client.emit, event)
            self._try(client.close, lambda: SECONDS)

    def _try(self, act: Callable[[Any], object], on: Callable[[], Any]) -> None:
        try:
            act(on())
        except Exception as error:  # whatever a transport may raise
            self._failed(error)

    def _failed(self, error: Exception) -> None:
        self._problems.append(without_credentials(reason(error)))


def _client() -> OpenLineageClient:
    from openlineage.client import OpenLineageClient

    client = OpenLineageClient()
    asked = client.config.transport or {}
    if client.transport.kind == "console" and asked.get("type") != "console":
        # the client's way out where the file of OPENLINEAGE_CONFIG is missing or has no transport
        raise SolatiumError("no transport is configured; see OPENLINEAGE_CONFIG")
    console = logging.getLogger(_CONSOLE)
    if asked.get("type") == "console" and not console.isEnabledFor(logging.INFO):
        console.setLevel(logging.INFO)  # or it would print nothing
    return client


@contextmanager
def _kept_from_log(problems: list[str]) -> Iterator[None]:
    """What the client and its transports warn of in this thread becomes a problem, and no line."""
    thread = threading.get_ident()

    def passes(record: logging.LogRecord) -> bool:
        if record.thread != thread or record.levelno < logging.WARNING:
            return True
        if record.name.startswith("openlineage"):
            problems.append(without_credentials(" ".join(record.getMessage().split())))
        return False

    loggers = [
        logging.getLogger(name)
        for name in list(logging.root.manager.loggerDict)
        if name.startswith(("openlineage", "urllib3"))
    ]
    for logger in loggers:
        logger.addFilter(passes)
    try:
        yield
    finally:
        for logger in loggers:
            logger.removeFilter(passes)
