"""What every room of a night has at hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from pyspark.sql import DataFrame

from solatium.contracts.calendar import shifted
from solatium.landing.gates import QuarantineGates
from solatium.landing.zone import LandingZone
from solatium.laws.verdict import Expectations
from solatium.nightly.progress import Stages
from solatium.settings.load import Settings
from solatium.settings.regimes import Regimes
from solatium.warehouse.scratch import Scratch
from solatium.warehouse.tables import Warehouse


@dataclass(frozen=True)
class Context:
    """One handled date `day`: where from, where to, by which settings.

    `again` are earlier arrival dates whose files are others than they were, with the tables
    concerned.
    """

    warehouse: Warehouse
    landing: LandingZone
    scratch: Scratch
    settings: Settings
    regimes: Regimes
    day: date
    stages: Stages
    gates: QuarantineGates
    expectations: Expectations
    again: Mapping[date, Sequence[str]]

    def within(self, room: str) -> Context:
        """The same for a room, whose kept frames have names of their own."""
        return replace(self, scratch=self.scratch.part(room))

    def arrived(self, table: str, day: date) -> DataFrame:
        """The rows of a landing table and arrival date, as `landing` reads them."""
        return self.landing.read(self.warehouse.engine, self.scratch.folder, table, day)

    @property
    def grace(self) -> timedelta:
        return timedelta(days=self.settings.grace_days)

    @property
    def last_closed(self) -> date:
        """The business date that this night judges for the last time."""
        return shifted(self.day, -self.grace)
