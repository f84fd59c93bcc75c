"""`--metrics`: what Prometheus reads of a run that was done, refused or busy."""

from __future__ import annotations

import json
import shutil
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

import pytest
from harness import write_landing
from prometheus_client.parser import text_string_to_metric_families
from rows import DAY, Landing, at, days, entrant, landing, ordered, paid, window

import solatium
from solatium import engine
from solatium.cli import app
from solatium.engine import Engine
from solatium.errors import InputError, UsageError
from solatium.observe import metrics as metrics_file
from solatium.storage.local import LocalLocation

NEXT = days(1)
STORY = landing(
    [window(window=name, day=day) for name, day in (("w1", DAY), ("w2", NEXT))],
    [entrant(who, window="w1", day=DAY) for who in "ab"],
    [entrant(who, window="w2", day=NEXT) for who in "ab"],
    ordered("a", window="w1", day=DAY),
)
BAD = paid("eve-4711", window="w1", amount=None)
CONFIG = {
    "grace_days": 0,
    "gates": {"max_quarantine_share": "0.4"},
    "bonus": {"tiers": [{"min_failures": 1, "amount": "2.50"}]},
}


@dataclass
class Place:
    """A landing zone, settings and a warehouse, which `nightly` handles in this process."""

    folder: Path

    @property
    def warehouse(self) -> Path:
        return self.folder / "wh"

    @property
    def file(self) -> Path:
        return self.folder / "solatium.prom"

    def land(self, rows: Landing, part: str = "part-0") -> None:
        write_landing(self.folder / "logs", rows, part)

    def nightly(self, *more: object) -> int:
        """The exit status."""
        where = ("--landing", self.folder / "logs", "--warehouse", self.warehouse)
        config = ("--config", self.folder / "night.yaml", "--metrics", self.file)
        with pytest.raises(SystemExit) as end:
            app.main(["nightly", *map(str, (*where, *config, *more))])
        return int(end.value.code or 0)

    def samples(self) -> dict[str, float]:
        """The metrics by name, and those of a label as `name{value}`."""
        found = {}
        for family in text_string_to_metric_families(self.file.read_text()):
            assert family.documentation
            assert family.type == "gauge"
            for sample in family.samples:
                labels = dict(sample.labels)
                assert labels.pop("warehouse") == str(self.warehouse)
                label = f"{{{'/'.join(labels.values())}}}" if labels else ""
                found[sample.name.removeprefix("solatium_") + label] = sample.value
        return found


@pytest.fixture(scope="module")
def done(embedded_session: Engine, tmp_path_factory: pytest.TempPathFactory) -> Place:
    """A night that is done, of which one row is bad; tests copy what they change."""
    made = Place(tmp_path_factory.mktemp("done"))
    (made.folder / "night.yaml").write_text(json.dumps(CONFIG))
    made.land(STORY)
    made.land(landing(BAD), "part-1")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(engine, "running", lambda *_, **__: nullcontext(embedded_session))
        assert made.nightly("--date", DAY) == 0
    return made


