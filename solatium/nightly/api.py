"""A run from Python: what `solatium.run` does with its arguments, and what it gives back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import date, datetime
from decimal import Decimal
from html import escape
from os import PathLike, fspath
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from rich.console import Console

from solatium import engine as engines
from solatium.errors import UsageError
from solatium.landing.gates import accepted_gates
from solatium.nightly.request import Report, Request
from solatium.nightly.run import run
from solatium.observe.watch import watch_of, watched
from solatium.settings.load import Settings, from_mapping, load
from solatium.settings.values import calendar_date
from solatium.storage.location import Location


@dataclass(frozen=True)
class Done:
    """What a run did. Numbers are those of run_log; `business_dates` has a mapping for each date.

    `handled` are the dates that were handled, `notes` what people should know, `held` windows whose
    seed is missing, `seconds` the seconds of each stage. `windows_held` counts a window for each
    night that held it, as run_log does.
    """

    handled: tuple[date, ...]
    notes: tuple[str, ...]
    rows_in: int
    rows_quarantined: int
    quarantined_by_reason: Mapping[str, int]
    windows_judged: int
    windows_restated: int
    restated_by_reason: Mapping[str, Mapping[str, int]]
    windows_held: int
    held: tuple[str, ...]
    entries_posted: int
    entries_sum: Decimal
    gates_accepted: tuple[str, ...]
    business_dates: tuple[Mapping[str, Any], ...]
    seconds: Mapping[str, float]

    @classmethod
    def of(cls, report: Report) -> Done:
        tally = report.tally
        return cls(
            handled=tuple(report.handled),
            notes=tuple(report.notes),
            rows_in=tally.rows_in,
            rows_quarantined=tally.rows_quarantined,
            quarantined_by_reason=dict(sorted(tally.quarantined_by_reason.items())),
            windows_judged=tally.windows_judged,
            windows_restated=tally.windows_restated,
            restated_by_reason=tally.restated_by_reason(),
            windows_held=tally.windows_held,
            held=tuple(report.held),
            entries_posted=tally.entries_posted,
            entries_sum=tally.entries_sum,
            gates_accepted=tuple(tally.gates_accepted),
            business_dates=tuple(report.results),
            seconds=report.seconds,
        )

    def facts(self) -> dict[str, Any]:
        """The same for machines: names as in run_log, where it has them; money is text."""
        facts = {field.name: _plain(getattr(self, field.name)) for field in fields(self)}
        return facts | {"seconds": {stage: round(s, 3) for stage, s in self.seconds.items()}}

    def _repr_html_(self) -> str:
        facts = {
            "handled": ", ".join(map(str, self.handled)) or "nothing",
            "rows in": f"{self.rows_in:,}",
            "quarantined": f"{self.rows_quarantined:,}",
            "windows judged": f"{self.windows_judged:,}",
            "windows on hold": f"{len(self.held):,}",
            "ledger entries": f"{self.entries_posted:,}, sum {self.entries_sum:,.2f}",
            "seconds": f"{sum(self.seconds.values()):.1f}",
        }
        rows = "".join(
            f"<tr><th>{escape(k)}</th><td>{escape(v)}</td></tr>" for k, v in facts.items()
        )
        notes = "".join(f"<li>{escape(note)}</li>" for note in self.notes)
        return f"<table>{rows}</table>" + (f"<ul>{notes}</ul>" if notes else "")


def handle(
    landing: str | PathLike[str],
    warehouse: str | PathLike[str],
    day: date | str,
    *,
    backfill_from: date | str | None,
    settings: Settings | Mapping[str, Any] | str | PathLike[str] | None,
    engine: str,
    rescan: bool,
    restate: bool,
    allow_future: bool,
    accept_gates: Iterable[str],
    write_rejects: str | PathLike[str] | None,
    metrics: str | PathLike[str] | None,
) -> Done:
    """`solatium.run`."""
    command = "nightly" if backfill_from is None else "backfill"
    first = None if backfill_from is None else _day("backfill_from", backfill_from)
    last = _day("date", day)
    places = fspath(landing), fspath(warehouse)
    watch = watch_of(command, *places, first, last, None if metrics is None else Path(metrics))
    with watched(watch, command) as facts:
        if engine not in engines.NAMES:
            raise UsageError(f"engine {engine!r}: expected {' or '.join(engines.NAMES)}")
        if first is not None and last < first:
            raise UsageError(f"date {last} is before backfill_from {first}")
        judging = _settings(settings)
        request = Request(
            landing=Location.parse(places[0]),
            warehouse=Location.parse(places[1]),
            settings=judging,
            engine=engine,
            day=last,
            again_from=first,
            rescan=rescan,
            restate=restate,
            accepted=accepted_gates(accept_gates),
            rejects=None if write_rejects is None else Location.parse(fspath(write_rejects)),
            today=None if allow_future else datetime.now(ZoneInfo(judging.timezone)).date(),
        )
        done = Done.of(run(request, Console(stderr=True)))
        facts |= done.facts()
        return done


def _settings(given: Settings | Mapping[str, Any] | str | PathLike[str] | None) -> Settings:
    if isinstance(given, Settings):
        return given
    if given is None or isinstance(given, Mapping):
        return from_mapping(given or {})
    return load(Path(given))


def _day(name: str, given: date | str) -> date:
    try:
        return calendar_date(given.date() if isinstance(given, datetime) else given)
    except ValueError as error:
        raise UsageError(f"{name} {error}") from None


def _plain(value: object) -> object:
    """A value as JSON can hold it."""
    if isinstance(value, Decimal):
        return f"{value:.2f}"
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {key: _plain(each) for key, each in value.items()}
    return [_plain(each) for each in value] if isinstance(value, tuple | list) else value
