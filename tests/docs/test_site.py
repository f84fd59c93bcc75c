"""The site is built without a warning: no broken link, no page that the menu lacks."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import documents


def test_the_site_is_built_strictly(tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path)],
        cwd=documents.ROOT,
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 0, ended.stderr
    commands = (tmp_path / "reference" / "commands.html").read_text(encoding="utf-8")
    assert "solatium audit-ledger" in commands
    assert "--accept-gate" in commands
    assert "max_quarantine_share" in (tmp_path / "reference" / "settings.html").read_text("utf-8")
    assert "as_of" in (tmp_path / "reference" / "python.html").read_text(encoding="utf-8")


def test_the_table_of_rules_names_files_that_exist() -> None:
    page = (documents.ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    rows = page.split("## Where each rule lives")[1].splitlines()
    cells = [line.split("|")[1:4] for line in rows if line.startswith("| ")][1:]
    assert len(cells) > 30
    for _, code, tests in cells:
        for folder, names in (("solatium", code), ("tests", tests)):
            for name in re.findall(r"`([^`]+)`", names):
                assert (documents.ROOT / folder / name).is_file(), f"{folder}/{name}"
