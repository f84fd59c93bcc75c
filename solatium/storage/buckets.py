"""A bucket of an object store: S3 and what speaks like it, Google's and Azure's, by `obstore`.

Credentials and endpoints come from the environment that these stores' own tools read (AWS_*,
GOOGLE_*, AZURE_*), and from nowhere else. What a store answers is reported without them.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import IO, TYPE_CHECKING, Any

from solatium.errors import StoreError, said
from solatium.packages import optional
from solatium.secrets import masked
from solatium.storage.stores import ChangedError, Listing, Register, Store, Stored

if TYPE_CHECKING:
    from obstore.store import ObjectStore

# A store that cannot be reached ends a run after a minute, not after three.
_RETRIES: dict[str, Any] = {"max_retries": 6, "retry_timeout": timedelta(seconds=60)}

_TRIES = 8
_WAIT = 0.05  # seconds, and longer each time
_TRIES_UNHEARD = 3  # of conditional puts, each until a client's time is up

_REFUSED = re.compile(r"\b(401|403)\b")
_TIMED_OUT = re.compile(r"\bkind: Timeout\b")  # as the client shows an error of its own


class _UnheardError(StoreError):
    """No answer came in time: what was asked may have been done or not."""


class Bucket(Store):
    """A bucket, by its URI without a path."""

    may_lag = True  # those of Amazon, Google and Azure do not; others speak like them

    def __init__(self, root: str, client: ObjectStore) -> None:
        super().__init__(root)
        self._client = client

    @classmethod
    def of(cls, root: str) -> Bucket:
        """The bucket of a URI; nothing is asked of it yet."""
        from_url = optional("obstore.store", extra="stores").from_url
        with _reported(root):
            return cls(root, from_url(root, retry_config=_RETRIES))

    # What is there

    def head(self, key: str) -> Stored | None:
        """An object's facts; None where there is none."""
        import obstore

        try:
            with _reported(self.place(key)):
                return _stored(obstore.head(self._client, key))
        except FileNotFoundError:
            return None

    def level(self, prefix: str) -> Listing:
        """What lies right below a prefix."""
        import obstore

        with _reported(self.place(prefix)):
            found = obstore.list_with_delimiter(self._client, prefix or None)
        folders = frozenset(found["common_prefixes"])
        return Listing(folders, tuple(_without_markers(found["objects"], prefix, folders)))

    def below(self, prefix: str) -> Listing:
        """All that lies below a prefix, at any depth."""
        import obstore

        with _reported(self.place(prefix)):
            found = obstore.list(self._client, prefix or None, chunk_size=1000).collect()
        folders: set[str] = set()
        for one in found:
            parent = one["path"].rpartition("/")[0]
            while parent not in folders and len(parent) > len(prefix):
                folders.add(parent)
                parent = parent.rpartition("/")[0]
        objects = []
        for stored in _without_markers(found, prefix, folders):
            # what is named `a/` marks a folder, and is listed as `a`
            if stored.size or self.head(stored.key) is not None:
                objects.append(stored)
            else:
                folders.add(stored.key)
        return Listing(frozenset(folders), tuple(objects))

    def holds_any(self, prefix: str) -> bool:
        """Whether there is a folder of this name."""
        import obstore

        with _reported(self.place(prefix)):
            return any(obstore.list(self._client, prefix or None, chunk_size=1))

    # Objects

    def read(self, key: str) -> tuple[bytes, Stored]:
        """An object whole; FileNotFoundError where there is none."""
        import obstore

        with _reported(self.place(key)):
            found = obstore.get(self._client, key)
            return bytes(found.bytes()), _stored(found.meta)

    def read_range(self, seen: Stored, start: int, end: int) -> bytes:
        """Some bytes of an object that was seen; StoreError where it has changed since."""
        import obstore

        options: dict[str, Any] = {"range": (start, end)}
        if seen.tag:
            options["if_match"] = seen.tag
        try:
            with _reported(self.place(seen.key)):
                return bytes(obstore.get(self._client, seen.key, options=options).bytes())  # type: ignore[arg-type]
        except ChangedError:
            raise StoreError(
                f"{self.place(seen.key)}: it was replaced while it was read",
                ["give the same command again"],
            ) from None

    def write(self, key: str, content: bytes | IO[bytes]) -> None:
        """Puts an object, whole, in the place of what may be there."""
        import obstore

        with _reported(self.place(key)):
            obstore.put(self._client, key, content)

    def create(self, key: str, content: bytes) -> Stored:
        """Puts an object that must not exist yet; FileExistsError where another does.

        The answer to a put that succeeded may be lost. It is then repeated, and refused; so an
        object with exactly this content is the one that was put. A store may also refuse one of two
        puts at once while the other is not done, and may yet fail: then it is tried again.
        """
        for number in range(_TRIES):
            try:
                return self._put(key, content, "create")
            except FileExistsError as refusal:
                try:
                    there, stored = self.read(key)
                except FileNotFoundError:
                    time.sleep(number * _WAIT)
                    continue
                if there != content:
                    raise refusal from None
                return stored
        raise StoreError(
            f"{self.place(key)}: the store says that this object exists, and has none",
            ["give the same command again"],
        )

    def update(self, seen: Stored, content: bytes) -> Stored:
        """Puts an object in the place of one that was seen; ChangedError where it is another.

        One with exactly this content is the one that was put, as its answer may be lost.
        """
        known = {"e_tag": seen.tag, "version": seen.version}
        mode = {name: value for name, value in known.items() if value is not None}
        try:
            return self._put(seen.key, content, mode)
        except ChangedError:
            with suppress(FileNotFoundError):
                there, stored = self.read(seen.key)
                if there == content:
                    return stored
            raise

    def _put(self, key: str, content: bytes, mode: Any) -> Stored:
        """Puts an object on a condition.

        Where no answer comes in time it is put again, as the client itself dares with others alone:
        where the first put was done, the next one is refused.
        """
        import obstore

        tries = _TRIES_UNHEARD
        while True:
            try:
                with _reported(self.place(key)):
                    made = obstore.put(self._client, key, content, mode=mode)
                return Stored(key, len(content), None, made["e_tag"], made["version"])
            except _UnheardError:
                tries -= 1
                if not tries:
                    raise

    def delete_drafts(self, prefix: str) -> None:
        """There are none."""

    def register(self, key: str) -> ConditionalPuts:
        return ConditionalPuts(self, key)

    def move(self, key: str, other: str) -> None:
        """By a copy, as nothing is renamed in a bucket."""
        import obstore

        with _reported(self.place(key)):
            obstore.copy(self._client, key, other)
        self.delete([key])

    def delete(self, keys: Iterable[str]) -> None:
        import obstore

        for key in keys:
            try:
                with _reported(self.place(key)):
                    obstore.delete(self._client, key)
            except FileNotFoundError:
                pass


