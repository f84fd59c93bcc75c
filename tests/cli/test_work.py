"""A command at work: who hears how it ended, also where the process is ended around it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from solatium.cli.ending import Ended
from solatium.cli.work import Work, end_all, work
from solatium.errors import InputError
from solatium.observe.watch import Watch
from solatium.storage.local import LocalLocation
from solatium.warehouse.attempts import Attempt


class Heard:
    """Keeps what it hears."""

    def __init__(self) -> None:
        self.facts: list[dict[str, Any]] = []

    def begun(self, facts: Mapping[str, Any]) -> None:
        self.facts.append(dict(facts))

    def ended(self, facts: Mapping[str, Any]) -> None:
        self.facts.append(dict(facts))


class Broken(Heard):
    """Can do nothing."""

    def __str__(self) -> str:
        return "the broken one"

    def begun(self, _: Mapping[str, Any]) -> None:
        raise RuntimeError("no begin")

    def ended(self, _: Mapping[str, Any]) -> None:
        raise RuntimeError("no s3://key:secret@bucket")


@pytest.mark.parametrize(
    ("error", "status", "headline"),
    [
        (InputError("bad files", ["a", "b"]), 3, "bad files"),
        (Ended(15), 143, "Ended: SIGTERM"),
        (ValueError("odd"), 1, "ValueError: odd"),
    ],
)
def test_whatever_ends_it_is_heard(
    tmp_path: Path, error: BaseException, status: int, headline: str
) -> None:
    heard, summary = Heard(), tmp_path / "summary.json"

    def command() -> None:
        with work("nightly", str(tmp_path / "wh"), {}, str(summary), Watch(heard)) as done:
            done.says("what people read", {"handled": ["2026-11-01"]})
            raise error

    with pytest.raises(type(error)):
        command()
    begun, ended = heard.facts
    assert (begun["command"], begun["exit_status"]) == ("nightly", None)
    assert (ended["exit_status"], ended["error"]["headline"]) == (status, headline)
    assert "handled" not in ended
    assert json.loads(summary.read_text()) == ended


def test_a_process_that_is_about_to_end_says_so(tmp_path: Path) -> None:
    heard, summary = Heard(), tmp_path / "summary.json"
    done = Work(Attempt(LocalLocation(tmp_path / "wh"), "nightly", {}), str(summary), Watch(heard))
    done.begin()
    end_all(143, "SIGTERM")
    end_all(143, "SIGTERM")  # once
    assert [facts["exit_status"] for facts in heard.facts] == [None, 143]
    assert json.loads(summary.read_text())["error"]["headline"] == "SIGTERM"


def test_one_who_watches_stops_neither_the_run_nor_others(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    heard = Heard()
    with work("nightly", str(tmp_path / "wh"), {}, watch=Watch(Broken(), heard)) as done:
        done.says("done", {"handled": []})
    assert [facts["exit_status"] for facts in heard.facts] == [None, 0]
    assert [record.getMessage() for record in caplog.records] == [
        "the broken one: no begin",
        "the broken one: no s3://bucket",
    ]
