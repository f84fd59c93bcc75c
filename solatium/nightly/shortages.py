"""Arrival dates that lack input: refused, or let pass by the gates that a person accepted.

docs/rules.md section 2.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from solatium.contracts.calendar import moved
from solatium.errors import InputError
from solatium.landing import completeness
from solatium.landing.completeness import Arrived
from solatium.landing.gates import AcceptedGate
from solatium.landing.zone import LandingZone
from solatium.nightly.request import Request
from solatium.warehouse.commits import Commit


@dataclass(frozen=True)
class Shortages:
    """The gates by which dates that lack input are let pass, and notes on silent tables."""

    passed: Mapping[date, Sequence[AcceptedGate]]
    notes: Sequence[str]


def accepted_shortages(
    request: Request,
    landing: LandingZone,
    lineage: Sequence[Commit],
    seen: Sequence[Commit],
    first: date,
) -> Shortages:
    """The shortages of the dates from `first` on; InputError with all whose gates are shut."""
    gates = request.settings.gates
    handled = max((commit.day for commit in (*lineage[-1:], *seen[-1:])), default=None)
    rows: dict[date, dict[str, int]] = {}
    for commit in lineage:
        rows |= commit.rows
    earlier = [Arrived(day, rows[day]) for day in sorted(rows) if handled and day <= handled]
    first = first if handled is None else max(first, moved(handled, 1))
    is_judged = bool(gates.required_tables) or gates.min_share_of_usual is not None
    days = {day for day in landing.dates() if first <= day <= request.day and landing.arrived(day)}
    if is_judged:  # a date without any file is the worst of them
        days |= {moved(first, number) for number in range((request.day - first).days + 1)}
    new = [Arrived(day, landing.rows_by_table(day)) for day in sorted(days)]
    notes = completeness.silences(earlier, new)
    if not is_judged:
        return Shortages({}, notes)
    shut, passed = [], dict[date, list[AcceptedGate]]()
    for shortage in completeness.shortages(
        earlier, new, required=gates.required_tables, share=gates.min_share_of_usual
    ):
        is_meant = (shortage.table, shortage.day)
        gate = next((g for g in request.accepted if (g.table, g.day) == is_meant), None)
        if gate is None:
            shut.append(str(shortage))
        else:
            passed.setdefault(gate.day, []).append(gate)
    if shut:
        raise InputError(
            f"{request.landing}: input is missing; nothing was handled. Deliver the files, or let "
            "a date pass without them with --accept-gate TABLE:DATE:REASON",
            shut,
        )
    return Shortages(passed, notes)
