"""What comes of arrived rows: accepted, set aside or quarantined (docs/rules.md section 2)."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction

from reference.configuration import Settings
from reference.contract import (
    BAD_ROW_ASIDE,
    CONTRACT,
    EVENT_TABLES,
    ReadRow,
    content,
    latest_version,
    read,
    row_reasons,
    sequence_order,
    window_key,
    with_two_places,
)
from reference.types import Landing, Row, WindowKey


def quarantined(table: str, row: ReadRow, reasons: list[str]) -> Row:
    """A row of `quarantine`; the payload is the row as it landed."""
    return {
        "source": table,
        "dt": row["dt"],
        "event_id": row.landed.get("event_id"),
        "reasons": reasons,
        "payload": {name: row.landed.get(name) for name in CONTRACT[table]},
    }


def judged_alone(table: str, landing: Landing, day: date) -> tuple[list[ReadRow], list[Row]]:
    """Rows that arrived by `day`: those that are right by themselves, and the quarantine."""
    good, bad = [], []
    for landed in landing.get(table) or []:
        if landed["dt"] > day:
            continue
        row = read(table, landed)
        reasons = row_reasons(table, row)
        if reasons:
            bad.append(quarantined(table, row, reasons))
        else:
            good.append(with_two_places(table, row))
    return good, bad


def without_duplicates(table: str, events: list[ReadRow]) -> tuple[list[ReadRow], list[Row]]:
    """One row per event of a window; others of the same id and other content are conflicts."""
    same_id: dict[tuple[str, str, str], list[ReadRow]] = defaultdict(list)
    for event in events:
        same_id[event["commodity_id"], event["window_id"], event["event_id"]].append(event)
    kept, conflicts = [], []
    for rows in same_id.values():
        if len(rows) > 1:
            rows = one_per_content(table, rows)
            conflicts += [quarantined(table, row, ["event_id_conflict"]) for row in rows[1:]]
        kept.append(rows[0])
    return kept, conflicts


def one_per_content(table: str, rows: list[ReadRow]) -> list[ReadRow]:
    """Each content once, its smallest `(dt, sequence)`; by `(dt, event_time, content)`."""

    def arrival(row: ReadRow) -> tuple[date, tuple[bool, int]]:
        return row["dt"], sequence_order(row)

    earliest: dict[str, ReadRow] = {}
    for row in rows:
        text = content(table, row)
        if text not in earliest or arrival(row) < arrival(earliest[text]):
            earliest[text] = row
    ordered = sorted(
        earliest.items(), key=lambda item: (item[1]["dt"], item[1]["event_time"], item[0])
    )
    return [row for _, row in ordered]


@dataclass
class Door:
    """What came in by a date: accepted rows, and what was turned away and why."""

    accepted: Landing = field(default_factory=dict)
    quarantine: list[Row] = field(default_factory=list)
    window_versions: dict[WindowKey, list[Row]] = field(default_factory=dict)  # late ones included
    in_force: dict[WindowKey, Row] = field(default_factory=dict)
    late_payments: list[Row] = field(default_factory=list)


def open_door(landing: Landing, settings: Settings, day: date) -> Door:
    """All of docs/rules.md section 2 as of `day`."""
    door = Door()
    take_accounts(door, landing, day)
    take_windows(door, landing, settings, day)
    for table in EVENT_TABLES:
        take_events(door, table, landing, settings, day)
    return door


def take_accounts(door: Door, landing: Landing, day: date) -> None:
    """Account rows are never late."""
    door.accepted["accounts"], bad = judged_alone("accounts", landing, day)
    door.quarantine += bad


def take_windows(door: Door, landing: Landing, settings: Settings, day: date) -> None:
    """A version that arrived after its own date closed is late, and only its seed counts."""
    good, bad = judged_alone("windows", landing, day)
    door.quarantine += bad
    visible: dict[WindowKey, list[Row]] = {}
    door.accepted["windows"] = []
    for row in good:
        door.window_versions.setdefault(window_key(row), []).append(row)
        if row["dt"] > settings.last_arrival(settings.business_date(row)):
            door.quarantine.append(quarantined("windows", row, ["late"]))
        else:
            door.accepted["windows"].append(row)
            visible.setdefault(window_key(row), []).append(row)
    door.in_force = {key: latest_version("windows", rows) for key, rows in visible.items()}


def take_events(door: Door, table: str, landing: Landing, settings: Settings, day: date) -> None:
    """Duplicates first; then rows of unknown windows, and late ones."""
    good, bad = judged_alone(table, landing, day)
    kept, conflicts = without_duplicates(table, good)
    door.quarantine += bad + conflicts
    business_dates = {key: settings.business_date(row) for key, row in door.in_force.items()}
    accepted = door.accepted[table] = []
    for row in kept:
        business_date = business_dates.get(window_key(row))
        if business_date is None:
            door.quarantine.append(quarantined(table, row, ["unknown_window"]))
        elif row["dt"] > settings.last_arrival(business_date):
            door.quarantine.append(quarantined(table, row, ["late"]))
            if table == "payment":
                door.late_payments.append(row)
        else:
            accepted.append(row | {"business_date": business_date})


def gate_failures(landing: Landing, config: Row | None, day: date) -> list[tuple[str, date, float]]:
    """Each `(table, dt, share)` of which more than `gates.max_quarantine_share` is quarantined.

    `late` and `unknown_window` rows aside; every arrival date up to `day` (section 2).
    """
    settings = Settings(config)
    most = Fraction(str(settings.base["gates"]["max_quarantine_share"]))
    rows = Counter(
        (table, row["dt"])
        for table in CONTRACT
        for row in landing.get(table) or []
        if row["dt"] <= day
    )
    bad = Counter(
        (row["source"], row["dt"])
        for row in open_door(landing, settings, day).quarantine
        if not BAD_ROW_ASIDE & set(row["reasons"])
    )
    return [
        (table, dt, count / rows[table, dt])
        for (table, dt), count in sorted(bad.items())
        if count > most * rows[table, dt]
    ]
