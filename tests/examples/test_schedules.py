"""The examples for systemd, cron and Kubernetes: what their own programs ask of them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import documents
import pytest
import yaml

EXAMPLES = documents.ROOT / "examples"
PAGE = documents.ROOT / "docs" / "how-to" / "schedule.md"


# systemd


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd-analyze")
def test_systemd_finds_nothing_wrong_with_the_units() -> None:
    units = [EXAMPLES / "systemd" / f"solatium.{kind}" for kind in ("service", "timer")]
    done = subprocess.run(["systemd-analyze", "verify", *units], capture_output=True, text=True)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_the_service_repeats_only_what_may_pass() -> None:
    unit = (EXAMPLES / "systemd" / "solatium.service").read_text()
    assert "\nRestart=on-failure\n" in unit
    assert "\nRestartPreventExitStatus=2 3\n" in unit
    assert "\nUser=solatium\n" in unit
    assert "$(date -d yesterday +%%F)" in unit  # systemd would take a single % for its own


# cron


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with night.sh, in which `solatium` ends with the statuses of a file, in order."""
    shutil.copy(EXAMPLES / "cron" / "night.sh", tmp_path)
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin" / "solatium"
    program.write_text(
        '#!/bin/sh\necho "$@" >> given.txt\nstatus=$(head -n 1 statuses.txt)\n'
        "sed -i 1d statuses.txt\necho said $status\nexit $status\n"
    )
    program.chmod(0o755)
    return tmp_path


def night(folder: Path, *statuses: int) -> subprocess.CompletedProcess[str]:
    (folder / "statuses.txt").write_text("".join(f"{status}\n" for status in statuses))
    path = os.pathsep.join([str(folder / "bin"), os.environ["PATH"]])
    return subprocess.run(
        [folder / "night.sh", "2026-11-01"],
        env=os.environ | {"PATH": path, "SOLATIUM_WAIT": "0", "SOLATIUM_TRIES": "3"},
        capture_output=True, text=True,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("statuses", "status", "tries"),
    [
        pytest.param([0], 0, 1, id="done"),
        pytest.param([4, 1, 0], 0, 3, id="faults that pass"),
        pytest.param([1, 1, 1, 0], 1, 3, id="a fault that stays"),
        pytest.param([2, 0], 2, 1, id="wrong usage"),
        pytest.param([4, 3, 0], 3, 2, id="refused input"),
    ],
)
def test_night_sh_repeats_what_may_pass_and_speaks_when_it_fails(
    folder: Path, statuses: list[int], status: int, tries: int
) -> None:
    done = night(folder, *statuses)
    assert done.returncode == status
    given = (folder / "given.txt").read_text().splitlines()
    assert len(given) == tries
    assert set(given) == {
        "nightly --landing logs --warehouse wh --config night.yaml --date 2026-11-01"
    }
    if status == 0:
        assert done.stdout + done.stderr == ""  # cron mails whatever is printed
    else:
        assert f"exit status {status} after {tries} tries" in done.stdout
        assert f"said {status}" in done.stdout


def test_a_percent_sign_is_escaped_in_the_crontab() -> None:
    lines = (EXAMPLES / "cron" / "crontab").read_text().splitlines()
    jobs = [line for line in lines if re.match(r" *\d", line)]
    assert len(jobs) == 3
    for job in jobs:
        assert len(job.split(None, 5)) == 6
        assert not re.search(r"(?<!\\)%", job)  # cron ends the command at a bare one


# Kubernetes


@pytest.fixture(scope="module")
def cron_job() -> dict[str, Any]:
    documents_of = yaml.safe_load_all((EXAMPLES / "kubernetes" / "cronjob.yaml").read_text())
    (found,) = [one for one in documents_of if one["kind"] == "CronJob"]
    return found


def test_the_pod_has_no_rights(cron_job: dict[str, Any]) -> None:
    pod = cron_job["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["runAsUser"] >= 10000
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert pod["automountServiceAccountToken"] is False
    for container in pod["containers"]:
        rights = container["securityContext"]
        assert rights["readOnlyRootFilesystem"] is True
        assert rights["allowPrivilegeEscalation"] is False
        assert rights["capabilities"] == {"drop": ["ALL"]}
        assert not container["image"].endswith(":latest")
        assert container["resources"]["limits"]["memory"]
        names = {volume["name"] for volume in pod["volumes"]}
        assert {mount["name"] for mount in container["volumeMounts"]} == names


def test_what_is_written_lies_on_volumes(cron_job: dict[str, Any]) -> None:
    pod = cron_job["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    writable = [m["mountPath"] for m in container["volumeMounts"] if not m.get("readOnly")]
    settings = {each["name"]: each["value"] for each in container["env"]}
    for place in (settings["HOME"], settings["TMPDIR"], "/data/warehouse"):
        assert place in writable
    assert "--landing /data/logs " in container["args"][0]
    assert "--warehouse /data/warehouse/" in container["args"][0]


def test_the_job_repeats_only_what_may_pass(cron_job: dict[str, Any]) -> None:
    spec = cron_job["spec"]
    assert spec["concurrencyPolicy"] == "Forbid"
    job = spec["jobTemplate"]["spec"]
    (rule,) = [one for one in job["podFailurePolicy"]["rules"] if "onExitCodes" in one]
    assert rule["action"] == "FailJob"
    assert rule["onExitCodes"]["values"] == [2, 3]
    pod = job["template"]["spec"]
    assert pod["restartPolicy"] == "Never"
    assert rule["onExitCodes"]["containerName"] in [c["name"] for c in pod["containers"]]
    assert job["backoffLimit"] > 2


def test_the_page_names_every_example() -> None:
    page = PAGE.read_text()
    for folder in EXAMPLES.iterdir():
        assert f"examples/{folder.name}/" in page
