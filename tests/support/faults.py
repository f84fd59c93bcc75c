"""A run as a row of moments: before and after everything that it writes to its warehouse.

Moments are the same for a run of the same rows, whoever writes: Python's own calls are heard by an
audit hook, the engine's and Delta's writes are stood around. What happens within such a write is
made from the difference that it left: data files come before the log entry that names them.

At a moment a run can be looked at (`images`), killed, or refused by the disk. An image is a copy of
the warehouse, and so what a kill at that moment leaves: what a process has given to the operating
system outlives it. It may not outlive the machine; `Disk` knows what was synced.

As a program, this runs a night that ends itself: see `main`.
"""

from __future__ import annotations

import errno
import json
import os
import resource
import shutil
import signal
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from threading import Thread
from typing import Any, NamedTuple

import pyspark.sql.connect.readwriter
import pyspark.sql.readwriter
import pytest
from deltalake import DeltaTable
from deltalake.table import TableAlterer
from harness import QUICK_SPARK, Nights

from solatium import engine

Moment = Callable[[int, str], None]

TRIED: Counter[str] = Counter()  # what `make torture` tells at its end

_WRITES = (
    (pyspark.sql.connect.readwriter.DataFrameWriter, "save"),
    (pyspark.sql.readwriter.DataFrameWriter, "save"),
    (pyspark.sql.readwriter.DataFrameWriter, "parquet"),
    (DeltaTable, "restore"),
    (DeltaTable, "create_write_transaction"),
    (DeltaTable, "create_checkpoint"),
    (TableAlterer, "add_constraint"),
)
_HEARD = {"os.link", "os.remove", "os.rename", "os.mkdir", "os.symlink", "shutil.rmtree"}
_NOT_KEPT = ("_scratch", "_lock", "_holder.json")  # of no matter to what is in the tables


class _Ear:
    """The audit hook of this process: one for all time, as none can be taken away."""

    listener: Callable[[str, str], None] | None = None

    @classmethod
    def hear(cls, event: str, arguments: tuple) -> None:
        if cls.listener is None or not (event in _HEARD or event == "open"):
            return
        if event == "open" and not (arguments[2] or 0) & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
            return
        places = [os.fspath(one) for one in arguments[:2] if isinstance(one, str | os.PathLike)]
        if places:
            cls.listener(event, places[-1] if event in ("os.link", "os.rename") else places[0])


sys.addaudithook(_Ear.hear)


@contextmanager
def moments(warehouse: Path, at: Moment) -> Iterator[None]:
    """Calls `at` with a number and a name, at every moment of the runs on a warehouse within."""
    count = depth = 0

    def tell(name: str) -> None:
        nonlocal count, depth
        if depth:
            return
        depth += 1
        try:
            count += 1
            at(count, name)
        finally:
            depth -= 1

    def heard(event: str, place: str) -> None:
        if place.startswith(f"{warehouse}/") and "_lock" not in place:
            tell(f"{event} {Path(place).relative_to(warehouse)}")

    def around(name: str, work: Callable[..., Any]) -> Callable[..., Any]:
        def told(*arguments: Any, **options: Any) -> Any:
            nonlocal depth
            tell(f"before {name}")
            depth += 1  # what it does by itself is no moment of its own
            try:
                result = work(*arguments, **options)
            finally:
                depth -= 1
            tell(f"after {name}")
            return result

        return told

    with pytest.MonkeyPatch.context() as patched:
        for owner, name in _WRITES:
            work = around(f"{owner.__name__}.{name}", getattr(owner, name))
            patched.setattr(owner, name, work)
        create = around("DeltaTable.create", DeltaTable.create)
        patched.setattr(DeltaTable, "create", staticmethod(create))
        before, _Ear.listener = _Ear.listener, heard
        try:
            yield
        finally:
            _Ear.listener = before


# What a kill leaves


@dataclass
class Disk:
    """What is on the disk for sure: files that were synced, and names, by their folders."""

    root: Path
    contents: set[tuple] = field(default_factory=set)
    names: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        for path in self.root.rglob("*"):
            self.contents.add(_content(path))
            self.names.add(str(path.relative_to(self.root)))

    def synced(self, descriptor: int) -> None:
        place = Path(os.readlink(f"/proc/self/fd/{descriptor}"))
        if not place.is_relative_to(self.root):
            return
        if place.is_dir():
            self.names |= {str(one.relative_to(self.root)) for one in place.iterdir()}
        else:
            self.contents.add(_content(place))

    @contextmanager
    def listening(self) -> Iterator[None]:
        sync = os.fsync

        def heard(descriptor: int) -> None:
            sync(descriptor)
            self.synced(descriptor)

        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(os, "fsync", heard)
            yield

    def unsure(self) -> Unsure:
        names, contents = set(), set()
        for path in self.root.rglob("*"):
            name = str(path.relative_to(self.root))
            if name not in self.names:
                names.add(name)
            if path.is_file() and _content(path) not in self.contents:
                contents.add(name)
        return Unsure(names, contents)


class Unsure(NamedTuple):
    """What a lost machine may lose: files and folders by their names, and what is in files."""

    names: set[str]
    contents: set[str]


