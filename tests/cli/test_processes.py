"""The command as a process: what ends it, what surrounds it, and the record that it leaves."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO

import pytest
from compare import differences, reference_tables
from golden import race
from harness import environment, write_landing
from rows import days, landing

from solatium.nightly.night import Night
from solatium.storage.local import LocalLocation
from solatium.warehouse import attempts, commits

FIRST, SECOND = days(0), days(1)
STORY = landing([race(f"r{number}", "front", "ann", day=days(number)) for number in range(2)])
CONFIG = {"grace_days": 0, "bonus": {"tiers": [{"min_failures": 1, "amount": "2.00"}]}}
COMMAND = [sys.executable, "-m", "solatium.cli"]


@pytest.fixture
def place(embedded: object, tmp_path: Path) -> Path:
    """A landing zone of two dates and a configuration; the warehouse is new."""
    write_landing(tmp_path / "landing", STORY)
    (tmp_path / "config.yaml").write_text(json.dumps(CONFIG))
    return tmp_path


def nightly(place: Path, *more: str) -> list[str]:
    where = ["--landing", str(place / "landing"), "--warehouse", str(place / "wh")]
    config = ["--config", str(place / "config.yaml")]
    return [*COMMAND, "nightly", *where, *config, "--date", str(SECOND), *more]


def ended(command: list[str], **options: object) -> subprocess.CompletedProcess[str]:
    given = environment() | dict(options.pop("env", {}))  # type: ignore[call-overload]
    return subprocess.run(
        command, capture_output=True, text=True, env=given, timeout=300, **options
    )  # type: ignore[call-overload]


# What ends it


def line_with(text: str) -> Callable[[IO[str], Path], None]:
    def wait(stderr: IO[str], _: Path) -> None:
        for line in stderr:
            if text in line:
                return
        raise AssertionError(f"it ended before it said {text}")

    return wait


def the_lease(_: IO[str], warehouse: Path) -> None:
    while not (warehouse / "_holder.json").exists():
        time.sleep(0.01)  # no event tells of it


@pytest.mark.parametrize(
    ("number", "status", "moment"),
    [
        pytest.param(
            signal.SIGTERM, 143, the_lease, id="while the engine starts",
            marks=pytest.mark.torture,
        ),
        pytest.param(signal.SIGINT, 130, line_with("gather activity"), id="in a night"),
        pytest.param(
            signal.SIGINT, 130, line_with("read windows"), id="at the door",
            marks=pytest.mark.torture,
        ),
        pytest.param(
            signal.SIGTERM, 143, line_with("post:"), id="after its posting",
            marks=pytest.mark.torture,
        ),
    ],
)  # fmt: skip
def test_a_signal_ends_a_run_and_the_same_command_goes_on(
    place: Path, number: int, status: int, moment: Callable[[IO[str], Path], None]
) -> None:
    with subprocess.Popen(
        nightly(place), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment()
    ) as run:
        assert run.stderr is not None
        moment(run.stderr, place / "wh")
        run.send_signal(number)
        _, said = run.communicate(timeout=30)
    assert run.returncode == status
    assert "Traceback" not in said
    assert f"ended by {signal.Signals(number).name}" in said
    assert not (place / "wh" / "_holder.json").exists()
    again = ended(nightly(place))
    assert again.returncode == 0, again.stderr
    assert "taking over" not in again.stderr
    assert differences(place / "wh", reference_tables(STORY, CONFIG, SECOND)) == []


# What surrounds it

OF_ANOTHER_SPARK = {
    "SPARK_REMOTE": "sc://192.0.2.1:15002",
    "SPARK_HOME": "/opt/another-spark",
    "MASTER": "yarn",
    "PYSPARK_SUBMIT_ARGS": "--master yarn pyspark-shell",
    "SPARK_CONNECT_AUTHENTICATE_TOKEN": "secret",
}
PROXIES = dict.fromkeys(
    ("http_proxy", "https_proxy", "all_proxy", "grpc_proxy", "HTTP_PROXY", "ALL_PROXY"),
    "http://127.0.0.1:9",
)


def test_proxies_another_spark_and_a_poor_terminal_do_not_matter(place: Path) -> None:
    surroundings = OF_ANOTHER_SPARK | PROXIES
    surroundings |= {"PYTHONIOENCODING": "ascii", "COLUMNS": "60", "HOME": "/nonexistent"}
    done = ended(nightly(place, "--summary-json", str(place / "done.json")), env=surroundings)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    assert str(SECOND) in done.stdout
    facts = json.loads((place / "done.json").read_text())
    assert (facts["exit_status"], facts["error"]) == (0, None)
    assert facts["handled"] == [str(FIRST), str(SECOND)]
    assert facts["entries_posted"] == 2
    assert facts["entries_sum"] == "4.00"
    # times have a zone, in the record and in the log
    assert re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00$", facts["started_at"])
    assert re.match(r"\d{4}-\d\d-\d\dT[\d:.]+[+-]\d\d:\d\d ", done.stderr)


@pytest.mark.parametrize(
    "output",
    ["a pipe that nobody reads", pytest.param("a full disk", marks=pytest.mark.torture)],
)
def test_a_run_whose_summary_cannot_be_printed_is_committed_all_the_same(
    place: Path, output: str
) -> None:
    if output == "a full disk":
        unwritable = os.open("/dev/full", os.O_WRONLY)
        try:
            os.write(unwritable, b"x")
        except OSError:
            pass
        else:
            pytest.skip("/dev/full of this machine takes what is written")
    else:
        reader, unwritable = os.pipe()
        os.close(reader)
    done = subprocess.run(
        nightly(place), stdout=unwritable, stderr=subprocess.PIPE, text=True, timeout=300
    )
    os.close(unwritable)
    assert done.returncode in (0, 1)
    assert "Traceback" not in done.stderr
    assert "committed" in done.stderr.splitlines()[-1]
    assert commits.published(LocalLocation(place / "wh"))[-1].day == SECOND


def test_json_goes_to_the_standard_output_alone(place: Path) -> None:
    command = nightly(place, "--summary-json", "-")
    command[3:3] = ["--log-format", "json"]
    done = ended(command)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["command"] == "nightly"
    lines = [line for line in done.stderr.splitlines() if line.startswith("{")]
    assert {"time", "level", "logger", "message"} == json.loads(lines[0]).keys()


# The record that it leaves


def test_every_attempt_is_listed_the_newest_first(place: Path) -> None:
    assert ended(nightly(place)).returncode == 0
    early = [*nightly(place)]
    early[early.index(str(SECOND))] = str(FIRST)
    refused = ended([*early, "--summary-json", str(place / "refused.json")])
    assert refused.returncode == 2
    facts = json.loads((place / "refused.json").read_text())
    assert facts["exit_status"] == 2
    assert f"{FIRST} is before {SECOND}" in facts["error"]["headline"]
    listed = ended([*COMMAND, "runs", "--warehouse", str(place / "wh")])
    assert listed.returncode == 0, listed.stderr
    newest, oldest = listed.stdout.splitlines()
    assert f"nightly --date {FIRST}" in newest
    assert "exit 2" in newest
    assert f"{FIRST} is before {SECOND}" in newest
    assert "exit 0" in oldest
    as_json = ended([*COMMAND, "runs", "--json", "--warehouse", str(place / "wh")])
    assert [json.loads(line)["exit_status"] for line in as_json.stdout.splitlines()] == [2, 0]


def test_an_attempt_that_was_killed_shows(tmp_path: Path) -> None:
    (tmp_path / "_commits").mkdir()
    code = (
        "import sys; from solatium.storage.location import Location;"
        "from solatium.warehouse.attempts import Attempt;"
        "Attempt(Location.parse(sys.argv[1]), 'nightly', {}).begin()"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True)
    [one] = attempts.read(LocalLocation(tmp_path))
    assert (one["exit_status"], one["ended_at"]) == (None, None)


def test_a_record_that_cannot_be_written_stands_in_nobodys_way(tmp_path: Path) -> None:
    (tmp_path / "_commits").mkdir()
    (tmp_path / "_attempts").write_text("a file in its place")
    attempt = attempts.Attempt(LocalLocation(tmp_path), "nightly", {})
    attempt.begin()
    attempt.end(0, None)
    assert attempts.read(LocalLocation(tmp_path)) == []


# Errors that nobody foresaw


def test_an_unforeseen_error_is_one_line_and_a_file(
    place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from solatium.cli import app
    from solatium.nightly import run

    def broken(*_: object, **__: object) -> None:
        raise KeyError("no such thing")

    monkeypatch.setattr(run, "run", broken)
    with pytest.raises(SystemExit) as end:
        app.main(nightly(place)[3:])
    said = capsys.readouterr().err
    assert end.value.code == 1
    [line] = [one for one in said.splitlines() if one.startswith("solatium: ")]
    assert "unexpected KeyError: 'no such thing'" in line
    assert f"give it again: solatium nightly --landing {place / 'landing'}" in line
    file = Path(line.rsplit(" ", 1)[1])
    assert "Traceback" in file.read_text()
    file.unlink()


@pytest.mark.torture
def test_a_passing_fault_of_the_engine_is_tried_once_more(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from harness import Nights
    from pyspark.errors import PySparkException

    from solatium.engine import running

    handle, failures = Night.handle, ["task context not found for operation"]

    def handled(self: Night, *arguments: object, **options: object) -> object:
        found = handle(self, *arguments, **options)  # type: ignore[arg-type]
        if failures:
            raise PySparkException(failures.pop())
        return found

    monkeypatch.setattr(Night, "handle", handled)
    with running("embedded") as engine:
        nights = Nights(place, engine)
        report = nights.run(SECOND, CONFIG)
    assert report.handled == [FIRST, SECOND]
    assert any("handled again" in note for note in report.notes)
    assert differences(nights.warehouse, reference_tables(STORY, CONFIG, SECOND)) == []
