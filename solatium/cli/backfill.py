"""`solatium backfill`."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from solatium.cli.options import (
    AcceptGate,
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
from solatium.errors import UsageError


def backfill(
    landing: Landing,
    warehouse: NewWarehouse,
    first: Annotated[date, date_option("--from", "The first date to judge again.")],
    last: Annotated[date, date_option("--to", "The last date to judge again.")],
    config: Config = None,
    engine_name: Engine = None,
    rescan: Rescan = False,
    restate: Restate = False,
    accept_gate: AcceptGate = None,
    data_docs: DataDocs = None,
    write_rejects: WriteRejects = None,
    catalog: Catalog = None,
    summary_json: SummaryJson = None,
    metrics: Metrics = None,
) -> None:
    """Judge a range of handled dates again; the dates after it follow, since they build on it.

    Readers see the result when the run has reached the newest date that is handled.

    solatium backfill --landing logs --warehouse wh --from 2026-11-01 --to 2026-11-05
    """
    if last < first:
        raise UsageError(f"--to {last} is before --from {first}")
    handle(
        "backfill",
        landing,
        warehouse,
        config,
        engine_name,
        last,
        again_from=first,
        rescan=rescan,
        restate=restate,
        accept_gate=accept_gate,
        data_docs=data_docs,
        write_rejects=write_rejects,
        catalog=catalog,
        summary_json=summary_json,
        metrics=metrics,
    )
