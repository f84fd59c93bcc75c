"""Measures a night whose landing zone and warehouse lie in a store, beside one in folders.

    python -m benchmarks.in_a_store PLACE FOLDER [--participations N] [--times K]

PLACE is a URI of an empty place in a store, such as s3://BUCKET/bench, whose endpoint and key the
environment has. FOLDER gets the generated logs, the local warehouses and what commands said. Each
night is a process of its own, by turns here and there; the least of K times counts. The machine
must do nothing else.

`python tests/support/gateway.py COMMAND ...` runs a command beside an S3 server on loopback.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path

from benchmarks.measure import Measured, measure
from solatium.storage.local import LocalLocation
from solatium.storage.location import Location

_FIRST = date(2026, 11, 1)


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.in_a_store")
    parser.add_argument("place")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--participations", type=int, default=1_000_000)
    parser.add_argument("--times", type=int, default=2)
    given = parser.parse_args(arguments)
    logs = given.folder.resolve() / f"logs-{given.participations}"
    if not logs.exists():
        _generate(logs, given.participations)
    local = LocalLocation(given.folder.resolve())
    store = Location.parse(given.place)
    _copy(LocalLocation(logs / "landing"), store / "landing")
    took: dict[str, list[Measured]] = {"folder": [], "store": []}
    for number in range(given.times):
        places = {"folder": LocalLocation(logs / "landing"), "store": store / "landing"}
        for name, landing in places.items():
            warehouse = (local if name == "folder" else store) / f"warehouse-{number}"
            warehouse.remove_tree()
            command = [sys.executable, "-m", "solatium.cli", "nightly", "--date", str(_FIRST)]
            command += ["--landing", str(landing), "--warehouse", str(warehouse)]
            command += ["--config", str(logs / "config.yaml")]
            took[name].append(measure(command, given.folder / f"{name}-{number}.txt"))
    for line in _told(took):
        sys.stdout.write(f"{line}\n")


def _generate(logs: Path, participations: int) -> None:
    command = [sys.executable, "-m", "solatium.cli", "generate", str(logs), "--nights", "1"]
    command += ["--first", str(_FIRST), "--participations", str(participations)]
    measure(command, logs.with_suffix(".txt"))


def _copy(source: Location, target: Location) -> None:
    for file in source.data_files(lambda name: False):
        (source / file.path).lend_to(target / file.path)


def _told(took: dict[str, list[Measured]]) -> Iterator[str]:
    wall = {name: min(one.wall for one in some) for name, some in took.items()}
    cpu = {name: min(one.cpu for one in some) for name, some in took.items()}
    for name in took:
        peak = max(one.peak for one in took[name])
        yield f"{name}: wall {wall[name]:.1f} s, CPU {cpu[name]:.1f} s, {peak / 1e9:.2f} GB at most"
    ratio = (wall["store"] / wall["folder"], cpu["store"] / cpu["folder"])
    yield f"store over folder: wall {ratio[0]:.2f}, CPU {ratio[1]:.2f}"


if __name__ == "__main__":
    main(sys.argv[1:])
