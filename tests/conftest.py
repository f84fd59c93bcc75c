"""One engine for a whole test session: `--engine embedded` (the default) or `--engine spark`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import azurite
import documents
import faults
import golden
import object_store
import pytest
import spark_in_stores
from harness import QUICK_SPARK, Nights
from two_nights import two_nights

from solatium import engine, garbage


def pytest_configure() -> None:
    garbage.collect_rarely()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--engine", choices=engine.NAMES, default="embedded")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """With `--engine spark`, where a night takes long, a sample runs; in torture a larger one."""
    if config.getoption("--engine") != "spark":
        return
    marks = ["both_engines", "torture"]
    if "spark_at_length" in config.getoption("markexpr"):
        marks.append("spark_at_length")
    sample = [item for item in items if any(map(item.get_closest_marker, marks))]
    config.hook.pytest_deselected(items=[item for item in items if item not in sample])
    items[:] = sample


def pytest_sessionfinish(session: pytest.Session) -> None:
    """A process beside others hands in what it has counted."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["documents"] = dict(documents.RUN)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    documents.RUN.update(getattr(node, "workeroutput", {}).get("documents", {}))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Says how many ends of a run were tried, and what of the documentation was run."""
    for what, count in sorted([*faults.TRIED.items(), *documents.RUN.items()]):
        terminalreporter.write_line(f"{what}: {count}")


@pytest.fixture(scope="session")
def running(request: pytest.FixtureRequest) -> Iterator[engine.Engine]:
    """The engine under test, started once; Spark reaches stores where a test wants one."""
    name, options = request.config.getoption("--engine"), QUICK_SPARK
    if name == "spark" and any("store" in item.fixturenames for item in request.session.items):
        options = spark_in_stores.reaching(options)
    with engine.running(name, options, delta=True) as started:
        yield started


@pytest.fixture(scope="session")
def embedded_session(running: engine.Engine) -> engine.Engine:
    """The engine under test where it is the embedded one, for what several tests read."""
    if running.name == "spark":
        pytest.skip("reads tables that either engine writes alike")
    return running


@pytest.fixture
def embedded(running: engine.Engine) -> engine.Engine:
    """The engine under test where it is the embedded one: for tests of very many nights."""
    if running.name == "spark":
        pytest.skip("too many nights for spark, which takes many seconds for one")
    return running


@pytest.fixture(scope="session")
def on_spark(request: pytest.FixtureRequest) -> None:
    """For tests of Spark's own, and of processes beside it; none is started."""
    if request.config.getoption("--engine") != "spark":
        pytest.skip("runs with --engine spark")


@pytest.fixture
def nights(running: engine.Engine, tmp_path: Path) -> Nights:
    """An empty landing zone and an empty warehouse."""
    return Nights(tmp_path, running)


@pytest.fixture(scope="session")
def after_two_nights(running: engine.Engine, tmp_path_factory: pytest.TempPathFactory) -> Nights:
    """A warehouse of two nights, for tests that change nothing of it."""
    return two_nights(tmp_path_factory.mktemp("standing"), running)


@pytest.fixture(scope="session")
def golden_nights(running: engine.Engine, tmp_path_factory: pytest.TempPathFactory) -> golden.Story:
    """The golden nights, for tests that change nothing of them."""
    return golden.story_of(tmp_path_factory.mktemp("golden"), running)


@pytest.fixture(scope="module")
def s3() -> Iterator[object_store.ObjectStore]:
    """A bucket of an S3 server on loopback."""
    with object_store.started() as store:
        yield store


@pytest.fixture(scope="session")
def hdfs() -> Iterator[Any]:
    """A file system of Hadoop's on loopback."""
    pytest.importorskip("hdfs_native", reason="needs the package hdfs-native")
    import hadoop

    with hadoop.started() as store:
        yield store


@pytest.fixture(scope="module")
def azure(request: pytest.FixtureRequest) -> Iterator[object_store.ObjectStore]:
    """A container of an Azure server on loopback."""
    if request.config.getoption("--engine") == "spark":
        pytest.skip("Hadoop's client of Azure cannot speak with the emulator")
    with azurite.started() as store:
        yield store


_AT_LENGTH = [pytest.param(name, marks=pytest.mark.torture) for name in ("azure", "hdfs")]


@pytest.fixture(scope="module", params=["s3", *_AT_LENGTH])
def store(request: pytest.FixtureRequest) -> Any:
    """Each store by turns: an `ObjectStore`, or a `Hadoop`, which have the same methods."""
    return request.getfixturevalue(request.param)
