"""Write the part of requirements.lock that an installation needs, with its hashes.

    python tools/runtime_lock.py [EXTRA...] [--without NAME]...
    python tools/runtime_lock.py --only NAME...

requirements.lock holds what development needs, and more. An image needs the packages of setup.py's
REQUIREMENTS and of some extras (`observe` is OBSERVE there), and what these stand on: the lock says
`via` which package each has come. `--without` leaves out a package that is there already, such as
the pyspark of a Spark image, but not what it stands on. `--only` is for what builds the wheel.

The script needs no package, since it runs where none is installed yet.
"""

from __future__ import annotations

import argparse
import ast
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


@dataclass(frozen=True)
class Pinned:
    """A package of the lock: its lines, and the packages for whose sake it is there."""

    name: str
    lines: tuple[str, ...]
    via: frozenset[str]


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(description="The part of requirements.lock that is needed.")
    parser.add_argument("extras", nargs="*", metavar="EXTRA")
    parser.add_argument("--without", action="append", default=[], metavar="NAME")
    parser.add_argument("--only", nargs="+", default=[], metavar="NAME")
    given = parser.parse_args(arguments)
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    setup = (ROOT / "setup.py").read_text(encoding="utf-8")
    wanted = [normal(name) for name in given.only] or declared(setup, given.extras)
    sys.stdout.write(runtime_lock(lock, wanted, given.without))


def declared(setup: str, extras: list[str]) -> list[str]:
    """The names of the packages that setup.py's text declares: always, and for these extras."""
    lists = {}
    for statement in ast.parse(setup).body:
        if isinstance(statement, ast.Assign) and isinstance(statement.value, ast.List):
            target = statement.targets[0]
            if isinstance(target, ast.Name):
                lists[target.id] = ast.literal_eval(statement.value)
    unknown = [extra for extra in extras if extra.upper() not in lists]
    if unknown:
        raise SystemExit(f"setup.py has no extra {', '.join(unknown)}")
    parts = ["REQUIREMENTS", *(extra.upper() for extra in extras)]
    return [normal(requirement) for part in parts for requirement in lists[part]]


def runtime_lock(lock: str, wanted: list[str], without: Sequence[str] = ()) -> str:
    """The lines of `lock` for the packages that are `wanted`, and for all that they stand on."""
    pinned = {package.name: package for package in read(lock)}
    left_out = {normal(name) for name in without}
    missing = [name for name in {*wanted, *left_out} if name not in pinned]
    if missing:
        raise SystemExit(
            f"requirements.lock lacks {', '.join(sorted(missing))}: it is older than setup.py. "
            "make lock writes it again"
        )
    kept, more = set[str](), set(wanted)
    while more:
        kept |= more
        more = {package.name for package in pinned.values() if package.via & kept} - kept
    return "".join("\n".join(pinned[name].lines) + "\n" for name in sorted(kept - left_out))


def read(lock: str) -> list[Pinned]:
    """The packages of a lock as pip-compile writes it."""
    found, lines, via = [], list[str](), set[str]()
    for line in [*lock.splitlines(), "end"]:
        if line[:1] not in (" ", "#", ""):
            if lines:
                found.append(Pinned(normal(lines[0]), tuple(lines), frozenset(via)))
            lines, via = [line], set()
        elif line.lstrip().startswith("--hash") and lines:
            lines.append(line)
        elif line.startswith("    #") and lines:
            text = re.sub(r"^via\b", "", line.strip("# ")).strip()
            if text:
                via.add(normal(text))
    return found


def normal(requirement: str) -> str:
    """The name of a requirement, in the one form that names of packages have."""
    match = _NAME.match(requirement)
    if match is None:
        raise SystemExit(f"{requirement!r} is no requirement")
    return re.sub(r"[-_.]+", "-", match[0]).lower()


if __name__ == "__main__":
    main(sys.argv[1:])
