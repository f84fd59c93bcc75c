"""Checks a night's tables by the laws of conservation, before anybody sees them.

Whole dates are checked whole; of earlier dates the windows that were judged again.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from solatium.contracts import EVENTS
from solatium.contracts.keys import WINDOW
from solatium.laws import input as arrived
from solatium.laws import money
from solatium.laws.counting import Laws
from solatium.laws.rush import rush
from solatium.laws.streaks import streaks
from solatium.nightly.context import Context
from solatium.nightly.dated_tables import DatedTables
from solatium.nightly.restatement import Recounted, Restated


@dataclass(frozen=True)
class Books:
    """What a posting looks at: the `closed` dates whose awards the ledger may not hold.

    `dates` are the business dates under which rows of the ledger may belong to them.
    """

    closed: list[date]
    dates: list[date]


@dataclass(frozen=True)
class Counted:
    """Account outcomes of whole dates, and the `account_history` before them."""

    outcomes: DataFrame
    opening: DataFrame


def check(
    context: Context,
    tables: DatedTables,
    books: Books,
    fresh: list[date],
    restated: Restated | None,
    counted: Counted | None,
) -> None:
    """InputError that names all laws that do not hold.

    `fresh` are the dates that were judged as a whole, `counted` what was counted of them.
    """
    read, day = context.warehouse.read, context.day
    found = {
        "windows": arrived.windows_in_force(_judged(tables, "windows", fresh, restated)),
        "accounts": arrived.account_versions(read("accounts").where(F.col("dt") == F.lit(day))),
        "balances": money.balances(
            tables.of("bonus_awards", books.closed),
            tables.of("bonus_ledger", books.dates),
            tables.of("bonus_waived", books.dates),
            tables.in_force,
            books.closed,
        ),
        "payouts": money.payouts(read("bonus_payouts"), read("bonus_ledger"), day),
    }
    if fresh or restated:
        found |= _rush(context, tables, fresh, restated)
    if awarded := [*(restated.to_award if restated else []), *fresh]:
        found |= _awards(context, tables, awarded)
    if counted:
        found["streaks"] = streaks(counted.outcomes, counted.opening, read("account_history"))
    _refuse(context, found)
    if restated and restated.recounted:
        _refuse(context, {"streaks": _streaks(context, restated.first, restated.recounted, fresh)})


def _judged(
    tables: DatedTables, name: str, fresh: list[date], restated: Restated | None
) -> DataFrame:
    """The rows of a table, or windows in force, of the windows that were judged."""
    windows, of = tables.windows, tables.of
    rows = windows(fresh) if name == "windows" else of(name, fresh)
    if restated is None or not restated.judged:
        return rows
    keys = F.broadcast(restated.windows)
    if name == "windows":
        again = windows(restated.judged).join(keys, on=list(WINDOW), how="left_semi")
    else:
        again = of(name, restated.judged, keys)
    return rows.unionByName(again)


def _rush(
    context: Context, tables: DatedTables, fresh: list[date], restated: Restated | None
) -> dict[str, Laws]:
    def rows(name: str) -> DataFrame:
        return _judged(tables, name, fresh, restated)

    due = rows("windows")
    found = {source: arrived.events(source, rows(source), due) for source in EVENTS}
    found["rush"] = rush(
        due,
        rows("screened_participants"),
        rows("allocations"),
        rows("window_results"),
        rows("account_outcomes"),
        rows("bonus_awards"),
        rows("audit_discrepancies"),
        rows("refunds_due"),
        outcome_source=context.settings.outcome_source,
    )
    return found


def _awards(context: Context, tables: DatedTables, awarded: list[date]) -> dict[str, Laws]:
    budget = context.regimes.setting(lambda r: r.bonus.daily_budget, "decimal(18,2)")
    budgets = tables.windows(awarded).select(
        "business_date", "campaign_id", budget.alias("daily_budget")
    )
    awards = tables.of("bonus_awards", awarded)
    outcomes = tables.of("account_outcomes", awarded)
    return {
        "budgets": money.budgets(awards, tables.windows(awarded), budgets.distinct()),
        "unearned": money.unearned(awards, outcomes),
    }


def _streaks(context: Context, first: date, recounted: Recounted, fresh: list[date]) -> Laws:
    """The histories that were counted again, from the first date that changed to the last."""
    day = F.col("business_date")
    since = (day >= F.lit(first)) & ~day.isin(fresh)
    outcomes = context.warehouse.read("account_outcomes").where(since)
    outcomes = outcomes.join(recounted.lives.ids, on="account_id", how="left_semi")
    return streaks(outcomes, recounted.opening, recounted.lives.now)


def _refuse(context: Context, found: dict[str, Laws]) -> None:
    parameters = {"grace_days": context.settings.grace_days}
    context.expectations.refuse(found, day=context.day, parameters=parameters)
