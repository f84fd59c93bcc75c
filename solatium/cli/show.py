"""What the command shows: a run in numbers, the list of tables, the settings in force."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.filesize import decimal
from rich.table import Column, Table
from rich.text import Text

from solatium import contracts
from solatium.ledger.audit import Audited
from solatium.nightly.request import Report
from solatium.nightly.tally import Tally
from solatium.settings.in_force import DEFAULT, InForce
from solatium.warehouse.commits import Commit
from solatium.warehouse.snapshot import Snapshot
from solatium.warehouse.vacuum import Vacuumed

_NUMBERS = (
    "windows",
    "participants",
    "qualified",
    "ready",
    "entries",
    "winners",
    "losers",
    "bonuses",
    "bonus_amount",
)
_MOST_DATES = 3  # columns that fit a terminal of 80 characters
_MOST_HELD = 10


def of_run(report: Report) -> RenderableType:
    """The closing summary: the dates judged, what was quarantined and posted, and the seconds."""
    tally = report.tally
    results = report.results
    shown = Table(
        Column("business date", no_wrap=True), title=f"{len(report.handled)} night(s) handled"
    )
    if len(results) > 1:
        shown.add_column(f"all {len(results)} judged", justify="right", no_wrap=True)
    for row in results[-_MOST_DATES:]:
        shown.add_column(str(row["business_date"]), justify="right", no_wrap=True)
    for name in _NUMBERS:
        numbers = [row[name] or 0 for row in results]
        total = [sum(numbers)] if len(results) > 1 else []
        cells = (f"{number:,}" for number in [*total, *numbers[-_MOST_DATES:]])
        shown.add_row(name.replace("_", " "), *cells)
    facts = Table.grid(padding=(0, 2))
    facts.add_row("rows in", f"{tally.rows_in:,}")
    reasons = ", ".join(f"{code} {n:,}" for code, n in sorted(tally.quarantined_by_reason.items()))
    facts.add_row("quarantined", f"{tally.rows_quarantined:,}", reasons)
    if tally.restated:
        facts.add_row("windows restated", f"{tally.windows_restated:,}", _restated(tally))
    facts.add_row("ledger entries", f"{tally.entries_posted:,}", f"sum {tally.entries_sum:,.2f}")
    held = [*report.held[:_MOST_HELD], *(["..."] if len(report.held) > _MOST_HELD else [])]
    facts.add_row("windows held", f"{len(report.held):,}", "\n".join(held))
    seconds = Table("stage", title="Seconds", show_edge=False)
    seconds.add_column("s", justify="right")
    for stage, spent in report.seconds.items():
        seconds.add_row(stage, f"{spent:.1f}")
    seconds.add_section()
    seconds.add_row("all stages", f"{sum(report.seconds.values()):.1f}")
    return Group(shown, "", facts, "", seconds)


def _restated(tally: Tally) -> str:
    """A line for each closed date, with what had changed for how many of its windows."""
    lines = [
        f"{day}: " + ", ".join(f"{reason} {number:,}" for reason, number in reasons.items())
        for day, reasons in tally.restated_by_reason().items()
    ]
    return "\n".join([*lines[:_MOST_HELD], *(["..."] if len(lines) > _MOST_HELD else [])])


def of_audit(audited: Audited) -> str:
    """What an audit of the ledger found sound: a line a number, for people and programs."""
    facts = {
        "sound as of": audited.commit.day,
        "closed up to": audited.last_closed,
        "entries": f"{audited.entries:,}",
        "accounts and windows": f"{audited.keys:,}",
        "postings": f"{audited.postings:,}",
        **{f"total {name}": f"{amount:,.2f}" for name, amount in audited.totals.items()},
        "newest digest": audited.digest or "none",
    }
    width = max(map(len, facts))
    return "\n".join(f"{name:{width}}  {fact}" for name, fact in facts.items())


def tables(names: Sequence[str], snapshot: Snapshot | None) -> RenderableType:
    """One line per table of docs/tables.md; of a warehouse, with its version and its rows then."""
    shown = Table("table", "one row is", "key")
    if snapshot:
        shown.title = f"as of {snapshot.day}, commit {snapshot.commit.number}"
        shown.add_column("version", justify="right")
        shown.add_column("rows", justify="right")
    for name in names:
        contract = contracts.warehouse(name)
        row = [name, contract.meaning, ", ".join(contract.key)]
        if snapshot:
            table = snapshot.get(name)
            row += [str(table.version), f"{table.rows:,}"] if table else ["", ""]
        shown.add_row(*row)
    return shown


def of_vacuum(done: Vacuumed) -> RenderableType:
    """What was freed, a line a table that had any of it, and what is kept."""
    shown = Table("table", title="Would be freed" if done.is_rehearsal else "Freed")
    for name in ("files", "size"):
        shown.add_column(name, justify="right")
    for freed in done.tables:
        if freed.files:
            shown.add_row(freed.table, f"{freed.files:,}", decimal(freed.size))
    shown.add_section()
    files, size = (sum(getattr(freed, fact) for freed in done.tables) for fact in ("files", "size"))
    shown.add_row("in all", f"{files:,}", decimal(size))
    kept = f"kept: the tables of {_dates(done.kept)}"
    return Group(shown, kept, *([f"no longer: {_dates(done.removed)}"] if done.removed else []))


def _dates(commits: Sequence[Commit]) -> str:
    first, last = commits[0].day, commits[-1].day
    return f"{len(commits)} dates, {first} to {last}" if len(commits) > 1 else str(last)


def settings(found: InForce) -> RenderableType:
    """The settings in force, a line a key; defaults stand back."""
    shown = Table(Column("key", no_wrap=True), title=found.title)
    for name in ("value", "comes from"):
        shown.add_column(name, overflow="fold")
    for line in found.lines:
        cells = (Text(cell) for cell in (line.key, line.value, line.source))
        shown.add_row(*cells, style="dim" if line.source == DEFAULT else None)
    return Group(shown, *map(Text, found.notes))


def settings_as_text(found: InForce) -> str:
    """The same for files and pipes: aligned text, and as comments what is no key."""
    keys, values = (
        max(len(text) for text in column)
        for column in zip(*((line.key, line.value) for line in found.lines), strict=True)
    )
    lines = (f"{line.key:{keys}}  {line.value:{values}}  {line.source}" for line in found.lines)
    return "\n".join([f"# {found.title}", *lines, *(f"# {note}" for note in found.notes)])
