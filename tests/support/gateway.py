"""An S3 server on loopback whose conditional puts are exact under rivals, as moto's are not.

It is versitygw on a folder, built from the Go module proxy at first use.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import object_store
import pytest

_MODULE = "github.com/versity/versitygw/cmd/versitygw@v1.8.0"
_BIN = Path(__file__).parents[2] / "build" / "test" / "bin"
_PATIENCE = 30  # seconds


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
        with (place / "log").open("wb") as log:
            process = subprocess.Popen(command, env=os.environ | keys, stdout=log, stderr=log)
        try:
            answers_on(port)
            with object_store.named(f"http://127.0.0.1:{port}") as store:
                yield store
        finally:
            process.kill()
            process.wait()


def _built() -> Path:
    program = _BIN / "versitygw"
    if not program.exists():
        if shutil.which("go") is None:
            pytest.skip("the server is built by Go, which is not there")
        environment = os.environ | {"GOBIN": str(_BIN), "GOFLAGS": ""}
        subprocess.run(["go", "install", _MODULE], env=environment, check=True)
    return program


def free_port() -> int:
    """A port of loopback that nobody listens on."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def answers_on(port: int) -> None:
    """Waits until a server answers."""
    end = time.monotonic() + _PATIENCE
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            assert time.monotonic() < end, "the server does not answer"
            time.sleep(0.1)


def main(command: list[str]) -> None:
    """`python gateway.py COMMAND ...` runs a command in whose environment the server is named."""
    with started():
        done = subprocess.run(command)
    sys.exit(done.returncode)


if __name__ == "__main__":
    main(sys.argv[1:])
