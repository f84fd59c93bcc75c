"""What Spark says of a store that failed it, as Hadoop's clients have it, and what people are told.

The texts are shortened from what Spark 4.1.4 passes on of Hadoop 3.4.2; those of a refused key, of
a missing right and of safe mode are made by their pattern.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from solatium.errors import StoreError
from solatium.storage.local import LocalLocation
from solatium.storage.store_errors import failed_by_a_store
from solatium.warehouse import diagnosis
from solatium.warehouse.diagnosis import diagnosed

AGAIN = "give the same command again"
CREDENTIALS = "AWS_ACCESS_KEY_ID"
ENDPOINT = "spark.hadoop.fs.s3a.endpoint"
NAME_NODE = "HADOOP_CONF_DIR"

AT = "\tat org.apache.hadoop.fs.s3a.S3AUtils.translateException(S3AUtils.java:335)\n"
SDK = "software.amazon.awssdk.services.s3.model"
A_BAD_DAY = (
    "An error occurred while calling o145.parquet.\n"
    ": org.apache.hadoop.fs.s3a.AWSServiceThrottledException: getFileStatus on s3a://b/x: "
    f"{SDK}.S3Exception: a bad day (Service: S3, Status Code: 503, Request ID: null):SlowDown: "
    f"a bad day (Service: S3, Status Code: 503, Request ID: null)\n{AT}"
    f"Caused by: {SDK}.S3Exception: a bad day (Service: S3, Status Code: 503, Request ID: null)\n"
)
NO_BUCKET = (
    "An error occurred while calling o104.parquet.\n"
    ": org.apache.hadoop.fs.s3a.UnknownStoreException: `s3a://none/a': getFileStatus on "
    f"s3a://none/a: {SDK}.NoSuchBucketException: The specified bucket does not exist (Service: S3, "
    "Status Code: 404, Request ID: XUEJ):NoSuchBucket: The specified bucket does not exist "
    f"(Service: S3, Status Code: 404, Request ID: XUEJ)\n{AT}"
)
IN_A_TASK = (
    "An error occurred while calling o124.count.\n"
    ": org.apache.spark.SparkException: [FAILED_READ_FILE.NO_HINT] Encountered error while reading "
    "file s3a://b/x/part-0.parquet. SQLSTATE: KD001\n"
    "\tat org.apache.spark.rdd.RDD.iterator(RDD.scala:338)\n"
    "Caused by: org.apache.hadoop.fs.s3a.AWSStatus500Exception: open on s3a://b/x: "
    f"{SDK}.S3Exception: null (Service: S3, Status Code: 500, Request ID: null):null: null "
    f"(Service: S3, Status Code: 500, Request ID: null)\n{AT}"
)
UNREACHED = (
    "An error occurred while calling o181.parquet.\n"
    ": java.net.ConnectException: getFileStatus on s3a://b/x: "
    "software.amazon.awssdk.core.exception.SdkClientException: Unable to execute HTTP request: "
    f"Connect to 127.0.0.1:9 [/127.0.0.1] failed: Connection refused\n{AT}"
)
NO_KEYS = (
    "An error occurred while calling o198.parquet.\n"
    ": java.nio.file.AccessDeniedException: s3a://b/x: "
    "org.apache.hadoop.fs.s3a.auth.NoAwsCredentialsException: SimpleAWSCredentialsProvider: "
    f"No AWS credentials in the Hadoop configuration\n{AT}"
)
FORBIDDEN = (
    "An error occurred while calling o9.parquet.\n"
    f": java.nio.file.AccessDeniedException: s3a://b/x: getFileStatus on s3a://b/x: "
    f"{SDK}.S3Exception: a-secret-of-this-store is refused (Service: S3, Status Code: 403, "
    f"Request ID: null):AccessDenied: refused\n{AT}"
)
NO_CONNECTOR = (
    "An error occurred while calling o209.parquet.\n"
    ": java.lang.RuntimeException: java.lang.ClassNotFoundException: "
    "Class org.apache.hadoop.fs.s3a.S3AFileSystem not found\n"
    "\tat org.apache.hadoop.conf.Configuration.getClass(Configuration.java:2737)\n"
)
NO_NAME_NODE = (
    "An error occurred while calling o220.parquet.\n"
    ": java.net.ConnectException: Call From vm/127.0.0.1 to localhost:9 failed on connection "
    "exception: java.net.ConnectException: Connection refused; For more details see:  "
    "http://wiki.apache.org/hadoop/ConnectionRefused\n"
    "\tat org.apache.hadoop.net.NetUtils.wrapException(NetUtils.java:876)\n"
    "Caused by: java.net.ConnectException: Connection refused\n"
)
NO_RIGHT = (
    "An error occurred while calling o1.parquet.\n"
    ": org.apache.hadoop.security.AccessControlException: Permission denied: user=jo, "
    'access=WRITE, inode="/":solatium:supergroup:drwxr-xr-x\n'
    "\tat org.apache.hadoop.hdfs.server.namenode.FSPermissionChecker.check(X.java:506)\n"
)
SAFE_MODE = (
    "An error occurred while calling o1.parquet.\n"
    ": org.apache.hadoop.ipc.RemoteException(org.apache.hadoop.hdfs.server.namenode."
    "SafeModeException): Cannot create directory /wh. Name node is in safe mode.\n"
)
NO_HOST = "java.net.UnknownHostException: a-name-node"


@pytest.mark.parametrize(
    ("said", "what", "advice"),
    [
        (
            A_BAD_DAY,
            (
                "AWSServiceThrottledException: getFileStatus on s3a://b/x: S3Exception: a bad day "
                "(status 503, SlowDown)"
            ),
            AGAIN,
        ),
        (
            NO_BUCKET,
            (
                "UnknownStoreException: `s3a://none/a': getFileStatus on s3a://none/a: "
                "NoSuchBucketException: The specified bucket does not exist (status 404, "
                "NoSuchBucket)"
            ),
            ENDPOINT,
        ),
        (
            IN_A_TASK,
            "AWSStatus500Exception: open on s3a://b/x: S3Exception: null (status 500)",
            AGAIN,
        ),
        (
            UNREACHED,
            (
                "ConnectException: getFileStatus on s3a://b/x: SdkClientException: Unable to "
                "execute HTTP request: Connect to 127.0.0.1:9 [/127.0.0.1] failed: Connection "
                "refused"
            ),
            ENDPOINT,
        ),
        (
            NO_KEYS,
            (
                "AccessDeniedException: s3a://b/x: NoAwsCredentialsException: "
                "SimpleAWSCredentialsProvider: No AWS credentials in the Hadoop configuration"
            ),
            CREDENTIALS,
        ),
        (
            FORBIDDEN,
            (
                "AccessDeniedException: s3a://b/x: getFileStatus on s3a://b/x: S3Exception: "
                "*** is refused (status 403, AccessDenied)"
            ),
            CREDENTIALS,
        ),
        (
            NO_CONNECTOR,
            "RuntimeException: ClassNotFoundException: Class S3AFileSystem not found",
            "--packages org.apache.hadoop:hadoop-aws",
        ),
        (
            NO_NAME_NODE,
            (
                "ConnectException: Call From vm/127.0.0.1 to localhost:9 failed on connection "
                "exception: ConnectException: Connection refused"
            ),
            NAME_NODE,
        ),
        (
            NO_RIGHT,
            (
                "AccessControlException: Permission denied: user=jo, access=WRITE, "
                'inode="/":solatium:supergroup:drwxr-xr-x'
            ),
            "HADOOP_USER_NAME",
        ),
        (
            SAFE_MODE,
            (
                "RemoteException(SafeModeException): Cannot create directory /wh. Name node is "
                "in safe mode."
            ),
            AGAIN,
        ),
        (NO_HOST, "UnknownHostException: a-name-node", NAME_NODE),
    ],
)
def test_what_fails_in_a_client_of_hadoop_is_a_stores_error(
    monkeypatch: pytest.MonkeyPatch, said: str, what: str, advice: str
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "a-secret-of-this-store")
    error = failed_by_a_store(RuntimeError(said))
    assert error is not None
    assert error.exit_status == 1
    assert error.headline.startswith("a store failed; ")
    told, *to_do = error.problems
    assert told == what
    assert advice in to_do[0]
    assert AGAIN in to_do[-1]


@pytest.mark.parametrize(
    "said",
    [
        "",
        "[DIVIDE_BY_ZERO] Division by zero",
        (
            ": org.apache.spark.SparkException: Encountered error while reading file s3a://b/x\n"
            f"{AT}Caused by: java.lang.RuntimeException: s3a://b/x is not a Parquet file\n"
        ),
        (
            ": java.io.FileNotFoundException: File file:/wh/a.parquet does not exist\n"
            "\tat org.apache.hadoop.fs.RawLocalFileSystem.open(RawLocalFileSystem.java:1)\n"
        ),
        "Caused by: java.net.ConnectException: Connection refused\n",  # of a driver, say
    ],
)
def test_what_fails_elsewhere_is_none(said: str) -> None:
    assert failed_by_a_store(RuntimeError(said)) is None


def test_a_run_that_a_store_fails_says_so_where_no_file_is_damaged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(diagnosis, "damages", lambda _: [])
    with pytest.raises(StoreError, match="a bad day"), diagnosed(LocalLocation(tmp_path)):
        raise RuntimeError(A_BAD_DAY)
