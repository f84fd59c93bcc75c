"""Locations in stores: buckets of object stores, and Hadoop's file system.

A folder is what the keys of files begin with. A file appears whole when it is put, and is kept from
then on, as far as the store keeps things; so nothing waits to be synced.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from io import BufferedIOBase
from tempfile import TemporaryDirectory, TemporaryFile
from typing import IO, Any
from urllib.parse import quote

from solatium.errors import UsageError
from solatium.storage import object_lease
from solatium.storage.buckets import Bucket
from solatium.storage.hdfs import Hdfs
from solatium.storage.lease import Lease
from solatium.storage.local import LocalLocation
from solatium.storage.location import DataFile, Location, is_hidden, shown
from solatium.storage.stores import ListedStore, Store, Stored

# As people write them. Hadoop calls S3 `s3a`, all others `s3`.
SCHEMES = ("s3", "s3a", "gs", "abfss", "hdfs")

_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_CONTAINER = re.compile(r"[A-Za-z0-9$][A-Za-z0-9-]*@[A-Za-z0-9.-]+")
_NAME_NODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(:[0-9]+)?")
_PLAIN = re.compile(r"[A-Za-z0-9._=-]+")
_READ_AT_ONCE = 32
_BUFFER = 1 << 20  # bytes


def located(uri: str) -> ObjectLocation:
    """The location of a store's URI; UsageError for one with credentials, or an odd one."""
    scheme, _, rest = uri.partition("://")
    authority, _, path = rest.partition("/")
    if shown(uri) != uri or (":" in authority and scheme != "hdfs"):
        raise UsageError(
            f"{scheme}://...: expected a URI without user, password, : @ ? and #",
            ["credentials and endpoints come from the environment, such as AWS_ACCESS_KEY_ID"],
        )
    pattern, form = {
        "abfss": (_CONTAINER, "abfss://CONTAINER@ACCOUNT.dfs.core.windows.net/PREFIX"),
        "hdfs": (_NAME_NODE, "hdfs://NAMESERVICE/PATH or hdfs://HOST:PORT/PATH"),
    }.get(scheme, (_BUCKET, f"{scheme}://BUCKET/PREFIX"))
    if not pattern.fullmatch(authority):
        raise UsageError(f"{shown(uri)}: expected {form}")
    names = path.strip("/").split("/") if path.strip("/") else []
    for name in names:
        if not _PLAIN.fullmatch(name) or name in (".", ".."):
            raise UsageError(
                f"{uri}: the name {name!r} in its path: expected letters, digits and - _ . = alone"
            )
    root = f"{'s3' if scheme == 's3a' else scheme}://{authority}"
    store = Hdfs.of(root) if scheme == "hdfs" else Bucket.of(root)
    return ObjectLocation(root, "/".join(names), store)


