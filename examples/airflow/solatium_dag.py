"""A night of solatium, every day, for Airflow 3.

    files_arrived -> nightly -> accepted -> report
                                         -> publish
                                         -> ask_a_person

solatium runs as a command in an environment of its own, so its packages and Airflow's never meet.
A run may always be repeated, so every fault that may pass is retried. The next run catches up on
missed nights, so Airflow's own catch-up is off.

Airflow variables, all text:

    solatium_command      the command; `solatium` without it
    solatium_landing      the landing zone
    solatium_warehouse    the warehouse
    solatium_config       the settings file
    solatium_timezone     the time zone of the settings; UTC without it
    solatium_wait_for     tables whose files must be there, with spaces between
    solatium_marker       a file that marks a folder as complete, such as _SUCCESS; without it, a
                          folder with any file is complete
    solatium_report       where the report goes, as a page; without it, none is written
    solatium_publish_to   where `solatium publish` sends the tables; without it, nowhere
"""

from __future__ import annotations

import logging
import shlex
import subprocess
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from airflow.sdk import Param, Variable, dag, get_current_context, task
from airflow.sdk.exceptions import AirflowException, AirflowFailException, AirflowSkipException

log = logging.getLogger("airflow.task")

# Exit statuses of solatium that a retry does not help; all others may pass.
WRONG_USAGE = 2
INPUT_REFUSED = 3


@dag(
    dag_id="solatium",
    schedule="15 3 * * *",
    start_date=datetime(2026, 1, 1, tzinfo=ZoneInfo("UTC")),
    catchup=False,  # the newest date handles those before it
    max_active_runs=1,  # one run at a time holds a warehouse
    params={
        "date": Param(
            None,
            type=["null", "string"],
            format="date",
            description="The date to handle, and all before it. Without it: the day before.",
        ),
        "backfill_from": Param(
            None,
            type=["null", "string"],
            format="date",
            description="Judge the dates from this one to `date` again.",
        ),
    },
    default_args={"retries": 2, "retry_delay": timedelta(minutes=5)},
    doc_md=__doc__,
)
def solatium() -> None:
    @task.sensor(mode="reschedule", poke_interval=300, timeout=6 * 3600, retries=0)
    def files_arrived() -> bool:
        """Waits for the files of the date; a backfill reads files that were there before."""
        if _backfill_from() is not None:
            return True
        marker = Variable.get("solatium_marker", default="")
        landing = Path(Variable.get("solatium_landing"))
        folders = [
            landing / table / f"dt={_date()}"
            for table in Variable.get("solatium_wait_for", default="participation").split()
        ]
        return all(_is_complete(folder, marker) for folder in folders)

    @task(retries=5, retry_delay=timedelta(minutes=10), retry_exponential_backoff=True)
    def nightly() -> bool:
        """Whether the input was accepted. Wrong usage fails at once, and passing faults retry."""
        day, first = _date(), _backfill_from()
        dates = ["nightly", "--date", str(day)]
        if first is not None:
            dates = ["backfill", "--from", str(first), "--to", str(day)]
        status = _solatium(
            *dates,
            "--landing", Variable.get("solatium_landing"),
            "--warehouse", Variable.get("solatium_warehouse"),
            "--config", Variable.get("solatium_config"),
        )  # fmt: skip
        if status == WRONG_USAGE:
            raise AirflowFailException("wrong usage or settings: the log names what to correct")
        if status not in (0, INPUT_REFUSED):
            raise AirflowException(f"solatium ended with exit status {status}")
        return status == 0

    @task.branch
    def accepted(is_accepted: bool) -> list[str]:
        return ["report", "publish"] if is_accepted else ["ask_a_person"]

    @task(retries=0)
    def ask_a_person() -> None:
        """Fails, so that whoever is on duty is called. Nothing has changed in the warehouse."""
        raise AirflowFailException(
            "the input was refused: the log of `nightly` names files and reasons. Correct them, or "
            "accept the gate by hand, then clear `nightly` and the tasks after it"
        )

    @task
    def report() -> None:
        target = Variable.get("solatium_report", default="")
        if not target:
            raise AirflowSkipException("solatium_report names no file")
        _must("report", *_of_warehouse(), "--out", target)

    @task
    def publish() -> None:
        target = Variable.get("solatium_publish_to", default="")
        if not target:
            raise AirflowSkipException("solatium_publish_to names no target")
        _must("publish", *_of_warehouse(), "--to", target)

    night = nightly()
    files_arrived() >> night
    accepted(night) >> [report(), publish(), ask_a_person()]


def _date() -> date:
    """The date of the run: the one that a person gave, or else the day before it was due."""
    context = get_current_context()
    if given := context["params"]["date"]:
        return date.fromisoformat(given)
    zone = ZoneInfo(Variable.get("solatium_timezone", default="UTC"))
    due = context.get("logical_date") or context["dag_run"].run_after
    return due.astimezone(zone).date() - timedelta(days=1)


def _backfill_from() -> date | None:
    given = get_current_context()["params"]["backfill_from"]
    return date.fromisoformat(given) if given else None


def _is_complete(folder: Path, marker: str) -> bool:
    """Whether all files of a table and date have arrived, as far as their writer says so."""
    if marker:
        return (folder / marker).is_file()
    return folder.is_dir() and any(folder.iterdir())


def _of_warehouse() -> tuple[str, str]:
    return "--warehouse", Variable.get("solatium_warehouse")


def _must(*arguments: str) -> None:
    """Runs a command that only reads the warehouse; it is repeated if it fails."""
    status = _solatium(*arguments)
    if status == WRONG_USAGE:
        raise AirflowFailException("wrong usage: the log says what to correct")
    if status != 0:
        raise AirflowException(f"solatium {arguments[0]} ended with exit status {status}")


def _solatium(*arguments: str) -> int:
    """The exit status of a command. Its lines are in the log of the task.

    Where the task is ended, so is the command: it gives the warehouse back within seconds.
    """
    command = [*shlex.split(Variable.get("solatium_command", default="solatium")), *arguments]
    log.info("%s", shlex.join(command))
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=subprocess.STDOUT, text=True) as run:
        try:
            for line in run.stdout or ():
                log.info("%s", line.rstrip())
            return run.wait()
        except BaseException:
            run.terminate()
            raise


solatium()
