"""A store, and what the house asks of it, whichever it is: `buckets` and `hdfs` answer.

Keys have no slash at either end. A file appears whole or not at all, and one of two rivals wins.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import IO


class ChangedError(Exception):
    """A text is not the one that was seen: somebody wrote it meanwhile."""


@dataclass(frozen=True)
class Stored:
    """A file as the store has it; `tag` and `version` tell it from what it was before."""

    key: str
    size: int
    modified: datetime | None
    tag: str | None
    version: str | None


@dataclass(frozen=True)
class Listing:
    """What lies below a prefix: the keys of folders, and the files."""

    folders: frozenset[str]
    objects: tuple[Stored, ...]


class Store(ABC):
    """A bucket or a file system, by its URI without a path.

    `may_lag` says whether a list may lack what was just written.
    """

    may_lag = False

    def __init__(self, root: str) -> None:
        self.root = root

    def place(self, key: str) -> str:
        return f"{self.root}/{key}" if key else self.root

    # What is there

    @abstractmethod
    def head(self, key: str) -> Stored | None:
        """A file's facts; None where there is none."""

    @abstractmethod
    def level(self, prefix: str) -> Listing:
        """What lies right below a folder."""

    @abstractmethod
    def below(self, prefix: str) -> Listing:
        """All that lies below a folder, at any depth."""

    @abstractmethod
    def holds_any(self, prefix: str) -> bool:
        """Whether there is a folder of this name."""

    # Files

    @abstractmethod
    def read(self, key: str) -> tuple[bytes, Stored]:
        """A file whole; FileNotFoundError where there is none."""

    @abstractmethod
    def read_range(self, seen: Stored, start: int, end: int) -> bytes:
        """Some bytes of a file that was seen; StoreError where it has changed since."""

    @abstractmethod
    def write(self, key: str, content: bytes | IO[bytes]) -> None:
        """Puts a file, whole, in the place of what may be there."""

    @abstractmethod
    def create(self, key: str, content: bytes) -> Stored:
        """Puts a file that must not exist yet; FileExistsError where another does.

        One with exactly this content is taken for the one that was put, as an answer may be lost.
        """

    @abstractmethod
    def move(self, key: str, other: str) -> None:
        """Gives a file another name, of which there is none, without sending what is in it."""

    @abstractmethod
    def delete(self, keys: Iterable[str]) -> None:
        """Takes files away, where they are there."""

    def delete_tree(self, prefix: str) -> None:
        """Takes a folder away, with all that lies below it."""
        self.delete([one.key for one in self.below(prefix).objects])

    @abstractmethod
    def delete_drafts(self, prefix: str) -> None:
        """Takes away what killed processes have left half written right below a folder."""

    # Texts that one of several rivals replaces

    @abstractmethod
    def register(self, key: str) -> Register:
        """A text that is replaced on condition that it is the one that was seen."""


class Register(ABC):
    """A text with a name, which only one of several rivals creates, and one replaces."""

    @abstractmethod
    def read(self) -> tuple[bytes, Stored]:
        """The text as it is now; FileNotFoundError where there is none."""

    @abstractmethod
    def create(self, content: bytes) -> Stored:
        """Puts the first text; FileExistsError where there is one."""

    @abstractmethod
    def update(self, seen: Stored, content: bytes) -> Stored:
        """Puts a text in the place of the one that was seen; ChangedError where it is another."""

    @abstractmethod
    def delete(self) -> None:
        """Takes the text away, whichever it is."""


class ListedStore(Store):
    """A store below a folder as of one listing, taken once; files are read as they are."""

    def __init__(self, store: Store, prefix: str) -> None:
        super().__init__(store.root)
        self._store = store
        self._prefix = prefix
        found = store.below(prefix)
        self._objects = {one.key: one for one in found.objects}
        self._folders = found.folders
        objects, folders = dict[str, list[Stored]](), dict[str, set[str]]()
        for one in found.objects:
            objects.setdefault(one.key.rpartition("/")[0], []).append(one)
        for folder in found.folders:
            folders.setdefault(folder.rpartition("/")[0], set()).add(folder)
        self._levels = {
            parent: Listing(frozenset(folders.get(parent, ())), tuple(objects.get(parent, ())))
            for parent in {*objects, *folders}
        }

    def head(self, key: str) -> Stored | None:
        return self._objects.get(key) if self._covers(key) else self._store.head(key)

    def level(self, prefix: str) -> Listing:
        if not self._covers(prefix):
            return self._store.level(prefix)
        return self._levels.get(prefix, Listing(frozenset(), ()))

    def below(self, prefix: str) -> Listing:
        if not self._covers(prefix):
            return self._store.below(prefix)
        level = self.level(prefix)
        folders, objects = set(level.folders), list(level.objects)
        for folder in level.folders:
            deeper = self.below(folder)
            folders |= deeper.folders
            objects += deeper.objects
        return Listing(frozenset(folders), tuple(objects))

    def holds_any(self, prefix: str) -> bool:
        if not self._covers(prefix):
            return self._store.holds_any(prefix)
        return prefix in self._folders or prefix in self._levels

    def read(self, key: str) -> tuple[bytes, Stored]:
        return self._store.read(key)

    def read_range(self, seen: Stored, start: int, end: int) -> bytes:
        return self._store.read_range(seen, start, end)

    def write(self, key: str, content: bytes | IO[bytes]) -> None:
        self._store.write(key, content)

    def create(self, key: str, content: bytes) -> Stored:
        return self._store.create(key, content)

    def move(self, key: str, other: str) -> None:
        self._store.move(key, other)

    def delete(self, keys: Iterable[str]) -> None:
        self._store.delete(keys)

    def delete_drafts(self, prefix: str) -> None:
        self._store.delete_drafts(prefix)

    def register(self, key: str) -> Register:
        return self._store.register(key)

    def _covers(self, key: str) -> bool:
        return key == self._prefix or not self._prefix or key.startswith(f"{self._prefix}/")
