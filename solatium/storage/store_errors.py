"""What a store did not do for an engine or the Delta library, in words for people.

They ask a store by clients of their own, whose errors come through them as texts: of Rust's
clients, and of Hadoop's within Java's stack.
"""

from __future__ import annotations

import re

from solatium.errors import StoreError, said
from solatium.secrets import masked

_COLOUR = re.compile(r"\x1b\[\d*m")
_OF_RUST = re.compile(r"Generic (S3|GCS|MicrosoftAzure|Hdfs\w*) error.*", re.DOTALL)
_JAVA_ERROR = re.compile(r"^(?:: |Caused by: )?([a-z]\w*(?:\.[\w$]+)+[:(].*)", re.MULTILINE)
_OF_HADOOP = re.compile(
    r"org\.apache\.hadoop\.(fs\.s3a|hdfs|ipc|security)\.|software\.amazon\.awssdk\."
    r"|failed on (connection|socket) |java\.net\.UnknownHostException"
)
_OF_S3 = re.compile(r"\bs3a\b|amazon")
_PACKAGE = re.compile(r"\b[a-z]\w*\.(?:[a-z]\w*\.)+(?=[A-Z])")
# The connector repeats what the store says, after its code.
_STATUS = re.compile(r"\(Service: \w+, Status Code: (\d+)[^)]*\)(?::(?:null|(\w+)):.*)?")
_SEE_ALSO = re.compile(r"; For more details see:.*")
_LONGEST = 300

_NO_CONNECTOR = re.compile(r"S3AFileSystem not found")
_REFUSED = re.compile(
    r"AccessDenied|AccessControl|Credentials|Permission denied|Status Code: 40[13]"
)
_NOT_FOUND = re.compile(r"UnknownStore|NoSuchBucket|Connect|UnknownHost|NoRouteToHost")
_AGAIN = "give the same command again"


def failed_by_a_store(error: BaseException) -> StoreError | None:
    """The end of a run for which a store is to blame; None where none is behind an error."""
    if (found := failure(error)) is None:
        return None
    return StoreError(
        "a store failed; the run ended, and nothing of its last night is visible", list(found)
    )


def failure(error: BaseException) -> tuple[str, str] | None:
    """What a store did not do, and what to do about it; None where no store is behind an error."""
    text = _COLOUR.sub("", said(error)).partition("Debug source:")[0]
    if of_rust := _OF_RUST.search(text):
        return _short(of_rust[0]), _AGAIN
    for line in _JAVA_ERROR.findall(text):
        if _OF_HADOOP.search(line):
            return _short(_plainly(line)), _advice(line)
    return None


def _short(what: str) -> str:
    return masked(" ".join(what.split()))[:_LONGEST]


def _plainly(line: str) -> str:
    """What Java says, with the bare names of its classes, and each thing once."""
    line = _STATUS.sub(lambda found: f"(status {', '.join(filter(None, found.groups()))})", line)
    return _PACKAGE.sub("", _SEE_ALSO.sub("", line))


def _advice(line: str) -> str:
    """What to do first: what Spark asks a store by may differ from what the rest of a run does."""
    is_s3 = _OF_S3.search(line) is not None
    if _NO_CONNECTOR.search(line):
        look = "give Spark its connector (--packages org.apache.hadoop:hadoop-aws:VERSION)"
    elif _REFUSED.search(line) and is_s3:
        look = "look at the credentials that Spark has, such as the driver's AWS_ACCESS_KEY_ID"
    elif _REFUSED.search(line):
        look = "look at the user, such as HADOOP_USER_NAME or klist, and at its rights there"
    elif _NOT_FOUND.search(line) and is_s3:
        look = "look at the bucket, and at what Spark is given: spark.hadoop.fs.s3a.endpoint"
    elif _NOT_FOUND.search(line):
        look = "look at the name node, and at the files in HADOOP_CONF_DIR"
    else:
        return _AGAIN
    return f"{look}; then {_AGAIN}"
