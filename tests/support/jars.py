"""Jars of Maven Central, which Ivy fetches; Ivy comes with Spark, and so does Hadoop's version."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pyspark

OF_SPARK = Path(pyspark.__file__).parent / "jars"
_FETCHED = Path(__file__).parents[2] / "build" / "test" / "jars"


def hadoop_version() -> str:
    """The version of Hadoop that Spark has."""
    (jar,) = OF_SPARK.glob("hadoop-client-api-*.jar")
    return jar.stem.rpartition("-")[2]


def fetched(group: str, name: str, version: str) -> Path:
    """A jar, without what it needs."""
    jar = _FETCHED / f"{name}-{version}.jar"
    if not jar.exists():
        _fetch(group, name, version, _FETCHED, "-notransitive")
    return jar


def fetched_with_all(group: str, name: str, version: str) -> Path:
    """The folder of a jar and of all that it needs."""
    folder = _FETCHED / f"{name}-{version}"
    if not folder.exists():
        part = folder.with_name(f"{folder.name}.{os.getpid()}")
        _fetch(group, name, version, part)
        part.rename(folder)
    return folder


def _fetch(group: str, name: str, version: str, into: Path, *options: str) -> None:
    (ivy,) = OF_SPARK.glob("ivy-*.jar")
    command = ["java", "-jar", str(ivy), "-dependency", group, name, version, *options]
    command += ["-types", "jar", "-retrieve", f"{into}/[artifact]-[revision].[ext]"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
