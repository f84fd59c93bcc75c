"""`solatium nightly`."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from solatium.cli.options import (
    AcceptGate,
    AllowFuture,
    Catalog,
    Config,
    DataDocs,
    Engine,
    Landing,
    Metrics,
    NewWarehouse,
    Rescan,
    Restate,
    SummaryJson,
    WriteRejects,
    date_option,
)
from solatium.cli.run import handle


def nightly(
    landing: Landing,
    warehouse: NewWarehouse,
    day: Annotated[date, date_option("--date", "The date to handle, and all before it.")],
    config: Config = None,
    engine_name: Engine = None,
    rescan: Rescan = False,
    restate: Restate = False,
    accept_gate: AcceptGate = None,
    data_docs: DataDocs = None,
    write_rejects: WriteRejects = None,
    catalog: Catalog = None,
    allow_future: AllowFuture = False,
    report_to: Annotated[
        Path | None,
        typer.Option(
            "--report", metavar="FILE", help="Write the report of the newest date as a page."
        ),
    ] = None,
    summary_json: SummaryJson = None,
    metrics: Metrics = None,
) -> None:
    """Handle every date up to --date that is not handled yet, and what is late for open dates.

    solatium nightly --landing logs --warehouse wh --date 2026-11-01
    """
    handle(
        "nightly",
        landing,
        warehouse,
        config,
        engine_name,
        day,
        accept_gate=accept_gate,
        data_docs=data_docs,
        write_rejects=write_rejects,
        catalog=catalog,
        summary_json=summary_json,
        metrics=metrics,
        rescan=rescan,
        restate=restate,
        allow_future=allow_future,
    )
    if report_to is not None:
        from solatium.cli.report import write_report

        write_report(warehouse, report_to, None, None, None, with_accounts=False)
