"""An Azure server on loopback: Azurite, Microsoft's own emulator, of npm at first use.

It decides between rivals: it is one thread. Hadoop's client of Azure cannot speak with it.
"""

from __future__ import annotations

import base64
import hmac
import os
import shutil
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

import pytest
from loopback import free_port, served
from object_store import ObjectStore
from obstore.store import AzureStore

_PACKAGE = "azurite@3.34.0"
_FOLDER = Path(__file__).parents[2] / "build" / "test" / "azurite"
# of every emulator, and no secret: docs of Azure's have them
_ACCOUNT = "devstoreaccount1"
_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
_VERSION = "2021-12-02"


@contextmanager
def started() -> Iterator[ObjectStore]:
    """The server with one container, named in the environment as its users name it."""
    program = _installed()
    with TemporaryDirectory(prefix="solatium-azurite-") as folder:
        port = free_port()
        command = ["node", str(program), "--silent", "--disableTelemetry", "--skipApiVersionCheck"]
        command += ["--location", folder, "--blobHost", "127.0.0.1", "--blobPort", str(port)]
        with served(command, port, Path(folder) / "log"), pytest.MonkeyPatch.context() as patched:
            for name in [name for name in os.environ if name.startswith(("AZURE_", "AZURITE"))]:
                patched.delenv(name)
            patched.setenv("AZURE_STORAGE_USE_EMULATOR", "true")
            patched.setenv("AZURITE_BLOB_STORAGE_URL", f"http://127.0.0.1:{port}")
            container = f"rush-{uuid4().hex}"
            _create(container, port)
            root = f"abfss://{container}@{_ACCOUNT}.dfs.core.windows.net"
            yield ObjectStore(root, AzureStore(container))


def _installed() -> Path:
    program = _FOLDER / "node_modules" / "azurite" / "dist" / "src" / "blob" / "main.js"
    if not program.exists():
        if shutil.which("npm") is None:
            pytest.skip("the server runs on Node, which is not there")
        quiet = ["--no-audit", "--no-fund", "--loglevel", "error"]
        subprocess.run(["npm", "install", "--prefix", str(_FOLDER), *quiet, _PACKAGE], check=True)
    return program


def _create(container: str, port: int) -> None:
    """A container, by a signed request: no client that the tests have makes any."""
    head = {"x-ms-date": format_datetime(datetime.now(UTC), usegmt=True), "x-ms-version": _VERSION}
    named = "".join(f"{name}:{value}\n" for name, value in head.items())
    place = f"/{_ACCOUNT}/{_ACCOUNT}/{container}\nrestype:container"
    text = "PUT" + 12 * "\n" + named + place
    signature = hmac.digest(base64.b64decode(_KEY), text.encode(), "sha256")
    head["Authorization"] = f"SharedKey {_ACCOUNT}:{base64.b64encode(signature).decode()}"
    where = f"http://127.0.0.1:{port}/{_ACCOUNT}/{container}?restype=container"
    with urllib.request.urlopen(urllib.request.Request(where, method="PUT", headers=head)):
        pass
