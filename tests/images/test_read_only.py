"""A night writes to three places: the warehouse, TMPDIR and HOME (docs/how-to/images.md)."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import documents
import pytest
from harness import environment, write_landing
from rows import DAY, entrant, landing, ordered, window

from solatium.warehouse.snapshot import Snapshot

# All but the two folders can only be read; a probe tells whether that is so.
ALONE = """
mount --make-rprivate / && mount --bind "$1" "$1" && mount --bind "$2" "$2" || exit 77
mount -o remount,bind,ro / || exit 77
touch "$3" 2> /dev/null && exit 77
shift 3
exec "$@"
"""


@pytest.mark.torture
@pytest.mark.skipif(shutil.which("unshare") is None, reason="there is no unshare")
def test_a_night_runs_where_all_else_can_only_be_read(
    embedded_session: object, tmp_path: Path
) -> None:
    entrants = [entrant(who) for who in "ab"]
    write_landing(tmp_path / "logs", landing(window(), entrants, ordered("a")))
    warehouse, scratch = tmp_path / "data", tmp_path / "scratch"
    warehouse.mkdir()
    scratch.mkdir()
    places = {"HOME": str(scratch), "TMPDIR": str(scratch), "PYTHONPATH": str(documents.ROOT)}
    done = subprocess.run(
        [
            *("unshare", "--mount", "sh", "-c", ALONE, "sh"),
            *(warehouse, scratch, documents.ROOT / "probe"),
            *(sys.executable, "-B", "-m", "solatium.cli", "nightly", "--date", str(DAY)),
            *("--landing", tmp_path / "logs", "--warehouse", warehouse / "wh"),
        ],
        env=environment() | places, capture_output=True, text=True, cwd=scratch,
    )  # fmt: skip
    if done.returncode in (1, 77) and "solatium" not in done.stderr:
        pytest.skip(f"mounts cannot be made here: {done.stderr.strip()}")
    assert done.returncode == 0, done.stderr
    assert Snapshot.of(warehouse / "wh").day == DAY
    assert list(scratch.iterdir()) == []  # and nothing is left there
