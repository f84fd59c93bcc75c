"""An S3 server on loopback whose conditional puts are exact under rivals, as moto's are not.

It is versitygw on a folder, built from the Go module proxy at first use.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import object_store
import pytest
from loopback import free_port, served

_MODULE = "github.com/versity/versitygw/cmd/versitygw@v1.8.0"
_BIN = Path(__file__).parents[2] / "build" / "test" / "bin"


@contextmanager
def started() -> Iterator[object_store.ObjectStore]:
    """The server with one bucket, named in the environment as its users name theirs."""
    program = _built()
    with TemporaryDirectory(prefix="solatium-gateway-") as folder:
        place = Path(folder)
        (place / "buckets").mkdir()
        (place / "facts").mkdir()
        port = free_port()
        command = [str(program), "--port", f"127.0.0.1:{port}", "--quiet", "posix"]
        command += ["--sidecar", str(place / "facts"), str(place / "buckets")]
        keys = {"ROOT_ACCESS_KEY": object_store.KEY, "ROOT_SECRET_KEY": object_store.SECRET}
        with (
            served(command, port, place / "log", keys),
            object_store.named(f"http://127.0.0.1:{port}") as store,
        ):
            yield store


def _built() -> Path:
    program = _BIN / "versitygw"
    if not program.exists():
        if shutil.which("go") is None:
            pytest.skip("the server is built by Go, which is not there")
        environment = os.environ | {"GOBIN": str(_BIN), "GOFLAGS": ""}
        subprocess.run(["go", "install", _MODULE], env=environment, check=True)
    return program


def main(command: list[str]) -> None:
    """`python gateway.py COMMAND ...` runs a command in whose environment the server is named."""
    with started():
        done = subprocess.run(command)
    sys.exit(done.returncode)


if __name__ == "__main__":
    main(sys.argv[1:])
