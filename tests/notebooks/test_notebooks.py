"""Notebooks run as they stand, on the embedded engine, and their two forms say the same."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import jupytext
import pytest

NOTEBOOKS = sorted((Path(__file__).parents[2] / "notebooks").glob("*.py"))

# Runs a notebook in a process of its own, and has every chart say what it would draw.
RUN = """
import runpy, sys
import altair
charts = [v for v in runpy.run_path(sys.argv[1]).values() if isinstance(v, altair.TopLevelMixin)]
for chart in charts:
    chart.to_dict()
print(len(charts), "charts")
"""


def test_there_are_notebooks() -> None:
    assert [path.stem for path in NOTEBOOKS] == ["first_look"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_and_draws(path: Path, tmp_path: Path) -> None:
    environment = os.environ | {"PYTHONPATH": str(path.parent.parent)}
    ended = subprocess.run(
        [sys.executable, "-c", RUN, str(path)],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.endswith("5 charts\n")


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_both_forms_of_a_notebook_say_the_same(path: Path) -> None:
    """`make notebooks` brings them in line."""
    script, paired = jupytext.read(path), jupytext.read(path.with_suffix(".ipynb"))
    assert [(cell.cell_type, cell.source) for cell in script.cells] == [
        (cell.cell_type, cell.source) for cell in paired.cells
    ]
    assert not any(cell.get("outputs") for cell in paired.cells)
