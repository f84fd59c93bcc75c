"""One engine for a whole test session: `--engine embedded` (the default) or `--engine spark`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from harness import Nights

from solatium import engine


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--engine", choices=engine.NAMES, default="embedded")


@pytest.fixture(scope="session")
def running(request: pytest.FixtureRequest) -> Iterator[engine.Engine]:
    """The engine under test, started once."""
    with engine.running(request.config.getoption("--engine")) as started:
        yield started


@pytest.fixture
def nights(running: engine.Engine, tmp_path: Path) -> Nights:
    """An empty landing zone and an empty warehouse."""
    return Nights(tmp_path, running)
