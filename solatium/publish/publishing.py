"""Publishes a warehouse: the star of the snapshot that readers see, to one target."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import date
from os import PathLike
from pathlib import Path
from time import monotonic

from solatium.errors import UsageError
from solatium.publish.duckdb_file import SUFFIXES, DuckDbFile
from solatium.publish.folder import Folder
from solatium.publish.loading import Sent
from solatium.publish.passwords import shown
from solatium.publish.postgres import Postgres
from solatium.publish.pseudonyms import Names, names_of
from solatium.publish.publication import changes, publication_of
from solatium.publish.star import readable
from solatium.publish.target import Target
from solatium.storage.local import LocalLocation
from solatium.warehouse.snapshot import Snapshot

log = logging.getLogger("solatium")

DEFAULT_SCHEMA = "solatium"
_POSTGRES = ("postgresql", "postgres")


@dataclass(frozen=True)
class Published:
    """What a publishing did; `target` shows no password.

    `sent` is empty where the target showed the commit already. `because` says why everything was
    sent, and is empty where only what changed was.
    """

    target: str
    commit: int
    day: date
    because: str
    sent: tuple[Sent, ...]

    @property
    def rows(self) -> int:
        """All rows that were sent."""
        return sum(one.rows for one in self.sent)


def publish(
    warehouse: str | PathLike[str],
    to: str | PathLike[str],
    *,
    key_file: str | PathLike[str] | None = None,
    with_accounts: bool = False,
    schema: str | None = None,
) -> Published:
    """Publishes the tables that readers of a warehouse see as a star, docs/star.md.

    Args:
        warehouse: The folder of the warehouse.
        to: A URL postgresql://..., a DuckDB file (*.duckdb, *.db), or a folder for Parquet files.
        key_file: The key of the pseudonyms of accounts; the file is made if it is missing.
        with_accounts: Publish ids as they are, without a key.
        schema: The schema in PostgreSQL; without it, solatium.

    Returns:
        What was sent: only the dates that changed since the last publishing.

    Raises:
        UsageError: There is no warehouse, or the target, the key or the schema cannot be meant.
        BusyError: Another publishing, or another user of a DuckDB file, is at work there.
        SolatiumError: The target fails. It shows what it showed before.
    """
    target = target_of(str(to), schema)
    tables = Snapshot.of(warehouse)
    names = names_of(None if key_file is None else Path(key_file), with_accounts=with_accounts)
    return publish_snapshot(tables, target, names)


def publish_snapshot(tables: Snapshot, target: Target, names: Names) -> Published:
    """Publishes one snapshot, which may be of an earlier night."""
    began = monotonic()
    with target.opened() as place:
        now = publication_of(tables, names)
        asked = changes(place.published(), now)
        with readable(tables):
            sent = [] if asked is None else place.write(tables, names, asked, now)
    because = asked.because if asked else ""
    done = Published(str(target), now.commit, now.day, because, tuple(sent))
    written, removed = (sum(getattr(one, what) for one in sent) for what in ("written", "removed"))
    log.info(
        "publish to %s: %s rows sent, %s written, %s removed, %.1f s",
        *(target, f"{done.rows:,}", f"{written:,}", f"{removed:,}", monotonic() - began),
    )
    return done


def target_of(to: str, schema: str | None = None) -> Target:
    """The target that a URL or a path names; UsageError where it cannot be one."""
    scheme = to.partition("://")[0] if "://" in to else ""
    if scheme in _POSTGRES:
        return Postgres(to, DEFAULT_SCHEMA if schema is None else schema)
    if schema is not None:
        raise UsageError(f"--schema {schema}: only PostgreSQL has schemas; the target is a path")
    if scheme not in ("", "file"):
        raise UsageError(
            f"--to {shown(to)}: expected postgresql://..., a file *.duckdb or *.db, or a folder"
        )
    path = LocalLocation.of("--to", to).path
    return DuckDbFile(path) if path.suffix in SUFFIXES else Folder(path)
