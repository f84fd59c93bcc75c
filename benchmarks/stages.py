"""Runs a night and tells what each of its stages took of the clock and of the processors.

    python -m benchmarks.stages COMMAND [ARGUMENT ...]

Seconds of CPU are those of the process and of all its descendants, between the beginning and the
end of a stage, by the lines of its log. They are looked at five times a second.
"""

from __future__ import annotations

import re
import subprocess
import sys
import time
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from threading import Event, Thread

import psutil

_SECONDS = 0.2  # between two looks; each goes through all processes of the machine
_LINE = re.compile(r"\d{4}-\d\d-\d\d (?P<stage>[a-z ]+): .*?(?P<wall>[\d.]+) s$")
_TOGETHER = {"close history": "fold history", "post": "award"}
REST = "start, between stages, end"


@dataclass
class Stages:
    """Seconds of each stage, by the clock and of the processors; REST is what no stage took."""

    wall: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    cpu: dict[str, float] = field(default_factory=lambda: defaultdict(float))


def stages_of(command: Sequence[str]) -> Stages:
    """Runs the command and reads its log; SystemExit with the end of it where it fails."""
    start = time.monotonic()
    found, ended = Stages(), Event()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    looks = [(start, 0.0)]
    watch = Thread(target=_look, args=(psutil.Process(process.pid), looks, ended), daemon=True)
    watch.start()
    lines: list[tuple[float, str]] = []
    assert process.stdout is not None
    for line in process.stdout:
        lines.append((time.monotonic(), line.rstrip()))
    ended.set()
    watch.join()
    if process.wait() != 0:
        raise SystemExit("\n".join(line for _, line in lines[-20:]))
    for end, line in lines:
        if said := _LINE.search(line):
            name = _name(said["stage"])
            wall = float(said["wall"])
            found.wall[name] += wall
            found.cpu[name] += _cpu(looks, end) - _cpu(looks, end - wall)
    found.wall[REST] = time.monotonic() - start - sum(found.wall.values())
    found.cpu[REST] = looks[-1][1] - sum(found.cpu.values())
    return found


def _name(stage: str) -> str:
    return "read" if stage.startswith("read ") else _TOGETHER.get(stage, stage)


def _look(root: psutil.Process, looks: list[tuple[float, float]], ended: Event) -> None:
    """Adds the time and what has been used by then; what ended is in what its parent has used."""
    while not ended.wait(_SECONDS):
        try:
            known = [root, *root.children(recursive=True)]
            used = sum(sum(one.cpu_times()[:4]) for one in known)
        except psutil.NoSuchProcess:
            continue  # one ended just now
        looks.append((time.monotonic(), max(used, looks[-1][1])))


def _cpu(looks: Sequence[tuple[float, float]], at: float) -> float:
    """What had been used at a time, on a line between two looks."""
    place = bisect_left(looks, (at, 0.0))
    if place in (0, len(looks)):
        return looks[min(place, len(looks) - 1)][1]
    (before, least), (after, most) = looks[place - 1 : place + 1]
    return least + (most - least) * (at - before) / (after - before)


def main() -> None:
    if len(sys.argv) < 2:
        sys.exit("usage: python -m benchmarks.stages COMMAND [ARGUMENT ...]")
    found = stages_of(sys.argv[1:])
    for name, wall in found.wall.items():
        sys.stdout.write(_line(name, wall, found.cpu[name]))
    sys.stdout.write(_line("all", sum(found.wall.values()), sum(found.cpu.values())))


def _line(name: str, wall: float, cpu: float) -> str:
    return f"{name}: {wall:.1f} s, CPU {cpu:.1f} s\n"


if __name__ == "__main__":
    main()
