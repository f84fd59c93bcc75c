"""Runs a command as a whole process and tells its wall time, its CPU time and its peak memory.

    python -m benchmarks.measure OUTPUT COMMAND [ARGUMENT ...]

All descendants count: a JVM is a child of the Python that starts it.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread

import psutil

_SAMPLE_SECONDS = 0.05  # between looks at the memory of the processes that are known
_SAMPLES_TO_A_SEARCH = 5  # for new processes, which reads all of the machine's


@dataclass(frozen=True)
class Measured:
    """What one process and its descendants took.

    `wall` seconds until the process itself ended; `cpu` seconds, user and system; `peak` bytes, the
    greatest sum of resident memory, pages that processes share counted in each.
    """

    wall: float
    cpu: float
    peak: int


class CommandError(RuntimeError):
    """The command ended with another status than 0; the message has the end of its output."""


def measure(
    command: Sequence[str], output: Path, environment: Mapping[str, str] | None = None
) -> Measured:
    """Runs `command`, with its output kept in the file `output`, and waits for all descendants."""
    output.parent.mkdir(parents=True, exist_ok=True)
    with output.open("wb") as file:
        start = time.perf_counter()
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            env={**os.environ, **(environment or {})},
        )
        with _Watch(process.pid) as watch:
            _, status, usage = os.wait4(process.pid, 0)
            wall = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        left = watch.cpu_of_left()
    if process.returncode != 0:
        end = output.read_text(encoding="utf-8", errors="replace")[-2000:]
        raise CommandError(
            f"{' '.join(command)}\nended with status {process.returncode}; {output} ends:\n{end}"
        )
    return Measured(wall, usage.ru_utime + usage.ru_stime + left, watch.peak)


class _Watch:
    """Looks at a process and its descendants until it ends.

    CPU time of descendants that have ended before it is in what the system tells of the process
    itself. That of those that outlive it, as a JVM does by moments, is looked at until they end.
    """

    def __init__(self, pid: int) -> None:
        self.peak = 0
        self._root = psutil.Process(pid)
        self._descendants: list[psutil.Process] = []
        self._ended = Event()
        self._thread = Thread(target=self._look, daemon=True)

    def __enter__(self) -> _Watch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _look(self) -> None:
        turn = 0
        while True:
            if turn % _SAMPLES_TO_A_SEARCH == 0:
                self._search()
            turn += 1
            known = [self._root, *self._descendants]
            self.peak = max(self.peak, sum(map(_memory, known)))
            if self._ended.wait(_SAMPLE_SECONDS):
                return

    def _search(self) -> None:
        try:
            self._descendants = self._root.children(recursive=True)
        except psutil.NoSuchProcess:
            return  # it ended just now; those that it left are the ones that were there

    def cpu_of_left(self) -> float:
        """CPU seconds of the descendants that were left, once they have ended too."""
        seconds: dict[int, float] = {}
        left = self._descendants
        while left := [process for process in left if _lives(process)]:
            for process in left:
                try:
                    times = process.cpu_times()
                except psutil.NoSuchProcess:
                    continue
                seconds[process.pid] = times.user + times.system
            time.sleep(_SAMPLE_SECONDS)
        return sum(seconds.values())


def _memory(process: psutil.Process) -> int:
    try:
        return process.memory_info().rss
    except psutil.NoSuchProcess:
        return 0


def _lives(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def main() -> None:
    if len(sys.argv) < 3:
        sys.exit("usage: python -m benchmarks.measure OUTPUT COMMAND [ARGUMENT ...]")
    measured = measure(sys.argv[2:], Path(sys.argv[1]))
    peak = measured.peak / 2**30
    sys.stdout.write(f"{measured.wall:.2f} s, CPU {measured.cpu:.2f} s, peak {peak:.2f} GiB\n")


if __name__ == "__main__":
    main()
