"""The page of all tables, docs/tables.md, from the contracts.

python -m solatium.contracts.page docs/tables.md
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from solatium.contracts.model import Column, Table
from solatium.contracts.tables import LANDING, WAREHOUSE, landing, warehouse

_PAGE = """\
<!-- Written by `make docs` from schemas/; change those, not this page. -->

# Tables

Every table that the pipeline reads or writes, from the contracts in `schemas/` (Open Data
Contract Standard v3). What they mean together stands in [the rules](rules.md). Timestamps are
UTC with microseconds; money is exact decimal; what an id may be stands in section 2.
"""
_LANDING_HEAD = """\
## Landing zone

What a platform delivers: Parquet files under `<landing>/<table>/dt=YYYY-MM-DD/`, where `dt` is
the arrival date. A column that may be null may also be absent.
"""
_WAREHOUSE_HEAD = """\
## Warehouse

Delta tables, each at `<warehouse>/<table>`. The first five are the accepted rows of the landing
tables and have their names.
"""


def tables_page() -> str:
    """The Markdown of docs/tables.md: all tables with their keys, layout and columns."""
    parts = [_PAGE, _LANDING_HEAD]
    for name in LANDING:
        table = landing(name)
        parts.append(_section(name, table, layout="folders of `dt`", columns=table.columns))
    parts.append(_WAREHOUSE_HEAD)
    for name in WAREHOUSE:
        table = warehouse(name)
        title, columns, note = name, table.columns, ""
        if name in LANDING:
            title = f"{name}, accepted"
            columns = columns[len(landing(name).columns) :]
            note = f"All columns of the landing table [{name}](#{name}), then:\n"
        layout = f"partitions of {code(table.partition_by)}" if table.partition_by else "one piece"
        parts.append(_section(title, table, layout, columns, note))
    return "\n".join(parts)


def _section(
    title: str, table: Table, layout: str, columns: Iterable[Column], note: str = ""
) -> str:
    lines = [
        f"### {title}\n",
        f"{table.purpose} {table.meaning}\n",
        f"- Rules: [{table.rules}](rules.md)",
        f"- Key: {code(table.key) or 'none'}",
        f"- Layout: {layout}\n",
        *([note] if note else []),
        "| column | type | null? | allowed values | unit | meaning |",
        "|---|---|---|---|---|---|",
    ]
    for c in columns:
        null = "no" if c.required else "yes"
        lines.append(row(f"`{c.name}`", f"`{c.type}`", null, allowed(c), c.unit, c.meaning))
    return "\n".join(lines) + "\n"


def row(*cells: str) -> str:
    """A row of a table in Markdown."""
    return "| " + " | ".join(cell.replace("|", r"\|") for cell in cells) + " |"


def allowed(column: Column) -> str:
    """What a column may hold, beside its type."""
    if column.minimum is not None:
        return f"{'>' if column.exclusive else '>='} {column.minimum}"
    return code(column.values) or ("an id" if column.identifier else "")


def code(words: Iterable[str]) -> str:
    """Words as code, with commas between."""
    return ", ".join(f"`{word}`" for word in words)


def main(arguments: Sequence[str]) -> None:
    """Write the page to the path given, or to standard output."""
    if arguments:
        Path(arguments[0]).write_text(tables_page(), encoding="utf-8")
    else:
        sys.stdout.write(tables_page())


if __name__ == "__main__":
    main(sys.argv[1:])
