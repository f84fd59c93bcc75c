"""`solatium publish`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from solatium.cli.options import Warehouse


def publish(
    warehouse: Warehouse,
    to: Annotated[
        str,
        typer.Option(
            metavar="TARGET",
            help="A URL postgresql://..., a DuckDB file (*.duckdb, *.db), or a folder for Parquet "
            "files. Leave passwords to PGPASSWORD or ~/.pgpass.",
        ),
    ],
    key_file: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="The key of the pseudonyms under which accounts are published; the file is made "
            "if it is missing.",
        ),
    ] = None,
    with_accounts: Annotated[
        bool,
        typer.Option("--with-accounts", metavar="", help="Publish ids as they are, without a key."),
    ] = False,
    schema: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="The schema in PostgreSQL; without it, solatium."),
    ] = None,
) -> None:
    """Publish the tables as a star for dashboards: dimensions and facts, only dates that changed.

    Readers of the target see the night before until all of the new one is there.

    solatium publish --warehouse wh --to star.duckdb --key-file star.key
    """
    from rich.console import Console

    from solatium.cli import show_publication
    from solatium.publish import publish as send

    published = send(warehouse, to, key_file=key_file, with_accounts=with_accounts, schema=schema)
    console = Console()
    if published.sent:
        console.print(show_publication.as_table(published))
    text = show_publication.in_short(published)
    console.print(text, highlight=False, markup=False, soft_wrap=True)
