"""What is given to others: the wheel, and the archive for spark-submit."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from email.parser import Parser
from pathlib import Path

import documents
import pytest

ROOT = documents.ROOT


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what the wheel is built from."""
    folder = tmp_path_factory.mktemp("sources")
    for name in ("solatium", "conf", "docs", "expectations", "schemas", "tools"):
        leave = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / name, folder / name, ignore=leave)
    for name in ("setup.py", "pyproject.toml", "LICENSE", "MANIFEST.in", "requirements.lock"):
        shutil.copy(ROOT / name, folder)
    return folder


@pytest.fixture(scope="module")
def wheel(sources: Path, tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--skip-dependency-check"]
    subprocess.run([*build, "--outdir", str(folder), str(sources)], check=True, capture_output=True)
    return zipfile.ZipFile(next(folder.glob("*.whl")))


def test_the_archive_has_what_the_wheel_has(sources: Path, wheel: zipfile.ZipFile) -> None:
    make = [sys.executable, "tools/dist.py"]
    said = subprocess.run(make, cwd=sources, check=True, capture_output=True, text=True).stdout
    archive = zipfile.ZipFile(sources / "dist" / "solatium.zip")
    ours = [name for name in wheel.namelist() if name.startswith("solatium/")]
    assert sorted(archive.namelist()) == sorted(ours)
    assert said.startswith(f"dist/solatium.zip: {len(ours)} files, ")
    for name in ("solatium/docs/rules.md", "solatium/conf/defaults.yaml", "solatium/py.typed"):
        assert archive.read(name) == wheel.read(name)


def test_the_same_sources_give_the_same_bytes(sources: Path) -> None:
    made = []
    for _ in range(2):
        subprocess.run([sys.executable, "tools/dist.py"], cwd=sources, check=True)
        made.append((sources / "dist" / "solatium.zip").read_bytes())
    assert made[0] == made[1]


def test_the_wheel_asks_for_ranges(wheel: zipfile.ZipFile) -> None:
    (name,) = [name for name in wheel.namelist() if name.endswith("/METADATA")]
    metadata = Parser().parsestr(wheel.read(name).decode())
    needed = [line for line in metadata.get_all("Requires-Dist") or [] if "extra ==" not in line]
    exact = [line for line in needed if "==" in line]
    assert len(needed) > 10
    assert exact == ["delta-spark==4.4.0"]  # its jars: setup.py says why


def test_help_of_an_installed_package_names_pages_that_are_there(
    wheel: zipfile.ZipFile, tmp_path: Path
) -> None:
    wheel.extractall(tmp_path)
    code = (
        "import sys; sys.path.insert(0, '.'); from solatium.cli.app import app; "
        "sys.stdout.write(app.info.epilog)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, check=True, capture_output=True, text=True
    )
    folder = tmp_path / "solatium" / "docs"
    assert str(folder) in ended.stdout
    assert sorted(path.name for path in folder.iterdir()) == ["rules.md", "tables.md"]
