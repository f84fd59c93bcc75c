"""A window that is due, with its rows (docs/rules.md sections 1 and 2)."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from reference.arrivals import Door
from reference.configuration import Settings
from reference.contract import window_key
from reference.types import Row, WindowKey


@dataclass
class Window:
    """A due window: its version in force, its settings, and its visible rows by account."""

    row: Row
    business_date: date
    last_arrival: date  # whose rows count
    settings: Row
    versions: list[Row]
    participation: dict[str, list[Row]] = field(default_factory=dict)
    payment: dict[str, list[Row]] = field(default_factory=dict)
    late_payment: dict[str, list[Row]] = field(default_factory=dict)
    orders: dict[str, list[Row]] = field(default_factory=dict)

    def __getitem__(self, column: str) -> Any:
        return self.row[column]

    @property
    def key(self) -> WindowKey:
        return window_key(self.row)

    @property
    def ids(self) -> Row:
        return {"commodity_id": self["commodity_id"], "window_id": self["window_id"]}

    @property
    def history_order(self) -> tuple[date, datetime, str, str]:
        return (self.business_date, self["rush_close"], *self.key)

    @property
    def is_first_come(self) -> bool:
        return self["policy"] == "first_come"

    @property
    def is_team(self) -> bool:
        return self["unit"] == "team"


def due_windows(door: Door, settings: Settings, day: date) -> list[Window]:
    """The windows with `d <= day`, in history order, with their visible rows."""
    due = {}
    for key, row in door.in_force.items():
        d = settings.business_date(row)
        if d <= day:
            rules = settings.on(d, row["campaign_id"])
            due[key] = Window(row, d, settings.last_arrival(d), rules, door.window_versions[key])
    groups = [
        ("participation", door.accepted["participation"]),
        ("payment", door.accepted["payment"]),
        ("late_payment", door.late_payments),
        ("orders", door.accepted["orders"]),
    ]
    for name, rows in groups:
        for row in rows:
            if window_key(row) in due:
                by_account = getattr(due[window_key(row)], name)
                by_account.setdefault(row["account_id"], []).append(row)
    return sorted(due.values(), key=lambda window: window.history_order)
