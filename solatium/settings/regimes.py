"""Settings by window: which of them are in force is a number, looked up where it is needed.

docs/rules.md section 9. Business date and campaign decide which settings judge a window. Those that
are really different are few; each is a regime, and windows in force carry the number of theirs in
the column `regime`. A step asks for a setting as a column. One that is the same in all regimes is a
plain literal, so that settings nobody overlays cost nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from functools import reduce
from typing import Any

from pyspark.sql import Column
from pyspark.sql import functions as F

from solatium.settings.load import Settings
from solatium.settings.sections import Regime


class Regimes:
    """The regimes of a configuration."""

    def __init__(self, settings: Settings) -> None:
        self._starts = settings.first_days()
        self._campaigns = settings.named_campaigns()
        self._places: dict[Regime, int] = {}
        # by period, then by campaign; before all changes, and without a named campaign, first
        self._numbers = [
            self._number(settings.on(day, campaign))
            for day in (date.min, *self._starts)
            for campaign in (None, *self._campaigns)
        ]
        self.distinct = tuple(self._places)

    def _number(self, regime: Regime) -> int:
        return self._places.setdefault(regime, len(self._places))

    def number(self, business_date: Column, campaign_id: Column) -> Column:
        """The number of the regime that judges a window."""
        if len(self.distinct) == 1:
            return F.lit(0)
        period = reduce(
            lambda so_far, day: so_far + (business_date >= F.lit(day)).cast("int"),
            self._starts,
            F.lit(0),
        )
        names = F.array(*(F.lit(name) for name in self._campaigns))
        campaign = F.lit(0)
        if self._campaigns:
            campaign = F.coalesce(F.array_position(names, campaign_id).cast("int"), F.lit(0))
        place = period * (len(self._campaigns) + 1) + campaign + 1
        return F.element_at(F.array(*(F.lit(number) for number in self._numbers)), place)

    def setting(
        self, value: Callable[[Regime], Any], kind: str, regime: Column | None = None
    ) -> Column:
        """What `value` takes of a regime, in the SQL type `kind`, by the column `regime`.

        Or by another number of a regime.
        """
        values = [value(regime) for regime in self.distinct]
        literals = [F.lit(one).cast(kind) for one in values]
        if all(one == values[0] for one in values):
            return literals[0]
        return F.element_at(F.array(*literals), (F.col("regime") if regime is None else regime) + 1)

    def by(self, value: Callable[[Regime], Any], column: Callable[[Any], Column]) -> Column:
        """The column that `column` makes of what `value` takes of a regime."""
        made = list(dict.fromkeys(value(regime) for regime in self.distinct))
        which = self.setting(lambda regime: made.index(value(regime)), "int")
        return reduce(
            lambda others, place: F.when(which == place, column(made[place])).otherwise(others),
            range(1, len(made)),
            column(made[0]),
        )

    def any(self, holds: Callable[[Regime], bool]) -> bool:
        """Whether something holds in one of the regimes."""
        return any(holds(regime) for regime in self.distinct)
