"""What a night counts, for the run log and the summary."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from solatium.landing.event_order import Unordered


@dataclass
class Tally:
    """Rows, windows and money of one night, or of all nights of a run.

    `restated` has the windows of closed dates that were judged again, by business date and by what
    had changed for them; a window for which two things changed counts under both.
    """

    rows_in: int = 0
    rows_quarantined: int = 0
    quarantined_by_reason: Counter[str] = field(default_factory=Counter)
    windows_judged: int = 0
    windows_restated: int = 0
    windows_held: int = 0
    restated: Counter[tuple[date, str]] = field(default_factory=Counter)
    entries_posted: int = 0
    entries_sum: Decimal = Decimal(0)
    gates_accepted: list[str] = field(default_factory=list)
    unordered: list[Unordered] = field(default_factory=list)

    def __add__(self, other: Tally) -> Tally:
        return Tally(*(getattr(self, name) + getattr(other, name) for name in vars(self)))

    def restated_by_reason(self) -> dict[str, dict[str, int]]:
        """`restated` as it stands in the run log: by date as text, then by reason."""
        found: dict[str, dict[str, int]] = {}
        for (day, reason), number in sorted(self.restated.items()):
            found.setdefault(day.isoformat(), {})[reason] = number
        return found
