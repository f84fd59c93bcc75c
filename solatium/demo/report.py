"""The demo's report: what the replay found, for a person to take in at a glance."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pyarrow as pa
from rich.bar import Bar
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from solatium.demo.figures import (
    Consolation,
    Counts,
    Failures,
    SizeRow,
    Stage,
    consolation,
    failed_most,
    funnel,
    success_by_size,
)
from solatium.demo.landing import DemoFacts

# The warehouse tables that the report is made from.
TABLES = (
    "window_results",
    "screened_participants",
    "allocations",
    "account_history",
    "bonus_awards",
    "bonus_ledger",
)

_BAR = 20  # characters
_REAL, _REPLAY = "cyan", "green"


def report(tables: Mapping[str, pa.Table], facts: DemoFacts) -> RenderableType:
    """The whole of it, from the warehouse tables TABLES by name."""
    stages = funnel(
        tables["window_results"], tables["screened_participants"], tables["allocations"]
    )
    cost = consolation(tables["bonus_awards"], tables["bonus_ledger"], facts)
    return Group(
        render_made_up(facts),
        render_funnel(stages),
        render_sizes(success_by_size(tables["allocations"], facts)),
        render_failures(
            failed_most(tables["account_history"], tables["bonus_awards"]), facts.currency
        ),
        render_consolation(cost, facts.currency),
    )


def render_made_up(facts: DemoFacts) -> RenderableType:
    """Where the input comes from, and what is not real about it."""
    lines = _grid("", "")
    for sentence in facts.made_up:
        topic, _, rest = sentence.partition(": ")
        lines.add_row(topic, rest, style="dim")
    source = f"Real: {facts.source}."
    made_up = f"Made up, from the seed {facts.seed!r}, is what the file does not have:"
    return _section("What is real", source, made_up, lines)


def render_funnel(stages: tuple[Stage, ...]) -> RenderableType:
    """A line per stage, its bar, and what held back the others."""
    lines = _grid("", ">", "", ">", "held back by")
    most = stages[0].count
    for before, stage in zip((stages[0], *stages), stages, strict=False):
        lines.add_row(
            stage.name,
            f"{stage.count:,}",
            _bar(stage.count, most, _REPLAY),
            "" if stage is before else _share(stage.count, before.count),
            _listed(stage.held_back_by),
        )
    return _section("From application to permit", lines)


def render_sizes(rows: tuple[SizeRow, ...]) -> RenderableType:
    """Really and in the replay, side by side."""
    lines = _grid("group of", ">applied", ">drawn", "really", "", ">ready", ">drawn", "replay", "")
    most = max((share for row in rows for share in (row.really, row.replay)), default=0)
    for row in rows:
        lines.add_row(
            str(row.size),
            f"{row.really_applied:,}",
            f"{row.really_drawn:,}",
            _bar(row.really, most, _REAL),
            f"{row.really:.1%}",
            f"{row.replay_ready:,}",
            f"{row.replay_drawn:,}",
            _bar(row.replay, most, _REPLAY),
            f"{row.replay:.1%}",
        )
    note = (
        "Applications by the largest group they asked for. The replay draws each window by itself "
        "and could draw an account twice; the real lottery gave one permit at most. Passing over "
        "what no longer fits favours small groups."
    )
    return _section("Success by group size", lines, note)


def render_failures(failures: Failures, currency: str) -> RenderableType:
    """How long the streaks are, and whose are the longest."""
    streaks = _grid("failures in a row", ">accounts", "")
    most = max((count for _, count in failures.streaks), default=0)
    for streak, count in failures.streaks:
        streaks.add_row(str(streak), f"{count:,}", _bar(count, most, _REPLAY))
    accounts = _grid(
        "failed most", ">in a row", ">failures", ">wins", ">last", f">bonus {currency}"
    )
    for row in failures.most:
        accounts.add_row(
            row["account_id"],
            str(row["consecutive_failures"]),
            str(row["failures"]),
            str(row["wins"]),
            str(row["last_failure_date"]),
            f"{row['bonus']:,.2f}",
        )
    return _section("Bad luck", streaks, Text(), accounts)


def render_consolation(cost: Consolation, currency: str) -> RenderableType:
    """By tier and in total, and what the ledger says."""
    lines = _grid("tier", "pays", ">bonuses", f">{currency}", "")
    total = sum((tier.amount for tier in cost.tiers), Decimal("0.00"))
    for tier in cost.tiers:
        lines.add_row(
            f"{tier.tier['min_failures']} failures in a row",
            _pays(tier.tier, currency),
            f"{tier.awards:,}",
            f"{tier.amount:,.2f}",
            _bar(tier.amount, total, _REPLAY),
        )
    awards = sum(tier.awards for tier in cost.tiers)
    lines.add_row("in all", f"to {cost.accounts:,} accounts", f"{awards:,}", f"{total:,.2f}", "")
    notes = [f"The ledger holds {cost.entries:,} entries, {cost.posted:,.2f} {currency} in sum."]
    if cost.unpaid:
        notes.append(f"Losses that reached a tier and got nothing: {_listed(cost.unpaid)}.")
    return _section("What consolation would have cost", lines, *notes)


def _pays(tier: Mapping[str, Any], currency: str) -> str:
    if tier.get("amount") is not None:
        return f"{tier['amount']} {currency}"
    return f"{tier['advance_share']:.0%} of the advance"


def _section(title: str, *parts: RenderableType) -> RenderableType:
    return Group(Text(f"\n{title}", style="bold"), Padding(Group(*parts), (0, 0, 0, 2)))


def _grid(*headings: str) -> Table:
    """A table without lines; a heading that begins with > stands over numbers."""
    has_header = any(heading.strip(">") for heading in headings)
    table = Table(box=None, padding=(0, 2, 0, 0), show_header=has_header, header_style="dim")
    for heading in headings:
        is_number = heading.startswith(">")
        table.add_column(
            heading.removeprefix(">"), justify="right" if is_number else "left", no_wrap=is_number
        )
    return table


def _bar(value: float | Decimal, most: float | Decimal, style: str) -> RenderableType:
    return Bar(float(most) or 1.0, 0, float(value), width=_BAR, color=style)


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.1%}" if whole else ""


def _listed(counts: Counts) -> str:
    """The four largest by name; the others in one number."""
    parts = [f"{str(code).replace('_', ' ')} {count:,}" for code, count in counts[:4]]
    if others := sum(count for _, count in counts[4:]):
        parts.append(f"other {others:,}")
    return ", ".join(parts)
