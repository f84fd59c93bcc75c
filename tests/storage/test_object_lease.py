"""Rivals in an object store (docs/rules.md section 10.4): one run holds a warehouse.

A store in memory decides between threads, and one on the disk between processes; both are exact,
which the S3 server of the tests is not.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from datetime import timedelta
from pathlib import Path
from threading import Barrier, Event
from typing import Any

import obstore
import pytest
from object_store import ObjectStore
from obstore.exceptions import AlreadyExistsError, GenericError
from obstore.store import LocalStore, MemoryStore

from solatium.errors import BusyError, LostLeaseError, StoreError
from solatium.storage import object_lease
from solatium.storage.buckets import Bucket
from solatium.storage.lease import Lease, facts_of, give_all_back
from solatium.storage.location import Location
from solatium.storage.object_lease import ObjectLease, is_held, leased
from solatium.storage.stores import ChangedError, Stored

FACTS = {"engine": "spark", "date": "2026-03-09"}
NOTE = "wh/_holder.json"


@pytest.fixture
def store() -> Bucket:
    return Bucket("memory://", MemoryStore())


def note(store: Bucket) -> dict[str, Any]:
    return json.loads(store.read(NOTE)[0])


def later(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    """What is put from now on is so much later by the store's own time."""
    head = Bucket.head

    def moved(self: Bucket, key: str) -> Stored | None:
        found = head(self, key)
        if found is None or found.modified is None:
            return found
        modified = found.modified + timedelta(seconds=seconds)
        return Stored(found.key, found.size, modified, found.tag, found.version)

    monkeypatch.setattr(Bucket, "head", moved)  # by which the clock is read


# One holder


def test_it_is_held_by_one_and_then_by_the_next(store: Bucket) -> None:
    with leased(store, "wh", FACTS) as first:
        assert first.taken_over is None
        assert note(store)["engine"] == "spark"
        said = "engine spark, date 2026-03-09"
        with pytest.raises(BusyError, match=said) as refused, leased(store, "wh", {}):
            pass
        assert "its lease ends in 60 s" in str(refused.value)
    assert note(store) == {"token": None}
    with leased(store, "wh", {}) as second:
        assert second.taken_over is None
        assert not first.is_held()
    assert [one.key for one in store.below("wh").objects] == [NOTE]  # no probe is left


def test_of_many_that_start_together_one_holds_it(store: Bucket) -> None:
    """Once the object is not there, and once it is, and free."""
    for _ in range(2):
        start, tried = Barrier(8), Barrier(8)

        def hold(number: int, start: Barrier = start, tried: Barrier = tried) -> str:
            start.wait()
            with suppress(BusyError), leased(store, "wh", {"number": str(number)}):
                tried.wait()
                return "held"
            tried.wait()
            return "refused"

        with ThreadPoolExecutor(8) as pool:
            assert Counter(pool.map(hold, range(8))) == {"held": 1, "refused": 7}


