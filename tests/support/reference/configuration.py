"""The configuration, and which of its settings hold (docs/rules.md section 9)."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from reference.types import Row

DEFAULTS: dict[str, Any] = {
    "timezone": "Asia/Shanghai",
    "grace_days": 2,
    "rescan_days": 35,
    "retention_days": 90,
    "embedded_memory_mb": None,
    "outcome_source": "replay",
    "screening": {
        "min_account_age_days": 0,
        "min_credit_score": None,
        "max_accounts_per_device": None,
    },
    "draw": {"weight_cap": 20},
    "history": {
        "scope": "all",
        "forfeit_resets_streak": True,
        "streak_expiry_days": None,
        "min_advance": "0.00",
        "attempt_within_seconds": None,
        "max_failures_per_day": 3,
    },
    "bonus": {
        "currency": "CNY",
        "trigger": "every",
        "tiers": [
            {"min_failures": 3, "amount": "2.00"},
            {"min_failures": 5, "amount": "5.00"},
            {"min_failures": 10, "amount": "20.00"},
        ],
        "max_single_award": "50000.00",
        "max_per_account_per_day": None,
        "daily_budget": None,
        "clawback": False,
        "pay_from": None,
    },
    "gates": {"max_quarantine_share": "0.01"},
    "sources": {},
    "changes": [],
    "campaigns": {},
}


def merged(base: Row, overlay: Row | None) -> Row:
    """`base` with `overlay` on top: mappings merge, everything else replaces."""
    result = dict(base)
    for key, value in (overlay or {}).items():
        both_map = isinstance(value, dict) and isinstance(result.get(key), dict)
        result[key] = merged(result[key], value) if both_map else value
    return result


def as_date(value: date | str) -> date:
    return date.fromisoformat(value) if isinstance(value, str) else value


def exact(value: Any) -> Decimal:
    """A number of the configuration, read from its text."""
    return Decimal(str(value))


class Settings:
    """The configuration, and what of it is in force when (docs/rules.md section 9)."""

    def __init__(self, config: Row | None) -> None:
        self.base = merged(DEFAULTS, config)
        self.zone = ZoneInfo(self.base["timezone"])
        self.grace = timedelta(days=self.base["grace_days"])
        self.platform_decides = self.base["outcome_source"] == "platform"
        self.scope = self.base["history"]["scope"]
        self.changes = sorted(self.base["changes"], key=lambda change: as_date(change["from"]))
        self._known: dict[tuple[date, str | None], Row] = {}

    def on(self, day: date, campaign_id: str | None) -> Row:
        """The settings of a business date and campaign: changes first, then the campaign's."""
        key = (day, campaign_id)
        if key not in self._known:
            result = self.base
            for change in self.changes:
                if as_date(change["from"]) <= day:
                    result = merged(result, {k: v for k, v in change.items() if k != "from"})
            self._known[key] = merged(result, result["campaigns"].get(campaign_id))
        return self._known[key]

    def business_date(self, window: Row) -> date:
        """The calendar date of a window's `rush_close` (section 1)."""
        closes, first = window["rush_close"], date(1, 1, 2)
        try:
            return max(closes.astimezone(self.zone).date(), first)
        except OverflowError:  # the date there is before the year 1, or after 9999
            return first if closes.year == 1 else date.max

    def last_arrival(self, day: date) -> date:
        """The last arrival date whose rows count for business date `day`."""
        return day + self.grace if day <= date.max - self.grace else date.max

    def is_closed(self, day: date, run_date: date) -> bool:
        """Whether business date `day` is closed by the run of `run_date`."""
        return run_date - day >= self.grace
