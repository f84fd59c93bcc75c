"""What is to be generated: sizes, shares and the manner of writing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from solatium.errors import UsageError
from solatium.settings.values import time_zone

GRACE_DAYS = 2  # of the configuration that is written; late rows are late by it

_YEARS = range(1980, 2200)
_MOST_PARTICIPATIONS = 10**8  # event ids have digits for so many a night, and for so many nights
_MOST_NIGHTS = 1000
_MOST_ACCOUNTS = 200_000_000  # account ids have nine digits, for newcomers of all nights too
_MOST_WINDOWS = 10**5


@dataclass(frozen=True)
class Spec:
    """What is to be generated; the same spec gives the same bytes.

    `participations` counts accounts that take part in a window, per night; the log has more rows,
    as some withdraw and join again. `accounts` None is half as many, and at least 100; `windows`,
    per night, None is one for 5,000 participations, and at least 8. `hot` is the share of a night's
    participations that one window draws. `late`, `duplicates` and `conflicts` are shares of the
    event rows, `bad` of all rows. `campaigns` 0 is none. `timezone` has the calendar of business
    dates; `local_times` None writes UTC times, a zone that zone's local times without a zone, which
    where clocks go back do not tell the second hour from the first.
    """

    participations: int = 20_000
    nights: int = 7
    first_date: date = date(2026, 11, 1)
    seed: str = "1"
    accounts: int | None = None
    windows: int | None = None
    hot: float = 0.3
    late: float = 0.02
    bad: float = 0.002
    duplicates: float = 0.005
    conflicts: float = 0.001
    teams: bool = True
    campaigns: int = 3
    timezone: str = "Asia/Shanghai"
    local_times: str | None = None
    odd_names: bool = False

    @property
    def account_count(self) -> int:
        """Accounts that are there from the first night; newcomers are more."""
        return max(100, self.participations // 2) if self.accounts is None else self.accounts

    @property
    def window_count(self) -> int:
        """Windows of a night."""
        return max(8, self.participations // 5000) if self.windows is None else self.windows

    def check(self) -> None:
        """Raises UsageError with everything that cannot be meant."""
        if problems := list(self._problems()):
            raise UsageError("these logs cannot be generated", problems)

    def _problems(self) -> Iterator[str]:
        for name, value, least, most in (
            ("participations", self.participations, 1, _MOST_PARTICIPATIONS),
            ("nights", self.nights, 1, _MOST_NIGHTS),
            ("accounts", self.account_count, 1, _MOST_ACCOUNTS),
            ("windows", self.window_count, 1, _MOST_WINDOWS),
            ("campaigns", self.campaigns, 0, 99),
        ):
            if not least <= value <= most:
                yield f"{name}: must be {least} to {most:,}, not {value:,}"
        for name in ("hot", "late", "bad", "duplicates", "conflicts"):
            share = getattr(self, name)
            if not 0 <= share <= 1:
                yield f"{name}: must be a share from 0 to 1, not {share:g}"
        if self.participations < self.window_count:
            yield (
                f"windows: {self.participations:,} participations are too few for "
                f"{self.window_count:,} windows, as each has at least one; ask for fewer windows"
            )
        if self.first_date.year not in _YEARS:
            yield (
                f"first: must be in the years {_YEARS[0]} to {_YEARS[-1]}, not {self.first_date}"
            )
        for zone in sorted({self.timezone, self.local_times or self.timezone}):
            try:
                time_zone(zone)
            except ValueError as error:
                yield f"timezone: {error}"
