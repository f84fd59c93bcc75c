"""Options that several commands share."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from solatium.settings.values import calendar_date

Landing = Annotated[
    str,
    typer.Option(
        metavar="FOLDER", help="The landing zone: Parquet files under TABLE/dt=YYYY-MM-DD/."
    ),
]
NewWarehouse = Annotated[
    str,
    typer.Option(
        metavar="FOLDER", help="The warehouse: a folder of Delta tables, made if it is missing."
    ),
]
Warehouse = Annotated[
    str, typer.Option(metavar="FOLDER", help="The warehouse: a folder of Delta tables.")
]
Config = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE", help="Settings in YAML; without it, the defaults of conf/defaults.yaml."
    ),
]
Engine = Annotated[
    str | None,
    typer.Option(
        "--engine",
        metavar="embedded|spark",
        help="embedded (in this process, no Java) or spark. Without it: spark under spark-submit, "
        "else embedded.",
    ),
]
Rescan = Annotated[
    bool,
    typer.Option(
        "--rescan", metavar="", help="Look for changed files of all arrival dates, not only recent."
    ),
]
Restate = Annotated[
    bool,
    typer.Option(
        "--restate", metavar="", help="Let changed settings judge closed dates again as well."
    ),
]
AcceptGate = Annotated[
    list[str] | None,
    typer.Option(
        "--accept-gate",
        metavar="TABLE:DATE:REASON",
        help="Let a landing table and arrival date pass that a gate of the settings stops: too "
        "many bad rows, or missing input. run_log keeps the reason. May be given repeatedly.",
    ),
]

DataDocs = Annotated[
    str | None,
    typer.Option(
        "--data-docs",
        metavar="FOLDER",
        help="Write web pages on how every night fared with the laws that it is checked by.",
    ),
]

Catalog = Annotated[
    str | None,
    typer.Option(
        "--catalog",
        metavar="NAME",
        help="With Spark: move the views of this schema forward when all is done (solatium "
        "catalog).",
    ),
]
WriteRejects = Annotated[
    str | None,
    typer.Option(
        "--write-rejects",
        metavar="FOLDER",
        help="Where a gate stays shut, write its bad rows with their reasons as Parquet.",
    ),
]

AllowFuture = Annotated[
    bool,
    typer.Option(
        "--allow-future", metavar="", help="Let --date be after today, in the configured time zone."
    ),
]


def parsed_date(text: str) -> date:
    try:
        return calendar_date(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


def date_option(name: str, text: str) -> typer.models.OptionInfo:
    return typer.Option(name, parser=parsed_date, metavar="YYYY-MM-DD", help=text)


def share_option(of: str) -> typer.models.OptionInfo:
    return typer.Option(metavar="SHARE", help=f"Share, from 0 to 1, of {of}.")


SummaryJson = Annotated[
    str | None,
    typer.Option(
        "--summary-json",
        metavar="FILE|-",
        help="Write what the run did, or why it was refused, as JSON: to a file, or with - to the "
        "standard output.",
    ),
]

Metrics = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE.prom",
        help="Write what the run did, or that it was refused, as metrics for the textfile "
        "collector of Prometheus' node exporter.",
    ),
]


class Command(TyperCommand):
    """A command whose --help shows no type for itself."""

    def get_help_option(self, ctx: Any) -> Any:
        option = super().get_help_option(ctx)
        if option is not None:
            option.metavar = ""
        return option


def engine_named(name: str | None) -> str:
    """The engine that is asked for, or the one that fits; UsageError for any other name."""
    from solatium import engine
    from solatium.errors import UsageError

    name = name or engine.default_name()
    if name not in engine.NAMES:
        raise UsageError(f"--engine {name}: expected {' or '.join(engine.NAMES)}")
    return name
