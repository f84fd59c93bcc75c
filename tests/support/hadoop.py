"""A file system of Hadoop's on loopback: its own minicluster, a name node and a data node.

Its jar is of Maven Central, and fetched by Ivy, which comes with Spark; so is Hadoop itself.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

import jars
import pytest
from hdfs_native import Client, WriteOptions
from spark_in_stores import USER

_PATIENCE = 120  # seconds

# What the minicluster needs beside Hadoop's client, which Spark has, and so in its version.
_NEEDED = (
    ("org.apache.hadoop", "hadoop-client-minicluster", "{hadoop}"),
    ("junit", "junit", "4.13.2"),
    ("org.mockito", "mockito-core", "2.28.2"),
)
# Ends the cluster once nobody holds the other end of the shell's input.
_WHILE_HEARD = '"$@" & read -r _; kill $!; wait $!'

_numbers = count()


@dataclass(frozen=True)
class Hadoop:
    """A file system; `place` gives it a new folder."""

    uri: str
    client: Client
    odd_part = "part 0 100% [a]{b}+ü"  # no name has a colon

    def place(self, name: str) -> str:
        return f"{self.uri}/{next(_numbers)}/{name}"

    def put(self, uri: str, content: bytes) -> None:
        options = WriteOptions(overwrite=True, create_parent=True)
        with self.client.create(self._path(uri), options) as file:
            file.write(content)

    def put_folder(self, folder: Path, uri: str) -> None:
        """Puts the files below a folder."""
        for path in folder.rglob("*"):
            if path.is_file():
                self.put(f"{uri}/{path.relative_to(folder).as_posix()}", path.read_bytes())

    def keys(self, uri: str) -> list[str]:
        """The names of the files below a place."""
        start = len(self._path(uri)) + 1
        found = None
        while found is None:
            try:
                found = list(self.client.list_status(self._path(uri), True))
            except FileNotFoundError:  # a folder below it went away, unless it is not there itself
                self.client.get_file_info(self._path(uri))
        return sorted(one.path[start:] for one in found if not one.isdir)

    def read(self, uri: str) -> bytes:
        return bytes(self.client.read(self._path(uri)).read())

    def delete(self, uri: str) -> None:
        self.client.delete(self._path(uri), True)

    def _path(self, uri: str) -> str:
        return uri.removeprefix(self.uri)


@contextmanager
def started() -> Iterator[Hadoop]:
    """The cluster; it ends with its folder."""
    if shutil.which("java") is None:
        pytest.skip("Hadoop needs a Java")
    fetched = [
        jars.fetched(group, name, of.format(hadoop=jars.hadoop_version()))
        for group, name, of in _NEEDED
    ]
    with TemporaryDirectory(prefix="solatium-hadoop-") as folder:
        told = Path(folder) / "details.json"
        command = ["java", "-Xmx512m", "-XX:+UseSerialGC"]
        command += ["-cp", os.pathsep.join([*map(str, fetched), f"{jars.OF_SPARK}/*"])]
        command += ["org.apache.hadoop.mapreduce.MiniHadoopClusterManager", "-nomr", "-format"]
        command += ["-writeDetails", str(told)]
        log = Path(folder) / "log"
        with log.open("wb") as file:
            process = subprocess.Popen(
                ["sh", "-c", _WHILE_HEARD, "sh", *command],
                cwd=folder,
                env=os.environ | {"HADOOP_USER_NAME": USER},
                stdin=subprocess.PIPE,
                stdout=file,
                stderr=file,
            )
        assert process.stdin is not None
        try:
            uri = f"hdfs://127.0.0.1:{_port(told, log)}"
            with pytest.MonkeyPatch.context() as patched:
                patched.delenv("HADOOP_CONF_DIR", raising=False)
                patched.setenv("HADOOP_USER_NAME", USER)
                yield Hadoop(uri, Client(uri))
        finally:
            process.stdin.close()
            process.wait()


def _port(told: Path, log: Path) -> int:
    end = time.monotonic() + _PATIENCE
    while time.monotonic() < end:
        try:
            return int(json.loads(told.read_text())["namenode_port"])
        except (FileNotFoundError, ValueError):
            time.sleep(0.2)
    raise AssertionError(f"Hadoop did not start:\n{log.read_text()[-5000:]}")
