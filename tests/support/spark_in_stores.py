"""What a Spark of the tests needs to reach stores: S3 by Hadoop's connector, HDFS as its owner."""

from __future__ import annotations

import os
from collections.abc import Mapping

import jars
import object_store
from pyspark.sql import SparkSession

USER = "solatium"  # of HDFS
CLASS_PATH = "spark.driver.extraClassPath"
_JAVA_OPTIONS = "spark.driver.extraJavaOptions"


def reaching(options: Mapping[str, str]) -> dict[str, str]:
    """What local Spark starts with, so that it reaches stores; where S3 is, it is told later."""
    java = f"{options.get(_JAVA_OPTIONS, '')} -DHADOOP_USER_NAME={USER}"
    return {
        **options,
        _JAVA_OPTIONS: java.strip(),
        CLASS_PATH: jars.s3_connector(),  # no copy, as of spark.jars
    }


def of_s3() -> dict[str, str]:
    """Hadoop's settings for the S3 server that the environment names, if it names one."""
    endpoint = os.environ.get("AWS_ENDPOINT_URL")
    found = {"fs.s3a.endpoint.region": "us-east-1", "fs.s3a.path.style.access": "true"}
    return found | ({"fs.s3a.endpoint": endpoint} if endpoint is not None else {})


def tell(spark: SparkSession) -> None:
    """Tells a session which S3 server the environment names, and by which key."""
    keys = {"fs.s3a.access.key": object_store.KEY, "fs.s3a.secret.key": object_store.SECRET}
    for name, value in (of_s3() | keys).items():
        spark.conf.set(name, value)
