"""The metrics of the last run, as a file for the textfile collector of Prometheus' node exporter.

They are the facts of `--summary-json` in another form. All are gauges, for each says something of
one run: there is no process between nights that could count. The label `warehouse` keeps the files
of several warehouses on one machine apart. No label has the id of an account.

A run that was refused or failed has no numbers of rows, windows and money, so these are then
missing, and not 0. The last success is there in any case; 0 where there was none yet.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from solatium.errors import UsageError
from solatium.observe.places import Place

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

    from solatium.observe.success import Success

_NUMBERS = {
    "landing_rows": ("rows_in", "Landing rows that the run read."),
    "quarantined_rows": ("rows_quarantined", "Landing rows that the run put in quarantine."),
    "windows_judged": ("windows_judged", "Windows judged, open and restated."),
    "windows_restated": ("windows_restated", "Windows of closed dates that were judged again."),
    "windows_held": ("windows_held", "Windows on hold, since their seed is missing."),
    "ledger_entries": ("entries_posted", "Ledger entries that the run posted."),
}


class Metrics:
    """Writes the metrics of a run to `file` when the run ends."""

    def __init__(self, file: Path, warehouse: str) -> None:
        if find_spec("prometheus_client") is None:
            raise UsageError(
                "--metrics needs the package prometheus-client",
                ["pip install 'solatium[observe]', or leave --metrics out"],
            )
        self._file = file
        self._warehouse = warehouse

    def __str__(self) -> str:
        return f"--metrics {self._file}"

    def begun(self, facts: Mapping[str, Any]) -> None:
        """A run that has begun changes no metric."""

    def ended(self, facts: Mapping[str, Any]) -> None:
        """Replaces the file as a whole; an OSError where it cannot be written."""
        from prometheus_client import write_to_textfile

        from solatium.observe.success import newest_success  # which loads what reads tables

        success = _success_of(facts) or newest_success(self._warehouse)
        registry = registry_of(str(Place.of(self._warehouse)), facts, success)
        write_to_textfile(str(self._file), registry)


def registry_of(
    warehouse: str, facts: Mapping[str, Any], success: Success | None
) -> CollectorRegistry:
    """The metrics of a run whose summary has these `facts`; `success` None where it is unknown."""
    from prometheus_client import CollectorRegistry, Gauge

    registry = CollectorRegistry()

    def gauge(name: str, text: str, value: float | None = None, **labels: str) -> Gauge:
        known = {"warehouse": warehouse, **labels}
        made = Gauge(f"solatium_{name}", text, list(known), registry=registry)
        if value is not None:
            made.labels(**known).set(value)
        return made

    def by(label: str, name: str, text: str, values: Mapping[str, float]) -> None:
        made = Gauge(f"solatium_{name}", text, ["warehouse", label], registry=registry)
        for key, value in values.items():
            made.labels(warehouse, key).set(value)

    gauge(
        "run_info",
        "1; its labels say which command ran, and which version of solatium.",
        1,
        command=facts["command"],
        version=facts["version"],
    )
    for name, text in (("started", "began"), ("ended", "ended")):
        at = datetime.fromisoformat(facts[f"{name}_at"]).timestamp()
        gauge(f"run_{name}_timestamp_seconds", f"When the last run {text}.", at)
    gauge("run_exit_status", "Exit status of the last run; 0 is done.", facts["exit_status"])
    gauge("gate_shut", "1 if the last run was stopped by a shut gate.", is_gate_shut(facts))
    if success is not None:
        gauge(
            "last_success_timestamp_seconds",
            "When the last run that was done ended; 0 if there was none.",
            success.at,
        )
        gauge(
            "last_success_date_timestamp_seconds",
            "The newest date that it handled, as midnight UTC; 0 if there was none.",
            success.day,
        )
    if facts["exit_status"] == 0:
        gauge("run_dates", "Dates that the run handled.", len(facts["handled"]))
        for name, (fact, text) in _NUMBERS.items():
            gauge(f"run_{name}", text, facts[fact])
        by(
            "reason",
            "run_quarantined_rows_by_reason",
            "The same rows by reason; a row with two reasons counts under both.",
            facts["quarantined_by_reason"],
        )
        gauge(
            "run_ledger_minor_units",
            "Sum of the ledger entries posted, in hundredths of the currency.",
            int(Decimal(facts["entries_sum"]) * 100),
        )
        by("stage", "run_stage_seconds", "Seconds of the run by stage.", facts["seconds"])
    return registry


def is_gate_shut(facts: Mapping[str, Any]) -> bool:
    """Whether a gate stopped the run: a refusal of input that --accept-gate can let pass."""
    return facts["exit_status"] == 3 and "--accept-gate" in facts["error"]["headline"]


def _success_of(facts: Mapping[str, Any]) -> Success | None:
    if facts["exit_status"] != 0:
        return None
    from solatium.observe.success import Success

    ended = datetime.fromisoformat(facts["ended_at"])
    return Success.of(ended, max(map(date.fromisoformat, facts["handled"])))