@pytest.fixture
def place(
    done: Place, embedded_session: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Place:
    """A copy of that night and of what it was made from."""
    monkeypatch.setattr(engine, "running", lambda *_, **__: nullcontext(embedded_session))
    shutil.copytree(done.folder, tmp_path / "copy")
    return Place(tmp_path / "copy")


def test_a_run_that_is_done_leaves_its_numbers(done: Place) -> None:
    found = done.samples()
    expected = {
        "run_exit_status": 0,
        "gate_shut": 0,
        f"run_info{{nightly/{solatium.__version__}}}": 1,
        "run_dates": 1,
        "run_windows_judged": 1,
        "run_windows_restated": 0,
        "run_windows_held": 0,
        "run_quarantined_rows": 1,
        "run_quarantined_rows_by_reason{null_amount}": 1,
        "run_ledger_entries": 1,
        "run_ledger_minor_units": 250,
        "last_success_date_timestamp_seconds": at("00:00").timestamp(),
    }
    assert expected.items() <= found.items()
    assert found["run_landing_rows"] > 1
    assert found["run_started_timestamp_seconds"] <= found["run_ended_timestamp_seconds"]
    assert found["last_success_timestamp_seconds"] == found["run_ended_timestamp_seconds"]
    assert found["run_stage_seconds{gather activity}"] > 0
    assert done.file.stat().st_mode & 0o444 == 0o444  # the exporter is another user
    assert [path.name for path in done.folder.glob("*.prom*")] == ["solatium.prom"]


def test_no_label_names_an_account(done: Place) -> None:
    assert "eve-4711" not in done.file.read_text()


def test_a_shut_gate_keeps_the_last_success_and_has_no_numbers(done: Place, place: Place) -> None:
    before = done.samples()
    bad = [paid(who, day=NEXT, window="w2", amount=None) for who in "cde"]
    place.land(landing(bad), "part-1")
    assert place.nightly("--date", NEXT) == 3
    found = place.samples()
    assert (found["run_exit_status"], found["gate_shut"]) == (3, 1)
    assert not any(name.startswith(("run_windows", "run_ledger", "run_stage")) for name in found)
    for name in ("last_success_timestamp_seconds", "last_success_date_timestamp_seconds"):
        assert abs(found[name] - before[name]) <= 1  # run_log has fractions of a second


def test_a_gate_for_missing_input_is_a_shut_gate_too(place: Place) -> None:
    strict = {**CONFIG, "gates": {"required_tables": ["payment", "orders"]}}
    (place.folder / "night.yaml").write_text(json.dumps(strict))
    assert place.nightly("--date", NEXT) == 3
    assert place.samples()["gate_shut"] == 1


def test_other_refused_input_is_no_shut_gate(place: Place) -> None:
    (file,) = (place.folder / "logs" / "participation" / f"dt={NEXT}").glob("*.parquet")
    file.write_bytes(b"no parquet")
    assert place.nightly("--date", NEXT) == 3
    assert place.samples()["gate_shut"] == 0


def test_a_first_run_that_is_refused_says_that_there_was_no_success(place: Place) -> None:
    shutil.rmtree(place.warehouse)
    assert place.nightly("--date", "2999-01-01") == 2
    found = place.samples()
    assert found["run_exit_status"] == 2
    assert found["last_success_timestamp_seconds"] == 0
    assert found["last_success_date_timestamp_seconds"] == 0


def test_a_run_that_meets_a_rival_says_so(place: Place) -> None:
    with LocalLocation(place.warehouse).held({"engine": "embedded"}):
        assert place.nightly("--date", DAY) == 4
    assert place.samples()["run_exit_status"] == 4
    assert place.samples()["last_success_timestamp_seconds"] > 0


def test_metrics_that_cannot_be_written_are_a_warning(
    place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    nowhere = place.folder / "no folder" / "solatium.prom"
    assert place.nightly("--date", "2999-01-01", "--metrics", nowhere) == 2
    assert f"--metrics {nowhere}: " in caplog.text


def test_without_the_package_the_option_is_refused_before_anything_runs(
    place: Place, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.rmtree(place.warehouse)
    monkeypatch.setattr(metrics_file, "find_spec", lambda _: None)
    assert place.nightly("--date", DAY) == 2
    assert "pip install 'solatium[observe]'" in capsys.readouterr().err
    assert not place.warehouse.exists()


def test_a_run_from_python_writes_them_too(place: Place) -> None:
    logs = place.folder / "logs"
    solatium.run(logs, place.warehouse, DAY, settings=CONFIG, metrics=place.file)
    assert place.samples()["run_ledger_entries"] == 0  # a rerun
    with pytest.raises(UsageError):
        solatium.run(logs, place.warehouse, "2999-01-01", settings=CONFIG, metrics=place.file)
    assert place.samples()["run_exit_status"] == 2
    with pytest.raises(InputError):
        solatium.run(
            logs, place.warehouse, NEXT, metrics=place.file,
            settings={**CONFIG, "gates": {"required_tables": ["payment", "orders"]}},
        )  # fmt: skip
    assert place.samples()["gate_shut"] == 1
