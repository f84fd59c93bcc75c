"""Where an account's entry stood in the rush: ticket, position, end of the stock (section 5)."""

from __future__ import annotations

import shlex
from hashlib import sha256
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from solatium.explain.records import InWindow
from solatium.explain.standing import Standing, standing
from solatium.warehouse.snapshot import Snapshot
from solatium.warehouse.window_facts import WindowFacts

_DIGITS = 16  # of a ticket; a hash has four
_NOTHING = (
    "entry_id",
    "size",
    "weight",
    "ticket",
    "ticket_text",
    "ticket_command",
    "attempted_at",
    "position",
    "competing",
    "left_at_turn",
    "last_allocated_position",
    "passed_over",
    "outcome",
    "platform_outcome",
)


def draw_facts(tables: Snapshot, here: InWindow, allocations: pa.Table) -> dict[str, Any]:
    """The entry, what orders it, and how far the stock went; by the `allocations` of the window.

    `position` is the entry's place from 1 among the `competing` entries, `left_at_turn` the stock
    that was left when it was looked at. `passed_over` counts entries before the last winner that
    asked for more than was left. `members` are the accounts of the entry.
    """
    facts: dict[str, Any] = {
        "status": here.result["status"],
        "policy": here.window.row["policy"],
        "unit": here.window.row["unit"],
        "stock": here.window.row["stock"],
        "seed": here.window.seed,
        "members": [],
        **dict.fromkeys(_NOTHING),
    }
    row = here.row("allocations")
    if row is None:
        return facts
    of_row = ("entry_id", "size", "weight", "ticket", "attempted_at")
    facts |= {name: row[name] for name in (*of_row, "outcome", "platform_outcome")}
    if row["entry_id"] is None:
        return facts
    of_entry = pc.equal(allocations["entry_id"], row["entry_id"])
    facts["members"] = sorted(allocations.filter(of_entry)["account_id"].to_pylist())
    if row["ticket"] is not None:
        facts |= _ticket(here.window, row["entry_id"], row["weight"], row["ticket"])
    if row["ticket"] is not None or row["attempted_at"] is not None:
        found = standing(tables, here.window, allocations, row["entry_id"])
        facts |= _standing(found, facts["stock"])
    return facts


def _ticket(window: WindowFacts, entry_id: str, weight: int, ticket: str) -> dict[str, str]:
    """The text whose SHA-256 has the ticket, and a line for a shell that gives the ticket."""
    start = f"{window.seed}|{window.key[0]}|{window.key[1]}|{entry_id}|"
    for number in range((weight + 3) // 4):
        text = f"{start}{number}"
        hashed = sha256(text.encode()).hexdigest()
        for at in range(0, len(hashed), _DIGITS):
            if hashed[at : at + _DIGITS] == ticket:
                cut = f"cut -c{at + 1}-{at + _DIGITS}"
                command = f"printf %s {shlex.quote(text)} | sha256sum | {cut}"
                return {"ticket_text": text, "ticket_command": command}
    raise AssertionError(f"no ticket of {entry_id} is {ticket}")


def _standing(found: Standing, stock: int) -> dict[str, Any]:
    last = found.last_allocated
    return {
        "position": found.position,
        "competing": found.competed,
        "left_at_turn": stock - found.units_before,
        "last_allocated_position": last,
        "passed_over": 0 if last is None else last - found.allocated,
    }
