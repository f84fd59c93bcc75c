"""A Hadoop file system, by `hdfs-native`, which speaks to name and data nodes without Java.

Name nodes and users come from what Hadoop's own tools read: the files in HADOOP_CONF_DIR,
HADOOP_USER_NAME, a ticket of Kerberos. A file is written as a draft and renamed, so that it appears
whole; a rename that may not overwrite is what only one of two rivals can do.
"""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from io import BytesIO
from typing import IO, TYPE_CHECKING, Any
from uuid import uuid4

from solatium.errors import StoreError, said
from solatium.packages import optional
from solatium.secrets import masked
from solatium.storage.stores import ChangedError, Listing, Register, Store, Stored

if TYPE_CHECKING:
    from hdfs_native import Client

# A name node that cannot be reached ends a run after some seconds, not after minutes.
_RETRIES = {"dfs.client.failover.max.attempts": "5"}

_TRIES = 8
_WAIT = 0.05  # seconds, and longer each time
_CLOSES_EARLY = "set dfs.namenode.file.close.num-committed-allowed to 0, which is its default"

_DRAFT = re.compile(r"\..+\.[0-9a-f]{32}")
_BUFFER = 1 << 22  # bytes


class Hdfs(Store):
    """A file system, by its URI without a path."""

    def __init__(self, root: str, client: Client) -> None:
        super().__init__(root)
        self._client = client

    @classmethod
    def of(cls, root: str) -> Hdfs:
        """The file system of a URI; nothing is asked of it yet."""
        client = optional("hdfs_native", extra="stores").Client
        with _reported(root):
            return cls(root, client(root, _RETRIES))

    # What is there

    def head(self, key: str) -> Stored | None:
        status = self._status(key)
        return None if status is None or status.isdir else _stored(status)

    def level(self, prefix: str) -> Listing:
        return self._listing(prefix, is_deep=False)

    def below(self, prefix: str) -> Listing:
        return self._listing(prefix, is_deep=True)

    def _listing(self, prefix: str, *, is_deep: bool) -> Listing:
        found = self._found(prefix, is_deep=is_deep)
        folders = frozenset(_key(one.path) for one in found if one.isdir)
        files = (_stored(one) for one in found if not one.isdir)
        # asked for a file, the list is that file
        return Listing(folders, tuple(one for one in files if one.key != prefix))

    def _found(self, prefix: str, *, is_deep: bool) -> list[Any]:
        """What the name node lists; nothing only where there is no such folder.

        A folder below it that goes away meanwhile, as those of Spark's jobs do, ends a list in the
        same way, which is then made again.
        """
        for number in range(_TRIES):
            try:
                with _reported(self.place(prefix)):
                    return list(self._client.list_status(f"/{prefix}", is_deep))
            except FileNotFoundError:
                if self._status(prefix) is None:
                    return []
            time.sleep(number * _WAIT)
        raise StoreError(
            f"{self.place(prefix)}: folders below it go away while they are listed",
            ["wait until whoever writes there is done, and give the same command again"],
        )

    def holds_any(self, prefix: str) -> bool:
        status = self._status(prefix)
        return status is not None and status.isdir

    def _status(self, key: str) -> Any:
        try:
            with _reported(self.place(key)):
                return self._client.get_file_info(f"/{key}")
        except FileNotFoundError:
            return None

    # Files

    def read(self, key: str) -> tuple[bytes, Stored]:
        """Where a name node closes files early, one that was just written is read as empty."""
        for number in range(_TRIES):
            stored = self.head(key)
            if stored is None:
                raise FileNotFoundError(2, "there is no such file", self.place(key))
            with _reported(self.place(key)):
                content = bytes(self._client.read(f"/{key}").read())
            if len(content) == stored.size:
                return content, stored
            time.sleep(number * _WAIT)
        raise StoreError(
            f"{self.place(key)}: it has fewer bytes than the name node says",
            ["look at the data nodes", _CLOSES_EARLY],
        )

    def read_range(self, seen: Stored, start: int, end: int) -> bytes:
        place = self.place(seen.key)
        if self.head(seen.key) != seen:
            raise StoreError(
                f"{place}: it was replaced while it was read", ["give the same command again"]
            )
        with _reported(place):
            return bytes(self._client.read(f"/{seen.key}").read_range(start, end - start))

    def write(self, key: str, content: bytes | IO[bytes]) -> None:
        with self._draft(key, content) as draft, _reported(self.place(key)):
            self._client.rename(draft, f"/{key}", True)

    def create(self, key: str, content: bytes) -> Stored:
        try:
            with self._draft(key, content) as draft, _reported(self.place(key)):
                self._client.rename(draft, f"/{key}", False)
        except (FileExistsError, FileNotFoundError):
            # so it is too where the answer to a rename was lost, and it was tried again
            there, stored = self.read(key)
            if there != content:
                raise FileExistsError(17, "the file exists already", self.place(key)) from None
            return stored
        return Stored(key, len(content), None, None, None)

    @contextmanager
    def _draft(self, key: str, content: bytes | IO[bytes]) -> Iterator[str]:
        """The path of a file beside this one that holds the content; gone at the end."""
        from hdfs_native import WriteOptions

        folder, _, name = f"/{key}".rpartition("/")
        draft = f"{folder}/.{name}.{uuid4().hex}"
        source = BytesIO(content) if isinstance(content, bytes) else content
        try:
            options = WriteOptions(create_parent=True)
            with _reported(self.place(key)), self._client.create(draft, options) as file:
                shutil.copyfileobj(source, file, _BUFFER)
            yield draft
        finally:
            with suppress(StoreError, FileNotFoundError), _reported(self.place(key)):
                self._client.delete(draft, False)

    def move(self, key: str, other: str) -> None:
        folder = f"/{other}".rpartition("/")[0]
        with _reported(self.place(other)):
            self._client.mkdirs(folder, 0o755, True)
            self._client.rename(f"/{key}", f"/{other}", False)

    def delete(self, keys: Iterable[str]) -> None:
        for key in keys:
            self._delete(key, is_tree=False)

    def delete_tree(self, prefix: str) -> None:
        self._delete(prefix, is_tree=True)

    def _delete(self, key: str, *, is_tree: bool) -> None:
        with suppress(FileNotFoundError), _reported(self.place(key)):
            self._client.delete(f"/{key}", is_tree)

    def delete_drafts(self, prefix: str) -> None:
        files = self.level(prefix).objects
        self.delete(one.key for one in files if _DRAFT.fullmatch(one.key.rpartition("/")[2]))

    def register(self, key: str) -> Numbered:
        return Numbered(self, key)


