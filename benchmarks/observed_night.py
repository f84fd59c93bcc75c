"""Runs nights on local Spark with its event log on, and notes when each stage of solatium ran.

    python -m benchmarks.observed_night LANDING WAREHOUSE CONFIG DATE FOLDER [KEY=VALUE ...]

in a process of its own. FOLDER gets Spark's event log, for `event_log`, and `spans.json`.
KEY=VALUE are Spark settings over solatium's own.
"""

from __future__ import annotations

import json
import logging
import sys
from datetime import date
from pathlib import Path

from rich.console import Console

from solatium import engine
from solatium.nightly.request import Request
from solatium.nightly.run import run
from solatium.settings.load import load
from solatium.storage.location import Location

SPANS = "spans.json"


class Spans(logging.Handler):
    """The log lines that end a stage, as spans of time in milliseconds since 1970."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[dict[str, str | float]] = []

    def emit(self, record: logging.LogRecord) -> None:
        match record.args:
            case (day, stage, _, float(seconds)):
                end = record.created * 1000
                start = end - seconds * 1000
                self.found.append(
                    {"day": str(day), "stage": str(stage), "start": start, "end": end}
                )


def event_log(folder: Path) -> dict[str, str]:
    """Spark settings for an event log in `folder`: one file of plain lines."""
    return {
        "spark.eventLog.enabled": "true",
        "spark.eventLog.dir": folder.resolve().as_uri(),
        "spark.eventLog.rolling.enabled": "false",
        "spark.eventLog.compress": "false",
        # plans whole, however wide
        "spark.sql.debug.maxToStringFields": "1000",
        "spark.sql.maxMetadataStringLength": "1000",
    }


def observe(request: Request, folder: Path, options: dict[str, str]) -> None:
    """Does what is asked, in this process, which no other engine may have run in."""
    folder.mkdir(parents=True, exist_ok=True)
    spans = Spans()
    logger = logging.getLogger("solatium")
    logger.setLevel(logging.INFO)
    logger.addHandler(spans)
    with engine.running("spark", event_log(folder) | options) as started:
        run(request, Console(file=sys.stderr, force_terminal=False), started)
    (folder / SPANS).write_text(json.dumps(spans.found, indent=1))


def main(arguments: list[str]) -> None:
    landing, warehouse, config, day, folder, *options = arguments
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(asctime)s %(message)s")
    request = Request(
        landing=Location.parse(landing),
        warehouse=Location.parse(warehouse),
        settings=load(Path(config)),
        engine="spark",
        day=date.fromisoformat(day),
    )
    given = (option.partition("=") for option in options)
    observe(request, Path(folder), {key: value for key, _, value in given})


if __name__ == "__main__":
    main(sys.argv[1:])
