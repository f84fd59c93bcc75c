"""Events that only their ids put in order, and the note that a run prints of them."""

from __future__ import annotations

import pytest
from harness import Nights, Row
from rows import DAY, at, days, joined, landing, ordered, window

NOTE = (
    "{}: events share their time with another event of the same account and window, and have no "
    "sequence ({}); their event ids decide which is later. If the platform numbers its events, map "
    "that column to sequence (docs/rules.md, section 1.2)"
)


def applicants(number: int) -> list[Row]:
    return [joined(f"u{place}") for place in range(number)]


def pair(account: str = "a", *sequences: int | None, **changes: object) -> list[Row]:
    """Two events of one account, window and time."""
    both = {"event_time": at("01:10")} | changes
    first, second = sequences or (None, None)
    return [
        joined(account, event_id=f"{account}9", sequence=first, **both),
        joined(account, event_id=f"{account}10", sequence=second, **both),
    ]


@pytest.mark.spark_at_length
def test_more_than_one_event_in_a_thousand_without_an_order_is_noted(nights: Nights) -> None:
    nights.land(landing(window(), applicants(1997), pair()))
    nights.land(landing([row | {"dt": days(1)} for row in [*applicants(0), *pair("b")]]))
    assert nights.run(days(1)).notes == [
        NOTE.format("participation", "dt=2026-03-10: 2 of 1,999, dt=2026-03-11: 2 of 2")
    ]


at_length = pytest.mark.at_length


@pytest.mark.parametrize(
    "events",
    [
        pytest.param([*applicants(1998), *pair()], id="one in a thousand"),
        pytest.param([*pair("a", 9, 10)], id="sequences", marks=at_length),
        pytest.param([*pair("a", 9, None)], id="one sequence", marks=at_length),
        pytest.param([*pair("a", 9, 9)], id="equal sequences"),
        pytest.param([joined("a"), joined("b")], id="two accounts", marks=at_length),
        pytest.param([joined("a"), joined("a", window="w2")], id="two windows", marks=at_length),
        pytest.param([joined("a"), joined("a")], id="one event, delivered twice"),
        pytest.param([joined("a", clock="03:01"), ordered("a")], id="two logs", marks=at_length),
    ],
)
def test_events_that_have_an_order_or_are_few_are_not_noted(
    nights: Nights, events: list[Row]
) -> None:
    nights.land(landing(window(), window(window="w2"), events))
    assert nights.run(DAY).notes == []


def test_a_note_names_three_arrival_dates(nights: Nights) -> None:
    dates = [days(number) for number in range(5)]
    nights.land(landing([window()], [pair(f"a{day.day}", dt=day) for day in dates]))
    (note,) = nights.run(dates[-1]).notes
    assert note.startswith("participation: events share their time")
    assert "dt=2026-03-12: 2 of 2 and 2 more arrival dates)" in note
