"""A warehouse of two nights, for those who read old versions of its tables or remove them.

Each date is closed by its own night. A seed of the second date comes with a third, which is not
handled yet, so that the night after these judges a closed date anew. Some values are at the edge of
what a type can hold.
"""

from __future__ import annotations

import shutil
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from harness import Nights
from reference.night import Reference
from rows import Row, account, days, entrant, joined, landing, ordered, paid, window

from solatium.engine import Engine

MONDAY, TUESDAY, WEDNESDAY = (days(number) for number in range(3))
CONFIG: dict[str, Any] = {
    "grace_days": 0,
    "bonus": {"tiers": [{"min_failures": 1, "amount": "2.00"}], "clawback": True},
    "gates": {"max_quarantine_share": "1"},
}
OLD = datetime(1500, 1, 2, 3, 4, 5, 678901, UTC)
MOST = "9999999999999999.99"
ODD_NAME = "it's 100% #1 [a]*? ü語"


def draw(day: date, **changes: Any) -> list[Row | list]:
    """A lottery for one unit, for which three are ready."""
    name = f"w-{day}"
    entrants = [entrant(name_, window=name, day=day) for name_ in ("ann", "ben", "cy")]
    return [window(window=name, day=day, **changes), *entrants]


STORY = landing(
    [draw(day, draw_seed=None if day == TUESDAY else "seed") for day in (MONDAY, TUESDAY)],
    window(window=f"w-{TUESDAY}", day=TUESDAY, dt=WEDNESDAY),
    draw(WEDNESDAY),
    ordered("ben", window=f"w-{MONDAY}", status="confirmed"),
    joined("late", window=f"w-{MONDAY}", dt=TUESDAY),
    joined("early", window=f"w-{MONDAY}", quantity=None, event_time=OLD),
    paid("rich", window=f"w-{MONDAY}", kind="balance_paid", amount=MOST),
    account("odd", credit_score=None, blacklisted=None, status="suspended"),
)


def two_nights(folder: Path, running: Engine) -> Nights:
    """The nights of Monday and Tuesday, into a warehouse with an odd name."""
    nights = Nights(folder, running)
    nights.warehouse = folder / ODD_NAME
    nights.land(STORY)
    for day in (MONDAY, TUESDAY):
        nights.run(day, CONFIG)
    return nights


def copied(nights: Nights, folder: Path) -> Nights:
    """All of it once more, to be changed."""
    shutil.copytree(nights.landing.parent, folder, dirs_exist_ok=True)
    copy = Nights(folder, nights.running)
    copy.warehouse = folder / nights.warehouse.name
    return copy


def reference_tables(last: date) -> dict[str, list[Row]]:
    """What the tables should hold after the nights up to a date."""
    reference = Reference(CONFIG)
    for number in range((last - MONDAY).days + 1):
        expected = reference.night(STORY, days(number))
    return expected
