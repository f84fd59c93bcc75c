"""Replay rush-sale allocations from logs, and pay consolation bonuses for the failures.

import solatium

done = solatium.run(landing="logs", warehouse="wh", date="2026-11-01")
tables = solatium.open("wh")
tables["bonus_ledger"].head()
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from solatium.version import VERSION

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date as Date
    from os import PathLike

    from solatium.explain.opened import Tables
    from solatium.nightly.api import Done
    from solatium.settings.load import Settings

__version__ = VERSION

__all__ = ["Settings", "__version__", "open", "run"]


def open(warehouse: str | PathLike[str], as_of: Date | str | None = None) -> Tables:
    """The tables of a warehouse, as they stood after the newest night up to the date `as_of`.

    All tables are of the same night, and stay so whatever is written later; half a night is never
    seen. Reading waits for no run, and no run for it. docs/rules.md section 10.2.

    Args:
        warehouse: The folder of the warehouse.
        as_of: A date, or text YYYY-MM-DD. Without it, the tables are those of the newest night.

    Returns:
        A mapping from the names of the tables (docs/tables.md) to tables, which come as Arrow,
        pandas, Polars, DuckDB or Spark.

    Raises:
        UsageError: There is no warehouse, nothing had been handled by then, or a vacuum has removed
            the tables of that night (`solatium.errors`).

    Example:
        >>> tables = solatium.open("wh", as_of="2026-11-01")
        >>> tables["allocations"].pandas(columns=["account_id", "outcome"])
    """
    from solatium.explain.opened import Tables

    return Tables.of(warehouse, as_of)


def run(
    landing: str | PathLike[str],
    warehouse: str | PathLike[str],
    date: Date | str,
    *,
    backfill_from: Date | str | None = None,
    settings: Settings | Mapping[str, Any] | str | PathLike[str] | None = None,
    engine: str = "embedded",
    rescan: bool = False,
    restate: bool = False,
    allow_future: bool = False,
    accept_gates: Iterable[str] = (),
    write_rejects: str | PathLike[str] | None = None,
    metrics: str | PathLike[str] | None = None,
) -> Done:
    """Handles every date up to `date` that is not handled yet, as `solatium nightly` does.

    With `backfill_from` it judges handled dates again, from that one to `date`, as
    `solatium backfill` does. docs/rules.md section 10.1.

    Args:
        landing: The folder of the landing zone.
        warehouse: The folder of the warehouse; it is made if it is missing.
        date: The last date to handle, a date or text YYYY-MM-DD.
        backfill_from: The first date to judge again.
        settings: Settings, a mapping of some keys, or a YAML file; without it, the defaults.
        engine: "embedded" or "spark".
        rescan: Look for changed files of all arrival dates, not only of recent ones.
        restate: Let changed settings judge closed dates again as well.
        allow_future: Let `date` be after today, in the configured time zone.
        accept_gates: Gates to let pass, each as TABLE:DATE:REASON.
        write_rejects: A folder for the bad rows of a gate that stays shut, as Parquet.
        metrics: A file for metrics, as `--metrics` writes it.

    Returns:
        What was done, in the numbers of the closing summary. In a notebook it shows as a table.

    Raises:
        SolatiumError: Arguments, settings or input are refused, or another run holds the warehouse;
            the message names every problem, and nothing is half-written.

    Example:
        >>> done = solatium.run("logs", "wh", "2026-11-01", settings={"grace_days": 0})
        >>> done.handled
        (datetime.date(2026, 11, 1),)
    """
    from solatium.nightly.api import handle

    return handle(
        landing,
        warehouse,
        date,
        backfill_from=backfill_from,
        settings=settings,
        engine=engine,
        rescan=rescan,
        restate=restate,
        allow_future=allow_future,
        accept_gates=accept_gates,
        write_rejects=write_rejects,
        metrics=metrics,
    )


def __getattr__(name: str) -> Any:
    if name == "Settings":
        from solatium.settings.load import Settings

        return Settings
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
