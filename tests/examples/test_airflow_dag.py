"""The DAG for Airflow: its graph and what it does at each exit status; once with a real Airflow.

Airflow is far too large for the environment of the tests. Its names are stood in for by a few
classes here, so that the file is run as it is; the torture test installs Airflow, and runs a day.
"""

from __future__ import annotations

import os
import re
import runpy
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import documents
import pytest
from harness import write_landing
from rows import DAY, entrant, landing, ordered, window

from solatium.engine import Engine
from solatium.warehouse.snapshot import Snapshot

FOLDER = documents.ROOT / "examples" / "airflow"


class AirflowError(Exception):
    """Repeated, as far as the retries of a task go."""


class FailError(AirflowError):
    """Fails at once."""


class SkipError(AirflowError):
    """Skips the task."""


@dataclass(eq=False)
class Node:
    """A task in the graph."""

    name: str
    function: Callable[..., Any]
    options: dict[str, Any]
    after: set[str] = field(default_factory=set)

    def __call__(self, *arguments: Any) -> Node:
        self.after |= {argument.name for argument in arguments if isinstance(argument, Node)}
        return self

    def __rshift__(self, others: Any) -> Any:
        for other in others if isinstance(others, list) else [others]:
            other.after.add(self.name)
        return others


class Tasks:
    """`@task`, `@task(...)`, `@task.sensor(...)` and `@task.branch`."""

    def __init__(self) -> None:
        self.found: dict[str, Node] = {}

    def __call__(self, function: Callable | None = None, **options: Any) -> Any:
        if function is None:
            return lambda decorated: self(decorated, **options)
        self.found[function.__name__] = Node(function.__name__, function, options)
        return self.found[function.__name__]

    sensor = branch = __call__


@dataclass
class Dag:
    """The file as it was run: its tasks, its options, and what it finds while a task runs."""

    tasks: dict[str, Node]
    options: dict[str, Any]
    variables: dict[str, str]
    context: dict[str, Any]

    def does(self, name: str, *arguments: Any) -> Any:
        return self.tasks[name].function(*arguments)


