"""What a run is asked to do, and what it reports in the end."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Any

from solatium.errors import UsageError
from solatium.landing.gates import AcceptedGate
from solatium.nightly.tally import Tally
from solatium.settings.load import Settings
from solatium.storage.local import LocalLocation
from solatium.storage.location import Location


@dataclass(frozen=True)
class Request:
    """What a run is asked to do: to handle all dates up to `day`.

    `again_from` is the first date of a backfill, `day` its last one. `rescan` looks at the landing
    files of all arrival dates, not only of the last `rescan_days`. `restate` lets changed settings
    judge closed dates again. `accepted` are gates that may be passed. `data_docs` is where the
    checks of every night are written as pages, `rejects` where the rows of a shut gate are.
    `catalog` is the schema of Spark's catalog whose views show what was committed.

    `today` is the calendar date in the configured time zone. A later `day` is refused, since it
    closes dates whose logs are still to come. Without `today` nothing is refused for it, and no
    table ever depends on it.
    """

    landing: Location
    warehouse: Location
    settings: Settings
    engine: str
    day: date
    again_from: date | None = None
    rescan: bool = False
    restate: bool = False
    accepted: tuple[AcceptedGate, ...] = ()
    data_docs: LocalLocation | None = None
    rejects: Location | None = None
    catalog: str | None = None
    today: date | None = None


@dataclass(frozen=True)
class Report:
    """What a run did, for its closing summary.

    A row of `results` is one business date: its windows and the sums of their numbers.
    """

    handled: list[date] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    tally: Tally = field(default_factory=Tally)
    results: list[dict[str, Any]] = field(default_factory=list)
    held: list[str] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)


def refuse_future(request: Request) -> None:
    """UsageError for a date after today, where that is known.

    A backfill names dates that were handled before, so it closes none that is not closed.
    """
    day, today = request.day, request.today
    if today is not None and day > today and request.again_from is None:
        raise UsageError(
            f"--date {day} is after today, {today} in the configured time zone; nothing was run",
            [
                "a later date closes dates whose logs are still to come, and posts their money",
                "correct the date, or give --allow-future if it is meant",
            ],
        )


def refuse_nested(request: Request) -> None:
    """UsageError where one of landing zone and warehouse lies inside the other, links followed."""
    landing, warehouse = request.landing.resolved(), request.warehouse.resolved()
    if warehouse == landing:
        raise UsageError(f"{request.landing}: landing zone and warehouse must be two folders")
    for inner, outer, what in (
        (warehouse, landing, "the warehouse lies inside the landing zone"),
        (landing, warehouse, "the landing zone lies inside the warehouse"),
    ):
        if inner.is_within(outer):
            raise UsageError(
                f"{inner}: {what} {outer}", ["name two folders, neither of them inside the other"]
            )
    if request.rejects is not None:
        rejects = request.rejects.resolved()
        for outer, what in ((landing, "landing zone"), (warehouse, "warehouse")):
            if rejects.is_within(outer):
                raise UsageError(
                    f"--write-rejects {request.rejects}: it lies inside the {what} {outer}",
                    ["name a folder outside of it, so that no run takes its rows for input"],
                )
