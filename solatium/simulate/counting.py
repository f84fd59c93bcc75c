"""What judged dates come to, counted by DuckDB: the same way for what was and for what would be.

The sets of outcomes, and the groups, are those of the report (`report/fairness`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any

import pyarrow as pa
from pyarrow.dataset import Dataset

from solatium.report.fairness import ALLOCATED, COMPETED, Success, by_points, by_team_size
from solatium.report.source import ENTRIES, Answers, database
from solatium.settings.regimes import Regimes
from solatium.simulate.numbers import Key, Numbers, Value, share
from solatium.simulate.windows import Window

_MOST = 10  # streaks of so many and more are one group

_OUTCOMES = {"won": "winners", "lost": "losers", "forfeited": "forfeits"}
_RESULTS = {"won": "counted_wins", "lost": "counted_losses", "forfeited": "counted_forfeits"}

_WINDOWS = {
    "commodity_id": pa.string(),
    "window_id": pa.string(),
    "business_date": pa.date32(),
    "closes": pa.int64(),
    "policy": pa.string(),
    "unit": pa.string(),
    "scope": pa.string(),
    "held": pa.string(),
    "regime": pa.int32(),
    "expiry": pa.int32(),
}

# Each account's streak after its last outcome of a date, and what it brought from before.
_EVENINGS = """
create table evenings as
select account_id, o.scope, o.business_date,
       max_by(consecutive_failures, (closes, commodity_id, window_id)) streak
from account_outcomes o join window_results using (commodity_id, window_id)
group by account_id, o.scope, o.business_date
"""

# Tables, not views: where DuckDB does not know how many rows there are, it joins by loops.
_BEFORE = f"""
create table earlier as
select account_id, scope, business_date, streak from evenings union all
select account_id, scope, last_business_date, consecutive_failures from opening;
create table competed as
select a.account_id, w.scope, w.business_date, w.expiry, a.outcome in {ALLOCATED} allocated
from allocations a join window_results w using (commodity_id, window_id)
where a.outcome in {COMPETED}
"""

# A streak that has expired by the window's date is none (docs/rules.md section 7.4).
_BY_STREAK = f"""
with placed as (
    select case when e.streak is null or c.business_date - e.business_date > c.expiry then 0
                else least(e.streak, {_MOST}) end streak_before, allocated
    from competed c asof left join earlier e
      on c.account_id = e.account_id and c.scope = e.scope and c.business_date > e.business_date)
select streak_before, count(*) competed, count(*) filter (allocated) allocated
from placed group by streak_before
"""

_AFTER = f"""
with last_ones as (
    select max_by(streak, business_date) streak from evenings group by account_id, scope)
select least(streak, {_MOST}) streak_now, count(*) accounts from last_ones group by 1
"""

_COSTS = """
select regime, consecutive_failures streak, currency, count(*) awards,
       sum(raw_amount)::decimal(38,2) raw, sum(amount)::decimal(38,2) amount
from bonus_awards join window_results using (commodity_id, window_id) group by all
"""


@dataclass(frozen=True)
class Judged:
    """Dates that were judged: their windows, and their tables by name.

    `tables` are `screened_participants`, `allocations`, `account_outcomes`, `bonus_awards`, and
    `opening`, which is `account_history` before the first date.
    """

    windows: Sequence[Window]
    regimes: Regimes
    tables: Mapping[str, Dataset]


def people(judged: Judged) -> Numbers:
    """What no draw changes: how many took part, qualified and were ready."""
    with database() as connection:
        connection.register("screened", judged.tables["screened_participants"])
        [row] = Answers(connection).rows(
            """select count(*) participants, count(*) filter (qualified) qualified,
                      count(*) filter (qualified and advance_state in ('paid', 'not_required'))
                          ready from screened"""
        )
    return {_in_all(name): number for name, number in row.items()}


def counted(judged: Judged) -> Numbers:
    """What the rush came to, and what it costs."""
    with database() as connection:
        connection.register("window_results", _windows(judged))
        for name in ("allocations", "account_outcomes", "bonus_awards", "opening"):
            connection.register(name, judged.tables[name])
        connection.execute(ENTRIES)
        connection.execute(_EVENINGS)
        connection.execute(_BEFORE)
        answers = Answers(connection)
        found: dict[Key, Value] = {}
        for numbers in (
            _totals(judged, answers),
            _successes("success_by_team_size", by_team_size(answers)),
            _successes("success_by_points", by_points(answers)),
            _by_streak(answers),
            _after(answers),
            _costs(judged, answers),
        ):
            found.update(numbers)
    return found


def _windows(judged: Judged) -> pa.Table:
    regimes = judged.regimes.distinct
    rows = [
        asdict(one) | {"expiry": regimes[one.regime].history.streak_expiry_days}
        for one in judged.windows
    ]
    return pa.Table.from_pylist(rows, pa.schema(list(_WINDOWS.items())))


def _in_all(name: str) -> Key:
    return Key("in_all", None, False, None, name)


def _totals(judged: Judged, answers: Answers) -> Iterator[tuple[Key, Value]]:
    yield _in_all("windows"), len(judged.windows)
    yield _in_all("held_windows"), sum(one.held is not None for one in judged.windows)
    for row in answers.rows("select outcome, count(*) number from allocations group by 1"):
        yield _in_all(_OUTCOMES.get(row["outcome"], row["outcome"])), row["number"]
    for row in answers.rows("select result, count(*) number from account_outcomes group by 1"):
        yield _in_all(_RESULTS[row["result"]]), row["number"]
    longest = answers.rows("select max(consecutive_failures) streak from account_outcomes")
    yield _in_all("longest_streak"), longest[0]["streak"] or 0


def _successes(section: str, groups: Sequence[Success]) -> Iterator[tuple[Key, Value]]:
    for one in groups:
        number, _, more = one.group.partition(" ")
        yield from _success(section, int(number), bool(more), one.competed, one.allocated)


def _success(
    section: str, group: int, most: bool, competed: int, allocated: int
) -> Iterator[tuple[Key, Value]]:
    values = {
        "competed": competed,
        "allocated": allocated,
        "share": share(allocated, competed),
    }
    for name, value in values.items():
        yield Key(section, group, most, None, name), value


def _by_streak(answers: Answers) -> Iterator[tuple[Key, Value]]:
    for row in answers.rows(_BY_STREAK):
        yield from _success(
            "success_by_streak_before",
            row["streak_before"],
            row["streak_before"] == _MOST,
            row["competed"],
            row["allocated"],
        )


def _after(answers: Answers) -> Iterator[tuple[Key, Value]]:
    for row in answers.rows(_AFTER):
        streak = row["streak_now"]
        yield Key("streaks_after", streak, streak == _MOST, None, "accounts"), row["accounts"]


def _costs(judged: Judged, answers: Answers) -> Iterator[tuple[Key, Value]]:
    sums: dict[Key, Any] = {}

    def add(section: str, group: int | None, row: dict[str, Any], **values: int | Decimal) -> None:
        for name, value in values.items():
            key = Key(section, group, False, row["currency"], name)
            sums[key] = sums.get(key, 0) + value

    for row in answers.rows(_COSTS):
        awards, raw, amount = row["awards"], row["raw"], row["amount"]
        add("consolation", None, row, awards=awards, by_tiers=raw, awarded=amount, cut=raw - amount)
        tiers = judged.regimes.distinct[row["regime"]].bonus.tiers
        tier = max(t.min_failures for t in tiers if t.min_failures <= row["streak"])
        add("consolation_by_tier", tier, row, awards=awards, awarded=amount)
    yield from sums.items()
