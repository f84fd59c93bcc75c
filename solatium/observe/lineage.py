"""Lineage of a run by OpenLineage, where the client's usual environment asks for it.

Without that environment nothing happens: the client is not even imported. Where it is there, a run
sends START and then COMPLETE or FAIL. A file `openlineage.yml` alone, which the client would find
in the working or the home directory, asks for nothing: where a run is started decides nothing.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from contextlib import suppress
from datetime import date
from importlib.util import find_spec
from typing import Any
from uuid import uuid4

from solatium.errors import SolatiumError
from solatium.observe.courier import Courier
from solatium.observe.places import Place
from solatium.observe.subject import Parent, Subject
from solatium.storage.location import Location
from solatium.warehouse import commits
from solatium.warehouse.commits import Commit

log = logging.getLogger("solatium")

_ASKS = ("OPENLINEAGE_URL", "OPENLINEAGE_CONFIG")
_TRANSPORT = "OPENLINEAGE__TRANSPORT"
_COMMITS_NOTHING = (2, 4)  # exit statuses of a run that cannot have committed: usage, and a rival


def asked_by(environment: Mapping[str, str]) -> str | None:
    """The variable that asks for lineage; None where there is none, or it is disabled."""
    if environment.get("OPENLINEAGE_DISABLED", "").strip().lower() == "true":
        return None
    names = (*_ASKS, *sorted(name for name in environment if name.startswith(_TRANSPORT)))
    return next((name for name in names if environment.get(name)), None)


def lineage_of(
    command: str, landing: str, warehouse: str, first: date | None, last: date
) -> Lineage | None:
    """The lineage of a run; None where nobody asks for it, or the client is missing."""
    variable = asked_by(os.environ)
    if variable is None:
        return None
    if not _has_client():
        log.warning(
            "%s is set, and the package openlineage-python is missing: no lineage is sent; "
            "pip install 'solatium[observe]'",
            variable,
        )
        return None
    return Lineage(command, landing, warehouse, first or last, last)


class Lineage:
    """The events of one run of a command, for the dates `first` to `last`."""

    def __init__(self, command: str, landing: str, warehouse: str, first: date, last: date) -> None:
        self._subject = Subject(
            namespace=os.environ.get("OPENLINEAGE_NAMESPACE") or "default",
            job=f"solatium.{command}",
            run_id=str(uuid4()),
            parent=Parent.of(os.environ.get("OPENLINEAGE_PARENT_ID", "")),
            first=first,
            last=last,
            landing=Place.of(landing),
            warehouse=Place.of(warehouse),
        )
        self._warehouse = warehouse
        self._before: Commit | None = None
        self._courier = Courier()

    def __str__(self) -> str:
        return "OpenLineage"

    def begun(self, facts: Mapping[str, Any]) -> None:
        """Sends START; the run goes on meanwhile."""
        self._send("started", facts)
        self._before = commits.newest(Location.parse(self._warehouse))

    def ended(self, facts: Mapping[str, Any]) -> None:
        """Sends COMPLETE or FAIL, and waits some seconds for it to be taken."""
        from solatium.observe.traces import Traces, traces_of  # which loads the contracts

        traces = Traces()
        if facts["exit_status"] not in _COMMITS_NOTHING:
            with suppress(SolatiumError, OSError):  # a warehouse that is damaged, or not there
                traces = traces_of(Location.parse(self._warehouse), self._before)
        self._send("ended", facts, traces)
        self._courier.close()

    def _send(self, name: str, *about: Any) -> None:
        def event() -> Any:
            from solatium.observe import events  # in the courier's thread: it takes a while

            return getattr(events, name)(self._subject, *about)

        self._courier.send(event)


def _has_client() -> bool:
    try:
        return find_spec("openlineage.client") is not None
    except ModuleNotFoundError:
        return False
