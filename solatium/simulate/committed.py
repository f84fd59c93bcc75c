"""A warehouse as of one commit: what a night reads of it, and nothing that is written later."""

from __future__ import annotations

from solatium.contracts.internal import TABLES
from solatium.engine import Engine
from solatium.storage.location import Location
from solatium.warehouse.commits import Commit
from solatium.warehouse.tables import Warehouse


class Committed(Warehouse):
    """The tables of a commit, also while a run goes on."""

    def __init__(self, engine: Engine, root: Location, commit: Commit) -> None:
        super().__init__(engine, root, TABLES)
        self.commit_read = commit

    def version(self, name: str) -> int:
        """The version of a table that the commit names."""
        return self.commit_read.tables[name]
