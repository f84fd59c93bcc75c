"""What a simulation is asked for, checked before an engine is started."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from hashlib import sha256
from typing import Literal, get_args

from solatium.contracts.calendar import shifted
from solatium.errors import UsageError
from solatium.nightly.campaigns import campaigns_by_date
from solatium.settings.differences import (
    CampaignsByDate,
    Difference,
    differences,
    differences_of_all_dates,
    span,
)
from solatium.settings.load import Settings
from solatium.storage.location import Location
from solatium.warehouse.commits import Commit

Policy = Literal["lottery", "weighted_lottery", "first_come"]
POLICIES: tuple[str, ...] = get_args(Policy)

_MOST_DRAWS = 10_000


@dataclass(frozen=True)
class Request:
    """The business dates `first` to `last`, and what shall judge them.

    Without `settings` they are those of the warehouse. `policy` is put in the place of that of
    every window. With `draws`, lotteries are drawn so often, by seeds that follow from `seed`.
    """

    first: date
    last: date
    settings: Settings | None = None
    policy: str | None = None
    draws: int = 0
    seed: str = "1"

    def check(self, root: Location, commit: Commit, was: Settings) -> Request:
        """The request with its settings; UsageError with everything that cannot be meant."""
        asked = replace(self, settings=self.settings or was)
        judged = campaigns_by_date(root, commit, commit.day)
        problems = list(asked._problems(judged, commit.day, was))
        if problems:
            raise UsageError(f"{root}: these dates cannot be simulated", problems)
        return asked

    def differences(self, root: Location, commit: Commit, was: Settings) -> tuple[Difference, ...]:
        """The keys by which the windows of these dates would be judged otherwise."""
        now = self.settings or was
        judged = {
            day: campaigns
            for day, campaigns in campaigns_by_date(root, commit, self.last).items()
            if day >= self.first
        }
        of_all = differences_of_all_dates(now, was, self.first, self.last)
        return (*of_all, *differences(now, was, judged))

    def seeds(self) -> list[str | None]:
        """The seed of each draw; one None stands for the windows' own."""
        if not self.draws:
            return [None]
        return [seed_of_draw(self.seed, number) for number in range(1, self.draws + 1)]

    def _problems(self, judged: CampaignsByDate, newest: date, was: Settings) -> Iterator[str]:
        if self.first > self.last:
            yield f"--from {self.first} is after --to {self.last}"
        if self.last > newest:
            yield (
                f"--to {self.last} is after {newest}, the newest date that is handled here; "
                f"give an earlier one, or handle the dates with solatium nightly"
            )
        if judged and not any(self.first <= day <= self.last for day in judged):
            dates = f"windows have dates from {min(judged)} to {max(judged)}"
            yield f"no window has a business date of {span(self.first, self.last)}; {dates}"
        if not judged:
            yield "no window has been due yet, so there is nothing to simulate"
        if self.policy is not None and self.policy not in POLICIES:
            yield f"--policy {self.policy}: expected {', '.join(POLICIES)}"
        if not 0 <= self.draws <= _MOST_DRAWS:
            yield f"--draws {self.draws}: must be 1 to {_MOST_DRAWS:,}"
        yield from self._setting_problems(judged, was)

    def _setting_problems(self, judged: CampaignsByDate, was: Settings) -> Iterator[str]:
        now = self.settings or was
        for key in ("timezone", "sources"):
            if getattr(now, key) != getattr(was, key):
                yield (
                    f"{key}: must be as in the warehouse; it decided which rows were accepted, and "
                    "for which dates. Build another warehouse from the logs to try it"
                )
        earlier = sorted(day for day in judged if day < self.first)
        scope = now.history.scope
        if scope != was.history.scope and earlier:
            yield (
                f"history.scope: was {was.history.scope}, now {scope}; streaks before "
                f"{self.first} were counted by the old one. Give --from {earlier[0]}"
            )


def seed_of_draw(seed: str, number: int) -> str:
    """The seed of all lotteries of a draw: hex SHA-256 of `SEED|NUMBER`, the first number is 1."""
    return sha256(f"{seed}|{number}".encode()).hexdigest()


def last_arrival(day: date, settings: Settings, newest: date) -> date:
    """The last arrival date whose rows a window of a business date sees (section 2.7)."""
    return min(newest, shifted(day, timedelta(days=settings.grace_days)))


def in_runs(dates: Sequence[date], sees: Sequence[date]) -> list[list[date]]:
    """The dates in order; those beside each other that see the same are together."""
    runs: list[list[date]] = []
    before: date | None = None
    for day, seen in zip(dates, sees, strict=True):
        if runs and seen == before:
            runs[-1].append(day)
        else:
            runs.append([day])
        before = seen
    return runs
