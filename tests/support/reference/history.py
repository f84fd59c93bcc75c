"""Outcomes that count, and streaks (docs/rules.md section 7)."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import timedelta

from reference.configuration import Settings, exact
from reference.outcomes import Result, Rush
from reference.rush import attempted_at
from reference.types import Row
from reference.windows import Window


@dataclass
class Counted:
    """A counted outcome: a row of `account_outcomes`, and where it came from."""

    origin: Result
    scope: str
    result: str
    streak: int = 0  # after it

    @property
    def window(self) -> Window:
        return self.origin.window

    @property
    def account_id(self) -> str:
        return self.origin.account_id

    def row(self) -> Row:
        return {
            "account_id": self.account_id,
            "scope": self.scope,
            **self.window.ids,
            "business_date": self.window.business_date,
            "result": self.result,
            "consecutive_failures": self.streak,
        }


def scope_of(window: Window, scope: str) -> str:
    """What the streak of a window's outcomes runs over."""
    column = {"all": None, "campaign": "campaign_id", "category": "category"}[scope]
    return (window[column] or "") if column else ""


def counted_outcomes(rushes: list[Rush], settings: Settings) -> list[Counted]:
    """The outcomes of one business date that count, in history order.

    `rushes` are all of the date, in history order.
    """
    counted = []
    losses: Counter[tuple[str, str]] = Counter()
    for rush in rushes:
        rules = rush.window.settings["history"]
        scope = scope_of(rush.window, settings.scope)
        for origin in rush.results:
            result = counting_result(origin, settings, rules)
            if result is None:
                continue
            if result == "lost":
                losses[origin.account_id, scope] += 1
                most = rules["max_failures_per_day"]
                if most is not None and losses[origin.account_id, scope] > most:
                    continue
            counted.append(Counted(origin, scope, result))
    return counted


def counting_result(origin: Result, settings: Settings, rules: Row) -> str | None:
    """`won`, `lost` or `forfeited` where the outcome can count, else None."""
    if origin.outcome not in ("won", "lost", "forfeited", "voided"):
        return None
    result = origin.platform_outcome if settings.platform_decides else origin.outcome
    if result == "lost":
        return result if loss_counts(origin, rules) else None
    return result if result in ("won", "forfeited") else None


def loss_counts(origin: Result, rules: Row) -> bool:
    """A loss counts only with enough at stake and, in first_come, an attempt early enough."""
    if origin.advance_required < exact(rules["min_advance"]):
        return False
    within = rules["attempt_within_seconds"]
    if origin.window.is_first_come and within is not None:
        waited = attempted_at(origin.entry) - origin.window["rush_open"]
        return waited < timedelta(seconds=within)
    return True


class Streaks:
    """The history of every account and scope, outcome by outcome."""

    def __init__(self, scope: str) -> None:
        self.scope = scope
        self.rows: dict[tuple[str, str], Row] = {}  # account_history

    def points(self, account_id: str, window: Window) -> int:
        """The streak before a window's business date, or 0 when it has expired by then."""
        row = self.rows.get((account_id, scope_of(window, self.scope)))
        if row is None or expired(row, window):
            return 0
        return row["consecutive_failures"]

    def apply(self, counted: Counted) -> None:
        """Take in the next counted outcome, and note the streak after it."""
        day, result = counted.window.business_date, counted.result
        row = self.rows.setdefault((counted.account_id, counted.scope), blank_history(counted))
        if expired(row, counted.window):
            row["consecutive_failures"] = 0
        if result == "lost":
            row["failures"] += 1
            row["consecutive_failures"] += 1
            row["last_failure_date"] = day
        elif result == "won":
            row["wins"] += 1
            row["consecutive_failures"] = 0
            row["last_win_date"] = day
        else:
            row["forfeits"] += 1
            if counted.window.settings["history"]["forfeit_resets_streak"]:
                row["consecutive_failures"] = 0
        row["attempts"] += 1
        row["longest_streak"] = max(row["longest_streak"], row["consecutive_failures"])
        row["last_business_date"] = day
        counted.streak = row["consecutive_failures"]


def expired(row: Row, window: Window) -> bool:
    """More than `streak_expiry_days` lie between the last counted outcome and this window."""
    most = window.settings["history"]["streak_expiry_days"]
    return most is not None and (window.business_date - row["last_business_date"]).days > most


def blank_history(counted: Counted) -> Row:
    day = counted.window.business_date
    return {
        "account_id": counted.account_id,
        "scope": counted.scope,
        "attempts": 0,
        "wins": 0,
        "failures": 0,
        "forfeits": 0,
        "consecutive_failures": 0,
        "longest_streak": 0,
        "first_business_date": day,
        "last_business_date": day,
        "last_win_date": None,
        "last_failure_date": None,
    }
