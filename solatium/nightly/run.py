"""A run: looks at what it is asked, holds the warehouse, starts the engine, handles the nights.

docs/rules.md sections 1, 9 and 10. Going back is taking the tables back to the commit before the
first date of the plan. The dates from there on are then handled again, in order, and the ledger
posts what differs. Readers see none of it before the run has reached the newest date that they have
seen (`warehouse.commits`).
"""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from functools import partial

from rich.console import Console

from solatium import engine
from solatium.contracts.internal import TABLES
from solatium.engine import Engine
from solatium.errors import UsageError
from solatium.landing.zone import LandingZone
from solatium.laws.verdict import Expectations, expectations_apart
from solatium.nightly import plan as plans
from solatium.nightly.lineage import Lineage
from solatium.nightly.nights import Nights
from solatium.nightly.progress import log
from solatium.nightly.request import Report, Request, refuse_future, refuse_nested
from solatium.nightly.shortages import accepted_shortages
from solatium.nightly.workload import rows_to_read
from solatium.warehouse import catalog, commits
from solatium.warehouse.diagnosis import diagnosed
from solatium.warehouse.tables import Warehouse


def run(
    request: Request,
    console: Console,
    running: Engine | None = None,
    expectations: Expectations | None = None,
) -> Report:
    """Does what is asked, on the engine that is `running`, or else on one that it starts.

    Every night is checked by `expectations`, or else by all that there are.

    Raises a SolatiumError where it cannot, with nothing left half-written.
    """
    refuse_future(request)
    if not request.landing.is_folder():
        raise UsageError(f"{request.landing}: there is no landing zone; expected a folder")
    refuse_nested(request)
    if request.catalog is not None:
        catalog.refuse_catalog(request.catalog, request.engine)
    landing = LandingZone(request.landing, request.settings.sources, request.settings.ignored_files)
    holder = {"engine": request.engine, "date": request.day.isoformat()}
    with (
        request.warehouse.plainly_named() as root,
        diagnosed(root),
        root.held(holder) as lease,
    ):
        # what can be refused is refused before an engine starts
        lineage, seen = commits.lineage(root), commits.published(root)
        commits.refuse_older(root, lineage)
        if request.again_from is not None:
            # dates that were handled later stand on those that are judged again, and follow them
            request = replace(request, day=plans.of_backfill(request, lineage, seen))
        plan = plans.plan_of(request, landing, root, lineage, seen)
        arrivals = [day for day in landing.dates() if plan.first <= day < request.day]
        days = [*plan.again, *arrivals, request.day]
        checked = landing.check(days)
        shortages = accepted_shortages(request, landing, lineage, seen, plan.first)
        notes = [*plan.notes, *landing.notes, *checked, *shortages.notes]
        if lease.taken_over:
            notes.insert(0, f"taking over from a run that did not end well: {lease.taken_over}")
        memory_mb = request.settings.embedded_memory_mb
        has_views = request.catalog is not None
        options = catalog.LASTING if has_views else {}
        grace_days = request.settings.grace_days
        rows = partial(rows_to_read, landing, days, root, lineage, grace_days)
        starting = engine.running(request.engine, options, memory_mb, rows, delta=has_views)
        loading = expectations_apart(docs=request.data_docs is not None)
        with (
            nullcontext(expectations) if expectations else loading as checks,
            nullcontext(running) if running else starting as started,
        ):
            if request.catalog is not None:
                catalog.refuse_fleeting(started)
            warehouse = Warehouse(started, root, TABLES, lease)
            newest_seen = seen[-1].day if seen else None
            nights = Nights(
                request, landing, warehouse, plan, checks, shortages.passed, newest_seen
            )
            for note in notes:
                log.info("%s", note)
            done = nights.handle(Lineage.before(plan.first, lineage), console, lease)
            if request.catalog is not None:
                shown = commits.published(root)[-1]
                catalog.register(started, request.warehouse, shown, request.catalog)
            return replace(done, notes=[*notes, *done.notes])