@dataclass(frozen=True)
class ObjectLocation(Location):
    """An object, or all whose keys begin with this one and a slash."""

    root: str
    key: str
    store: Store = field(compare=False, repr=False)

    def __truediv__(self, name: str) -> ObjectLocation:
        return ObjectLocation(self.root, f"{self.key}/{name}" if self.key else name, self.store)

    def __str__(self) -> str:
        return self.store.place(self.key)

    @property
    def uri(self) -> str:
        return self.store.place(quote(self.key))

    @property
    def address(self) -> str:
        """Of S3 the name that Hadoop has for it, which the embedded engine has too."""
        return re.sub("^s3://", "s3a://", str(self))

    @property
    def path_text(self) -> str:
        return self.key

    def arrow_files(self) -> Any:
        return None

    @property
    def may_lag(self) -> bool:
        return self.store.may_lag

    def exists(self) -> bool:
        is_object = bool(self.key) and self.store.head(self.key) is not None
        return is_object or self.is_folder()

    def is_folder(self) -> bool:
        return self.store.holds_any(self.key)

    def is_link(self) -> bool:
        return False

    def size(self) -> int:
        return self._stored().size

    def _stored(self) -> Stored:
        found = self.store.head(self.key)
        if found is None:
            raise FileNotFoundError(2, "there is no such object", str(self))
        return found

    def names(self) -> list[str]:
        found = self.store.level(self.key)
        keys = {*found.folders, *(one.key for one in found.objects)}
        return sorted(key.rpartition("/")[2] for key in keys)

    def data_files(self, is_no_data: Callable[[str], bool] = is_hidden) -> list[DataFile]:
        """As of a listing; the times are whole seconds where the store's are.

        Two objects of one second would then look alike, so the fraction is made of the e-tag.
        """
        start = len(self.key) + 1 if self.key else 0
        found = []
        known: dict[str, bool] = {}  # a name is asked about once, as it may be counted
        for one in self.store.below(self.key).objects:
            path = one.key[start:]
            *folders, name = path.split("/")
            passed, place = False, ""
            for folder in folders:
                place += f"{folder}/"
                if place not in known:
                    known[place] = passed or is_no_data(folder)
                passed = known[place]
            if not passed and not is_no_data(name):
                found.append(DataFile(path, one.size, _modified_ns(one)))
        return sorted(found)

    def listed(self) -> ObjectLocation:
        return ObjectLocation(self.root, self.key, ListedStore(self.store, self.key))

    def resolved(self) -> ObjectLocation:
        return self

    def is_within(self, other: Location) -> bool:
        return (
            isinstance(other, ObjectLocation)
            and self.root == other.root
            and (self == other or not other.key or self.key.startswith(f"{other.key}/"))
        )

    @contextmanager
    def reading(self) -> Iterator[BufferedIOBase]:
        with io.BufferedReader(_Ranges(self.store, self._stored()), _BUFFER) as file:
            yield file

    @contextmanager
    def writing(self) -> Iterator[IO[bytes]]:
        """It is put when it is written to its end; after an error it is not."""
        with TemporaryFile() as file:
            yield file
            file.seek(0)
            self.store.write(self.key, file)

    def read_text(self) -> str:
        return self.store.read(self.key)[0].decode("utf-8")

    def read_texts(self, names: Iterable[str]) -> Mapping[str, str]:
        """All are read now, many at once: one after the other each would take its own answer."""
        asked = list(names)

        def read(name: str) -> str | None:
            try:
                return (self / name).read_text()
            except (FileNotFoundError, UnicodeDecodeError):
                return None

        with ThreadPoolExecutor(_READ_AT_ONCE) as pool:
            texts = dict(zip(asked, pool.map(read, asked), strict=True))
        return {name: text for name, text in texts.items() if text is not None}

    def create_text(self, text: str) -> None:
        self.store.create(self.key, text.encode())

    def replace_text(self, text: str) -> None:
        self.store.write(self.key, text.encode())

    def remove_drafts(self) -> None:
        self.store.delete_drafts(self.key)

    def sync(self, names: Iterable[str]) -> None:
        """All that was put is kept."""

    def make_folder(self) -> None:
        """There is nothing to make."""

    def move_files(self, names: Iterable[str], other: Location) -> None:
        """By the store itself."""
        if not isinstance(other, ObjectLocation) or other.root != self.root:
            super().move_files(names, other)
            return

        def moved(name: str) -> None:
            self.store.move((self / name).key, (other / name).key)

        with ThreadPoolExecutor(_READ_AT_ONCE) as pool:
            list(pool.map(moved, names))

    def remove_file(self) -> None:
        self.store.delete([self.key])

    def remove_tree(self) -> None:
        self.store.delete_tree(self.key)

    @contextmanager
    def plainly_named(self) -> Iterator[ObjectLocation]:
        yield self  # odd names were refused when it was named

    @contextmanager
    def at_hand(self) -> Iterator[LocalLocation]:
        with TemporaryDirectory(prefix="solatium-scratch-") as folder:
            yield LocalLocation.at(folder)

    @contextmanager
    def held(self, holder: Mapping[str, str]) -> Iterator[Lease]:
        with object_lease.leased(self.store, self.key, holder) as lease:
            yield lease

    def is_held(self) -> bool:
        return object_lease.is_held(self.store, self.key)


class _Ranges(io.RawIOBase):
    """An object, read in ranges."""

    def __init__(self, store: Store, stored: Stored) -> None:
        super().__init__()
        self._store, self._stored, self._at = store, stored, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._stored.size}[whence]
        self._at = max(0, base + offset)
        return self._at

    def readinto(self, buffer: Any) -> int:
        end = min(self._at + len(buffer), self._stored.size)
        if end <= self._at:
            return 0
        found = self._store.read_range(self._stored, self._at, end)
        buffer[: len(found)] = found
        self._at += len(found)
        return len(found)


def _modified_ns(one: Stored) -> int:
    if one.modified is None:
        return 0
    seconds = int(one.modified.timestamp())
    micro = one.modified.microsecond
    if micro or one.tag is None:
        return seconds * 10**9 + micro * 1000
    return seconds * 10**9 + int(sha256(one.tag.encode()).hexdigest(), 16) % 10**9
