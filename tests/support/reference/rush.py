"""Entries, tickets, their order and the allocation (docs/rules.md section 5)."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import TYPE_CHECKING

from reference.contract import by_age, event_order
from reference.screening import Applicant, join_order
from reference.types import Row
from reference.windows import Window

if TYPE_CHECKING:
    from reference.history import Streaks


def hold(window: Window) -> tuple[str | None, str | None]:
    """The seed of a lottery, or why the window is held: `(seed, None)` or `(None, status)`."""
    if window.is_first_come:
        return None, None
    versions = by_age(window.versions)
    seeds = [row["draw_seed"] for row in versions if row["draw_seed"] is not None]
    commitments = (row["seed_commitment"] for row in versions)
    commitment = next((value for value in commitments if value is not None), None)
    for seed in seeds:
        if commitment is None or sha256(seed.encode()).hexdigest() == commitment:
            return seed, None
    return None, "seed_mismatch" if seeds else "seed_missing"


def ticket(seed: str, commodity_id: str, window_id: str, entry_id: str, i: int) -> str:
    """Ticket `i` of an entry: 16 hex digits; four tickets to one SHA-256."""
    text = f"{seed}|{commodity_id}|{window_id}|{entry_id}|{i // 4}"
    first = 16 * (i % 4)
    return sha256(text.encode()).hexdigest()[first : first + 16]


@dataclass
class Entry:
    """What competes for stock."""

    entry_id: str
    members: list[Applicant]
    size: int
    attempt: Row | None = None  # first_come: the order event that counts
    ticket: str | None = None
    weight: int | None = None
    allocated: bool = False


def attempted_at(entry: Entry | None) -> datetime | None:
    return entry.attempt["event_time"] if entry and entry.attempt else None


def entries_of(window: Window, ready: list[Applicant]) -> tuple[list[Entry], dict[str, str]]:
    """The entries of a formed window, and the outcome of accounts that are in none."""
    if window.is_team:
        entries, left_out = teams(window, ready)
    else:
        entries = [Entry(a.account_id, [a], a.quantity) for a in ready]
        left_out = {}
    if window.is_first_come:
        for entry in entries:
            set_attempt(entry, window)
    return entries, left_out


def teams(window: Window, ready: list[Applicant]) -> tuple[list[Entry], dict[str, str]]:
    """Complete teams as entries; who is left out, and why."""
    by_team: dict[str, list[Applicant]] = defaultdict(list)
    for applicant in sorted(ready, key=join_order):
        by_team[applicant.team_id].append(applicant)
    entries: list[Entry] = []
    left_out: dict[str, str] = {}
    for team_id, accounts in by_team.items():
        if len(accounts) < window["team_min"]:
            left_out |= {a.account_id: "team_incomplete" for a in accounts}
            continue
        members, rest = accounts[: window["team_max"]], accounts[window["team_max"] :]
        left_out |= {a.account_id: "team_overfull" for a in rest}
        entries.append(Entry(team_id, members, sum(a.quantity for a in members)))
    return entries, left_out


def set_attempt(entry: Entry, window: Window) -> None:
    """The first order event of a first_come entry, and the size that it asks for."""
    attempts = [
        event
        for member in entry.members
        for event in window.orders.get(member.account_id, ())
        if event["status"] == "submitted"
        and window["rush_open"] <= event["event_time"] < window["rush_close"]
    ]
    if not attempts:
        return
    entry.attempt = min(attempts, key=event_order)
    asked = entry.attempt["quantity"]
    if not window.is_team and asked is not None and asked >= 1:
        entry.size = min(entry.size, asked)


def draw(window: Window, entry: Entry, seed: str, streaks: Streaks) -> None:
    """The ticket of a lottery entry: its only one, or the smallest of as many as its weight."""
    entry.weight = 1
    if window["policy"] == "weighted_lottery":
        points = [streaks.points(member.account_id, window) for member in entry.members]
        entry.weight = 1 + min(mean_half_up(points), window.settings["draw"]["weight_cap"])
    entry.ticket = min(ticket(seed, *window.key, entry.entry_id, i) for i in range(entry.weight))


def mean_half_up(numbers: list[int]) -> int:
    return (2 * sum(numbers) + len(numbers)) // (2 * len(numbers))


def in_order(window: Window, entries: list[Entry]) -> list[Entry]:
    """The entries that try, first to last."""
    if window.is_first_come:
        trying = (entry for entry in entries if entry.attempt is not None)
        return sorted(trying, key=lambda e: (*event_order(e.attempt), e.entry_id))
    return sorted(entries, key=lambda e: (e.ticket, e.entry_id))


def allocate(entries: list[Entry], stock: int) -> None:
    """Greedy: an entry that fits what remains wins; one that does not is passed over."""
    remaining = stock
    for entry in entries:
        if entry.size <= remaining:
            entry.allocated = True
            remaining -= entry.size
