"""Packs of evidence: written, checked by their own program, and changed."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

Table = list[list[str]]


@dataclass(frozen=True)
class Verdict:
    """How the program of a pack ended, and what it said."""

    status: int
    said: str


def verify(pack: Path, *arguments: str) -> Verdict:
    """`python3 -I verify.py`, in an empty environment."""
    ended = subprocess.run(
        [sys.executable, "-I", str(pack / "verify.py"), *arguments],
        env={},
        cwd="/",
        capture_output=True,
        text=True,
    )
    assert not ended.stderr, ended.stderr
    return Verdict(ended.returncode, ended.stdout)


def entries(pack: Path) -> list[dict[str, str]]:
    with (pack / "entries.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def facts(pack: Path) -> dict[str, Any]:
    return json.loads((pack / "window.json").read_text("utf-8"))


def with_window(pack: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Changes window.json, and the manifest so that it fits."""
    found = facts(pack)
    change(found)
    (pack / "window.json").write_text(json.dumps(found, ensure_ascii=False), "utf-8")
    seal(pack)


def with_entries(pack: Path, change: Callable[[Table], None]) -> None:
    """Changes the lines of entries.csv, the header first, and the manifest so that it fits."""
    with (pack / "entries.csv").open(encoding="utf-8", newline="") as file:
        lines = list(csv.reader(file))
    change(lines)
    with (pack / "entries.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(lines)
    seal(pack)


def seal(pack: Path) -> None:
    """Writes the manifest of what is there now."""
    names = sorted(path.name for path in pack.iterdir() if path.name != "MANIFEST.sha256")
    lines = (f"{sha256((pack / name).read_bytes()).hexdigest()}  {name}\n" for name in names)
    (pack / "MANIFEST.sha256").write_text("".join(lines), "utf-8")
