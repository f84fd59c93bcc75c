"""Pages of the documentation as scripts: their blocks are run in order, in one folder.

Of a Markdown page these fenced blocks count, top to bottom:

    ```bash                  commands of a shell; `solatium` and `python` are those of this
                             checkout, and `make TARGET` looks up the target and runs nothing
    ```python                run in one Python process for the whole page
    ```yaml title="a.yaml"   a block with a title is written to a file of that name, and not run

A comment right above a block says otherwise:

    <!-- docs: exit 3 -->            the commands end with this status
    <!-- docs: not run: REASON -->   such as commands that need a cluster
"""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

RUN: Counter[str] = Counter()
"""How many commands and blocks have been run, for the summary of the tests."""

_FENCE = re.compile(r'^(?P<indent> *)```(?P<language>\w+)?(?: +title="(?P<title>[^"]+)")?.*$')
_DIRECTIVE = re.compile(r"^ *<!-- docs: (.+) -->$")

# Reads a block a line as JSON, runs it, and answers with null or a traceback.
_PYTHON = """
import json, sys, traceback
answers, sys.stdout = sys.stdout, sys.stderr
names = {"__name__": "__main__"}
for line in sys.stdin:
    place, code = json.loads(line)
    failure = None
    try:
        exec(compile(code, place, "exec"), names)
    except BaseException:
        failure = traceback.format_exc()
    print(json.dumps(failure), file=answers, flush=True)
"""


@dataclass(frozen=True)
class Block:
    """A fenced block: where it stands, its language, its file name if it has one, its text."""

    place: str
    language: str
    title: str | None
    text: str
    directive: str

    @property
    def commands(self) -> list[str]:
        """The commands of a shell block; a line that ends with a backslash goes on."""
        lines = self.text.replace("\\\n", " ").splitlines()
        return [line for line in lines if line.strip() and not line.lstrip().startswith("#")]


def blocks(page: Path) -> list[Block]:
    """The blocks of a page that can be run or written, in order."""
    return [
        block
        for block in _fenced(page)
        if block.title or block.language in ("bash", "python") or block.directive
    ]


def _fenced(page: Path) -> Iterator[Block]:
    lines = page.read_text(encoding="utf-8").splitlines()
    directive, opened, start, text = "", None, 0, list[str]()
    for number, line in enumerate(lines, 1):
        fence = _FENCE.match(line)
        if opened is None:
            if said := _DIRECTIVE.match(line):
                directive = said.group(1)
            elif fence:
                opened, start, text = fence, number, []
            elif line.strip():
                directive = ""
        elif line.strip() == "```":
            place = f"{page.relative_to(ROOT)}:{start}"
            body = "\n".join(text) + "\n"
            yield Block(place, opened["language"] or "", opened["title"], body, directive)
            directive, opened = "", None
        else:
            text.append(line.removeprefix(opened["indent"]))


def run(page: Path, folder: Path) -> None:
    """Run the blocks of a page in `folder`; an AssertionError names the first that fails."""
    environment = _environment(folder.parent / f"{folder.name}.bin")
    python = subprocess.Popen(
        [sys.executable, "-c", _PYTHON],
        cwd=folder,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        for block in blocks(page):
            if block.directive.startswith("not run"):
                RUN["blocks that are not run, with a reason"] += 1
            elif block.title:
                (folder / block.title).write_text(block.text, encoding="utf-8")
                RUN["files written"] += 1
            elif block.language == "python":
                _run_python(python, block)
            else:
                _run_commands(block, folder, environment)
    finally:
        python.communicate()


def _run_python(python: subprocess.Popen[str], block: Block) -> None:
    assert python.stdin is not None
    assert python.stdout is not None
    python.stdin.write(json.dumps([block.place, block.text]) + "\n")
    python.stdin.flush()
    failure = json.loads(python.stdout.readline())
    assert failure is None, f"{block.place}\n{failure}"
    RUN["Python blocks"] += 1


def _run_commands(block: Block, folder: Path, environment: dict[str, str]) -> None:
    expected = 0
    if block.directive.startswith("exit "):
        expected = int(block.directive.removeprefix("exit "))
    ended = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", block.text],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
    )
    output = f"{ended.stdout}{ended.stderr}"
    assert ended.returncode == expected, f"{block.place}: exit {ended.returncode}\n{output}"
    RUN["commands"] += len(block.commands)


def _environment(programs: Path) -> dict[str, str]:
    """The environment of a reader who has this checkout's commands on the path."""
    python = shlex.quote(sys.executable)
    scripts = {
        "solatium": f'exec {python} -m solatium.cli "$@"',
        "python": f'exec {python} "$@"',
        "make": f'exec {shlex.quote(_make())} --dry-run -C {shlex.quote(str(ROOT))} "$@"',
    }
    programs.mkdir(exist_ok=True)
    for name, line in scripts.items():
        (programs / name).write_text(f"#!/bin/sh\n{line}\n", encoding="utf-8")
        (programs / name).chmod(0o755)
    path = os.pathsep.join([str(programs), os.environ["PATH"]])
    return os.environ | {"PATH": path, "PYTHONPATH": str(ROOT), "COLUMNS": "100"}


def _make() -> str:
    for folder in os.environ["PATH"].split(os.pathsep):
        if (found := Path(folder, "make")).is_file():
            return str(found)
    return "make"
