"""Lineage of runs: what is sent, to whom, and that nothing is where nobody asks for it."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from harness import write_landing
from rows import DAY, days, entrant, landing, ordered, window

import solatium
from solatium import contracts, engine
from solatium.engine import Engine
from solatium.errors import BusyError, InputError, UsageError
from solatium.observe import courier, lineage
from solatium.observe.places import Place, without_credentials
from solatium.observe.subject import Parent
from solatium.storage.local import LocalLocation

NEXT = days(1)
STORY = landing(
    window(day=DAY), [entrant(who, day=DAY) for who in "ab"], ordered("a", day=DAY),
)  # fmt: skip
CONFIG = {"grace_days": 0, "bonus": {"tiers": [{"min_failures": 1, "amount": "2.50"}]}}
RUN = "2c5c3f6e-6a8b-4c2a-9d53-0d9c1c3a7e55"


@pytest.fixture(autouse=True)
def silent(monkeypatch: pytest.MonkeyPatch) -> None:
    """No variable of the client is set; those that it sets by itself are taken away again."""
    import os

    kept = {k: v for k, v in os.environ.items() if not k.startswith("OPENLINEAGE")}
    monkeypatch.setattr(os, "environ", os.environ.copy())  # the client writes into it
    for name in set(os.environ) - set(kept):
        monkeypatch.delenv(name)


@pytest.fixture(scope="module")
def handled(embedded_session: Engine, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which one night was handled, which nobody watched."""
    folder = tmp_path_factory.mktemp("handled")
    write_landing(folder / "logs", STORY)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(engine, "running", lambda *_, **__: nullcontext(embedded_session))
        solatium.run(folder / "logs", folder / "wh", DAY, settings=CONFIG)
    return folder


