"""The page of the published star, docs/star.md, from the contracts.

python -m solatium.contracts.star_page docs/star.md
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from solatium.contracts.model import Column, Table
from solatium.contracts.page import allowed, code, row
from solatium.contracts.star import DIMENSIONS, FACTS, star

_PAGE = """\
<!-- Written by `make docs` from schemas/; change those, not this page. -->

# The published star

The tables that `solatium publish` writes, from the contracts in `schemas/`. The guide
[Publish for dashboards](how-to/publish.md) shows how. Timestamps are UTC with microseconds; money
is exact decimal. In PostgreSQL and DuckDB the keys are declared, and each table and column has its
meaning as a comment.
"""
_HEADS = {
    "Dimensions": ("What facts refer to, each by one column.", DIMENSIONS),
    "Facts": ("What happened. A fact is published by the dates of one of its columns.", FACTS),
}


def star_page() -> str:
    """The Markdown of docs/star.md: all tables with their keys and columns."""
    parts = [_PAGE]
    for title, (head, names) in _HEADS.items():
        parts += [f"## {title}\n\n{head}\n", *(_section(star(name)) for name in names)]
    return "\n".join(parts)


def _section(table: Table) -> str:
    lines = [
        f"### {table.name}\n",
        f"{table.purpose} {table.meaning}\n",
        f"- Rules: [{table.rules}](rules.md)",
        f"- Key: {code(table.key)}",
        f"- Published by: {code(table.partition_by) or 'the rows that changed'}\n",
        "| column | type | null? | allowed values | refers to | unit | meaning |",
        "|---|---|---|---|---|---|---|",
        *(_line(column) for column in table.columns),
    ]
    return "\n".join(lines) + "\n"


def _line(column: Column) -> str:
    null = "no" if column.required else "yes"
    target = column.refers_to.split(".")[0]
    refers_to = f"[{target}](#{target})" if target else ""
    cells = (f"`{column.name}`", f"`{column.type}`", null, allowed(column), refers_to)
    return row(*cells, column.unit, column.meaning)


def main(arguments: Sequence[str]) -> None:
    """Write the page to the path given, or to standard output."""
    if arguments:
        Path(arguments[0]).write_text(star_page(), encoding="utf-8")
    else:
        sys.stdout.write(star_page())


if __name__ == "__main__":
    main(sys.argv[1:])
