"""A standalone Spark cluster on loopback: a master and workers, each a process of its own."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from threading import Event, Thread

import harness
import pyspark

SPARK = Path(pyspark.__file__).parent

_MASTER = ("org.apache.spark.deploy.master.Master", "--port", "0")
_WORKER = ("org.apache.spark.deploy.worker.Worker", "--cores", "1", "--memory", "1g")
_PATIENCE = 120  # seconds for a process to start

# Ends a command, and a worker its executors, once nobody holds the other end of the shell's input:
# however the tests end, nothing of theirs stays behind.
_WHILE_HEARD = '"$@" & read -r _; kill $!; wait $!'


@contextmanager
def cluster(folder: Path, workers: int = 2) -> Iterator[str]:
    """The address of a master that has so many workers, of a core and a gigabyte each.

    `folder` keeps what they log. All processes have ended when it ends.
    """
    with ExitStack() as running:
        started = _daemon(folder / "master.log", *_MASTER, said=r"Starting Spark master at (\S+)")
        address = running.enter_context(started)
        for number in range(workers):
            place = folder / f"worker-{number}"
            place.mkdir()
            command = (*_WORKER, "--work-dir", str(place), address)
            said = r"Successfully registered with master (\S+)"
            running.enter_context(_daemon(folder / f"worker-{number}.log", *command, said=said))
        yield address


@contextmanager
def _daemon(log: Path, name: str, *arguments: str, said: str) -> Iterator[str]:
    """A process of Spark's once it has `said` that it is ready, and the address in its words."""
    command = [str(SPARK / "bin/spark-class"), name, "--host", "127.0.0.1", "--webui-port", "0"]
    process = subprocess.Popen(
        ["sh", "-c", _WHILE_HEARD, "sh", *command, *arguments],
        env=environment() | {"SPARK_MASTER_OPTS": "-Dspark.master.rest.enabled=false"},
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    told, address = Event(), []

    def listen() -> None:
        assert process.stderr is not None
        with log.open("w") as file:
            for line in process.stderr:
                file.write(line)
                file.flush()
                if not address and (found := re.search(said, line)):
                    address.append(found[1])
                    told.set()
        told.set()  # it has ended

    listener = Thread(target=listen)
    listener.start()
    try:
        told.wait(_PATIENCE)
        assert address, f"{name} did not start:\n{log.read_text()}"
        yield address[0]
    finally:
        process.stdin.close()
        process.wait()
        listener.join()


def environment() -> dict[str, str]:
    """The environment of a process of Spark's: on loopback, and of no Spark that is elsewhere."""
    elsewhere = ("SPARK_HOME", "SPARK_CONF_DIR", "PYTHONPATH")
    kept = {name: value for name, value in harness.environment().items() if name not in elsewhere}
    return kept | {"SPARK_HOME": str(SPARK), "SPARK_LOCAL_IP": "127.0.0.1"}
