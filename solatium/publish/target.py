"""What every target of a publishing does."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Protocol

from solatium.publish.loading import Sent
from solatium.publish.pseudonyms import Names
from solatium.publish.publication import Changes, Publication
from solatium.warehouse.snapshot import Snapshot


class Opened(Protocol):
    """A target that rivals cannot take."""

    def published(self) -> Publication | None:
        """What it shows; None where nothing was published. UsageError where it is of others."""

    def write(self, tables: Snapshot, names: Names, asked: Changes, now: Publication) -> list[Sent]:
        """Writes what is asked; readers see it, all at once, when the target is closed."""


class Target(Protocol):
    """A place for the star; as text, what people know it by."""

    def opened(self) -> AbstractContextManager[Opened]:
        """Holds it; BusyError where another publishing does. A failure changes nothing."""
