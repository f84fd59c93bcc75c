"""Jars of Maven Central, which Ivy fetches; Ivy comes with Spark, and so does Hadoop's version."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pyspark

OF_SPARK = Path(pyspark.__file__).parent / "jars"
_AWS = ("software.amazon.awssdk", "bundle", "2.29.52")  # as hadoop-aws 3.4.2 names it
_FETCHED = Path(__file__).parents[2] / "build" / "test" / "jars"


def hadoop_version() -> str:
    """The version of Hadoop that Spark has."""
    (jar,) = OF_SPARK.glob("hadoop-client-api-*.jar")
    return jar.stem.rpartition("-")[2]


def fetched(group: str, name: str, version: str) -> Path:
    """A jar, without what it needs."""
    jar = _FETCHED / f"{name}-{version}.jar"
    if not jar.exists():
        _fetch(group, name, version)
    return jar


def s3_connector() -> str:
    """Hadoop's S3 connector, and of what it names the one jar without which it does not work."""
    connector = fetched("org.apache.hadoop", "hadoop-aws", hadoop_version())
    return os.pathsep.join(map(str, (connector, fetched(*_AWS))))


def _fetch(group: str, name: str, version: str) -> None:
    (ivy,) = OF_SPARK.glob("ivy-*.jar")
    command = ["java", "-jar", str(ivy), "-dependency", group, name, version, "-notransitive"]
    command += ["-types", "jar", "-retrieve", f"{_FETCHED}/[artifact]-[revision].[ext]"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