def test_an_expired_one_is_taken_over_by_exactly_one(
    store: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    dead = ObjectLease(store, "wh", facts_of(FACTS))
    dead.take()  # and no sign of life follows

    def left(_store: Bucket, _folder: str, facts: dict, _seen: Stored) -> int:
        return 60 if "number" in facts else -1

    monkeypatch.setattr(object_lease, "_left", left)
    start = Barrier(8)

    def take(number: int) -> Lease | None:
        lease = ObjectLease(store, "wh", facts_of({"number": str(number)}))
        start.wait()
        try:
            lease.take()
        except BusyError:
            return None
        return lease

    with ThreadPoolExecutor(8) as pool:
        [winner] = [lease for lease in pool.map(take, range(8)) if lease]
    assert winner.is_held()
    assert winner.taken_over is not None
    assert "date 2026-03-09" in winner.taken_over
    for look in (dead.check, dead.renew):
        with pytest.raises(LostLeaseError, match=r"held now by .* number \d"):
            look()
    dead.give_back()
    winner.check()
    winner.give_back()


def test_a_young_one_is_left_alone(store: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    with leased(store, "wh", FACTS):
        later(monkeypatch, object_lease.SECONDS - 2)
        with pytest.raises(BusyError, match="its lease ends in 2 s"), leased(store, "wh", {}):
            pass


def test_signs_of_life_keep_it(store: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(object_lease, "BEAT", 0.01)
    renewed = Event()
    update = Bucket.update

    def counted(self: Bucket, seen: Stored, content: bytes) -> Stored:
        made = update(self, seen, content)
        if b"sign_of_life" in content:
            renewed.set()
        return made

    monkeypatch.setattr(Bucket, "update", counted)
    with leased(store, "wh", FACTS) as lease:
        assert renewed.wait(10)
        lease.renew()
        lease.check()
    assert note(store) == {"token": None}


def test_readers_see_whether_it_is_held(store: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(object_lease, "BEAT", 0.01)
    assert not is_held(store, "wh")
    with leased(store, "wh", FACTS) as lease:
        ticks = iter(range(1000))
        monkeypatch.setattr(object_lease, "now", lambda: f"{next(ticks)}")
        assert is_held(store, "wh")
        lease.check()
    assert not is_held(store, "wh")
    ObjectLease(store, "wh", facts_of(FACTS)).take()
    assert not is_held(store, "wh")  # of a dead run: nothing changes
    give_all_back()


# Lost leases


@pytest.mark.parametrize("loss", ["gone", "another's", "no JSON", "given back"])
def test_a_holder_notices_that_it_lost_its_lease(store: Bucket, loss: str) -> None:
    lease = ObjectLease(store, "wh", facts_of(FACTS))
    lease.take()
    text = {
        "another's": b'{"token": "x", "pid": 7}',
        "no JSON": b"[half",
        "given back": b'{"token": null}',
    }
    if loss == "gone":
        store.delete([NOTE])
    else:
        store.write(NOTE, text[loss])
    for look in (lease.check, lease.renew):
        with pytest.raises(LostLeaseError, match="no longer holds the warehouse") as lost:
            look()
    assert ("held now by pid 7" in str(lost.value)) == (loss == "another's")
    lease.give_back()
    assert loss == "gone" or store.read(NOTE)[0] == text[loss]


def test_a_put_whose_answer_was_lost_is_still_its_own(
    store: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The client puts again, and is refused, for what it put itself is there."""
    update, lost = Bucket.update, iter([True])

    def unheard(self: Bucket, seen: Stored, content: bytes) -> Stored:
        made = update(self, seen, content)
        if next(lost, False):
            raise ChangedError
        return made

    with leased(store, "wh", FACTS) as lease:
        monkeypatch.setattr(Bucket, "update", unheard)
        lease.renew()
        lease.renew()
        lease.check()
    assert note(store) == {"token": None}


def test_the_next_holder_is_left_alone(store: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    with ExitStack() as held:
        old = held.enter_context(leased(store, "wh", {"date": "old"}))
        store.delete([NOTE])
        with leased(store, "wh", {"date": "new"}) as new:
            with pytest.raises(LostLeaseError, match=r"held now by .* date new"):
                old.renew()
            held.close()
            new.renew()
            new.check()


def test_a_create_that_is_refused_beside_one_that_fails_is_tried_again(
    store: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S3 refuses one of two puts at once by a conflict, and the other may still fail."""
    put, refused = obstore.put, iter([True, True])

    def conflicting(*arguments: Any, **options: Any) -> Any:
        if next(refused, False):
            raise AlreadyExistsError("409 Conflict")
        return put(*arguments, **options)

    monkeypatch.setattr(obstore, "put", conflicting)
    store.create("record", b"1")
    assert store.read("record")[0] == b"1"
    refused = iter(lambda: True, False)
    with pytest.raises(StoreError, match="says that this object exists, and has none"):
        store.create("another", b"1")


@pytest.mark.parametrize("is_done", [True, False], ids=["done", "not done"])
def test_a_put_that_is_not_answered_in_time_is_repeated(
    store: Bucket, monkeypatch: pytest.MonkeyPatch, is_done: bool
) -> None:
    """The client repeats no conditional put by itself then, as it may have been done."""
    put, late = obstore.put, iter([True])

    def unheard(*arguments: Any, **options: Any) -> Any:
        is_late = next(late, False)
        made = None if is_late and not is_done else put(*arguments, **options)
        if is_late:
            raise GenericError("HTTP error: error sending request\n\nDebug source: kind: Timeout,")
        return made

    monkeypatch.setattr(obstore, "put", unheard)
    seen = store.create("record", b"1")
    late = iter([True])
    seen = store.update(seen, b"2")
    assert store.read("record")[0] == b"2"
    store.update(seen, b"3")
    late = iter([True])
    with pytest.raises(ChangedError):
        store.update(seen, b"4")
    late = iter([True])
    with pytest.raises(FileExistsError):
        store.create("record", b"4")


def test_a_store_that_does_not_answer_in_time_is_named(
    store: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unheard(*_: Any, **options: Any) -> Any:
        raise GenericError("HTTP error: error sending request\n\nDebug source: kind: Timeout,")

    monkeypatch.setattr(obstore, "put", unheard)
    with pytest.raises(StoreError, match="memory:///record: no answer came in time"):
        store.create("record", b"1")


# Stores that let two rivals win


def test_a_store_that_creates_what_exists_is_refused(
    store: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    def careless(self: Bucket, key: str, content: bytes) -> Stored:
        made = obstore.put(self._client, key, content)
        return Stored(key, 1, None, made["e_tag"], None)

    monkeypatch.setattr(Bucket, "create", careless)
    said = r"this store creates an object that exists already \(If-None-Match\)"
    with pytest.raises(StoreError, match=said), leased(store, "wh", FACTS):
        pass
    assert store.below("").objects == ()


def test_a_store_that_replaces_what_has_changed_is_refused(
    store: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    def careless(self: Bucket, seen: Stored, content: bytes) -> Stored:
        self.write(seen.key, content)
        return seen

    monkeypatch.setattr(Bucket, "update", careless)
    with pytest.raises(StoreError, match="replaces an object that has changed"):
        object_lease.refuse_careless(store, "wh")


def test_a_store_without_conditional_puts_is_refused(tmp_path: Path) -> None:
    store = Bucket("file://", LocalStore(str(tmp_path)))
    with pytest.raises(StoreError, match="no conditional writes"), leased(store, "wh", FACTS):
        pass


# Across processes

RIVAL = """
import sys
from obstore.store import LocalStore
from solatium.storage.buckets import Bucket
store = Bucket("file://", LocalStore(sys.argv[1]))
for line in sys.stdin:  # each line is a round
    try:
        store.create("round-" + line.strip(), sys.argv[2].encode())
        print("won", flush=True)
    except FileExistsError:
        print("lost", flush=True)
"""


def test_of_two_processes_one_creates_a_record(tmp_path: Path) -> None:
    rivals = [
        subprocess.Popen(
            [sys.executable, "-c", RIVAL, str(tmp_path), name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for name in "ab"
    ]
    rounds = "".join(f"{number}\n" for number in range(200))
    for rival in rivals:
        assert rival.stdin is not None
        rival.stdin.write(rounds)
        rival.stdin.flush()
    said = [rival.communicate()[0].split() for rival in rivals]
    assert [sorted(words) for words in zip(*said, strict=True)] == [["lost", "won"]] * 200


def test_a_location_in_a_bucket_is_held(s3: ObjectStore) -> None:
    place = Location.parse(s3.place("wh"))
    with place.held(FACTS) as lease:
        lease.renew()
        with pytest.raises(BusyError, match="another run holds"), place.held({}):
            pass
    assert place.names() == ["_holder.json"]
    with place.held({}) as lease:
        assert lease.taken_over is None
