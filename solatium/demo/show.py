"""The demo from end to end: the logs of a real lottery, its nights, and what came out of them."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from solatium.demo.landing import write_landing
from solatium.demo.proofs import proofs
from solatium.demo.report import TABLES, report
from solatium.laws.suites import Suites
from solatium.laws.verdict import Expectations
from solatium.nightly.request import Request
from solatium.nightly.run import run
from solatium.settings.load import from_mapping
from solatium.storage.local import LocalLocation
from solatium.warehouse.snapshot import Snapshot


def show_demo(folder: Path, console: Console, *, is_kept: bool) -> None:
    """Writes the logs and the warehouse into `folder`, on the embedded engine, and reports.

    `is_kept` says whether the folder outlasts the demo, so that its commands can be given.
    """
    facts = write_landing(folder / "landing")
    request = Request(
        landing=LocalLocation(folder / "landing"),
        warehouse=LocalLocation(folder / "warehouse"),
        settings=from_mapping(facts.configuration),
        engine="embedded",
        day=facts.last_night,
    )
    # without the laws of expectations/: what checks them takes seconds to load, for nights of two
    run(request, Console(stderr=True), expectations=Expectations(Suites(())))
    tables = Snapshot.of(folder / "warehouse")
    console.print(report({name: tables[name].arrow() for name in TABLES}, facts))
    console.print(proofs(tables, folder, is_kept=is_kept), soft_wrap=True)
