"""Account history as it was: as of the day before a date, by what the commit records kept.

docs/rules.md section 7. A night keeps the history as of the date that it handled, and as of the
last date that it closed; with the outcomes of the dates since, the latter gives the history before
any later date.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from solatium.contracts.calendar import shifted
from solatium.contracts.internal import HISTORY_CLOSED
from solatium.rules import history
from solatium.warehouse import commits
from solatium.warehouse.commits import Commit
from solatium.warehouse.tables import Warehouse


class PastHistory:
    """The history that was counted before this night, which writes what it does not see.

    `windows` are those that were in force then.
    """

    def __init__(
        self,
        warehouse: Warehouse,
        lineage: Sequence[Commit],
        windows: DataFrame,
        grace: timedelta,
    ) -> None:
        self.warehouse = warehouse
        self.lineage = lineage
        self.windows = windows
        self.grace = grace
        # a read keeps to the version that it found
        self.outcomes = warehouse.read("account_outcomes")
        self.whole = warehouse.read("account_history")
        self.closed = warehouse.read(HISTORY_CLOSED.name)

    def before(self, first: date) -> DataFrame:
        """`account_history` of all outcomes before the business date `first`."""
        if self.lineage and first > self.lineage[-1].day:
            return self.whole
        day = F.col("business_date")
        is_before = day < F.lit(first)
        outcomes, windows = self.outcomes.where(is_before), self.windows.where(is_before)
        judged_since = first
        for commit in reversed(commits.retained(self.warehouse.root, self.lineage)):
            until = shifted(commit.day, -self.grace)
            if until < judged_since:  # no later night has judged again what this one had closed
                closed = self.warehouse.read(HISTORY_CLOSED.name, commit)
                is_since = day > F.lit(until)
                since, then = outcomes.where(is_since), windows.where(is_since)
                return history.account_history(closed, since, then)
            judged_since = min(judged_since, commit.judged_from)
        return history.account_history(self.closed.limit(0), outcomes, windows)