@pytest.fixture
def dag(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Dag:
    tasks, given = Tasks(), dict[str, Any]()
    variables = {
        "solatium_landing": str(tmp_path / "logs"),
        "solatium_warehouse": str(tmp_path / "wh"),
        "solatium_config": "night.yaml",
    }
    due = datetime(2026, 3, 11, 3, 15, tzinfo=UTC)
    context: dict[str, Any] = {
        "params": {"date": None, "backfill_from": None},
        "logical_date": due,
        "dag_run": SimpleNamespace(run_after=due),
    }

    def variable(name: str, **more: str) -> str:
        return variables[name] if not more else variables.get(name, more["default"])

    def decorate(**options: Any) -> Callable:
        given.update(options)
        return lambda function: function

    sdk, exceptions = ModuleType("airflow.sdk"), ModuleType("airflow.sdk.exceptions")
    vars(sdk).update(
        Param=lambda *_, **__: None,
        Variable=SimpleNamespace(get=variable),
        dag=decorate,
        get_current_context=lambda: context,
        task=tasks,
    )
    vars(exceptions).update(
        AirflowException=AirflowError,
        AirflowFailException=FailError,
        AirflowSkipException=SkipError,
    )
    for module in (ModuleType("airflow"), sdk, exceptions):
        monkeypatch.setitem(sys.modules, module.__name__, module)
    runpy.run_path(str(FOLDER / "solatium_dag.py"))
    return Dag(tasks.found, given, variables, context)


def ends_with(dag: Dag, tmp_path: Path, status: int) -> Path:
    """Has the command end with this status; the file into which it writes its arguments."""
    said = tmp_path / "said.txt"
    program = tmp_path / "solatium"
    program.write_text(f'#!/bin/sh\necho "$@" >> "{said}"\nexit {status}\n')
    program.chmod(0o755)
    dag.variables["solatium_command"] = str(program)
    return said


def test_the_graph_is_as_its_page_draws_it(dag: Dag) -> None:
    assert {name: node.after for name, node in dag.tasks.items()} == {
        "files_arrived": set(),
        "nightly": {"files_arrived"},
        "accepted": {"nightly"},
        "report": {"accepted"},
        "publish": {"accepted"},
        "ask_a_person": {"accepted"},
    }
    assert dag.options["catchup"] is False
    assert dag.options["max_active_runs"] == 1


def test_a_night_is_for_the_day_before(dag: Dag, tmp_path: Path) -> None:
    said = ends_with(dag, tmp_path, 0)
    assert dag.does("nightly") is True
    assert said.read_text().startswith("nightly --date 2026-03-10 --landing ")


def test_the_day_before_is_that_of_the_time_zone(dag: Dag, tmp_path: Path) -> None:
    said = ends_with(dag, tmp_path, 0)
    dag.variables["solatium_timezone"] = "America/New_York"  # there it is the evening before
    dag.does("nightly")
    assert "--date 2026-03-09 " in said.read_text()


def test_a_person_may_name_the_date_or_ask_for_a_backfill(dag: Dag, tmp_path: Path) -> None:
    said = ends_with(dag, tmp_path, 0)
    dag.context["params"]["date"] = "2026-03-05"
    dag.does("nightly")
    dag.context["params"]["backfill_from"] = "2026-03-01"
    dag.does("nightly")
    first, second = said.read_text().splitlines()
    assert first.startswith("nightly --date 2026-03-05 ")
    assert second.startswith("backfill --from 2026-03-01 --to 2026-03-05 ")
    assert dag.does("files_arrived") is True  # what a backfill reads was there before


@pytest.mark.parametrize("status", [1, 4, 130, 143])
def test_a_fault_that_may_pass_is_repeated(dag: Dag, tmp_path: Path, status: int) -> None:
    ends_with(dag, tmp_path, status)
    with pytest.raises(AirflowError) as raised:
        dag.does("nightly")
    assert not isinstance(raised.value, FailError)
    assert dag.tasks["nightly"].options["retries"] > 2


def test_wrong_usage_fails_at_once(dag: Dag, tmp_path: Path) -> None:
    ends_with(dag, tmp_path, 2)
    with pytest.raises(FailError):
        dag.does("nightly")


def test_refused_input_goes_to_a_person(dag: Dag, tmp_path: Path) -> None:
    ends_with(dag, tmp_path, 3)
    assert dag.does("accepted", dag.does("nightly")) == ["ask_a_person"]
    assert dag.does("accepted", True) == ["report", "publish"]
    with pytest.raises(FailError, match="accept the gate"):
        dag.does("ask_a_person")


def test_report_and_publish_run_where_a_variable_names_a_target(dag: Dag, tmp_path: Path) -> None:
    said = ends_with(dag, tmp_path, 0)
    for name in ("report", "publish"):
        with pytest.raises(SkipError):
            dag.does(name)
    dag.variables |= {"solatium_report": "night.html", "solatium_publish_to": "shop.duckdb"}
    dag.does("report")
    dag.does("publish")
    first, second = said.read_text().splitlines()
    assert first.endswith("wh --out night.html")
    assert second.endswith("wh --to shop.duckdb")


def test_files_have_arrived_when_each_table_is_complete(dag: Dag, tmp_path: Path) -> None:
    dag.variables["solatium_wait_for"] = "participation orders"
    folders = [tmp_path / "logs" / name / "dt=2026-03-10" for name in ("participation", "orders")]
    assert dag.does("files_arrived") is False
    for folder in folders:
        assert dag.does("files_arrived") is False
        folder.mkdir(parents=True)
        (folder / "a.parquet").touch()
    assert dag.does("files_arrived") is True
    dag.variables["solatium_marker"] = "_SUCCESS"
    assert dag.does("files_arrived") is False
    for folder in folders:
        (folder / "_SUCCESS").touch()
    assert dag.does("files_arrived") is True


def test_its_readme_names_every_variable(dag: Dag) -> None:
    source = (FOLDER / "solatium_dag.py").read_text()
    readme = (FOLDER / "README.md").read_text()
    names = set(re.findall(r'Variable\.get\("(\w+)"', source))
    assert names <= set(re.findall(r"`(solatium_\w+)`", readme))


@pytest.mark.torture
def test_airflow_runs_a_day(embedded_session: Engine, tmp_path: Path) -> None:
    """With a real Airflow 3: that of AIRFLOW_VENV, or of an environment that pip makes here."""
    home = tmp_path / "home"
    venv = Path(os.environ.get("AIRFLOW_VENV", tmp_path / "venv"))
    if not venv.exists():
        subprocess.run([sys.executable, "-m", "venv", venv], check=True)
        pip = [venv / "bin" / "pip", "install", "--quiet", "--disable-pip-version-check"]
        if subprocess.run([*pip, "apache-airflow>=3,<4"], capture_output=True).returncode:
            pytest.skip("pip cannot install Airflow here")
    shop = tmp_path / "shop"
    write_landing(shop / "logs", landing(window(), [entrant(who) for who in "ab"], ordered("a")))
    (shop / "night.yaml").write_text("grace_days: 0\n")
    dags = tmp_path / "dags"
    dags.mkdir()
    shutil.copy(FOLDER / "solatium_dag.py", dags)
    program = shop / "solatium"
    program.write_text(
        f'#!/bin/sh\nPYTHONPATH={documents.ROOT} exec {sys.executable} -m solatium.cli "$@"\n'
    )
    program.chmod(0o755)
    marks = ("SPARK_REMOTE", "SPARK_CONNECT_MODE_ENABLED", "SPARK_API_MODE", "PYTHONPATH")
    environment = {k: v for k, v in os.environ.items() if k not in marks} | {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(dags),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW_VAR_SOLATIUM_COMMAND": str(program),
        "AIRFLOW_VAR_SOLATIUM_LANDING": str(shop / "logs"),
        "AIRFLOW_VAR_SOLATIUM_WAREHOUSE": str(shop / "wh"),
        "AIRFLOW_VAR_SOLATIUM_CONFIG": str(shop / "night.yaml"),
        "AIRFLOW_VAR_SOLATIUM_REPORT": str(shop / "night.html"),
    }

    def airflow(*arguments: str) -> str:
        done = subprocess.run(
            [venv / "bin" / "airflow", *arguments],
            env=environment, capture_output=True, text=True, timeout=1800,
        )  # fmt: skip
        return done.stdout + done.stderr

    airflow("db", "migrate")
    said = airflow("dags", "test", "solatium", "2026-03-11T03:15:00+00:00")
    assert "state=success" in said, said[-3000:]
    assert Snapshot.of(shop / "wh").day == DAY
    assert "<html" in (shop / "night.html").read_text()

    program.write_text("#!/bin/sh\necho 'a gate is shut'\nexit 3\n")
    again = ("-c", f'{{"date": "{DAY}"}}')
    said = airflow("dags", "test", "solatium", "2026-03-12T03:15:00+00:00", *again)
    assert "state=failed" in said, said[-3000:]
    assert "the input was refused" in said
    assert "a gate is shut" in said
