"""The lineage of a run: the commits that the next night stands on, as one value.

A night turns it into the next one (`then`). It also knows which dates need a night at all.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import date

from solatium.contracts.calendar import moved
from solatium.warehouse.commits import Commit


@dataclass(frozen=True)
class Lineage:
    """What the next night of a run stands on.

    `commits` lead to the night before it, oldest first; `found` are those that the run found, and
    `newest` is the newest record of all. `taken_back` are nights whose dates are handled again and
    whose postings stay. `settled` is the last business date that the ledger was ever posted for,
    `posted` has the business dates that it holds anything for.
    """

    commits: tuple[Commit, ...]
    found: tuple[Commit, ...]
    newest: Commit | None
    taken_back: tuple[Commit, ...]
    settled: date
    posted: frozenset[date] = frozenset()

    @classmethod
    def before(cls, first: date, found: Sequence[Commit]) -> Lineage:
        """The lineage of a run that begins with the date `first`."""
        return cls(
            commits=tuple(commit for commit in found if commit.day < first),
            found=tuple(found),
            newest=found[-1] if found else None,
            taken_back=tuple(commit for commit in found if commit.day >= first),
            settled=found[-1].settled if found else date.min,
        )

    @property
    def base(self) -> Commit | None:
        """The commit of the night before."""
        return self.commits[-1] if self.commits else None

    def then(self, commit: Commit) -> Lineage:
        """The lineage after a night, by its commit."""
        return replace(
            self,
            commits=(*self.commits, commit),
            newest=commit,
            taken_back=(),
            settled=commit.settled,
        )

    def posted_from(self, closes: date) -> date | None:
        """The first date for which the ledger may hold what nights taken back had posted.

        `closes` is the date that the next night closes.
        """
        if closes > self.settled:
            return None
        return min([closes, *(commit.judged_from for commit in self.taken_back)])

    def is_quiet(self, day: date, grace_days: int) -> bool:
        """Whether on a date nothing is open, and nothing posted is to be compared.

        What nights that were taken back had posted for a date is looked at when it closes again.
        """
        closes = moved(day, -grace_days)
        if closes in self.posted and closes <= self.settled:
            return False
        awaited = self.base.awaited if self.base else ()
        return not any(each <= day <= moved(each, grace_days) for each in awaited)

    def next_after(
        self, day: date, last: date, arrivals: Collection[date], grace_days: int
    ) -> date | None:
        """The first date after `day` that need not be quiet; None after the `last` one."""
        if day >= last:
            return None
        found = [last, *(arrival for arrival in arrivals if day < arrival < last)]
        for awaited in self.base.awaited if self.base else ():
            if day < moved(awaited, grace_days):
                found.append(max(moved(day, 1), awaited))
        closing = (moved(posted, grace_days) for posted in self.posted)
        found += [closes for closes in closing if closes > day]
        return min(found)
