"""Laws of conservation: what accepted input and the tables of a night must add up to.

Each function brings whole tables to a small frame in one pass on the engine: a row for each window
and business date, for each date and campaign, or one row in all. It states numbers and judges
nothing: what must hold of them stands in `expectations/`, one file per table, and `expectations`
checks it. A number of bad rows that comes with a `Look` can be looked into: it lists the rows.

No law costs more than a grouping by window, or by a hash of the account. Sums of hashes tell two
sets of accounts apart without holding either; they are never unequal for equal sets. Hashes may
coincide where rows are counted as repeated: there the look, by the key itself, decides.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import reduce
from operator import or_

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from solatium import contracts
from solatium.contracts.keys import ACCOUNT, WINDOW
from solatium.contracts.outcomes import ALLOCATED, CAN_COUNT, HELD, KEEPS_THE_ADVANCE, TOOK_PLACE
from solatium.dataframes.money import cents
from solatium.rules.screening import is_ready

Look = Callable[[], DataFrame]

_PLACE = (*WINDOW, "business_date")
_GREATEST = 2**31 - 1  # what a size is at most


@dataclass(frozen=True)
class Laws:
    """A small frame of numbers, and by the name of a column the bad rows that it counts."""

    rows: DataFrame
    looks: Mapping[str, Look] = field(default_factory=dict)


# Accepted input


def events(source: str, rows: DataFrame, windows: DataFrame) -> Laws:
    """One row per window and business date of the accepted `rows` of an event table.

    `rows`; `nulls`, with a null in a column that may hold none; `unknown`, with a value outside its
    list; `repeated`, more than one for an event id; `outside`, whose window in force is on another
    date or is none; `days_late`, the most days from business to arrival date; for payments
    `least_cents`.
    """
    table = contracts.warehouse(source)
    amounts = [F.min(cents(F.col("amount"))).alias("least_cents")] if source == "payment" else []
    by_window = rows.groupBy(*_PLACE).agg(
        F.count("*").alias("rows"),
        _count(_nulls(table)).alias("nulls"),
        _count(_unknown(table)).alias("unknown"),
        (F.count("event_id") - F.countDistinct(F.xxhash64("event_id"))).alias("repeated"),
        F.max(F.datediff("dt", "business_date")).alias("days_late"),
        *amounts,
    )
    in_force = windows.select(*_PLACE, F.lit(1).alias("in_force"))
    placed = by_window.join(F.broadcast(in_force), on=list(_PLACE), how="left")
    outside = F.when(F.col("in_force").isNull(), F.col("rows")).otherwise(F.lit(0))

    def repeated() -> DataFrame:
        return rows.groupBy(*WINDOW, "event_id").count().where("count > 1")

    return Laws(placed.withColumn("outside", outside).drop("in_force"), {"repeated": repeated})


def account_versions(rows: DataFrame) -> Laws:
    """One row per arrival date of accepted account versions: `rows`, `nulls` and `unknown`."""
    table = contracts.warehouse("accounts")
    return Laws(
        rows.groupBy("dt").agg(
            F.count("*").alias("rows"),
            _count(_nulls(table)).alias("nulls"),
            _count(_unknown(table)).alias("unknown"),
        )
    )


def windows_in_force(windows: DataFrame) -> Laws:
    """The windows in force themselves, one row each: their times, stock and terms."""
    names = [n for n in contracts.landing("windows").names if n in windows.columns]
    return Laws(windows.select(*names, "business_date", "held"))


# Outputs by window


def rush(
    windows: DataFrame,
    screened: DataFrame,
    allocations: DataFrame,
    results: DataFrame,
    outcomes: DataFrame,
    awards: DataFrame,
    audit: DataFrame,
    refunds: DataFrame,
    *,
    outcome_source: str,
) -> Laws:
    """One row per window and business date that any of the tables has a row of.

    `windows` are those in force of the dates judged; all frames hold the rows of these dates.
    Numbers are named for what was counted; those that `window_results` states begin with `stated_`.
    """
    parts = [
        windows.select(
            *_PLACE,
            F.lit(1).alias("windows"),
            F.col("stock").cast("bigint").alias("stock"),
            (F.col("unit") == "team").cast("int").alias("is_team"),
            F.col("held").isNotNull().cast("int").alias("is_held"),
        ),
        _screened(screened),
        _allocated(allocations, outcome_source),
        _teams(allocations, windows),
        _results(results),
        _outcomes(outcomes),
        _awards(awards),
        _audit(audit),
        _refunds(refunds),
    ]
    counted = _side_by_side(parts, _PLACE)
    is_team = F.col("is_team") == 1
    differ = (F.col("ready_high") != F.col("given_high")) | (
        F.col("ready_low") != F.col("given_low")
    )
    judged = F.col("is_held") == 0

    def of_unit(name: str) -> Column:
        return F.when(is_team, F.col(f"team_{name}")).otherwise(F.col(f"account_{name}"))

    rows = (
        counted.withColumn("entries", of_unit("entries"))
        .withColumn("attempts", of_unit("attempts"))
        .withColumn("allocated_units", of_unit("units"))
        .withColumn("uneven_teams", F.when(is_team, F.col("uneven")).otherwise(F.lit(0)))
        # a held window has no outcomes; then the sums of both sides are those of none
        .withColumn("unmatched", F.when(judged, differ.cast("int")).otherwise(F.lit(0)))
        .withColumn("given_while_held", F.when(judged, F.lit(0)).otherwise(F.col("given")))
        .withColumn("owed_while_held", F.when(judged, F.lit(0)).otherwise(F.col("refunds")))
        .drop("ready_high", "ready_low", "given_high", "given_low", "uneven")
        .drop(
            *(
                f"{side}_{n}"
                for side in ("account", "team")
                for n in ("entries", "attempts", "units")
            )
        )
    )
    judged_windows = windows.where(F.col("held").isNull()).select(*WINDOW)
    return Laws(
        rows,
        {
            "unmatched": lambda: _unmatched(screened, allocations, judged_windows),
            "screened_twice": lambda: _more_than_one(screened),
            "counted_twice": lambda: _more_than_one(outcomes),
            "awarded_twice": lambda: _more_than_one(awards),
        },
    )


def _screened(screened: DataFrame) -> DataFrame:
    ready = is_ready()
    return (
        _hashable(screened)
        .groupBy(*_PLACE)
        .agg(
            F.count("*").alias("participants"),
            _count(F.col("qualified")).alias("qualified"),
            _count(ready).alias("ready"),
            _count(F.col("qualified") != (F.size("reasons") == 0)).alias("qualified_with_reason"),
            _repeated_accounts().alias("screened_twice"),
            _high(F.when(ready, _account_hash())).alias("ready_high"),
            _low(F.when(ready, _account_hash())).alias("ready_low"),
        )
    )


def _allocated(allocations: DataFrame, outcome_source: str) -> DataFrame:
    """Of individuals each row is an entry; of teams `_teams` counts the entries."""
    outcome, platform = F.col("outcome"), F.col("platform_outcome")
    source = outcome if outcome_source == "replay" else platform
    can_count = outcome.isin(*TOOK_PLACE)
    competes = outcome != "not_formed"
    return (
        _hashable(allocations)
        .groupBy(*_PLACE)
        .agg(
            F.count("*").alias("given"),
            _high(_account_hash()).alias("given_high"),
            _low(_account_hash()).alias("given_low"),
            *(_count(outcome == name).alias(f"accounts_{name}") for name in CAN_COUNT),
            _count(competes).alias("account_entries"),
            _count(competes & (outcome != "no_attempt")).alias("account_attempts"),
            F.sum(F.when(outcome.isin(*ALLOCATED), F.col("size").cast("bigint"))).alias(
                "account_units"
            ),
            _count(can_count & (source == "won")).alias("wins_to_count"),
            _count(can_count & (source == "lost")).alias("losses_to_count"),
            _count(can_count & (source == "forfeited")).alias("forfeits_to_count"),
            _count((outcome == "won") & (platform != "won")).alias("won_by_replay_only"),
            _count((outcome != "won") & (platform == "won")).alias("won_by_platform_only"),
        )
    )


def _teams(allocations: DataFrame, windows: DataFrame) -> DataFrame:
    """Entries of team windows: an entry's rows share its size, which counts once.

    `uneven` are entries whose rows differ in size or in whether they were allocated, or whose size
    is not the sum of the members' quantities.
    """
    teams = windows.where(F.col("unit") == "team").select(*WINDOW)
    is_allocated = F.col("outcome").isin(*ALLOCATED).cast("int")
    entry = (
        allocations.where(F.col("entry_id").isNotNull())
        .join(F.broadcast(teams), on=WINDOW, how="left_semi")
        .groupBy(*_PLACE, "entry_id")
        .agg(
            F.min("size").alias("least"),
            F.max("size").alias("size"),
            F.sum("quantity").alias("quantity"),
            F.min(is_allocated).alias("all_allocated"),
            F.max(is_allocated).alias("allocated"),
            F.max((F.col("outcome") != "no_attempt").cast("int")).alias("attempted"),
        )
    )
    is_uneven = (
        (F.col("least") != F.col("size"))
        | (F.least(F.col("quantity"), F.lit(_GREATEST)) != F.col("size"))
        | (F.col("all_allocated") != F.col("allocated"))
    )
    return entry.groupBy(*_PLACE).agg(
        F.count("*").alias("team_entries"),
        F.sum("attempted").alias("team_attempts"),
        F.sum(F.col("size").cast("bigint") * F.col("allocated")).alias("team_units"),
        _count(is_uneven).alias("uneven"),
    )


def _results(results: DataFrame) -> DataFrame:
    numbers = ["stock", "participants", "qualified", "ready", "entries", "attempts", "winners"]
    numbers += ["losers", "forfeits", "allocated_units"]
    status = F.col("status")
    return results.select(
        *_PLACE,
        F.lit(1).alias("stated_windows"),
        status.isin(*HELD).cast("int").alias("stated_held"),
        (status == "allocated").cast("int").alias("stated_allocated"),
        *(F.col(name).cast("bigint").alias(f"stated_{name}") for name in numbers),
    )


def _outcomes(outcomes: DataFrame) -> DataFrame:
    result, streak = F.col("result"), F.col("consecutive_failures")
    is_unsound = F.when(result == "won", streak != 0).when(result == "lost", streak < 1)
    return (
        _hashable(outcomes)
        .groupBy(*_PLACE)
        .agg(
            _count(result == "won").alias("counted_wins"),
            _count(result == "lost").alias("counted_losses"),
            _count(result == "forfeited").alias("counted_forfeits"),
            _count(is_unsound.otherwise(streak < 0)).alias("unsound_streaks"),
            _repeated_accounts().alias("counted_twice"),
        )
    )


def _awards(awards: DataFrame) -> DataFrame:
    amount, raw = F.col("amount"), F.col("raw_amount")
    return (
        _hashable(awards)
        .groupBy(*_PLACE)
        .agg(
            F.count("*").alias("awards"),
            _count((amount < 0) | (amount > raw)).alias("amounts_off"),
            _count((F.col("reason") == "granted") != (amount == raw)).alias("reasons_off"),
            _repeated_accounts().alias("awarded_twice"),
        )
    )


def _audit(audit: DataFrame) -> DataFrame:
    kind = F.col("kind")
    return audit.groupBy(*_PLACE).agg(
        _count(kind == "should_have_won").alias("should_have_won"),
        _count(kind == "should_not_have_won").alias("should_not_have_won"),
    )


def _refunds(refunds: DataFrame) -> DataFrame:
    return refunds.groupBy(*_PLACE).agg(
        F.count("*").alias("refunds"),
        _count(F.col("outcome").isin(*KEEPS_THE_ADVANCE)).alias("refunds_of_winners"),
        _count(F.col("amount") <= 0).alias("refunds_of_nothing"),
    )


def _unmatched(screened: DataFrame, allocations: DataFrame, windows: DataFrame) -> DataFrame:
    """Accounts that are ready without exactly one outcome, or have one without being ready."""
    one, none = F.lit(1), F.lit(0)
    sides = (
        screened.where(is_ready())
        .select(*ACCOUNT, one.alias("ready"), none.alias("outcomes"))
        .unionByName(allocations.select(*ACCOUNT, none.alias("ready"), one.alias("outcomes")))
    )
    return (
        sides.join(F.broadcast(windows), on=WINDOW, how="left_semi")
        .groupBy(*ACCOUNT)
        .agg(F.sum("ready").alias("ready"), F.sum("outcomes").alias("outcomes"))
        .where("ready <> 1 or outcomes <> 1")
    )


def _more_than_one(rows: DataFrame) -> DataFrame:
    return rows.groupBy(*ACCOUNT).count().where("count > 1")


# History


def streaks(outcomes: DataFrame, opening: DataFrame, closing: DataFrame) -> Laws:
    """One row: what the `outcomes` of the dates judged made of the history before and after them.

    `opening` and `closing` are account_history as of the day before these dates, and now. A streak
    moves by one or to zero: a loss at a streak of n stands on an outcome, or an opening streak, of
    n - 1 of the same account and scope, and each carries one loss at most; `unfounded` counts the
    losses that stand on none. `unsound` are rows of the history that contradict themselves, and
    `attempts_added` and so on what the history has grown by.
    """
    unfounded = _unfounded(outcomes, opening).agg(
        F.coalesce(F.sum("losses"), F.lit(0)).cast("bigint").alias("unfounded")
    )
    kinds = {"wins": "won", "failures": "lost", "forfeits": "forfeited"}
    counted = outcomes.agg(
        F.count("*").alias("outcomes"),
        *(
            _count(F.col("result") == result).alias(f"outcomes_{result}")
            for result in kinds.values()
        ),
    )
    grown = ["attempts", *kinds]
    columns = [F.col(name) for name in grown]
    unsound = (
        (F.col("attempts") != F.col("wins") + F.col("failures") + F.col("forfeits"))
        | (F.col("longest_streak") < F.col("consecutive_failures"))
        | (F.col("longest_streak") > F.col("failures"))
        | (F.col("consecutive_failures") < 0)
        | (F.col("first_business_date") > F.col("last_business_date"))
    )
    before = opening.select(*((-c).alias(c_name) for c, c_name in zip(columns, grown, strict=True)))
    added = (
        closing.select(*grown, unsound.cast("int").alias("unsound"))
        .unionByName(before.withColumn("unsound", F.lit(0)))
        .agg(
            *(F.coalesce(F.sum(n), F.lit(0)).cast("bigint").alias(f"{n}_added") for n in grown),
            F.coalesce(F.sum("unsound"), F.lit(0)).cast("bigint").alias("unsound"),
        )
    )
    return Laws(
        _side_by_side([unfounded, counted, added], keys=()),
        {
            "unfounded": lambda: _unfounded(outcomes, opening, by_name=True),
            "unsound": lambda: closing.where(unsound).select("account_id", "scope"),
        },
    )


def _unfounded(outcomes: DataFrame, opening: DataFrame, *, by_name: bool = False) -> DataFrame:
    """Streaks of an account and scope that more losses stand on than there are: how many `losses`.

    Accounts are told apart by a hash, and named where they are few. Hashes that coincide could
    hide a loss, and never make one up.
    """
    who = [F.col("account_id"), F.col("scope")]
    if not by_name:
        who = [F.xxhash64("account_id", "scope").alias("account")]
    outcomes, opening = _hashable(outcomes), _hashable(opening)
    streak = F.col("consecutive_failures")
    one, minus = F.lit(1), F.lit(-1)
    losses = outcomes.where((F.col("result") == "lost") & (streak > 1))
    sides = (
        losses.select(*who, (streak - 1).alias("streak"), one.alias("losses"))
        .unionByName(
            outcomes.where(streak > 0).select(*who, streak.alias("streak"), minus.alias("losses"))
        )
        .unionByName(
            opening.where(streak > 0).select(*who, streak.alias("streak"), minus.alias("losses"))
        )
    )
    keys = [name for name in sides.columns if name != "losses"]
    return sides.groupBy(*keys).agg(F.sum("losses").alias("losses")).where("losses > 0")


# Money


def budgets(awards: DataFrame, windows: DataFrame, budgets: DataFrame | None) -> Laws:
    """One row per business date and campaign with awards: their sum and their budget, in cents.

    `budgets` holds `business_date`, `campaign_id` (null is a campaign of its own) and
    `daily_budget`; without it, or where that is null, `budget_cents` is null: there is none.
    """
    campaigns = windows.select(*WINDOW, "campaign_id")
    total = (
        awards.join(F.broadcast(campaigns), on=WINDOW, how="left")
        .groupBy("business_date", "campaign_id")
        .agg(F.sum(cents(F.col("amount"))).alias("total_cents"))
    )
    if budgets is None:
        return Laws(total.withColumn("budget_cents", F.lit(None).cast("bigint")))
    limits = budgets.select(
        F.col("business_date").alias("budget_date"),
        F.col("campaign_id").alias("budget_campaign"),
        cents(F.col("daily_budget")).alias("budget_cents"),
    )
    same = (F.col("business_date") == F.col("budget_date")) & F.col("campaign_id").eqNullSafe(
        F.col("budget_campaign")
    )
    joined = total.join(F.broadcast(limits), on=same, how="left")
    return Laws(joined.drop("budget_date", "budget_campaign"))


def unearned(awards: DataFrame, outcomes: DataFrame) -> Laws:
    """One row: `awards`, and how many of them are `unearned`: no counted loss at their streak."""

    awards, outcomes = _hashable(awards), _hashable(outcomes)

    def sides(who: Sequence[Column]) -> DataFrame:
        lost = outcomes.where(F.col("result") == "lost").select(
            *who, F.lit(0).alias("awards"), F.lit(1).alias("losses")
        )
        paid = awards.select(*who, F.lit(1).alias("awards"), F.lit(0).alias("losses"))
        keys = [name for name in paid.columns if name not in ("awards", "losses")]
        return (
            paid.unionByName(lost)
            .groupBy(*keys)
            .agg(F.sum("awards").alias("awards"), F.sum("losses").alias("losses"))
        )

    unpaid = F.greatest(F.col("awards") - F.col("losses"), F.lit(0))
    hashed = sides([F.xxhash64(*ACCOUNT, "consecutive_failures").alias("loss")])
    rows = hashed.agg(
        F.coalesce(F.sum("awards"), F.lit(0)).alias("awards"),
        F.coalesce(F.sum(unpaid), F.lit(0)).cast("bigint").alias("unearned"),
    )
    by_name = [F.col(name) for name in (*ACCOUNT, "consecutive_failures")]
    return Laws(rows, {"unearned": lambda: sides(by_name).where("awards > losses")})


def balances(
    awards: DataFrame,
    ledger: DataFrame,
    waived: DataFrame,
    windows: DataFrame,
    dates: Sequence[date],
) -> Laws:
    """One row: the books of the closed `dates`, and how many accounts and windows are off.

    `unbalanced` are keys whose balance less what was waived is not the award; `gaps`, whose
    revisions do not count from 0 or whose entries are not kept under them; `overdrawn`, of which
    less than nothing is waived.
    """
    by_key = books(
        awards, ledger, waived, windows, lambda day: day.isin(list(dates)), last=max(dates)
    )
    entries = F.col("entries")
    has_gap = (entries > 0) & (
        (F.col("last_revision") != entries - 1)
        | (F.col("revisions") * 2 != entries * (entries - 1))
    )

    def look(condition: Column) -> Look:
        in_money = [money(name).alias(name) for name in ("award", "posted", "given_up")]
        return lambda: by_key.where(condition).select(*ACCOUNT, *in_money, "entries")

    rows = by_key.agg(
        *(
            F.coalesce(F.sum(n), F.lit(0)).cast("bigint").alias(f"{n}_cents")
            for n in ("award", "posted", "given_up")
        ),
        _count(is_unbalanced()).alias("unbalanced"),
        _count(has_gap).alias("gaps"),
        _count(is_overdrawn()).alias("overdrawn"),
    )
    looks = {"unbalanced": is_unbalanced(), "gaps": has_gap, "overdrawn": is_overdrawn()}
    return Laws(rows, {name: look(condition) for name, condition in looks.items()})


def books(
    awards: DataFrame,
    ledger: DataFrame,
    waived: DataFrame,
    windows: DataFrame,
    is_meant: Callable[[Column], Column],
    *,
    last: date,
) -> DataFrame:
    """One row per account and window of the closed dates that are meant, in cents.

    `award`, what was `posted` and `given_up`, and of the entries how many there are, the last and
    the sum of their revisions. An entry belongs to the date of its window, where that is closed (by
    `last`), else to its own; a key that belongs to a date that is meant is seen with all its rows.
    """
    none = F.lit(0)
    amount = cents(F.col("amount"))
    closed = windows.where(F.col("business_date") <= F.lit(last)).select(
        *WINDOW, F.col("business_date").alias("window_date")
    )

    def side(rows: DataFrame, **numbers: Column) -> DataFrame:
        names = ("award", "posted", "given_up", "entries", "revision")
        columns = [numbers.get(name, none).alias(name) for name in names]
        return rows.select(*ACCOUNT, "business_date", *columns)

    sides = (
        side(awards.where(is_meant(F.col("business_date"))), award=amount)
        .unionByName(side(ledger, posted=amount, entries=F.lit(1), revision=F.col("revision")))
        .unionByName(side(waived, given_up=amount))
    )
    belongs = is_meant(F.coalesce("window_date", "business_date")).cast("int")
    return (
        sides.join(F.broadcast(closed), on=WINDOW, how="left")
        .groupBy(*ACCOUNT)
        .agg(
            F.max(belongs).alias("belongs"),
            *(F.sum(name).alias(name) for name in ("award", "posted", "given_up", "entries")),
            F.sum("revision").alias("revisions"),
            F.max("revision").alias("last_revision"),
        )
        .where("belongs = 1")
    )


def is_unbalanced() -> Column:
    """Whether in `books` a balance less what was waived is not the award."""
    return F.col("posted") - F.col("given_up") != F.col("award")


def is_overdrawn() -> Column:
    """Whether in `books` less than nothing is waived."""
    return F.col("given_up") < 0


def money(name: str) -> Column:
    """A column of cents as money."""
    return (F.col(name).cast("decimal(20,0)") / 100).cast("decimal(18,2)")


def payouts(payouts: DataFrame, ledger: DataFrame, run_date: date) -> Laws:
    """One row: what was posted under `run_date`, and what of it is to be paid, in cents."""
    of_run = F.col("run_date") == F.lit(run_date)
    amount = cents(F.col("amount"))
    sides = (
        ledger.where(of_run)
        .select(
            amount.alias("posted_cents"),
            F.lit(1).alias("posted"),
            F.lit(0).alias("paid_cents"),
            F.lit(0).alias("paid"),
        )
        .unionByName(
            payouts.where(of_run).select(
                F.lit(0).alias("posted_cents"),
                F.lit(0).alias("posted"),
                amount.alias("paid_cents"),
                F.col("entries").alias("paid"),
            )
        )
    )
    names = ("posted_cents", "posted", "paid_cents", "paid")
    return Laws(sides.agg(*(F.coalesce(F.sum(n), F.lit(0)).cast("bigint").alias(n) for n in names)))


# Words


def _side_by_side(parts: Sequence[DataFrame], keys: Sequence[str]) -> DataFrame:
    """One row per key that any part has: the numbers of all parts, 0 where a part has no row.

    A union and one grouping, where as many full joins would take an engine longer to plan. Without
    keys it is one row.
    """
    numbers = [name for part in parts for name in part.columns if name not in keys]
    stacked = [
        part.select(
            *keys,
            *(
                (F.col(name) if name in part.columns else F.lit(0)).cast("bigint").alias(name)
                for name in numbers
            ),
        )
        for part in parts
    ]
    together = stacked[0]
    for part in stacked[1:]:
        together = together.unionAll(part)
    return together.groupBy(*keys).agg(
        *(F.coalesce(F.sum(name), F.lit(0)).alias(name) for name in numbers)
    )


def _count(condition: Column) -> Column:
    return F.count(F.when(condition, F.lit(1)))


def _nulls(table: contracts.Table) -> Column:
    return reduce(or_, (F.col(c.name).isNull() for c in table.columns if c.required))


def _unknown(table: contracts.Table) -> Column:
    return reduce(or_, (~F.col(c.name).isin(*c.values) for c in table.columns if c.values))


def _hashable(rows: DataFrame) -> DataFrame:
    """The same rows, to be hashed.

    Sail 0.7.2 fails to hash a column that is one value all through a Delta file, where it computes
    the hash while it reads. Behind a filter that no statistics can decide it does not.
    """
    return rows.where(F.length("account_id") > 0)


def _account_hash() -> Column:
    return F.xxhash64("account_id")


def _repeated_accounts() -> Column:
    return F.count("account_id") - F.countDistinct(_account_hash())


def _high(number: Column) -> Column:
    """The sum of the higher halves of hashes: halves, since a sum of whole ones overflows."""
    return F.coalesce(F.sum(F.shiftright(number, 32)), F.lit(0))


def _low(number: Column) -> Column:
    return F.coalesce(F.sum(number.bitwiseAND(F.lit(0xFFFFFFFF))), F.lit(0))
