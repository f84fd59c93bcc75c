"""Accounts whose history is counted again: what it was before a date, and what it is now."""

from __future__ import annotations

from dataclasses import dataclass, replace

from pyspark.sql import DataFrame

from solatium.rules import history
from solatium.warehouse.scratch import Scratch

ID = ["account_id"]


@dataclass(frozen=True)
class Lives:
    """Accounts, and their `account_history` before a date: as it was counted `then`, and `now`."""

    ids: DataFrame
    then: DataFrame
    now: DataFrame

    def with_others(self, ids: DataFrame, past: DataFrame) -> Lives:
        """These accounts and others, whose history before the date is what it was."""
        return Lives(
            self.ids.unionByName(ids), self.then.unionByName(past), self.now.unionByName(past)
        )

    def after(
        self,
        then: DataFrame,
        now: DataFrame,
        windows_then: DataFrame,
        windows_now: DataFrame,
        scratch: Scratch,
    ) -> Lives:
        """The same accounts after more dates, by their outcomes as they were and as they are."""
        return replace(
            self,
            ids=scratch.keep(self.ids, "ids"),
            then=scratch.keep(history.account_history(self.then, then, windows_then), "then"),
            now=scratch.keep(history.account_history(self.now, now, windows_now), "now"),
        )

    def put_into(self, whole: DataFrame) -> DataFrame:
        """The history of all accounts, with that of these as it is now."""
        return whole.join(self.ids, on=ID, how="left_anti").unionByName(self.now)
