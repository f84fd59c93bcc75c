"""What every room of a night has at hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from solatium.contracts.calendar import shifted
from solatium.landing.gates import Gates
from solatium.landing.zone import LandingZone
from solatium.laws.verdict import Gate
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
    gates: Gates
    expectations: Gate
    again: Mapping[date, Sequence[str]]

    @property
    def grace(self) -> timedelta:
        return timedelta(days=self.settings.grace_days)

    @property
    def last_closed(self) -> date:
        """The business date that this night judges for the last time."""
        return shifted(self.day, -self.grace)
