"""Packs of every window of whole random histories: they are accepted, and hold the reference's."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from checked_history import a_warehouse, put
from histories import History, examples, histories
from hypothesis import given
from packs import entries, facts, verify
from reference.arrivals import open_door
from reference.night import Reference
from reference.outcomes import Rush
from reference.rush import Entry, in_order

import solatium
from solatium.engine import Engine
from solatium.evidence.pack import pack_of

few = examples(2, derandomize=True)
many = examples(100)


def packs_are_accepted_and_hold_what_the_reference_says(running: Engine, history: History) -> None:
    last = history.last + timedelta(days=1)
    with a_warehouse(running) as nights, TemporaryDirectory() as folder:
        put(nights, history, 0)
        nights.run(last, history.config)
        reference = Reference(history.config)
        door = open_door(history.landing(), reference.settings, last)
        tables = solatium.open(nights.warehouse)
        for number, rush in enumerate(reference.judged(door, last).rushes):
            for public in (False, True):
                out = Path(folder) / f"{number}-{public}"
                landing = str(nights.landing)
                pack = pack_of(tables, *rush.window.key, out, public=public, landing=landing)
                assert pack.unread == 0
                holds(out, rush, public=public)


def holds(pack: Path, rush: Rush, *, public: bool) -> None:
    verdict = verify(pack)
    assert verdict.status == 0, f"{rush.window.row}: {verdict.said}"
    assert facts(pack)["status"] == rush.status
    expected = in_order(rush.window, rush.entries) if rush.status == "allocated" else []
    found = entries(pack)
    names = ["size", "allocated"] if public else ["entry_id", "size", "allocated"]
    if not rush.window.is_first_come:
        names += ["weight", "ticket"]
    assert [tuple(row[name] for name in names) for row in found] == [
        tuple(shown(entry, name) for name in names) for entry in expected
    ]
    if public or not rush.window.is_first_come:
        return
    assert [(row["event_id"], row["account_id"]) for row in found] == [
        (entry.attempt["event_id"], entry.attempt["account_id"]) for entry in expected
    ]


def shown(entry: Entry, name: str) -> str:
    value = getattr(entry, name)
    return str(value).lower() if isinstance(value, bool) else str(value)


@few
@given(history=histories())
def test_packs_of_a_history_are_accepted(embedded: Engine, history: History) -> None:
    packs_are_accepted_and_hold_what_the_reference_says(embedded, history)


@pytest.mark.torture
@many
@given(history=histories())
def test_packs_of_many_histories_are_accepted(embedded: Engine, history: History) -> None:
    packs_are_accepted_and_hold_what_the_reference_says(embedded, history)
