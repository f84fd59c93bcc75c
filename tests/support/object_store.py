"""An S3 server on loopback, in a process of its own.

In this process it could not answer: some calls of the Delta library keep Python waiting.
As a program, this is the server; it ends when its standard input does.
"""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from uuid import uuid4

import boto3
import obstore
import pytest
from obstore.store import AzureStore, S3Store

KEY = "the-key-of-this-store"
SECRET = "a-secret/of-this+store"
_numbers = count()


@dataclass(frozen=True)
class ObjectStore:
    """A bucket by its URI `root`; `place` gives it a new folder, `client` is obstore's own.

    Its name is its own: a client of the process remembers the server of a bucket.
    """

    root: str
    client: S3Store | AzureStore
    odd_part = "part 0 100% [a]{b}+ü:1"

    def place(self, name: str) -> str:
        return f"{self.root}/{next(_numbers)}/{name}"

    def _key(self, uri: str) -> str:
        return uri.removeprefix(f"{self.root}/")

    def put(self, uri: str, content: bytes) -> None:
        obstore.put(self.client, self._key(uri), content)

    def put_folder(self, folder: Path, uri: str) -> None:
        """Puts the files below a folder."""
        for path in folder.rglob("*"):
            if path.is_file():
                self.put(f"{uri}/{path.relative_to(folder).as_posix()}", path.read_bytes())

    def keys(self, uri: str) -> list[str]:
        """The names of the objects below a place."""
        start = len(self._key(uri)) + 1
        found = obstore.list(self.client, self._key(uri)).collect()
        return sorted(one["path"][start:] for one in found)

    def read(self, uri: str) -> bytes:
        return bytes(obstore.get(self.client, self._key(uri)).bytes())

    def delete(self, uri: str) -> None:
        obstore.delete(self.client, self._key(uri))


@contextmanager
def started() -> Iterator[ObjectStore]:
    """A server with one bucket."""
    process = subprocess.Popen(
        [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        with named(f"http://127.0.0.1:{process.stdout.readline().strip()}") as store:
            yield store
    finally:
        process.stdin.close()
        process.wait()


@contextmanager
def named(endpoint: str) -> Iterator[ObjectStore]:
    """A new bucket of a server, which the environment names as its users name theirs."""
    with pytest.MonkeyPatch.context() as patched:
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            patched.delenv(name)
        patched.setenv("AWS_ENDPOINT_URL", endpoint)
        patched.setenv("AWS_ALLOW_HTTP", "true")
        patched.setenv("AWS_REGION", "us-east-1")
        patched.setenv("AWS_ACCESS_KEY_ID", KEY)
        patched.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
        bucket = f"rush-{uuid4().hex}"
        boto3.client("s3", endpoint_url=endpoint).create_bucket(Bucket=bucket)
        yield ObjectStore(f"s3://{bucket}", S3Store(bucket))


def main() -> None:
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    sys.stdout.write(f"{server.get_host_and_port()[1]}\n")
    sys.stdout.flush()
    sys.stdin.read()
    server.stop()


if __name__ == "__main__":
    main()
