"""Simulations of whole random histories, compared with a plain-Python reading of the rules."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import pytest
from checked_history import a_warehouse, put
from histories import History, configs, examples, histories
from hypothesis import given
from hypothesis import strategies as st
from reference.arrivals import open_door
from reference.configuration import Settings
from reference.rush import hold
from reference.windows import due_windows
from rows import Row
from what_if import Found, WhatIf, at_ranks, change, numbers, seed_of

from solatium.engine import Engine
from solatium.errors import UsageError
from solatium.settings.load import from_mapping
from solatium.simulate.request import POLICIES, Request
from solatium.simulate.simulation import Simulated, simulate
from solatium.storage.location import Location

few = examples(5, derandomize=True)
many = examples(150)


@dataclass(frozen=True)
class Asked:
    """A history, other settings for some of its dates, and how their lotteries are drawn."""

    history: History
    other: Row
    policy: str | None
    draws: int
    begins: int
    ends: int


@st.composite
def questions(draw: st.DrawFn) -> Asked:
    history = draw(histories())
    return Asked(
        history,
        draw(st.one_of(st.just(history.config), configs(history.config["timezone"]))),
        draw(st.sampled_from([None, None, *POLICIES])),
        draw(st.sampled_from([0, 0, 2])),
        draw(st.integers(0, 2)),
        draw(st.integers(0, 5)),
    )


def it_comes_to_what_the_reference_says(running: Engine, asked: Asked) -> None:
    history, newest = asked.history, asked.history.last + timedelta(days=1)
    with a_warehouse(running) as nights:
        put(nights, history, 0)
        nights.run(newest, history.config)
        root = Location.parse(str(nights.warehouse))
        dates = judged_dates(history, newest)
        if not dates:
            with pytest.raises(UsageError, match="cannot be simulated"):
                simulate(root, Request(newest, newest), "embedded", running)
            return
        as_it_was(running, root, history, newest, dates[0], dates[-1])
        begins = asked.begins if same_scope(history.config, asked.other) else 0
        first = dates[min(begins, len(dates) - 1)]
        last = max(first, dates[min(asked.ends, len(dates) - 1)])
        request = Request(
            first, last, from_mapping(asked.other), asked.policy, asked.draws, "a seed"
        )
        landing = history.landing()
        expected = WhatIf(history.config, asked.other, landing, newest, first, last, asked.policy)
        if not asked.draws and lacks_a_seed(expected):
            with pytest.raises(UsageError, match="have no seed"):
                simulate(root, request, "embedded", running)
            return
        found = simulate(root, request, "embedded", running)
        was = WhatIf(history.config, history.config, landing, newest, first, last)
        assert side(found, "was") == there(numbers(*was.judged()))
        if not asked.draws:
            assert side(found, "would_be") == there(numbers(*expected.judged()))
            return
        seeds = [seed_of("a seed", number) for number in range(1, asked.draws + 1)]
        drawn = [numbers(*expected.judged(seed)) for seed in seeds]
        intervals_hold(found, drawn)


def as_it_was(
    running: Engine, root: Location, history: History, newest: date, first: date, last: date
) -> None:
    """The settings of the warehouse give exactly its own numbers."""
    found = simulate(root, Request(first, last), "embedded", running)
    assert not found.differences
    assert [row.key for row in found.rows if row.was != row.would_be] == []


def judged_dates(history: History, newest: date) -> list[date]:
    ours = Settings(history.config)
    windows = due_windows(open_door(history.landing(), ours, newest), ours, newest)
    return sorted({window.business_date for window in windows})


def same_scope(one: Row, other: Row) -> bool:
    return Settings(one).scope == Settings(other).scope


def lacks_a_seed(asked: WhatIf) -> bool:
    """Whether a window that was first come, and is a lottery now, has no seed that counts."""
    now = Settings(asked.other)
    _, door = asked.doors(Settings(asked.config), now)
    for window in due_windows(door, now, asked.newest):
        if asked.first <= window.business_date <= asked.last and window.is_first_come:
            change(window, asked.policy, None)
            if hold(window)[1] is not None:
                return True
    return False


def side(found: Simulated, name: str) -> Found:
    return there({place(row.key): getattr(row, name) for row in found.rows})


def place(key: Any) -> tuple[str, str | None, str | None, str]:
    return key.section, key.label or None, key.currency, key.name


def there(found: Found) -> Found:
    """Without numbers of nothing, which a simulation may leave out."""
    return {key: value for key, value in found.items() if value}


def intervals_hold(found: Simulated, drawn: list[Found]) -> None:
    for row in found.rows:
        zero = None if row.key.kind == "share" else 0
        expected = at_ranks([one.get(place(row.key), zero) for one in drawn])
        values = row.interval
        ours = values and (
            *(values.least, values.low, values.median),
            *(values.high, values.greatest),
        )
        assert ours == expected, row.key
    known = {place(row.key) for row in found.rows}
    assert not {key for one in drawn for key in there(one)} - known


@few
@given(asked=questions())
@pytest.mark.torture
def test_a_history_judged_by_other_settings(embedded: Engine, asked: Asked) -> None:
    it_comes_to_what_the_reference_says(embedded, asked)


@pytest.mark.torture
@many
@given(asked=questions())
def test_many_histories_judged_by_other_settings(embedded: Engine, asked: Asked) -> None:
    it_comes_to_what_the_reference_says(embedded, asked)
