"""`solatium demo`."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from solatium.errors import UsageError


def demo(
    keep: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="Keep the logs and the warehouse in this new folder, with the report and a pack.",
        ),
    ] = None,
) -> None:
    """Run the nights of a real lottery: 36,695 applications for permits in the Enchantments."""
    from solatium.demo.show import show_demo

    if keep is not None and keep.exists() and any(keep.iterdir()):
        raise UsageError(f"{keep} is not empty; name a folder that is new")
    with tempfile.TemporaryDirectory(prefix="solatium-demo-") as folder:
        show_demo((keep or Path(folder)).absolute(), Console(), is_kept=keep is not None)
