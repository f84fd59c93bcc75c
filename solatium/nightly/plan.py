"""Which dates a run has to handle, and on which ground (docs/rules.md sections 9 and 10).

A run handles every date up to D that is not handled yet. It also goes back, to the first date that
would now be handled differently: one that a backfill asks for, whose landing files changed, or that
other settings judged.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from solatium import contracts
from solatium.contracts.calendar import moved
from solatium.errors import UsageError
from solatium.landing.zone import LandingZone
from solatium.nightly.campaigns import campaigns_by_date
from solatium.nightly.request import Request
from solatium.settings.differences import (
    Difference,
    differences,
    differences_of_all_dates,
    span,
)
from solatium.settings.load import Settings
from solatium.storage.location import Location
from solatium.warehouse import commits
from solatium.warehouse.commits import Commit


@dataclass(frozen=True)
class Plan:
    """The first date to handle, and the earlier arrival dates to take again with it, by table."""

    first: date
    again: dict[date, list[str]]
    notes: tuple[str, ...]


def of_backfill(request: Request, lineage: Sequence[Commit], seen: Sequence[Commit]) -> date:
    """The date up to which a backfill handles dates: those after its last one follow it.

    Raises a UsageError where it names dates that were never handled.
    """
    if not lineage:
        raise UsageError(
            "nothing is handled yet, so there is nothing to backfill",
            [f"solatium nightly --date {request.day} handles every date up to {request.day}"],
        )
    newest = max(commit.day for commit in (*lineage[-1:], *seen[-1:]))
    if request.day > newest:
        raise UsageError(
            f"--to {request.day} is after {newest}, the newest date that is handled here",
            [f"solatium nightly --date {request.day} handles the dates after {newest}"],
        )
    return newest


def plan_of(
    request: Request,
    landing: LandingZone,
    root: Location,
    lineage: Sequence[Commit],
    seen: Sequence[Commit],
) -> Plan:
    """What a run has to handle. `lineage` leads to the newest commit, `seen` to what readers see.

    The two differ after a run that went back and was interrupted before it was published.

    Raises a UsageError for dates or settings that cannot be meant.
    """
    arrivals = landing.dates()
    earliest = min([day for day in arrivals if day <= request.day], default=request.day)
    if not lineage:
        return Plan(earliest, {}, ())
    newest = lineage[-1].day
    handled = max(newest, seen[-1].day) if seen else newest
    if request.day < handled:
        raise UsageError(
            f"{request.day} is before {handled}, the newest date that this warehouse has handled",
            [
                f"give --date {handled} or later",
                "solatium backfill judges earlier dates again; solatium rollback goes back to one",
            ],
        )
    reasons: dict[date, str] = {}
    if request.again_from is not None:
        reasons[request.again_from] = "as requested"
    differing = differing_settings(request, root, lineage)
    if differing:
        # a business date is first judged by the run of that date
        first = min(difference.first for difference in differing)
        keys = ", ".join(dict.fromkeys(difference.name for difference in differing))
        reasons[max(first, min(earliest, lineage[0].day))] = f"other settings: {keys}"
    next_day = min(moved(newest, 1), request.day)
    start = min(earliest, lineage[0].day)
    first = max(min([*reasons, next_day]), start)
    base = [commit for commit in lineage if commit.day < first][-1:]
    if not commits.retained(root, base) and base:
        first = start
        reasons[first] = f"the tables of {base[0].day}, on which others stand, are no longer kept"
    notes = [f"judging again from {day} on: {reason}" for day, reason in sorted(reasons.items())]
    again = _changed_arrivals(request, landing, lineage, first)
    notes += [
        f"taking dt={day} again: its files have changed: {', '.join(tables)}"
        for day, tables in again.items()
    ]
    return Plan(first, again, tuple(notes))


def differing_settings(
    request: Request, root: Location, lineage: Sequence[Commit]
) -> list[Difference]:
    """What would judge handled dates otherwise than they were, so that they must be judged again.

    Open dates are judged again by the first night that has other settings. But settings that
    concern all dates alike decide what came in, and count for open dates too. UsageError where
    closed dates would be judged otherwise, and nobody asked for it.
    """
    newest = lineage[-1]
    then = Settings.from_judging(newest.judging)
    if request.settings.judging() == then.judging():
        return []
    last_closed = moved(newest.day, -then.grace_days)
    judged = campaigns_by_date(root, newest, last_closed)
    # the first night may have closed dates before its own
    first = min([lineage[0].day, *judged])
    if first > last_closed:
        return differences_of_all_dates(request.settings, then, first, newest.day)
    closed = [
        *differences_of_all_dates(request.settings, then, first, last_closed),
        *differences(request.settings, then, judged),
    ]
    if closed and not request.restate:
        raise _other_judgement(closed, last_closed)
    return closed


def _other_judgement(closed: Sequence[Difference], last_closed: date) -> UsageError:
    first = min(difference.first for difference in closed)
    last = max(difference.last for difference in closed)
    dates = f"closed date{'' if first == last else 's'} {span(first, last)}"
    advice = ["give --restate to judge the past again by these settings, or revert them"]
    if not all(difference.concerns_all_dates for difference in closed):
        advice.append(
            f"to have them from {moved(last_closed, 1)} on, the first date that is open, "
            "write them under changes"
        )
    return UsageError(
        f"this configuration would judge the {dates} otherwise than the warehouse was built "
        "with; nothing was changed",
        [*(str(difference) for difference in closed), *advice],
    )


def _changed_arrivals(
    request: Request, landing: LandingZone, lineage: Sequence[Commit], first: date
) -> dict[date, list[str]]:
    """Arrival dates before `first` whose files are not those that were handled, and the tables.

    What a night that is now taken back had taken again is looked at as well, however old it is.
    """
    handled: dict[date, dict[str, list[tuple[str, int, int]]]] = {}
    taken_again: set[date] = set()
    for commit in lineage:
        if commit.day < first:
            handled |= commit.files
        else:
            taken_again |= commit.files.keys()
    oldest = moved(request.day, -request.settings.rescan_days)
    changed = {}
    for day in sorted({*landing.dates(), *handled}):
        is_looked_at = day > oldest or request.rescan or day in taken_again
        if day >= first or not is_looked_at:
            continue
        now, then = landing.arrived(day), handled.get(day, {})
        if tables := [name for name in contracts.LANDING if now.get(name) != then.get(name)]:
            changed[day] = tables
    return changed
