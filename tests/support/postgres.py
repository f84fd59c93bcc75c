"""A PostgreSQL server of the machine's own packages, on a socket in a folder of its own."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import pytest

PASSWORD = "s3cr@t:/w&rd"


@contextmanager
def server() -> Iterator[str]:
    """The URL of its database `postgres`, with a password; the server ends with the block."""
    found = programs()
    if found is None:
        # where CI runs, PostgreSQL is there: then its absence is a fault
        assert os.environ.get("CI") != "true", "PostgreSQL is missing: apt-get install postgresql"
        pytest.skip("needs PostgreSQL: apt-get install postgresql")
    folder = Path(tempfile.mkdtemp(prefix="solatium-pg-"))  # sockets need a short path
    try:
        (folder / "password").write_text(PASSWORD)
        as_user = _given_to_a_user(folder)
        cluster = [f"--pgdata={folder / 'data'}"]
        login = ["--auth=scram-sha-256", f"--pwfile={folder / 'password'}", "--username=postgres"]
        quick = ["--no-sync", "--encoding=UTF8", "--locale=C"]
        _run(*as_user, found / "initdb", *cluster, *login, *quick)
        options = f"--options=-c listen_addresses='' -c fsync=off -k {folder}"
        control = [*as_user, found / "pg_ctl", *cluster]
        _run(*control, f"--log={folder / 'log'}", options, "--wait", "start")
        try:
            yield f"postgresql://postgres:{quote(PASSWORD, safe='')}@/postgres?host={folder}"
        finally:
            _run(*control, "--mode=immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def programs() -> Path | None:
    """The folder of the newest server's programs, which Debian keeps off the path."""
    if found := shutil.which("initdb"):
        return Path(found).resolve().parent
    folders = [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/initdb")]
    return max(folders, key=lambda path: float(path.parent.name), default=None)


def _given_to_a_user(folder: Path) -> list[str]:
    """The server refuses to run as root: then it is another user's, and this is how to be one."""
    if os.geteuid() != 0:
        return []
    user = pwd.getpwnam("postgres")
    os.chown(folder, user.pw_uid, user.pw_gid)
    folder.chmod(0o755)
    (folder / "password").chmod(0o644)
    return ["runuser", "-u", user.pw_name, "--"]


def _run(*command: str | Path) -> None:
    # a server that stays keeps what it inherits open, so its output goes to a file
    with tempfile.TemporaryFile("w+") as said:
        ended = subprocess.run(
            [str(part) for part in command], cwd="/", stdout=said, stderr=said, check=False
        )
        said.seek(0)
        assert ended.returncode == 0, said.read()
