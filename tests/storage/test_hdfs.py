"""Hadoop's file system as a store, where a client of its own stands in for one.

Whole nights in a real one, and races, are in `make torture`.
"""

from __future__ import annotations

import io
from types import SimpleNamespace
from typing import Any

import pytest

from solatium.errors import BusyError, StoreError
from solatium.storage import hdfs
from solatium.storage.hdfs import Hdfs
from solatium.storage.lease import facts_of
from solatium.storage.object_lease import ObjectLease
from solatium.storage.stores import ChangedError

pytest.importorskip("hdfs_native", reason="needs the package hdfs-native")


class InMemory:
    """Files by path; `short` is how many reads to come find a file that is empty still, `going` how
    many lists to come meet a folder that goes away meanwhile."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.short = 0
        self.going = 0

    def get_file_info(self, path: str) -> Any:
        if any(name.startswith(f"{path}/") for name in self.files):
            return SimpleNamespace(path=path, isdir=True)
        if path not in self.files:
            raise FileNotFoundError(path)
        return SimpleNamespace(
            path=path, isdir=False, length=len(self.files[path]), modification_time=1
        )

    def list_status(self, path: str, is_deep: bool) -> list[Any]:
        self.going -= 1
        if self.going >= 0:
            raise FileNotFoundError(f"{path}/_temporary/0")
        below = [name for name in self.files if name.startswith(f"{path}/")]
        found = [name for name in below if is_deep or "/" not in name[len(path) + 1 :]]
        return [self.get_file_info(name) for name in found]

    def read(self, path: str) -> io.BytesIO:
        self.short -= 1
        return io.BytesIO(b"" if self.short >= 0 else self.files[path])

    def create(self, path: str, _options: Any) -> Any:
        kept = self.files

        class File(io.BytesIO):
            def close(self) -> None:
                kept[path] = self.getvalue()
                super().close()

        return File()

    def rename(self, source: str, target: str, overwrite: bool) -> None:
        if source not in self.files:
            raise FileNotFoundError(source)
        if target in self.files and not overwrite:
            raise FileExistsError(target)
        self.files[target] = self.files.pop(source)

    def delete(self, path: str, is_deep: bool) -> bool:
        names = [n for n in self.files if n == path or (is_deep and n.startswith(f"{path}/"))]
        for name in names:
            del self.files[name]
        return bool(names)


@pytest.fixture
def client() -> InMemory:
    return InMemory()


@pytest.fixture
def store(client: InMemory, monkeypatch: pytest.MonkeyPatch) -> Hdfs:
    """Whoever tries again does so at once."""
    monkeypatch.setattr(hdfs, "_WAIT", 0)
    return Hdfs("hdfs://name", client)  # type: ignore[arg-type]


def test_a_file_that_is_read_as_empty_is_read_again(store: Hdfs, client: InMemory) -> None:
    store.write("a", b"whole")
    client.short = 3
    assert store.read("a")[0] == b"whole"
    client.short = 1000
    with pytest.raises(StoreError, match="fewer bytes than the name node says"):
        store.read("a")


def test_a_list_that_meets_a_folder_going_away_is_made_again(store: Hdfs, client: InMemory) -> None:
    """As where a job moves its files out of `_temporary` at the same time."""
    client.files |= {"/logs/dt=1/a": b"1", "/logs/dt=2/b": b"2"}
    client.going = 3
    assert [one.key for one in store.below("logs").objects] == ["logs/dt=1/a", "logs/dt=2/b"]
    client.going = 1000
    with pytest.raises(StoreError, match="folders below it go away while they are listed"):
        store.below("logs")
    assert store.below("elsewhere").objects == ()


def test_no_draft_is_left(store: Hdfs, client: InMemory) -> None:
    store.create("a/record", b"1")
    with pytest.raises(FileExistsError):
        store.create("a/record", b"2")
    store.create("a/record", b"1")  # as where the answer to the first was lost
    assert client.files == {"/a/record": b"1"}
    store.delete_drafts("a")
    client.files["/a/.record." + "0" * 32] = b"half"
    store.delete_drafts("a")
    assert client.files == {"/a/record": b"1"}


def test_a_rival_is_refused_while_the_holder_takes_drafts_away(
    store: Hdfs, client: InMemory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To know how old a lease is, a rival writes a file of its own."""
    ObjectLease(store, "wh", facts_of({"date": "today"})).take()
    rename = client.rename

    def meanwhile(source: str, target: str, overwrite: bool) -> None:
        store.delete_drafts("wh")
        rename(source, target, overwrite)

    monkeypatch.setattr(client, "rename", meanwhile)
    with pytest.raises(BusyError, match="date today"):
        ObjectLease(store, "wh", facts_of({})).take()
    assert list(client.files) == ["/wh/_holder.json/00000000000000000001"]


def test_a_text_is_replaced_only_where_it_is_the_one_that_was_seen(store: Hdfs) -> None:
    register = store.register("lease")
    seen = register.create(b"1")
    with pytest.raises(FileExistsError):
        register.create(b"2")
    register.update(seen, b"2")
    with pytest.raises(ChangedError):
        register.update(seen, b"3")
    assert register.read()[0] == b"2"


def test_a_rival_who_comes_late_creates_a_number_that_was_taken_away_and_has_lost(
    store: Hdfs, client: InMemory
) -> None:
    """It has listed the numbers, and sleeps until the text has been replaced twice."""
    register = store.register("lease")
    seen = register.create(b"1")
    late = register._next
    register.update(register.update(seen, b"2"), b"3")
    assert late(2, b"late") is None
    assert register.read()[0] == b"3"
    assert list(client.files) == ["/lease/00000000000000000003"]