class ConditionalPuts(Register):
    """A text as an object, which is put on condition that it is the one that was seen."""

    def __init__(self, bucket: Bucket, key: str) -> None:
        self._bucket = bucket
        self._key = key

    def read(self) -> tuple[bytes, Stored]:
        return self._bucket.read(self._key)

    def create(self, content: bytes) -> Stored:
        return self._bucket.create(self._key, content)

    def update(self, seen: Stored, content: bytes) -> Stored:
        return self._bucket.update(seen, content)

    def delete(self) -> None:
        self._bucket.delete([self._key])


def _without_markers(found: Iterable[Any], prefix: str, folders: Iterable[str]) -> Iterator[Stored]:
    """Objects, without those that stand for the folders themselves."""
    known = set(folders)
    for one in found:
        if one["path"] != prefix and not (one["size"] == 0 and one["path"] in known):
            yield _stored(one)


def _stored(meta: Any) -> Stored:
    return Stored(meta["path"], meta["size"], meta["last_modified"], meta["e_tag"], meta["version"])


@contextmanager
def _reported(place: str) -> Iterator[None]:
    """Tells what a store refuses as errors of Python's and of the house."""
    from obstore import exceptions

    try:
        yield
    except FileNotFoundError:
        raise FileNotFoundError(2, "there is no such object", place) from None
    except exceptions.AlreadyExistsError:
        raise FileExistsError(17, "the object exists already", place) from None
    except exceptions.PreconditionError:
        raise ChangedError(place) from None
    except (exceptions.BaseError, ValueError) as error:
        if _TIMED_OUT.search(said(error)):
            advice = "look at the endpoint, such as AWS_ENDPOINT_URL, and at the network"
            raise _UnheardError(f"{place}: no answer came in time", [advice]) from None
        what = _said(error)
        refusals = (exceptions.PermissionDeniedError, exceptions.UnauthenticatedError)
        if isinstance(error, refusals) or _REFUSED.search(what):
            advice = "look at the credentials, such as AWS_ACCESS_KEY_ID, and at what they allow"
        else:
            advice = "look at the bucket, and at endpoint and region, such as AWS_ENDPOINT_URL"
        # the library's own error repeats requests, and so would a traceback
        raise StoreError(f"{place}: {what}", [advice]) from None


def _said(error: Exception) -> str:
    """What went wrong in one line, without the request, and without anything secret."""
    text = said(error).partition("Debug source:")[0]
    status = re.search(r"status code: ([^:<\n]+)", text)
    code = re.search(r"<Code>([^<]*)</Code>", text)
    message = re.search(r"<Message>([^<]*)</Message>", text)
    found = [one.group(1).strip() for one in (status, code, message) if one]
    short = ": ".join(found) or " ".join(text.split())[:300]
    return masked(short)
