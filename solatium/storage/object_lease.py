"""A lease in a store: a text that its holder puts again and again.

Beside nothing but stored files there is no lock that ends with a process. So a lease ends when its
holder gives no sign of life for a while. Each step is a conditional put (`stores.Register`), which
one of several rivals wins: the first run creates the text, the holder renews it, gives it back, and
another takes it over, each time in the place of exactly the text that was seen.

    {"token": ..., "user": ..., "seconds": 60, ...}     held; for so long after it was put
    {"token": null}                                     free

How old it is, the store says: by the times that it gave to the lease, and to a file that was put
just now. Clocks of machines are not compared.

A holder that slept for too long may have lost its lease without knowing it. It looks at the token
before it writes, and right before a commit record, which is a conditional create by itself.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from threading import Event, Lock, Thread
from typing import Any
from uuid import uuid4

from solatium.errors import BusyError, LostLeaseError, StoreError
from solatium.storage.lease import NOTE, Lease, described, facts_of, now
from solatium.storage.stores import ChangedError, Register, Store, Stored

SECONDS = 60.0  # without a sign of life, until another may take it over
BEAT = 12.0  # seconds between two signs of life; a few may be late
_TRIES = 5
_PATIENCE = 5.0  # seconds that a process that ends waits for a sign of life that is on its way

_FREE = json.dumps({"token": None}).encode()


class ObjectLease(Lease):
    """What a run has while it holds a folder of a store."""

    def __init__(self, store: Store, folder: str, facts: dict[str, Any]) -> None:
        self._store = store
        self._folder = folder
        self._note = store.register(_in(folder, NOTE))
        self._facts = facts
        self._seen: Stored | None = None  # the text as this run put it last
        self._one_at_a_time = Lock()
        self._ended = Event()

    def is_held(self) -> bool:
        """Whether the text in the store has the token of this run."""
        return self._is_mine(_read(self._note)[0])

    def check(self) -> None:
        facts = _read(self._note)[0]
        if not self._is_mine(facts):
            raise self._lost(facts)

    def renew(self) -> None:
        with self._one_at_a_time:
            self._facts["sign_of_life"] = now()
            self._put(self._text())

    def take(self) -> None:
        """Creates the text, or takes it over; BusyError where another run has it."""
        for _ in range(_TRIES):
            with suppress(FileExistsError):
                self._seen = self._note.create(self._text())
                break
            facts, seen = _read(self._note)
            if seen is None:
                continue
            left = _left(self._store, self._folder, facts, seen)
            if left > 0:
                raise BusyError(
                    f"{self._store.place(self._folder)}: another run holds this warehouse",
                    _advice(facts, left),
                )
            with suppress(ChangedError):  # a rival was faster
                self._seen = self._note.update(seen, self._text())
                self.taken_over = None if _is_free(facts) else described(facts)
                break
        else:
            raise BusyError(
                f"{self._store.place(self._folder)}: other runs take this warehouse just now",
                ["give the same command again"],
            )
        self._taken()

    def give_signs_of_life(self) -> None:
        """From now on, until it is given back or lost."""
        Thread(target=self._beat, daemon=True, name="lease").start()

    def _beat(self) -> None:
        while not self._ended.wait(BEAT):
            try:
                self.renew()
            except LostLeaseError:
                return  # as the run will notice
            except StoreError:
                continue  # the next one may get through

    def _put(self, text: bytes) -> None:
        """Puts it in the place of the one that was put last; LostLeaseError where that is gone."""
        for _ in range(_TRIES):
            assert self._seen is not None
            try:
                self._seen = self._note.update(self._seen, text)
                return
            except (ChangedError, FileNotFoundError):
                # it is still this run's where the answer to the last put was lost
                facts, seen = _read(self._note)
                if seen is None or not self._is_mine(facts):
                    raise self._lost(facts) from None
                self._seen = seen
        raise self._lost({})

    def _let_go(self) -> None:
        self._ended.set()
        if self._one_at_a_time.acquire(timeout=_PATIENCE):
            try:
                with suppress(LostLeaseError, StoreError):  # or it ends by itself
                    self._put(_FREE)
            finally:
                self._one_at_a_time.release()

    def _is_mine(self, facts: Mapping[str, Any]) -> bool:
        return facts.get("token") == self._facts["token"]

    def _lost(self, facts: Mapping[str, Any]) -> LostLeaseError:
        holder = None if _is_free(facts) else described(facts)
        return LostLeaseError(
            f"{self._store.place(self._folder)}: this run no longer holds the warehouse: its "
            f"{NOTE} was removed or replaced",
            [
                f"held now by {holder}" if holder else "nobody holds it now",
                "what was not committed stays unseen; give the same command again",
            ],
        )

    def _text(self) -> bytes:
        return json.dumps(self._facts).encode()


@contextmanager
def leased(store: Store, folder: str, holder: Mapping[str, str]) -> Iterator[Lease]:
    """Holds a folder; BusyError, with who has it, where it is held already."""
    refuse_careless(store, folder)
    lease = ObjectLease(store, folder, facts_of(holder) | {"seconds": SECONDS})
    try:
        lease.take()
        lease.check()
        lease.give_signs_of_life()
        yield lease
    finally:
        lease.give_back()


def is_held(store: Store, folder: str) -> bool:
    """Whether a run holds a folder now. Nothing is written, so it is watched for a sign of life."""
    note = store.register(_in(folder, NOTE))
    first, _ = _read(note)
    if not first or _is_free(first):
        return False
    waited = 0.0
    while waited < 2 * BEAT:
        Event().wait(BEAT / 10)
        waited += BEAT / 10
        facts, _ = _read(note)
        if facts != first:
            return not _is_free(facts)
    return False


def refuse_careless(store: Store, folder: str) -> None:
    """StoreError for a store that lets two rivals create a text, or replace the same one."""
    probe = store.register(_in(folder, f"_probe-{uuid4().hex}"))
    failed = None
    try:
        seen = probe.create(b"1")
        try:
            probe.create(b"2")
            failed = "creates an object that exists already (If-None-Match)"
        except FileExistsError:
            probe.update(seen, b"3")
            try:
                probe.update(seen, b"4")
                failed = "replaces an object that has changed since it was seen (If-Match)"
            except ChangedError:
                pass
    except NotImplementedError:
        failed = "has no conditional writes (If-Match)"
    finally:
        with suppress(StoreError):
            probe.delete()
    if failed is not None:
        raise StoreError(
            f"{store.place(folder)}: this store {failed}, so two runs could write at once",
            ["a warehouse needs a store with conditional writes, such as Amazon S3 or MinIO"],
        )


def _left(store: Store, folder: str, facts: Mapping[str, Any], seen: Stored) -> float:
    """For how many seconds a lease holds still, by the times of the store."""
    if _is_free(facts):
        return 0
    # in a folder of its own, since a holder takes drafts away from right below the warehouse
    probe = _in(folder, f"_probe-{uuid4().hex}")
    try:
        store.write(f"{probe}/now", b"now")
        clock = store.head(f"{probe}/now")
    finally:
        store.delete_tree(probe)
    assert clock is not None
    assert clock.modified is not None
    assert seen.modified is not None
    seconds = facts.get("seconds")
    lasts = seconds if isinstance(seconds, int | float) else SECONDS
    return lasts - (clock.modified - seen.modified).total_seconds()


def _is_free(facts: Mapping[str, Any]) -> bool:
    return "token" in facts and facts["token"] is None


def _read(note: Register) -> tuple[dict[str, Any], Stored | None]:
    """What the note says, and its place; nothing of one that cannot be read, or is not there."""
    try:
        content, seen = note.read()
    except FileNotFoundError:
        return {}, None
    try:
        facts = json.loads(content)
    except ValueError:
        return {}, seen
    return facts if isinstance(facts, dict) else {}, seen


def _advice(facts: Mapping[str, Any], left: float) -> list[str]:
    return [
        described({key: value for key, value in facts.items() if key != "seconds"})
        or "who holds it cannot be read",
        "wait until it has ended, then give the same command again",
        f"if it was killed, its lease ends in {max(1, round(left))} s; then the command goes on",
    ]


def _in(folder: str, name: str) -> str:
    return f"{folder}/{name}" if folder else name
