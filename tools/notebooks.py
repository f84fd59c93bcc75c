"""Runs the notebooks, and keeps what their cells show in the .ipynb, for readers on a code host.

    python tools/notebooks.py notebooks/*.py

They run in one new folder, so that those of the same logs make them once, and their outputs name no
folder of this machine. The cells run in this process: a Jupyter kernel would need some thirty
packages more.
"""

from __future__ import annotations

import ast
import contextlib
import io
import sys
import tempfile
from pathlib import Path
from typing import Any

import altair
import jupytext
import vl_convert
from nbformat import v4


def main(paths: list[str]) -> None:
    files = [Path(path).absolute() for path in paths]
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        for path in files:
            notebook = jupytext.read(path)
            executed(notebook)
            for number, cell in enumerate(notebook.cells):
                cell["id"] = f"cell-{number}"  # or every run would have other ones
            jupytext.write(notebook, path.with_suffix(".ipynb"))


def executed(notebook: Any) -> dict[str, Any]:
    """Fills in the outputs of all cells; the names that the cells leave."""
    names: dict[str, Any] = {"__name__": "__main__"}
    number = 0
    for cell in notebook.cells:
        if cell.cell_type == "code":
            number += 1
            cell.execution_count = number
            cell.outputs = outputs(cell.source, names, number)
    return names


def outputs(source: str, names: dict[str, Any], number: int) -> list[Any]:
    """What a cell prints, and what its last expression shows."""
    body = ast.parse(source)
    last = body.body.pop() if body.body and isinstance(body.body[-1], ast.Expr) else None
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(body, f"cell {number}", "exec"), names)
        value = None
        if isinstance(last, ast.Expr):
            value = eval(compile(ast.Expression(last.value), f"cell {number}", "eval"), names)
    found = []
    if text := printed.getvalue():
        found.append(v4.new_output("stream", name="stdout", text=text))
    if value is not None:
        shown = bundle(value)
        found.append(v4.new_output("execute_result", data=shown, execution_count=number))
    return found


def bundle(value: Any) -> dict[str, Any]:
    """A value as a notebook shows it: a chart as SVG, a table as HTML, all else as text."""
    if isinstance(value, altair.TopLevelMixin):
        return {"image/svg+xml": vl_convert.vegalite_to_svg(value.to_dict())}
    html = getattr(value, "_repr_html_", None)
    return {"text/plain": repr(value)} | ({"text/html": html()} if html else {})


if __name__ == "__main__":
    main(sys.argv[1:])
