"""What holds of each Containerfile, as a linter would say it."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

import documents
import pytest

IMAGES = sorted((documents.ROOT / "images").glob("*/Containerfile"))
LOCK = (documents.ROOT / "requirements.lock").read_text()


@dataclass(frozen=True)
class Instruction:
    """One instruction, whose lines are joined; `stage` counts the FROMs up to it."""

    name: str
    text: str
    stage: int


def instructions(file: Path) -> list[Instruction]:
    lines = [line for line in file.read_text().splitlines() if not line.lstrip().startswith("#")]
    joined = "\n".join(lines).replace("\\\n", " ")
    found: list[Instruction] = []
    stage = -1
    for line in filter(str.strip, joined.splitlines()):
        name, _, text = line.strip().partition(" ")
        stage += name == "FROM"
        found.append(Instruction(name, " ".join(text.split()), stage))
    return found


@pytest.fixture(params=IMAGES, ids=lambda file: file.parent.name)
def image(request: pytest.FixtureRequest) -> list[Instruction]:
    return instructions(request.param)


def test_there_is_an_image_for_each_engine() -> None:
    assert [file.parent.name for file in IMAGES] == ["embedded", "spark"]


def test_instructions_are_known_and_in_capitals(image: list[Instruction]) -> None:
    known = {"FROM", "WORKDIR", "COPY", "RUN", "ENV", "USER", "ENTRYPOINT", "CMD"}
    assert {one.name for one in image} <= known  # and so no ADD, which fetches and unpacks
    assert image[0].name == "FROM"


def test_bases_are_official_and_pinned_to_a_patch_version(image: list[Instruction]) -> None:
    stages = set()
    for one in image:
        if one.name == "FROM":
            base, *name = one.text.split(" AS ")
            stages |= set(name)
            assert re.fullmatch(r"docker\.io/library/\w+:\d+\.\d+\.\d+-[\w.-]+", base), base
    for one in image:
        if one.name == "COPY" and (source := re.search(r"--from=(\S+)", one.text)):
            assert source[1] in stages


def test_it_runs_as_a_user_with_a_number_and_no_rights(image: list[Instruction]) -> None:
    last = max(one.stage for one in image)
    users = [one.text for one in image if one.name == "USER" and one.stage == last]
    assert len(users) == 1
    uid, gid = map(int, users[0].split(":"))  # a number, so that runAsNonRoot can be checked
    assert min(uid, gid) > 0
    after = image[[one.name for one in image].index("USER") + 1 :]
    assert {one.name for one in after} <= {"ENTRYPOINT", "CMD"}
    assert not any("sudo" in one.text or "chmod 777" in one.text for one in image)


def test_commands_are_lists_so_that_signals_reach_them(image: list[Instruction]) -> None:
    for one in image:
        if one.name in ("ENTRYPOINT", "CMD"):
            assert all(isinstance(word, str) for word in json.loads(one.text))
    assert any(one.name == "ENTRYPOINT" for one in image)


def test_packages_come_from_the_lock_and_are_checked_by_their_hashes(
    image: list[Instruction],
) -> None:
    installs = [
        command.strip()
        for one in image
        if one.name == "RUN"
        for command in one.text.split("&&")
        if re.search(r"\bpip (install|wheel)\b", command)
    ]
    assert len(installs) == 4
    for command in installs:
        assert "--no-deps" in command
        assert "--require-hashes -r " in command or "--no-index" in command, command


def test_nothing_is_fetched_by_hand_and_no_secret_is_kept(image: list[Instruction]) -> None:
    for one in image:
        assert not re.search(r"\b(curl|wget|git clone)\b|https?://", one.text), one.text
        assert not re.search(r"(?i)password|secret|token|api_?key|credential", one.text), one.text


def test_package_lists_of_the_system_are_not_kept(image: list[Instruction]) -> None:
    for one in image:
        if "apt-get install" in one.text:
            assert "--no-install-recommends" in one.text
            assert "rm -rf /var/lib/apt/lists/*" in one.text


def test_what_is_copied_is_there_and_is_sent_to_the_builder(image: list[Instruction]) -> None:
    ignored = (documents.ROOT / ".dockerignore").read_text().splitlines()
    sent = {line.removeprefix("!") for line in ignored if line.startswith("!")}
    assert "*" in ignored
    for one in image:
        if one.name == "COPY" and "--from=" not in one.text:
            for source in one.text.split()[:-1]:
                assert (documents.ROOT / source).exists(), source
                above = {source, *map(str, Path(source).parents)}
                below = {name for name in sent if name.startswith(f"{source}/")}
                assert above & sent or below, source


def test_it_writes_nowhere_but_to_tmp(image: list[Instruction]) -> None:
    settings = dict(
        re.findall(r"(\w+)=(\S+)", " ".join(one.text for one in image if one.name == "ENV"))
    )
    assert settings["HOME"] == settings["TMPDIR"] == "/tmp"
    assert settings["PYTHONDONTWRITEBYTECODE"] == "1"


def test_spark_is_the_version_of_the_lock_on_java_17() -> None:
    (file,) = [file for file in IMAGES if file.parent.name == "spark"]
    (base,) = re.findall(r"FROM docker\.io/library/spark:(\S+)", file.read_text())
    (pyspark,) = re.findall(r"^pyspark==(\S+)", LOCK, re.MULTILINE)
    assert base == f"{pyspark}-scala2.13-java17-ubuntu"


def test_both_images_have_the_same_python() -> None:
    texts = "".join(file.read_text() for file in IMAGES)
    (version,) = set(re.findall(r"library/python:(\S+)", texts))
    assert version.startswith("3.11.")  # requirements.lock is made with it