@dataclass(frozen=True)
class Image:
    """The warehouse as it was at a moment, and what of it the disk may not have."""

    name: str
    folder: Path
    unsure: Unsure

    def put(self, warehouse: Path, *, lost: str = "") -> None:
        """Makes a warehouse of it: as a kill leaves it, or a machine that is lost.

        What is unsure is then `gone`, or is there and `empty`.
        """
        shutil.rmtree(warehouse, ignore_errors=True)
        shutil.copytree(self.folder, warehouse, symlinks=True)
        for name in self.unsure.names if lost == "gone" else ():
            path = warehouse / name
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
        for name in self.unsure.contents if lost else ():
            if (warehouse / name).exists():
                (warehouse / name).write_bytes(b"")


def images(
    warehouse: Path,
    into: Path,
    run: Callable[[], object],
    wanted: Callable[[str], bool] = lambda _: True,
) -> list[Image]:
    """Runs, and gives the different images of the warehouse at the moments of it."""
    into.mkdir(parents=True)
    disk = Disk(warehouse)
    taken: list[Image] = []
    seen: list[dict[str, tuple]] = [_state(warehouse)]

    def take(number: int, name: str) -> None:
        state = _state(warehouse)
        if state == seen[-1]:
            return
        unsure = disk.unsure()
        added = [path for path in state if path not in seen[-1]]
        if name.startswith("after") and len(added) > 1:
            within = f"within{name.removeprefix('after')} of {_table(added)}"
            if wanted(within):
                image = Image(within, into / f"{number}-within", unsure)
                shutil.copytree(warehouse, image.folder, symlinks=True)
                _unfinish(image.folder, added)
                taken.append(image)
        told = f"{name} of {_table(added)}" if name.startswith("after") else name
        if wanted(told):
            image = Image(told, into / str(number), unsure)
            shutil.copytree(warehouse, image.folder, symlinks=True)
            taken.append(image)
        seen.append(state)

    with disk.listening(), moments(warehouse, take):
        run()
    take(-1, "at the end")
    return taken


def _state(warehouse: Path) -> dict[str, tuple]:
    """All files of a warehouse that matter, and what tells that one has changed."""
    found = {}
    for folder, folders, files in os.walk(warehouse):
        folders[:] = [name for name in folders if name not in _NOT_KEPT]
        for name in files:
            path = Path(folder, name)
            if name not in _NOT_KEPT:
                found[str(path.relative_to(warehouse))] = _content(path)
    return found


def _content(path: Path) -> tuple:
    """What tells a file from another, and from itself when it was otherwise."""
    facts = path.stat()
    return facts.st_ino, facts.st_size, facts.st_mtime_ns


def _table(added: list[str]) -> str:
    return added[0].split("/")[0] if added else "nothing"


def _unfinish(warehouse: Path, added: list[str]) -> None:
    """Makes of a write that is done one that was killed, with half of a draft as its log entry."""
    data = sorted(name for name in added if "_delta_log" not in name)
    own = [warehouse / name for name in added if "_delta_log" in name]
    for place in own:
        if place.name.endswith(".json"):
            draft = place.with_name(f"{place.name}#1")
            draft.write_bytes(place.read_bytes()[: place.stat().st_size // 2])
        place.unlink()
    if data:
        last = warehouse / data[-1]
        last.with_name(f"{last.name}#1").write_bytes(last.read_bytes()[: last.stat().st_size // 2])
        last.unlink()


# What a disk refuses


def refusing(warehouse: Path, at: int, number: int = errno.ENOSPC) -> Any:
    """At moment `at`, and at all after it, the disk takes nothing more."""

    def refuse(count: int, name: str) -> None:
        if count >= at and "remove" not in name and "rmtree" not in name:
            raise OSError(number, os.strerror(number), str(warehouse))

    return moments(warehouse, refuse)


# A process that ends itself


def main(arguments: list[str]) -> None:
    """`python faults.py ENGINE FOLDER DATE CONFIG HOW N`: a night in a process of its own.

    HOW is `kill`: it is killed at moment N; `file`: when the Nth new data file of any table is
    there; `bytes`: no file may grow beyond N bytes.
    """
    name, folder, day, config, how, number = arguments
    with engine.running(name, QUICK_SPARK) as running:
        nights = Nights(Path(folder), running)

        def killed(count: int, _: str) -> None:
            if how == "kill" and count == int(number):
                os.kill(os.getpid(), signal.SIGKILL)

        if how == "file":
            Thread(target=_await_files, args=(nights.warehouse, int(number)), daemon=True).start()
        if how == "bytes":
            resource.setrlimit(resource.RLIMIT_FSIZE, (int(number), resource.RLIM_INFINITY))
        with moments(nights.warehouse, killed):
            nights.run(date.fromisoformat(day), json.loads(config))


def _await_files(warehouse: Path, number: int) -> None:
    known = set(warehouse.glob("[!_]*/**/*.parquet"))
    while len(set(warehouse.glob("[!_]*/**/*.parquet")) - known) < number:
        pass
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    main(sys.argv[1:])
