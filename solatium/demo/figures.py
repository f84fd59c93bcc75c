"""The figures of the demo's report, from warehouse tables as plain Arrow tables.

What their columns mean: docs/rules.md sections 4 to 8.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from solatium.demo.landing import DemoFacts

DRAWN = ("won", "forfeited", "voided")  # outcomes of entries that were allocated

Counts = tuple[tuple[Any, int], ...]  # largest first


@dataclass(frozen=True)
class Stage:
    """How many reached a stage of the funnel, and what held back those who left the one before."""

    name: str
    count: int
    held_back_by: Counts = ()


def funnel(
    window_results: pa.Table, screened_participants: pa.Table, allocations: pa.Table
) -> tuple[Stage, ...]:
    """From participations to winners; a participation may have several reasons."""
    count = {
        name: pc.sum(window_results[name]).as_py() or 0
        for name in ("participants", "qualified", "ready", "entries", "winners")
    }
    reasons = pc.list_flatten(screened_participants["reasons"])
    states = screened_participants.filter(screened_participants["qualified"])["advance_state"]
    unready = states.filter(pc.invert(pc.is_in(states, pa.array(["paid", "not_required"]))))
    is_allocated = pc.equal(window_results["status"], "allocated")
    elsewhere = window_results.filter(pc.invert(is_allocated))
    outcomes = allocations["outcome"]
    return (
        Stage("participations", count["participants"]),
        Stage("qualified", count["qualified"], _counted(reasons)),
        Stage("ready", count["ready"], _counted(unready)),
        Stage("entries", count["entries"], _counted(elsewhere["status"], elsewhere["ready"])),
        Stage(
            "winners", count["winners"], _counted(outcomes.filter(pc.not_equal(outcomes, "won")))
        ),
    )


@dataclass(frozen=True)
class SizeRow:
    """Applications of one size (the largest asked for), and how many were drawn: really, and here.

    In the replay an account counts that was ready at least once, and was drawn at least once.
    """

    size: int
    really_applied: int
    really_drawn: int
    replay_ready: int
    replay_drawn: int

    @property
    def really(self) -> float:
        return self.really_drawn / self.really_applied if self.really_applied else 0.0

    @property
    def replay(self) -> float:
        return self.replay_drawn / self.replay_ready if self.replay_ready else 0.0


def success_by_size(allocations: pa.Table, facts: DemoFacts) -> tuple[SizeRow, ...]:
    """Every size that really applied, in order."""
    drawn = pc.is_in(allocations["outcome"], pa.array(DRAWN))
    accounts = (
        allocations.select(["account_id", "quantity"])
        .append_column("drawn", pc.cast(drawn, pa.int64()))
        .group_by("account_id")
        .aggregate([("quantity", "max"), ("drawn", "max")])
    )
    sizes = accounts.group_by("quantity_max").aggregate(
        [("drawn_max", "count"), ("drawn_max", "sum")]
    )
    replay = {
        row["quantity_max"]: (row["drawn_max_count"], row["drawn_max_sum"])
        for row in sizes.to_pylist()
    }
    return tuple(
        SizeRow(fact.size, fact.applications, fact.awarded, *replay.get(fact.size, (0, 0)))
        for fact in facts.by_size
    )


@dataclass(frozen=True)
class Failures:
    """Accounts by their streak at the end, longest first, and those that failed most."""

    streaks: Counts
    most: tuple[dict[str, Any], ...]


def failed_most(account_history: pa.Table, bonus_awards: pa.Table, count: int = 5) -> Failures:
    """`most` has rows of account_history with `bonus`, the sum of the account's awards.

    They are in order of streak, failures and bonus, largest first, then of account.
    """
    awards = bonus_awards.group_by("account_id").aggregate([("amount", "sum")])
    bonus = dict(zip(*(awards[name].to_pylist() for name in awards.column_names), strict=True))
    streaks = sorted(_counted(account_history["consecutive_failures"]), reverse=True)
    rows = [
        row | {"bonus": bonus.get(row["account_id"], Decimal("0.00"))}
        for row in account_history.to_pylist()
    ]
    rows.sort(
        key=lambda row: (
            -row["consecutive_failures"],
            -row["failures"],
            -row["bonus"],
            row["account_id"],
        )
    )
    return Failures(tuple(streaks), tuple(rows[:count]))


@dataclass(frozen=True)
class TierCost:
    """What one tier came to: awards with an amount, and their sum."""

    tier: Mapping[str, Any]
    awards: int
    amount: Decimal


@dataclass(frozen=True)
class Consolation:
    """What consolation costs; `unpaid` are awards of nothing, `posted` is the ledger's sum."""

    tiers: tuple[TierCost, ...]
    accounts: int
    unpaid: Counts
    entries: int
    posted: Decimal


def consolation(bonus_awards: pa.Table, bonus_ledger: pa.Table, facts: DemoFacts) -> Consolation:
    """By tier of the demo's configuration, and in total."""
    streak = bonus_awards["consecutive_failures"]
    is_paid = pc.greater(bonus_awards["amount"], Decimal(0))
    tiers = sorted(facts.configuration["bonus"]["tiers"], key=lambda tier: tier["min_failures"])
    ends = [tier["min_failures"] for tier in tiers[1:]] + [2**31 - 1]
    costs = []
    for tier, end in zip(tiers, ends, strict=True):
        of_tier = pc.and_(pc.greater_equal(streak, tier["min_failures"]), pc.less(streak, end))
        awards = bonus_awards.filter(pc.and_(of_tier, is_paid))
        costs.append(TierCost(tier, awards.num_rows, _sum(awards["amount"])))
    return Consolation(
        tiers=tuple(costs),
        accounts=pc.count_distinct(bonus_awards.filter(is_paid)["account_id"]).as_py(),
        unpaid=_counted(bonus_awards.filter(pc.invert(is_paid))["reason"]),
        entries=bonus_ledger.num_rows,
        posted=_sum(bonus_ledger["amount"]),
    )


def _sum(amounts: pa.ChunkedArray) -> Decimal:
    return pc.sum(amounts).as_py() or Decimal("0.00")


def _counted(values: pa.ChunkedArray, weights: pa.ChunkedArray | None = None) -> Counts:
    """Values with their number of rows, or the sum of their weights; ties by value."""
    ones = pa.repeat(1, len(values)) if weights is None else weights
    table = pa.table({"value": values, "weight": ones})
    rows = table.group_by("value").aggregate([("weight", "sum")]).to_pylist()
    pairs = [(row["value"], row["weight_sum"]) for row in rows]
    return tuple(sorted(pairs, key=lambda pair: (-pair[1], pair[0])))
