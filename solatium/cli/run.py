"""What `solatium nightly` and `solatium backfill` have in common: a run, and what it did."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from rich.console import Console

from solatium.cli.options import engine_named
from solatium.cli.work import work
from solatium.storage.location import shown


def handle(
    command: str,
    landing: str,
    warehouse: str,
    config: Path | None,
    engine_name: str | None,
    day: date,
    *,
    again_from: date | None = None,
    rescan: bool,
    restate: bool,
    accept_gate: list[str] | None,
    data_docs: str | None,
    write_rejects: str | None,
    catalog: str | None,
    summary_json: str | None,
    metrics: Path | None,
    allow_future: bool = False,
) -> None:
    """Does the run, and says what it did: in words, and to machines where that is asked for."""
    from solatium.laws.verdict import expectations_apart
    from solatium.observe.watch import watch_of

    arguments = {"date": day, "from": again_from, "landing": shown(landing)}
    watch = watch_of(command, landing, warehouse, again_from, day, metrics)
    with (
        work(command, warehouse, arguments, summary_json, watch) as done,
        expectations_apart(docs=data_docs is not None) as gate,  # which loads while all else does
    ):
        from solatium.cli import show
        from solatium.landing.gates import accepted_gates
        from solatium.nightly.api import Done
        from solatium.nightly.request import Request
        from solatium.nightly.run import run
        from solatium.settings.load import load
        from solatium.storage.local import LocalLocation
        from solatium.storage.location import Location

        settings = load(config)
        request = Request(
            landing=Location.parse(landing),
            warehouse=Location.parse(warehouse),
            settings=settings,
            engine=engine_named(engine_name),
            day=day,
            again_from=again_from,
            rescan=rescan,
            restate=restate,
            accepted=accepted_gates(accept_gate or []),
            data_docs=LocalLocation.of("--data-docs", data_docs) if data_docs else None,
            rejects=Location.parse(write_rejects) if write_rejects else None,
            catalog=catalog,
            today=None if allow_future else datetime.now(ZoneInfo(settings.timezone)).date(),
        )
        report = run(request, Console(stderr=True), expectations=gate)
        done.says(show.of_run(report), Done.of(report).facts())