class Numbered(Register):
    """A text as a folder of files with rising numbers: the greatest is the text as it is now.

    A file system of Hadoop's replaces no file on a condition, but of two rivals one alone creates
    the next number. Numbers before it are then taken away, never the greatest. So a rival who comes
    late, and creates a number that was taken away, finds a greater one, and has lost.
    """

    def __init__(self, store: Hdfs, key: str) -> None:
        self._store = store
        self._key = key

    def read(self) -> tuple[bytes, Stored]:
        while numbers := self._numbers():
            with suppress(FileNotFoundError):  # the next one is there, and this one gone
                content, stored = self._store.read(self._file(numbers[-1]))
                return content, _numbered(stored, numbers[-1])
        raise FileNotFoundError(2, "there is no such text", self._store.place(self._key))

    def create(self, content: bytes) -> Stored:
        numbers = self._numbers()
        if not numbers and (made := self._next(1, content)):
            return made
        there, stored = self.read()
        if there != content:
            raise FileExistsError(17, "the text exists already", self._store.place(self._key))
        return stored

    def update(self, seen: Stored, content: bytes) -> Stored:
        number = int(seen.version or 0)
        if self._numbers()[-1:] == [number] and (made := self._next(number + 1, content)):
            return made
        raise ChangedError(self._store.place(self._key))

    def delete(self) -> None:
        self._store.delete_tree(self._key)

    def _next(self, number: int, content: bytes) -> Stored | None:
        """The text under this number; None where a rival has made it, or a greater one."""
        try:
            made = self._store.create(self._file(number), content)
        except FileExistsError:
            return None
        numbers = self._numbers()
        if numbers[-1:] != [number]:
            self._store.delete([self._file(number)])
            return None
        self._store.delete(map(self._file, numbers[:-1]))
        return _numbered(made, number)

    def _numbers(self) -> list[int]:
        names = (one.key.rpartition("/")[2] for one in self._store.level(self._key).objects)
        return sorted(int(name) for name in names if name.isdecimal())

    def _file(self, number: int) -> str:
        return f"{self._key}/{number:020d}"


def _numbered(stored: Stored, number: int) -> Stored:
    return Stored(stored.key, stored.size, stored.modified, stored.tag, str(number))


def _stored(status: Any) -> Stored:
    modified = datetime.fromtimestamp(status.modification_time // 1000, UTC)
    modified = modified.replace(microsecond=status.modification_time % 1000 * 1000)
    return Stored(_key(status.path), status.length, modified, None, None)


def _key(path: str) -> str:
    return path.strip("/")


@contextmanager
def _reported(place: str) -> Iterator[None]:
    """Tells what a file system refuses as errors of Python's and of the house."""
    try:
        yield
    except FileNotFoundError:
        raise FileNotFoundError(2, "there is no such file", place) from None
    except FileExistsError:
        raise FileExistsError(17, "the file exists already", place) from None
    except (OSError, RuntimeError, ValueError) as error:
        what = masked(_said(error))
        if isinstance(error, PermissionError) or "ermission" in what:
            advice = "look at the user, such as HADOOP_USER_NAME or klist, and at its rights there"
        else:
            advice = "look at the name node, and at the files in HADOOP_CONF_DIR"
        raise StoreError(f"{place}: {what}", [advice]) from None


def _said(error: Exception) -> str:
    """What went wrong in one line, without the stack of the server that follows it."""
    text = said(error)
    found = re.search(r'RPCError\("[^"]*", "(.*)"\)', text, re.DOTALL)
    return re.split(r"\\n|\n", found[1] if found else text)[0]
