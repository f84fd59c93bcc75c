"""The tables of the page: what their cells show, and the values that they are sorted by."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from solatium.report import forms


@dataclass(frozen=True)
class Head:
    """A column of a table: its heading, and whether it holds numbers."""

    name: str
    is_number: bool = False


@dataclass(frozen=True)
class Cell:
    """What a cell shows, and the value that it is sorted by."""

    text: str
    order: Any = None


@dataclass(frozen=True)
class Grid:
    """A table of the page, under a name that its filter and its caption use."""

    name: str
    caption: str
    heads: tuple[Head, ...]
    rows: tuple[tuple[Cell, ...], ...]
    filters: tuple[str, ...] = ()


def _count(number: int) -> Cell:
    return Cell(forms.count(number), number)


def _share(part: float | None) -> Cell:
    return Cell(forms.share(part), -1 if part is None else part)


def _money(amount: Decimal, currency: str) -> Cell:
    return Cell(forms.money(amount, currency), amount)


def grid(name: str, caption: str, heads: str, rows: Any, *filters: str) -> Grid:
    """A grid; of `heads`, parted by commas, those that begin with # hold numbers."""
    columns = tuple(
        Head(head.strip().removeprefix("#"), head.strip().startswith("#"))
        for head in heads.split(",")
    )
    cells = tuple(
        tuple(cell if isinstance(cell, Cell) else Cell(str(cell)) for cell in row) for row in rows
    )
    return Grid(name, caption, columns, cells, filters)


def steps(steps: Any) -> Grid:
    rows = [
        (
            Cell(step.name, position),
            _count(step.accounts),
            Cell(", ".join(f"{forms.words(name)} {count:,}" for name, count in step.held_back)),
        )
        for position, step in enumerate(steps)
    ]
    return grid(
        "funnel",
        "Accounts by step, and what held back the others",
        "step, #accounts, held back",
        rows,
    )


def windows(found: Any) -> Grid:
    rows = [
        (
            row.business_date,
            row.commodity_id,
            row.window_id,
            row.campaign_id,
            forms.words(row.policy),
            row.unit,
            forms.words(row.status),
            _count(row.stock),
            _count(row.participants),
            _count(row.ready),
            _count(row.winners),
            Cell("" if row.demand is None else f"{row.demand:,.1f}", row.demand or 0),
            _share(row.sell_through),
            _count(row.oversold_units),
            _count(row.should_have_won),
            _count(row.should_not_have_won),
        )
        for row in found
    ]
    return grid(
        "windows",
        "Windows, the greatest demand first",
        "date, commodity, window, campaign, policy, unit, status, #stock, #applied, #ready, "
        "#won, #demand over stock, #sold through, #oversold, #should have won, "
        "#should not have won",
        rows,
        "policy",
        "status",
    )


def streaks(found: Any) -> Grid:
    rows = [
        (
            Cell(row.streak, position),
            _count(row.accounts),
            _count(row.losses),
            _count(row.came_back),
            _share(row.return_share),
        )
        for position, row in enumerate(found)
    ]
    return grid(
        "streaks",
        "Failures in a row, and how many came back after them",
        "failures in a row, #accounts now, #earlier losses, #came back, #share",
        rows,
    )


def longest(found: Any, currency: str) -> Grid:
    rows = [
        (
            row.account_id,
            row.scope,
            _count(row.consecutive_failures),
            _count(row.failures),
            _count(row.wins),
            str(row.last_business_date),
            _money(row.owed, currency),
        )
        for row in found
    ]
    return grid(
        "longest",
        "Accounts with the longest streaks",
        "account, scope, #failures in a row, #failures, #wins, last, #owed in all",
        rows,
    )


def costs(caption: str, group: str, found: Any) -> Grid:
    rows = [
        (
            Cell(forms.words(row.group), position),
            _count(row.awards),
            _money(row.raw_amount, row.currency),
            _money(row.amount, row.currency),
            _money(row.raw_amount - row.amount, row.currency),
        )
        for position, row in enumerate(found)
    ]
    return grid(caption, caption, f"{group}, #awards, #by the tiers, #awarded, #cut", rows)


def budgets(found: Any) -> Grid:
    rows = [
        (
            str(row.business_date),
            row.campaign_id,
            _money(row.budget, row.currency),
            _money(row.amount, row.currency),
            _share(float(row.amount / row.budget)) if row.budget else Cell(""),
        )
        for row in found
    ]
    return grid("budgets", "Daily budgets", "date, campaign, #budget, #awarded, #used", rows)


def posted(found: Any) -> Grid:
    rows = [
        (forms.words(row.kind), _count(row.entries), _money(row.amount, row.currency))
        for row in found
    ]
    return grid("posted", "Ledger entries for these dates", "kind, #entries, #amount", rows)


def discrepancies(found: Any) -> Grid:
    rows = [(forms.words(row.kind), _count(row.accounts), _count(row.windows)) for row in found]
    return grid(
        "discrepancies", "Where replay and platform disagree", "kind, #accounts, #windows", rows
    )


def refunds(found: Any) -> Grid:
    rows = [
        (forms.words(row.outcome), _count(row.accounts), _money(row.amount, row.currency))
        for row in found
    ]
    return grid("refunds", "Advance payments to pay back", "outcome, #accounts, #amount", rows)


def quarantine(found: Any) -> Grid:
    rows = [(row.table, forms.words(row.reason), _count(row.rows), row.example) for row in found]
    return grid(
        "quarantine", "Rows that were not accepted", "table, reason, #rows, one of them", rows
    )


def laws(found: Any) -> Grid:
    return grid(
        "laws",
        f"{len(found)} laws, all kept",
        "table, law, section of the rules",
        [(r.table, r.law, r.rules) for r in found],
    )


def runs(found: Any) -> Grid:
    rows = [
        (
            str(row.date),
            Cell(f"{row.seconds:,.1f}", row.seconds),
            row.engine,
            _count(row.rows_in),
            _count(row.rows_quarantined),
            _count(row.windows_judged),
            _count(row.windows_restated),
            _count(row.entries_posted),
            row.gates_accepted,
        )
        for row in found
    ]
    return grid(
        "runs",
        "Runs that handled these dates",
        "date, #seconds, engine, #rows in, #quarantined, #windows judged, #windows restated, "
        "#entries posted, gates accepted",
        rows,
    )


def successes(title: str, found: Any) -> Grid:
    rows = [
        (Cell(one.group, position), _count(one.competed), _count(one.allocated), _share(one.share))
        for position, one in enumerate(found)
    ]
    return grid(title, title, "group, #competed, #allocated, #share", rows)
