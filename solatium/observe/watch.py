"""Who hears of a run when it begins and when it ends, whatever ends it.

None of them stands in the way of the run: what one of them cannot do is a warning.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Protocol

from solatium.errors import exit_status_of, facts_of, reason
from solatium.observe.lineage import lineage_of
from solatium.observe.metrics import Metrics
from solatium.observe.places import without_credentials
from solatium.version import VERSION

log = logging.getLogger("solatium")


class Observer(Protocol):
    """Hears of a run, in the facts of its summary; `str` names it in a warning."""

    def begun(self, facts: Mapping[str, Any]) -> None: ...

    def ended(self, facts: Mapping[str, Any]) -> None: ...


class Watch:
    """All who hear of a run."""

    def __init__(self, *observers: Observer) -> None:
        self._observers = observers

    def begun(self, facts: Mapping[str, Any]) -> None:
        """The run begins; `facts` has its command and `started_at`."""
        for observer in self._observers:
            with _only_warned(observer):
                observer.begun(facts)

    def ended(self, facts: Mapping[str, Any]) -> None:
        """The run has ended; `facts` are those of --summary-json."""
        for observer in self._observers:
            with _only_warned(observer):
                observer.ended(facts)


def watch_of(
    command: str,
    landing: str,
    warehouse: str,
    first: date | None,
    last: date,
    metrics: Path | None,
) -> Watch:
    """Who hears of a run for the dates `first` to `last`, or for `last` alone.

    UsageError where metrics are asked for and their package is missing.
    """
    observers: list[Observer] = []
    if metrics is not None:
        observers.append(Metrics(metrics, warehouse))
    if lineage := lineage_of(command, landing, warehouse, first, last):
        observers.append(lineage)
    return Watch(*observers)


@contextmanager
def watched(watch: Watch, command: str) -> Iterator[dict[str, Any]]:
    """Around a run that is no command of a shell; it fills in what it did."""
    began = {"command": command, "version": VERSION, "started_at": _now()}
    watch.begun(began)
    done: dict[str, Any] = {}
    try:
        yield done
    except BaseException as error:
        status = exit_status_of(error)
        watch.ended(began | {"ended_at": _now(), "exit_status": status, "error": facts_of(error)})
        raise
    watch.ended(began | {"ended_at": _now(), "exit_status": 0, "error": None} | done)


@contextmanager
def _only_warned(observer: Observer) -> Iterator[None]:
    try:
        yield
    except Exception as error:
        log.warning("%s: %s", observer, without_credentials(reason(error)))


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
