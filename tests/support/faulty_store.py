"""A proxy before an S3 server that answers as a store does on a bad day.

It is a process of its own, as the server is. Each line of its standard input is a way of failing
and how many requests in a thousand fail so; it ends when that input does.

    500, 503    it answers so, and nothing is done
    java        it answers 503 to clients of Java, which is Spark and not solatium itself
    lost        it is done, and the connection ends without an answer
    late        it is done, and answered when its client has given up
    stale       a list is answered as it was up to a second ago
"""

from __future__ import annotations

import http.client
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from random import Random
from threading import Lock, Thread
from typing import IO, Any

import object_store
import pytest

TIMEOUT = 2.0  # seconds, after which a client gives up
WAYS = ("500", "503", "lost", "late", "stale")

_CODES = {"500": "InternalError", "503": "SlowDown"}
_OF_THE_CONNECTION = {"connection", "keep-alive", "transfer-encoding", "content-length"}


@dataclass(frozen=True)
class FaultyStore:
    """A bucket behind the proxy."""

    store: object_store.ObjectStore
    orders: IO[str]
    taken: IO[str]

    @contextmanager
    def failing(self, way: str, in_a_thousand: int) -> Iterator[None]:
        """Within, so many requests fail in this way."""
        self._order(way, in_a_thousand)
        try:
            yield
        finally:
            self._order(way, 0)

    def _order(self, way: str, in_a_thousand: int) -> None:
        self.orders.write(f"{way} {in_a_thousand}\n")
        self.orders.flush()
        self.taken.readline()


@contextmanager
def before(endpoint: str) -> Iterator[FaultyStore]:
    """A proxy before the server at an endpoint, named in the environment in its place."""
    process = subprocess.Popen(
        [sys.executable, __file__, endpoint.rpartition("/")[2]],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        port = process.stdout.readline().strip()
        with (
            object_store.named(f"http://127.0.0.1:{port}") as store,
            pytest.MonkeyPatch.context() as patched,
        ):
            patched.setenv("AWS_TIMEOUT", f"{TIMEOUT:g}s")
            yield FaultyStore(store, process.stdin, process.stdout)
    finally:
        process.stdin.close()
        process.wait()


@contextmanager
def started() -> Iterator[FaultyStore]:
    """A server and the proxy before it."""
    with object_store.started(), before(os.environ["AWS_ENDPOINT_URL"]) as store:
        yield store


class _Proxy(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 1 << 16
    server: _Server

    def handle_one(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        way = self.server.drawn()
        if way == "java":
            way = "503" if "java" in self.headers.get("User-Agent", "").lower() else ""
        if way in _CODES:
            text = f"<Error><Code>{_CODES[way]}</Code><Message>a bad day</Message></Error>"
            self._answer(int(way), {"Content-Type": "application/xml"}, text.encode())
            return
        is_list = self.command == "GET" and "list-type=2" in self.path
        known = self.server.lists.get(self.path) if is_list and way == "stale" else None
        if known is not None and time.monotonic() - known[0] < 1:
            self._answer(*known[1])
            return
        answer = self._asked(body)
        if is_list:
            self.server.lists[self.path] = (time.monotonic(), answer)
        if way == "lost":
            self.close_connection = True
            return
        if way == "late":
            time.sleep(TIMEOUT + 0.5)
        with suppress(ConnectionError):  # whoever asked has given up
            self._answer(*answer)

    do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = handle_one  # noqa: N815

    def handle_expect_100(self) -> bool:
        """At once, or clients of Java wait for seconds before they send what they put."""
        goes_on = super().handle_expect_100()
        self.wfile.flush()
        return goes_on

    def _asked(self, body: bytes) -> tuple[int, dict[str, str], bytes]:
        upstream = http.client.HTTPConnection(self.server.upstream)
        try:
            upstream.request(self.command, self.path, body, dict(self.headers))
            found = upstream.getresponse()
            return found.status, dict(found.getheaders()), found.read()
        finally:
            upstream.close()

    def _answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response_only(status)
        length = str(len(body))
        for name, value in headers.items():
            if name.lower() == "content-length" and self.command == "HEAD":
                length = value
            elif name.lower() not in _OF_THE_CONNECTION:
                self.send_header(name, value)
        self.send_header("Content-Length", length)
        self.end_headers()
        self.wfile.write(b"" if self.command == "HEAD" else body)

    def log_message(self, *_: Any) -> None:
        """Nothing."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, upstream: str) -> None:
        super().__init__(("127.0.0.1", 0), _Proxy)
        self.upstream = upstream
        self.lists: dict[str, tuple[float, tuple[int, dict[str, str], bytes]]] = {}
        self.way, self.in_a_thousand = "", 0
        self._random, self._lock = Random(7), Lock()

    def drawn(self) -> str:
        with self._lock:
            return self.way if self._random.randrange(1000) < self.in_a_thousand else ""


def main() -> None:
    server = _Server(sys.argv[1])
    Thread(target=server.serve_forever, daemon=True).start()
    sys.stdout.write(f"{server.server_address[1]}\n")
    sys.stdout.flush()
    for line in sys.stdin:
        way, number = line.split()
        server.way, server.in_a_thousand = way, int(number)
        sys.stdout.write("taken\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
