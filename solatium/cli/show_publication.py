"""What `solatium publish` shows: what was sent to each table, and where."""

from __future__ import annotations

from rich.table import Table

from solatium.publish import Published


def as_table(published: Published) -> Table:
    """A row for each table that was touched."""
    table = Table("table", title="Sent")
    for head in ("dates", "rows", "written", "removed"):
        table.add_column(head, justify="right")
    for one in published.sent:
        dates = f"{len(one.dates):,}" if one.table.startswith(("fact_", "quality_")) else ""
        table.add_row(one.table, dates, f"{one.rows:,}", f"{one.written:,}", f"{one.removed:,}")
    return table


def in_short(published: Published) -> str:
    """Where it is, as of when, and how much was sent."""
    shows = f"{published.target}: as of {published.day}, commit {published.commit}"
    if not published.sent:
        return f"{shows}, which was there already"
    why = f", all of it: {published.because}" if published.because else ""
    return f"{shows}; {published.rows:,} rows sent{why}"
