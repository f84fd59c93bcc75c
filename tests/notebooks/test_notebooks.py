"""Notebooks run as they stand, on the embedded engine; their two forms say the same.

The .ipynb keeps what the cells showed, for readers on a code host. `make notebooks` writes it.
"""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import jupytext
import pytest

FOLDER = Path(__file__).parents[2] / "notebooks"
CHARTS = {"first_look": 3, "is_it_fair": 3, "what_would_it_cost": 1, "who_keeps_losing": 3}
NOTEBOOKS = sorted(FOLDER.glob("*.py"))
SHORT = "first_look"  # the others are about many nights

# Runs a notebook in a process of its own, and has every chart say what it would draw.
RUN = """
import runpy, sys
import altair
charts = [v for v in runpy.run_path(sys.argv[1]).values() if isinstance(v, altair.TopLevelMixin)]
for chart in charts:
    chart.to_dict()
print(len(charts), "charts")
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where all of them run: those of the same logs make them once."""
    return tmp_path_factory.mktemp("notebooks")


def test_there_are_notebooks() -> None:
    assert [path.stem for path in NOTEBOOKS] == sorted(CHARTS)


@pytest.mark.parametrize(
    "path",
    [
        pytest.param(path, marks=pytest.mark.torture if path.stem != SHORT else (), id=path.stem)
        for path in NOTEBOOKS
    ],
)
def test_a_notebook_runs_and_draws(path: Path, folder: Path) -> None:
    environment = os.environ | {"PYTHONPATH": str(path.parent.parent)}
    ended = subprocess.run(
        [sys.executable, "-c", RUN, str(path)],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.endswith(f"{CHARTS[path.stem]} charts\n")


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_both_forms_of_a_notebook_say_the_same(path: Path) -> None:
    script, paired = jupytext.read(path), jupytext.read(path.with_suffix(".ipynb"))
    assert [(cell.cell_type, cell.source) for cell in script.cells] == [
        (cell.cell_type, cell.source) for cell in paired.cells
    ]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_what_cells_showed_is_kept_and_names_no_machine(path: Path) -> None:
    paired = path.with_suffix(".ipynb")
    cells = [cell for cell in jupytext.read(paired).cells if cell.cell_type == "code"]
    assert all(bool(cell.outputs) for cell in cells if shows_something(cell.source))
    charts = [kinds for cell in cells for kinds in shown(cell) if "image/svg+xml" in kinds]
    assert len(charts) == CHARTS[path.stem]
    text = paired.read_text(encoding="utf-8")
    assert not [name for name in ("/tmp/", "/root", "/home/", "/Users/") if name in text]
    assert len(text) < 1_000_000


def shows_something(source: str) -> bool:
    last = ast.parse(source).body[-1:]
    return bool(last) and isinstance(last[0], ast.Expr) and not isinstance(last[0].value, ast.Call)


def shown(cell: Any) -> list[dict[str, Any]]:
    return [output.get("data", {}) for output in cell.outputs]
