"""Failures in a row: how many accounts have how many, and who is about to give up (section 7)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from solatium.report.source import Source

_MOST = 10  # streaks of so many and more are one line
_LOSERS = 20  # accounts that are named, where they may be


@dataclass(frozen=True)
class StreakRow:
    """Accounts whose streak is this long now, and of earlier losses at this length how many of the
    accounts took part again on a later date; `losses` are those that had time to."""

    streak: str
    accounts: int
    losses: int
    came_back: int

    @property
    def return_share(self) -> float | None:
        return self.came_back / self.losses if self.losses else None


@dataclass(frozen=True)
class LoserRow:
    """An account with one of the longest streaks, and what the ledger owes it in all."""

    account_id: str
    scope: str
    consecutive_failures: int
    failures: int
    wins: int
    last_business_date: date
    owed: Decimal


def streaks(source: Source) -> tuple[StreakRow, ...]:
    """A row for each length of streak, over all of history up to the snapshot."""
    found = source.rows(
        f"""
        with current_ones as (
            select least(consecutive_failures, {_MOST}) streak, count(*) accounts
            from account_history group by 1),
        newest as (select max(last_business_date) newest_date from account_history),
        earlier_ones as (
            select least(o.consecutive_failures, {_MOST}) streak, count(*) losses,
                   count(*) filter (h.last_business_date > o.business_date) came_back
            from _account_outcomes o join account_history h using (account_id, scope), newest
            where o.result = 'lost' and o.business_date < newest.newest_date group by 1)
        select case when streak = {_MOST} then '{_MOST} or more' else streak::varchar end streak,
               coalesce(accounts, 0) accounts, coalesce(losses, 0) losses,
               coalesce(came_back, 0) came_back
        from current_ones full join earlier_ones using (streak)
        order by coalesce(current_ones.streak, earlier_ones.streak)
        """
    )
    return tuple(StreakRow(**row) for row in found)


def longest(source: Source) -> tuple[LoserRow, ...]:
    """The accounts with the longest streaks, by id where these are equal."""
    found = source.rows(
        f"""
        with owed as (select account_id, sum(amount) owed from _bonus_ledger group by 1)
        select account_id, scope, consecutive_failures, failures, wins, last_business_date,
               coalesce(owed, 0)::decimal(18,2) owed
        from account_history left join owed using (account_id)
        where consecutive_failures > 0
        order by consecutive_failures desc, failures desc, account_id, scope limit {_LOSERS}
        """
    )
    return tuple(LoserRow(**row) for row in found)
