"""Who succeeded, by what they brought: size, team, points, age of the account (section 5)."""

from __future__ import annotations

from dataclasses import dataclass

from solatium.report.source import Answers

COMPETED = "('won', 'forfeited', 'voided', 'lost', 'cannot_fit')"
ALLOCATED = "('won', 'forfeited', 'voided')"


@dataclass(frozen=True)
class Success:
    """Of those alike in one respect, how many competed and how many were allocated."""

    group: str
    competed: int
    allocated: int

    @property
    def share(self) -> float:
        return self.allocated / self.competed


def by_size(source: Answers) -> tuple[Success, ...]:
    """Entries by the units that they asked for."""
    return _successes(source, _grouped("size", most=8))


def by_team_size(source: Answers) -> tuple[Success, ...]:
    """Teams by their number of members; none without windows for teams."""
    return _successes(source, _grouped("members", most=8, where="unit = 'team'"))


def by_points(source: Answers) -> tuple[Success, ...]:
    """Entries of weighted lotteries by their points: the failures in a row that weigh."""
    return _successes(source, _grouped("points", most=10, where="policy = 'weighted_lottery'"))


def by_account_age(source: Answers) -> tuple[Success, ...]:
    """Accounts by the days between registration and the business date."""
    return _successes(
        source,
        f"""
        with registered as (
            select account_id, max_by(registered_at, struct_pack(updated_at, dt)) registered_at
            from accounts group by 1),
        aged as (
            select date_diff('day', registered_at::date, business_date) age,
                   outcome in {ALLOCATED} allocated
            from allocations join registered using (account_id) where outcome in {COMPETED}),
        placed as (
            select case when age < 30 then 0 when age < 90 then 1 when age < 365 then 2
                        when age < 730 then 3 else 4 end position, allocated from aged)
        select ['under 30 days', '30 to 89 days', '90 days to a year', '1 to 2 years',
                'over 2 years'][position + 1] "group",
               count(*) competed, count(*) filter (allocated) allocated
        from placed group by position order by position
        """,
    )


def _grouped(column: str, *, most: int, where: str = "true") -> str:
    """Entries by a number; those of `most` and more are one group."""
    return f"""
        with placed as (
            select least({column}, {most}) position, allocated from entries where {where})
        select case when position = {most} then '{most} or more' else position::varchar end "group",
               count(*) competed, count(*) filter (allocated) allocated
        from placed group by position order by position
    """


def _successes(source: Answers, query: str) -> tuple[Success, ...]:
    return tuple(
        Success(row["group"], row["competed"], row["allocated"]) for row in source.rows(query)
    )