@pytest.fixture
def known(embedded_session: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "running", lambda *_, **__: nullcontext(embedded_session))


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file to which the environment has events written."""
    monkeypatch.setenv("OPENLINEAGE__TRANSPORT__TYPE", "file")
    monkeypatch.setenv("OPENLINEAGE__TRANSPORT__APPEND", "true")
    monkeypatch.setenv("OPENLINEAGE__TRANSPORT__LOG_FILE_PATH", str(tmp_path / "events.json"))
    return tmp_path / "events.json"


def events(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text().splitlines() if line]


def by_name(datasets: list[dict[str, Any]], folder: Path) -> dict[str, dict[str, Any]]:
    assert {dataset["namespace"] for dataset in datasets} <= {"file"}
    return {dataset["name"].removeprefix(f"{folder}/"): dataset for dataset in datasets}


# What is sent


@pytest.mark.usefixtures("known")
def test_a_night_sends_where_its_tables_come_from(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENLINEAGE_NAMESPACE", "shop")
    monkeypatch.setenv("OPENLINEAGE_PARENT_ID", f"airflow/sneakers.nightly/{RUN}")
    write_landing(tmp_path / "logs", STORY)
    solatium.run(tmp_path / "logs", tmp_path / "wh", NEXT, settings=CONFIG)
    start, complete = events(file)
    assert [start["eventType"], complete["eventType"]] == ["START", "COMPLETE"]
    assert start["run"]["runId"] == complete["run"]["runId"]
    assert UUID(start["run"]["runId"])
    for event in (start, complete):
        assert (event["job"]["namespace"], event["job"]["name"]) == ("shop", "solatium.nightly")
        assert event["producer"].endswith(f"/solatium/{solatium.__version__}/")
        of_run = event["run"]["facets"]
        assert of_run["nominalTime"]["nominalStartTime"] == f"{NEXT}T00:00:00+00:00"
        assert of_run["nominalTime"]["nominalEndTime"] == f"{days(2)}T00:00:00+00:00"
        assert of_run["parent"]["run"]["runId"] == RUN
        assert of_run["parent"]["job"]["name"] == "sneakers.nightly"
        assert of_run["parent"]["job"]["namespace"] == "airflow"
    assert set(by_name(start["inputs"], tmp_path / "logs")) == set(contracts.LANDING)
    assert set(by_name(start["outputs"], tmp_path / "wh")) == set(contracts.WAREHOUSE)

    read = by_name(complete["inputs"], tmp_path / "logs")
    assert set(read) == {"participation", "payment", "orders", "windows", "accounts"}
    entrants = read["participation"]["inputFacets"]
    assert entrants["inputStatistics"]["rowCount"] == 2
    assert entrants["inputStatistics"]["fileCount"] == 1
    assert entrants["inputStatistics"]["size"] > 100
    condition = entrants["subset"]["inputCondition"]
    assert [one["dimensions"] for one in condition["partitions"]] == [{"dt": str(DAY)}]

    written = by_name(complete["outputs"], tmp_path / "wh")
    ledger = written["bonus_ledger"]
    assert ledger["outputFacets"]["outputStatistics"]["rowCount"] == 1
    assert int(ledger["facets"]["version"]["datasetVersion"]) >= 0
    columns = {field["name"]: field for field in ledger["facets"]["schema"]["fields"]}
    assert list(columns) == list(contracts.warehouse("bonus_ledger").names)
    assert columns["amount"]["type"] == "decimal(18,2)"
    assert columns["amount"]["description"]
    assert not any(name.startswith("_") for name in written)


@pytest.mark.usefixtures("known")
def test_a_refused_run_sends_why_and_no_row(file: Path, handled: Path) -> None:
    strict = {**CONFIG, "gates": {"required_tables": ["payment"]}}
    with pytest.raises(InputError):
        solatium.run(handled / "logs", handled / "wh", NEXT, settings=strict)
    start, fail = events(file)
    assert [start["eventType"], fail["eventType"]] == ["START", "FAIL"]
    message = fail["run"]["facets"]["errorMessage"]["message"]
    assert message.startswith("exit status 3: ")
    assert "input is missing" in message
    assert fail["inputs"] == fail["outputs"] == []


@pytest.mark.usefixtures("known")
def test_what_a_rival_commits_is_not_the_output_of_a_run_that_was_refused(
    file: Path, handled: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lineage.commits, "newest", lambda _: None)  # as before the rival's commit
    with LocalLocation(handled / "wh").held({}), pytest.raises(BusyError):
        solatium.run(handled / "logs", handled / "wh", DAY, settings=CONFIG)
    assert events(file)[-1]["eventType"] == "FAIL"
    assert events(file)[-1]["outputs"] == []


def test_a_backfill_is_a_job_of_its_own_and_has_all_its_dates(file: Path, handled: Path) -> None:
    with pytest.raises(UsageError):  # not handled yet
        solatium.run(handled / "logs", handled / "wh", days(9), backfill_from=DAY, settings=CONFIG)
    assert events(file)[0]["job"]["name"] == "solatium.backfill"
    nominal = events(file)[0]["run"]["facets"]["nominalTime"]
    assert nominal["nominalStartTime"].startswith(f"{DAY}T")
    assert nominal["nominalEndTime"].startswith(f"{days(10)}T")


# Where it goes


def refused_run(folder: Path) -> float:
    """A run that is refused at once; the seconds that it took."""
    start = time.monotonic()
    with pytest.raises(UsageError):
        solatium.run(folder / "logs", folder / "wh", "2999-01-01", settings=CONFIG)
    return time.monotonic() - start


@dataclass
class Backend:
    """A backend on loopback that answers with `status`."""

    status: int = 201
    received: list[dict[str, Any]] = field(default_factory=list)
    url: str = ""


@pytest.fixture
def backend() -> Iterator[Backend]:
    found = Backend()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            found.received.append(json.loads(body))
            self.send_response(found.status)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        found.url = f"http://127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield found
        server.shutdown()


def test_events_go_to_the_backend_that_a_url_names(
    backend: Backend, handled: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENLINEAGE_URL", backend.url)
    refused_run(handled)
    assert [event["eventType"] for event in backend.received] == ["START", "FAIL"]


def test_a_configuration_file_is_read_where_a_variable_names_it(
    handled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / "lineage.yml"
    place = tmp_path / "from_config.json"
    config.write_text(f"transport: {{type: file, append: true, log_file_path: {place}}}\n")
    monkeypatch.setenv("OPENLINEAGE_CONFIG", str(config))
    refused_run(handled)
    assert len(events(place)) == 2


def test_the_console_shows_events(
    handled: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("OPENLINEAGE__TRANSPORT__TYPE", "console")
    refused_run(handled)
    shown = [json.loads(r.getMessage()) for r in caplog.records if r.name.endswith(".console")]
    assert [event["eventType"] for event in shown] == ["START", "FAIL"]


# What goes wrong


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [r.getMessage() for r in caplog.records if r.levelno >= logging.WARNING]


def test_a_backend_that_is_down_is_one_warning_and_a_few_seconds(
    handled: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("OPENLINEAGE_URL", "http://127.0.0.1:9")  # nobody listens
    assert refused_run(handled) < courier.SECONDS + 5
    (warning,) = warnings(caplog)
    assert warning.startswith("OpenLineage: not all events were delivered")


def test_a_backend_that_never_answers_is_one_warning_and_a_few_seconds(
    handled: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as deaf:
        monkeypatch.setenv("OPENLINEAGE_URL", f"http://127.0.0.1:{deaf.server_port}")
        assert refused_run(handled) < courier.SECONDS + 5
    assert warnings(caplog) == ["OpenLineage: not all events were delivered within 3 s"]


def test_a_backend_that_refuses_is_one_warning_without_credentials(
    backend: Backend,
    handled: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    backend.status = 403
    monkeypatch.setenv("OPENLINEAGE_URL", backend.url.replace("//", "//me:secret@"))
    refused_run(handled)
    (warning,) = warnings(caplog)
    assert "403" in warning
    assert "secret" not in warning


@pytest.mark.parametrize("text", ["", "transport: {type: no such kind}", ": : :"])
def test_a_configuration_that_makes_no_sense_is_one_warning(
    text: str,
    handled: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    (tmp_path / "lineage.yml").write_text(text)
    monkeypatch.setenv("OPENLINEAGE_CONFIG", str(tmp_path / "lineage.yml"))
    refused_run(handled)
    (warning,) = warnings(caplog)
    assert warning.startswith("OpenLineage: ")


def test_a_missing_client_is_one_warning_with_what_to_install(
    handled: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("OPENLINEAGE_URL", "http://127.0.0.1:9")
    monkeypatch.setattr(lineage, "find_spec", lambda _: None)
    refused_run(handled)
    (warning,) = warnings(caplog)
    assert "OPENLINEAGE_URL is set" in warning
    assert "pip install 'solatium[observe]'" in warning


# When nobody asks


@pytest.mark.parametrize(
    ("environment", "asks"),
    [
        ({}, None),
        ({"OPENLINEAGE_URL": ""}, None),
        ({"OPENLINEAGE_NAMESPACE": "shop", "OPENLINEAGE_API_KEY": "k"}, None),
        ({"OPENLINEAGE_URL": "http://x"}, "OPENLINEAGE_URL"),
        ({"OPENLINEAGE_CONFIG": "x.yml"}, "OPENLINEAGE_CONFIG"),
        ({"OPENLINEAGE__TRANSPORT__TYPE": "console"}, "OPENLINEAGE__TRANSPORT__TYPE"),
        ({"OPENLINEAGE__TRANSPORT": '{"type": "console"}'}, "OPENLINEAGE__TRANSPORT"),
        ({"OPENLINEAGE_URL": "http://x", "OPENLINEAGE_DISABLED": "True"}, None),
    ],
)
def test_the_environment_decides(environment: dict[str, str], asks: str | None) -> None:
    assert lineage.asked_by(environment) == asks


def test_where_nobody_asks_the_client_is_not_even_imported(handled: Path) -> None:
    code = (
        "import sys, solatium\n"
        f"try: solatium.run({str(handled / 'logs')!r}, {str(handled / 'wh')!r}, '2999-01-01')\n"
        "except Exception as error: print(error)\n"
        "print([n for n in sys.modules if n.startswith(('openlineage', 'prometheus_client'))])\n"
    )
    said = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=handled
    ).stdout
    assert "is after today" in said
    assert said.splitlines()[-1] == "[]"


# Names


@pytest.mark.parametrize(
    ("uri", "namespace", "name"),
    [
        ("/srv/wh", "file", "/srv/wh/payment"),
        ("file:///srv/a%20b/", "file", "/srv/a b/payment"),
        ("s3://bucket/wh", "s3://bucket", "wh/payment"),
        ("s3a://key:secret@bucket/wh/?token=secret#secret", "s3://bucket", "wh/payment"),
        ("s3://bucket", "s3://bucket", "payment"),
        ("gs://bucket/a/b", "gs://bucket", "a/b/payment"),
        ("hdfs://me:secret@name:8020/wh", "hdfs://name:8020", "/wh/payment"),
        (
            "abfss://container@shop.dfs.core.windows.net/wh?sig=secret",
            "abfss://container@shop.dfs.core.windows.net",
            "wh/payment",
        ),
        ("abfss://c:secret@shop.net/wh", "abfss://c@shop.net", "wh/payment"),
    ],
)
def test_a_dataset_has_a_name_without_credentials(uri: str, namespace: str, name: str) -> None:
    place = Place.of(uri) / "payment"
    assert (place.namespace, place.name) == (namespace, name)
    assert "secret" not in f"{place} {Place.of(uri)}"


def test_a_message_is_left_without_credentials() -> None:
    text = "s3://k:secret@b/wh?sig=secret: no; see https://u:secret@host:1/x, or /srv/wh"
    assert without_credentials(text) == "s3://b/wh: no; see https://host:1/x, or /srv/wh"


def test_a_relative_path_is_named_in_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert Place.of("wh") == Place("file", str(tmp_path / "wh"))


@pytest.mark.parametrize(
    ("text", "parent"),
    [
        (f"airflow/dag.task/{RUN}", Parent("airflow", "dag.task", RUN)),
        (f"https://airflow.shop/prod/dag.task/{RUN}",
         Parent("https://airflow.shop/prod", "dag.task", RUN)),
        ("", None),
        (RUN, None),
        (f"dag.task/{RUN}", None),
        ("airflow/dag.task/no uuid", None),
    ],
)  # fmt: skip
def test_a_parent_is_namespace_job_and_run(text: str, parent: Parent | None) -> None:
    assert Parent.of(text) == parent
