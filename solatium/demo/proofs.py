"""How the demo ends: the lottery as a page, one unlucky account, and a draw that is verified.

With the commands to go on with, which work where the demo keeps its folder.
"""

from __future__ import annotations

import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from textwrap import indent

from rich.console import Group, RenderableType
from rich.text import Text

from solatium.errors import SolatiumError
from solatium.evidence.pack import pack_of
from solatium.explain.answer import explain
from solatium.report.page import report
from solatium.warehouse.snapshot import Snapshot

Key = tuple[str, str]


def proofs(tables: Snapshot, folder: Path, *, is_kept: bool) -> RenderableType:
    """Writes the page and a pack into `folder`, and tells what they are of."""
    account_id, lost = unlucky(tables)
    drawn = largest_draw(tables)
    page, pack = folder / "report.html", folder / "pack"
    first = min(tables["window_results"].arrow(["business_date"])["business_date"].to_pylist())
    page.write_text(report(tables, first, tables.day), encoding="utf-8")
    pack_of(tables, *drawn, pack, public=False, landing=str(folder / "landing"))
    parts = [
        _title("One who lost, and why"),
        _indented(str(explain(tables, account_id, *lost))),
        _title("A draw that anyone can check"),
        _indented(f"window {drawn[1]} of {drawn[0]}\n{verified(pack)}"),
        _title("Go on with" if is_kept else "Go on with, after solatium demo --keep FOLDER"),
        _indented("\n".join(commands(folder if is_kept else Path("FOLDER"), account_id, drawn))),
    ]
    return Group(*parts)


def unlucky(tables: Snapshot) -> tuple[str, Key]:
    """The account with the longest streak now, and the window that it lost last."""
    history = tables["account_history"].arrow().to_pylist()
    worst = min(history, key=lambda row: (-row["consecutive_failures"], row["account_id"]))
    losses = tables["account_outcomes"].arrow(
        filter=[("account_id", "=", worst["account_id"]), ("result", "=", "lost")]
    )
    last = max(
        losses.to_pylist(),
        key=lambda row: (row["business_date"], row["commodity_id"], row["window_id"]),
    )
    return worst["account_id"], (last["commodity_id"], last["window_id"])


def largest_draw(tables: Snapshot) -> Key:
    """The window in which most entries competed."""
    drawn = tables["window_results"].arrow(filter=[("status", "=", "allocated")]).to_pylist()
    most = min(drawn, key=lambda row: (-row["entries"], row["commodity_id"], row["window_id"]))
    return most["commodity_id"], most["window_id"]


def verified(pack: Path) -> str:
    """What the pack's own program says of it, as a process that knows nothing of this library."""
    done = subprocess.run(
        [sys.executable, "-I", str(pack / "verify.py")], capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise SolatiumError(f"{pack}: the pack of the demo is not so: {done.stdout}{done.stderr}")
    return done.stdout.strip()


def commands(folder: Path, account_id: str, drawn: Key) -> Iterator[str]:
    warehouse = shlex.join(["--warehouse", str(folder / "warehouse")])
    window = shlex.join(["--commodity", drawn[0], "--window", drawn[1]])
    yield f"open {shlex.quote(str(folder / 'report.html'))} in a browser"
    yield f"solatium explain {warehouse} --account {shlex.quote(account_id)}"
    yield f"solatium evidence {warehouse} {window} --out my-pack"
    yield f"python3 -I {shlex.quote(str(folder / 'pack' / 'verify.py'))}"
    yield f"solatium tables {warehouse}"


def _title(text: str) -> RenderableType:
    return Text(f"\n{text}", style="bold")


def _indented(text: str) -> RenderableType:
    return Text(indent(text, "  "))
