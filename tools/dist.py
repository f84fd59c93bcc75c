"""Write dist/solatium.zip, which spark-submit takes in --py-files.

    python tools/dist.py

The archive has what the wheel has, less its metadata. The same sources give the same bytes. The
script needs no package, so `make dist` does not make an environment first.
"""

from __future__ import annotations

import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

# As in setup.py; tests/engines/test_distribution.py compares the archive with a wheel.
DATA_FOLDERS = ("conf", "expectations", "schemas")
PAGES = ("docs/rules.md", "docs/tables.md")


def members() -> Iterator[tuple[str, Path]]:
    """Each file of the archive: its name there, and where it lies."""
    for path in (ROOT / "solatium").rglob("*"):
        if path.is_file() and "__pycache__" not in path.parts:
            yield path.relative_to(ROOT).as_posix(), path
    for folder in DATA_FOLDERS:
        for path in (ROOT / folder).rglob("*"):
            if path.is_file():
                yield f"solatium/{path.relative_to(ROOT).as_posix()}", path
    for page in PAGES:
        yield f"solatium/{page}", ROOT / page


def main() -> None:
    target = ROOT / "dist" / "solatium.zip"
    target.parent.mkdir(exist_ok=True)
    names = sorted(members())
    with zipfile.ZipFile(target, "w") as archive:
        for name, path in names:
            entry = zipfile.ZipInfo(name)
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, path.read_bytes(), zipfile.ZIP_DEFLATED)
    size = target.stat().st_size
    sys.stdout.write(f"{target.relative_to(ROOT)}: {len(names)} files, {size:,} bytes\n")


if __name__ == "__main__":
    main()
