"""Rivals in stores that decide between processes (docs/rules.md section 10.4): one of two wins.

Each round begins when both processes have ended the one before.
"""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import faults
import gateway
import pytest

pytestmark = pytest.mark.torture

ROUNDS = 1000

RIVAL = """
import sys
from solatium.storage.objects import located
from solatium.storage.stores import ChangedError

place, name = located(sys.argv[1]), sys.argv[2]
seen = None
for line in sys.stdin:
    what, number = line.split()
    text = f"{name}, {what}".encode()  # an e-tag is that of the content
    register = place.store.register(f"{place.key}/lease-{number}")
    try:
        if what == "record":
            (place / "_commits" / f"{number}.json").create_text(name)
        elif what == "take":
            register.create(text)
        elif what == "look":
            seen = register.read()[1]
        else:
            register.update(seen, text)
        print("won", flush=True)
    except (FileExistsError, ChangedError):
        print("lost", flush=True)
"""


@pytest.fixture(params=["s3", "azure", "hdfs"])
def place(request: pytest.FixtureRequest) -> Iterator[str]:
    if request.param != "s3":
        yield request.getfixturevalue(request.param).place("races")
    else:
        with gateway.started() as store:
            yield store.place("races")


class Rivals:
    """Two processes that are given the same line at once."""

    def __init__(self, place: str, within: ExitStack) -> None:
        self._two: list[Any] = []
        for name in "ab":
            command = [sys.executable, "-c", RIVAL, place, name]
            pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
            one = within.enter_context(subprocess.Popen(command, text=True, **pipes))
            self._two.append(one)

    def told(self, line: str) -> tuple[str, ...]:
        for one in self._two:
            one.stdin.write(f"{line}\n")
            one.stdin.flush()
        return tuple(one.stdout.readline().strip() for one in self._two)


def test_of_two_processes_one_wins_every_time(place: str) -> None:
    """To create a commit record, to take a lease, and to take it over."""
    found = {"record": Counter(), "take": Counter(), "replace": Counter()}
    with ExitStack() as within:
        rivals = Rivals(place, within)
        for number in range(ROUNDS):
            found["record"][rivals.told(f"record {number}")] += 1
            found["take"][rivals.told(f"take {number}")] += 1
            assert rivals.told(f"look {number}") == ("won", "won")
            found["replace"][rivals.told(f"replace {number}")] += 1
    for what, answers in found.items():
        assert set(answers) <= {("won", "lost"), ("lost", "won")}, (what, answers)
        assert answers.total() == ROUNDS
        faults.TRIED[f"races for a {what}, {place.partition(':')[0]}"] += ROUNDS
