"""Accounts of which the order of events decides (docs/rules.md sections 1.2 and 4.1)."""

from __future__ import annotations

from compare import differences, reference_tables
from harness import Nights
from rows import account, days, joined, landing, ordered, paid, window, withdrew


def test_of_joins_with_several_quantities_the_latest_counts(nights: Nights) -> None:
    less = [joined("less", quantity=3, clock="00:30"), joined("less", quantity=1, clock="00:50")]
    more = [joined("more", quantity=1, clock="00:30"), joined("more", quantity=3, clock="00:50")]
    rows = landing(window(limit_per_account=3), account("less"), account("more"), less, more)
    nights.land(rows)
    nights.run(days(0), {})
    assert differences(nights.warehouse, reference_tables(rows, {}, days(0))) == []
    found = {row["account_id"]: row["quantity"] for row in nights.rows("screened_participants")}
    assert found == {"less": 1, "more": 3}


def test_texts_of_an_only_join_and_of_several_are_compared_alike(nights: Nights) -> None:
    """Accounts of a device that joined once, that joined again, and that made an attempt."""
    devices = ["plain", "\x01\x02", "|=|"]
    rows = landing(
        window(policy="first_come"),
        [account(f"{name}-{number}") for name in "abc" for number in range(len(devices))],
        [joined(f"a-{number}", device=each) for number, each in enumerate(devices)],
        [joined(f"b-{number}", device="other") for number in range(len(devices))],
        [joined(f"b-{number}", clock="01:20", device=each) for number, each in enumerate(devices)],
        [joined(f"c-{number}", device=each) for number, each in enumerate(devices)],
        [paid(f"c-{number}") for number in range(len(devices))],
        [ordered(f"c-{number}", clock="03:00") for number in range(len(devices))],
    )
    config = {"screening": {"max_accounts_per_device": 2}}
    nights.land(rows)
    nights.run(days(0), config)
    assert differences(nights.warehouse, reference_tables(rows, config, days(0))) == []
    screened = nights.rows("screened_participants")
    assert {row["account_id"]: row["reasons"] for row in screened} == {
        row["account_id"]: ["shared_device"] for row in screened
    }


def test_a_team_is_that_of_the_only_join_or_of_the_latest(nights: Nights) -> None:
    rows = landing(
        window(unit="team", team_min=1, team_max=3),
        [account(name) for name in ("once", "moved", "back")],
        joined("once", team="t1"),
        [joined("moved", team="t1"), joined("moved", clock="01:20", team="t2")],
        [joined("back", team="t1"), withdrew("back"), joined("back", clock="01:20")],
    )
    nights.land(rows)
    nights.run(days(0), {})
    assert differences(nights.warehouse, reference_tables(rows, {}, days(0))) == []
    found = {row["account_id"]: row["team_id"] for row in nights.rows("screened_participants")}
    assert found == {"once": "t1", "moved": "t2", "back": None}
