"""The reference against cases worked out by hand, section by section of docs/rules.md."""

from datetime import date
from decimal import Decimal
from hashlib import sha256
from typing import Any

import pytest
from mutants import MUTANTS, problem_with
from reference.arrivals import gate_failures
from reference.ledger import Ledger
from reference.night import Reference
from reference.rush import ticket
from reference.types import Row
from rows import (
    DAY,
    account,
    at,
    commitment,
    days,
    entrant,
    joined,
    landing,
    ordered,
    paid,
    refunded,
    window,
    withdrew,
)

MONDAY, TUESDAY, LAST = DAY, days(1), days(9)


def night(*rows: Row | list, config: Row | None = None, day: date = LAST) -> dict[str, Any]:
    return Reference(config).night(landing(*rows), day)


def only(rows: list[Row]) -> Row:
    (row,) = rows
    return row


def by_account(rows: list[Row], column: str) -> dict[str, Any]:
    return {row["account_id"]: row[column] for row in rows}


def reasons(*rows: Row | list, config: Row | None = None) -> dict[str, list[str]]:
    return by_account(night(*rows, config=config)["screened_participants"], "reasons")


def outcomes(*rows: Row | list, config: Row | None = None) -> dict[str, str]:
    return by_account(night(*rows, config=config)["allocations"], "outcome")


def quarantine(*rows: Row | list, day: date = LAST) -> list[tuple[str, list[str]]]:
    return [(r["source"], r["reasons"]) for r in night(*rows, day=day)["quarantine"]]


def rush_lost_by(*losers: str, name: str = "w1", day: date = DAY, **changes: Any) -> list[Row]:
    """A first_come window for one unit that `z` gets, before the losers in their order."""
    rows = [window(window=name, day=day, policy="first_come", **changes)]
    for second, who in enumerate(["z", *losers]):
        rows += entrant(who, window=name, day=day)
        status = {"z": "confirmed"}.get(who, "failed")
        rows += [
            ordered(who, window=name, day=day, clock=f"03:00:{second:02}"),
            ordered(who, window=name, day=day, clock=f"03:05:{second:02}", status=status),
        ]
    return rows


def losses(count: int, *losers: str, **changes: Any) -> list[Row]:
    """Windows w0, w1, ... on as many days from Monday on, all lost."""
    return [
        row
        for n in range(count)
        for row in rush_lost_by(*(losers or ["a"]), name=f"w{n}", day=days(n), **changes)
    ]


# ---------------------------------------------------------------- section 2


def test_a_bad_row_has_every_reason_in_order() -> None:
    bad = joined("a|b", event_type="leave", event_id=None, quantity=2**31)
    row = only(night(bad)["quarantine"])
    assert row["reasons"] == [
        "null_event_id",
        "bad_id_account_id",
        "unknown_event_type",
        "out_of_range_quantity",
    ]
    assert row["payload"]["quantity"] == 2**31


def test_amounts_must_fit_and_be_positive() -> None:
    assert quarantine(paid(amount="1.005")) == [("payment", ["out_of_range_amount"])]
    assert quarantine(paid(amount="0.00")) == [("payment", ["not_positive_amount"])]
    assert quarantine(window(), paid(amount="1.500")) == []


def test_windows_are_judged_as_a_whole_when_their_times_are_there() -> None:
    backwards = {"rush_close": at("02:30")}
    assert quarantine(window(stock=-1, **backwards)) == [
        ("windows", ["negative_stock", "invalid_window"])
    ]
    assert quarantine(window(application_open=None, **backwards)) == [
        ("windows", ["null_application_open"])
    ]
    assert quarantine(window(unit="team", team_min=3, team_max=2)) == [
        ("windows", ["invalid_window"])
    ]


def test_empty_text_is_null_only_where_null_may_be() -> None:
    assert quarantine(window(), joined(team="")) == []
    assert quarantine(window(), joined(event_id="")) == [("participation", ["bad_id_event_id"])]


def test_equal_rows_are_one_row_of_the_earliest_arrival() -> None:
    rows = night(window(), joined(dt=TUESDAY), joined(dt=MONDAY))
    assert only(rows["participation"])["dt"] == MONDAY
    assert rows["quarantine"] == []


def test_of_rows_that_conflict_the_earliest_stays() -> None:
    first = joined(event_id="e", clock="01:05")
    other = joined(event_id="e", clock="01:00", dt=TUESDAY)
    rows = night(window(), other, first, other)
    assert only(rows["participation"])["event_time"] == at("01:05")
    assert only(rows["quarantine"])["reasons"] == ["event_id_conflict"]


def test_a_row_leaves_quarantine_when_its_window_turns_up() -> None:
    rows = [joined(), window(dt=TUESDAY)]
    assert quarantine(*rows, day=MONDAY) == [("participation", ["unknown_window"])]
    assert quarantine(*rows, day=TUESDAY) == []


def test_rows_are_late_once_their_date_is_closed() -> None:
    on_time, late = joined("a", dt=days(2)), joined("b", dt=days(3))
    assert quarantine(window(), on_time, late) == [("participation", ["late"])]
    assert quarantine(window(), window(stock=5, dt=days(3))) == [("windows", ["late"])]


def test_the_business_date_is_that_of_the_rush_close_in_the_timezone() -> None:
    rows = night(window(rush_close=at("16:00")))
    assert only(rows["window_results"])["business_date"] == TUESDAY


def test_a_gate_counts_bad_rows_but_not_late_ones() -> None:
    rows = [window(), window(window="w2", stock=None), paid(dt=days(5)), paid("b", window="w9")]
    config = {"gates": {"max_quarantine_share": "0.5"}}
    assert gate_failures(landing(*rows), config, LAST) == []
    assert gate_failures(landing(*rows), None, LAST) == [("windows", MONDAY, 0.5)]


# ---------------------------------------------------------------- sections 3 and 4


def test_the_base_rows_tell_of_an_account_that_wins() -> None:
    rows = night(window(), entrant("a"), ordered(status="confirmed"))
    screened = only(rows["screened_participants"])
    assert (screened["reasons"], screened["advance_state"]) == ([], "paid")
    allocation = only(rows["allocations"])
    assert (allocation["outcome"], allocation["platform_outcome"]) == ("won", "won")
    assert rows["quarantine"] == rows["audit_discrepancies"] == rows["refunds_due"] == []


def test_the_latest_event_counts_and_joined_at_is_the_first_join_after_a_withdraw() -> None:
    events = [
        joined(clock="00:10", quantity=4),
        withdrew(clock="00:20"),
        joined(clock="00:30", quantity=3),
        joined(clock="00:40", quantity=2),
        withdrew(clock="02:00"),  # applications have closed
    ]
    row = only(night(window(), account(), events)["screened_participants"])
    assert (row["joined_at"], row["quantity"], row["reasons"]) == (at("00:30"), 2, [])


def test_every_reason_that_holds_is_listed_in_order() -> None:
    bad = account("a", status="closed", blacklisted=True, registered_at=at("00:00:01"))
    rows = [window(unit="team", team_min=1, team_max=2), bad, joined("a", quantity=6)]
    assert reasons(*rows, config={"screening": {"min_credit_score": 701}}) == {
        "a": [
            "account_not_active",
            "account_blacklisted",
            "account_too_new",
            "credit_too_low",
            "quantity_not_allowed",
            "team_missing",
        ]
    }


def test_without_a_join_in_force_only_the_account_is_judged() -> None:
    events = [joined("a"), withdrew("a"), joined("b", clock="02:00", quantity=9)]
    assert reasons(window(), account("b", status="closed"), events) == {
        "a": ["withdrawn", "account_unknown"],
        "b": ["outside_application_period", "account_not_active"],
    }


def test_account_age_is_in_days_of_24_hours() -> None:
    config = {"screening": {"min_account_age_days": 1}}
    just = account("a", registered_at=at("00:00", days(-1)))
    young = account("b", registered_at=at("00:00:00.000001", days(-1)))
    result = reasons(window(), just, young, joined("a"), joined("b"), config=config)
    assert result == {"a": [], "b": ["account_too_new"]}


def test_a_window_sees_an_account_as_of_the_close_of_applications() -> None:
    closed = {"status": "closed", "dt": days(2)}
    base = [window(), account(), joined()]
    assert reasons(base, account(updated_at=at("02:00"), **closed)) == {"a": ["account_not_active"]}
    assert reasons(base, account(updated_at=at("02:00:01"), **closed)) == {"a": []}
    assert reasons(base, account(updated_at=at("02:00"), **closed | {"dt": days(3)})) == {"a": []}


def test_a_shared_device_counts_every_join_in_force() -> None:
    joins = [joined(who, device="d") for who in "abc"] + [withdrew("c"), joined("e", device="f")]
    accounts = [account("a"), account("b", status="closed"), account("c"), account("e")]
    config = {"screening": {"max_accounts_per_device": 1}}
    result = reasons(window(), accounts, joins, config=config)
    assert result["a"] == ["shared_device"]
    assert result["b"] == ["account_not_active", "shared_device"]
    assert (result["c"], result["e"]) == (["withdrawn"], [])


def test_of_one_person_the_first_good_join_stays() -> None:
    accounts = [account(who, person_id="p") for who in "bc"]
    accounts.append(account("a", person_id="p", status="suspended"))
    joins = [joined("a", clock="00:10"), joined("c", clock="00:20"), joined("b", clock="00:20")]
    assert reasons(window(), accounts, joins) == {
        "a": ["account_not_active"],
        "b": [],
        "c": ["duplicate_person"],
    }


@pytest.mark.parametrize(
    ("payments", "state", "net"),
    [
        ([], "unpaid", "0.00"),
        ([paid(amount="20")], "paid", "20.00"),
        ([paid(amount="19.99")], "partial", "19.99"),
        ([paid(amount="20"), paid(amount="1", kind="balance_paid")], "paid", "20.00"),
        ([paid(amount="20"), refunded(amount="20")], "refunded", "0.00"),
        ([refunded(amount="5")], "unpaid", "-5.00"),
        ([paid(amount="20", clock="03:00")], "unpaid", "0.00"),
        ([paid(amount="20", currency="EUR")], "unpaid", "0.00"),
    ],
)
def test_advance_state(payments: list[Row], state: str, net: str) -> None:
    row = only(night(window(), joined(quantity=2), payments)["screened_participants"])
    assert (row["advance_state"], row["advance_net"]) == (state, Decimal(net))


def test_no_advance_is_required_for_nothing() -> None:
    row = only(night(window(), joined(quantity=-1))["screened_participants"])
    assert (row["advance_state"], row["reasons"][-1]) == ("not_required", "quantity_not_allowed")


# ---------------------------------------------------------------- section 5


def test_tickets_are_those_of_sha256sum() -> None:
    assert ticket("autumn-7391", "sku1", "w1", "a", 0) == "17c2c8f90f803476"
    assert ticket("autumn-7391", "sku1", "w1", "a", 3) == "7fe5af23cc6b78d5"
    assert ticket("autumn-7391", "sku1", "w1", "a", 4) == "dc4d43f05528f947"
    assert ticket("autumn-7391", "sku1", "w1", "队", 9) == "00db6a9a3dfbd722"


def test_a_lottery_goes_by_ticket() -> None:
    rows = night(window(), entrant("b"), entrant("a"), entrant("c"))["allocations"]
    assert by_account(rows, "outcome") == {"a": "won", "b": "lost", "c": "lost"}
    assert by_account(rows, "ticket") == {
        "a": "17c2c8f90f803476",
        "b": "97c5ddba1c04aff6",
        "c": "4f0fe523027ec4ee",
    }
    assert by_account(rows, "weight") == {"a": 1, "b": 1, "c": 1}


def test_an_entry_that_does_not_fit_is_passed_over() -> None:
    entrants = [entrant("a", quantity=2), entrant("c", quantity=2), entrant("b")]  # their order
    assert outcomes(window(stock=3), entrants) == {"a": "won", "c": "lost", "b": "won"}
    assert outcomes(window(stock=1), entrants) == {"a": "cannot_fit", "c": "cannot_fit", "b": "won"}


def test_first_come_goes_by_order_and_takes_what_was_ordered() -> None:
    rows = night(
        window(policy="first_come", stock=3),
        [entrant(who, quantity=2) for who in "abcd"],
        ordered("b", quantity=1, clock="03:00"),
        ordered("b", quantity=5, clock="03:30", order="second"),
        ordered("a", quantity=0, clock="03:01"),
        ordered("c", quantity=9, clock="03:02"),
        ordered("d", clock="02:59"),
    )
    allocations = rows["allocations"]
    assert by_account(allocations, "size") == {"a": 2, "b": 1, "c": 2, "d": 2}
    assert by_account(allocations, "outcome") == {
        "b": "won",
        "a": "won",
        "c": "lost",
        "d": "no_attempt",
    }
    result = only(rows["window_results"])
    assert (result["entries"], result["attempts"], result["allocated_units"]) == (4, 3, 3)


def test_teams_take_the_first_to_join_and_need_enough() -> None:
    rows = night(
        window(unit="team", team_min=2, team_max=2, stock=3),
        entrant("c", team="t1", clock="00:10"),
        entrant("a", team="t1", clock="00:20", quantity=2),
        entrant("b", team="t1", clock="00:20"),
        entrant("d", team="t2"),
    )
    assert by_account(rows["allocations"], "outcome") == {
        "a": "won",
        "b": "team_overfull",
        "c": "won",
        "d": "team_incomplete",
    }
    assert by_account(rows["allocations"], "size") == {"a": 3, "b": None, "c": 3, "d": None}
    assert by_account(rows["allocations"], "entry_id")["a"] == "t1"


def test_a_window_with_too_few_ready_accounts_is_not_formed() -> None:
    rows = night(window(min_qualified=2), entrant("a"), joined("b"), account("b"))
    row = only(rows["allocations"])
    assert (row["outcome"], row["entry_id"], row["size"]) == ("not_formed", "a", 1)
    assert row["ticket"] is row["weight"] is None
    result = only(rows["window_results"])
    assert (result["status"], result["qualified"], result["ready"]) == ("not_formed", 2, 1)


@pytest.mark.parametrize(
    ("versions", "status"),
    [
        ([{"draw_seed": None}], "seed_missing"),
        ([{"draw_seed": ""}], "seed_missing"),
        ([{"seed_commitment": commitment()}], "allocated"),
        ([{"seed_commitment": commitment().upper()}], "seed_mismatch"),
        ([{"draw_seed": None, "seed_commitment": commitment()}, {}], "allocated"),
        ([{"draw_seed": None, "seed_commitment": commitment("x")}, {}], "seed_mismatch"),
        ([{"draw_seed": "x", "seed_commitment": commitment()}, {}], "allocated"),
        ([{"draw_seed": None}, {"dt": LAST}], "allocated"),  # a late version's seed counts
    ],
)
def test_the_seed(versions: list[Row], status: str) -> None:
    rows = [window(updated_at=at(f"00:0{n}"), **changes) for n, changes in enumerate(versions)]
    assert only(night(*rows)["window_results"])["status"] == status


def test_the_seed_cannot_be_drawn_twice() -> None:
    again = window(draw_seed="another", updated_at=at("00:01"))
    row = only(night(window(), again, entrant("a"))["allocations"])
    assert row["ticket"] == "17c2c8f90f803476"


LOST_TWICE_BEFORE = [rush_lost_by("b", name=f"r{n}", day=days(n - 2)) for n in range(2)]
WEIGHTED = [window(policy="weighted_lottery"), entrant("a"), entrant("b")]


def test_points_weigh_in_a_weighted_lottery() -> None:
    rows = night(LOST_TWICE_BEFORE, WEIGHTED)["allocations"]
    drawn = [row for row in rows if row["window_id"] == "w1"]
    assert by_account(drawn, "weight") == {"a": 1, "b": 3}
    assert by_account(drawn, "ticket")["b"] == "093f84ed2472893d"  # the second of three
    assert by_account(drawn, "outcome") == {"a": "lost", "b": "won"}


@pytest.mark.parametrize(
    ("config", "weight"),
    [
        ({"draw": {"weight_cap": 1}}, 2),
        ({"draw": {"weight_cap": 0}}, 1),
        ({"history": {"streak_expiry_days": 1}}, 3),
        ({"history": {"streak_expiry_days": 0}}, 1),
    ],
)
def test_points_are_capped_and_expire(config: Row, weight: int) -> None:
    rows = night(LOST_TWICE_BEFORE, WEIGHTED, config=config)["allocations"]
    drawn = [row for row in rows if row["window_id"] == "w1"]
    assert by_account(drawn, "weight")["b"] == weight


def test_the_points_of_a_team_are_the_mean_halves_up() -> None:
    lost = rush_lost_by("b", name="r", day=days(-1))
    team = window(policy="weighted_lottery", unit="team", team_min=2, team_max=2, stock=2)
    rows = night(lost, team, entrant("a", team="t1"), entrant("b", team="t1"))["allocations"]
    assert by_account(rows, "weight")["a"] == 2


# ---------------------------------------------------------------- section 6


@pytest.mark.parametrize(
    ("events", "outcome", "platform_outcome"),
    [
        ([], "won", "none"),
        (["submitted"], "won", "lost"),
        (["submitted", "confirmed"], "won", "won"),
        (["submitted", "confirmed", "cancelled"], "forfeited", "forfeited"),
        (["submitted", "cancelled"], "forfeited", "lost"),
        (["confirmed", "voided"], "voided", "voided"),
        (["submitted", "failed"], "won", "lost"),
    ],
)
def test_outcomes_by_order_state(events: list[str], outcome: str, platform_outcome: str) -> None:
    orders = [ordered(status=s, clock=f"03:0{n}") for n, s in enumerate(events)]
    row = only(night(window(), entrant("a"), orders)["allocations"])
    assert (row["outcome"], row["platform_outcome"]) == (outcome, platform_outcome)


def test_the_best_order_of_an_account_says_its_state() -> None:
    orders = [ordered(order="x", status="cancelled"), ordered(order="y", clock="05:00")]
    assert outcomes(window(), entrant("a"), orders) == {"a": "won"}


def test_all_orders_of_a_team_are_each_members() -> None:
    rows = night(
        window(unit="team", team_min=2, team_max=2, stock=2),
        [entrant(who, team="t1", clock=f"00:1{n}") for n, who in enumerate("abc")],
        ordered("a", status="confirmed"),
    )
    said = by_account(rows["allocations"], "platform_outcome")
    assert said == {"a": "won", "b": "won", "c": "none"}


def test_audit_looks_at_everyone_with_an_order() -> None:
    rows = night(
        window(), entrant("a"), entrant("b"), ordered("b", status="confirmed"),
        ordered("stranger", status="confirmed", quantity=None), ordered("c", status="failed"),
    )  # fmt: skip
    assert by_account(rows["audit_discrepancies"], "kind") == {
        "a": "should_have_won",
        "b": "should_not_have_won",
        "stranger": "should_not_have_won",
    }
    assert only(rows["window_results"])["oversold_units"] == 1


def test_refunds_are_due_to_all_who_did_not_get_it() -> None:
    rows = night(
        window(), entrant("a"), entrant("b"), entrant("c"), refunded("c", amount="4", dt=LAST),
        paid("stranger", amount="0.01", clock="09:00"), paid("other", currency="EUR"),
    )  # fmt: skip
    refunds = rows["refunds_due"]
    assert by_account(refunds, "outcome") == {"b": "lost", "c": "lost", "stranger": "not_ready"}
    assert by_account(refunds, "amount") == {
        "b": Decimal("10.00"),
        "c": Decimal("6.00"),
        "stranger": Decimal("0.01"),
    }
    assert night(window(draw_seed=None), entrant("b"))["refunds_due"] == []


# ---------------------------------------------------------------- section 7


def streaks(*rows: Row | list, who: str = "a", **history: Any) -> list[int]:
    outcomes = night(*rows, config={"history": history})["account_outcomes"]
    return [row["consecutive_failures"] for row in outcomes if row["account_id"] == who]


def test_a_loss_adds_one_and_a_win_ends_the_streak() -> None:
    won = [window(window="w8", day=days(2)), entrant("a", window="w8", day=days(2))]
    more = rush_lost_by("a", name="w9", day=days(3))
    rows = night(losses(2), won, more)
    row = only([r for r in rows["account_history"] if r["account_id"] == "a"])
    assert [r["result"] for r in rows["account_outcomes"] if r["account_id"] == "a"] == [
        "lost",
        "lost",
        "won",
        "lost",
    ]
    assert (row["attempts"], row["wins"], row["failures"]) == (4, 1, 3)
    assert (row["consecutive_failures"], row["longest_streak"]) == (1, 2)
    assert (row["last_win_date"], row["last_failure_date"]) == (days(2), days(3))


def test_a_forfeit_ends_the_streak_or_leaves_it() -> None:
    cancelled = ordered(window="w8", day=days(2), status="cancelled")
    forfeited = [
        window(window="w8", day=days(2)),
        entrant("a", window="w8", day=days(2)),
        cancelled,
    ]
    assert streaks(losses(2), forfeited) == [1, 2, 0]
    assert streaks(losses(2), forfeited, forfeit_resets_streak=False) == [1, 2, 2]


def test_only_so_many_losses_of_a_day_count() -> None:
    rows = [rush_lost_by("a", name=f"w{n}") for n in range(5)]
    assert streaks(*rows) == [1, 2, 3]
    assert streaks(*rows, max_failures_per_day=None) == [1, 2, 3, 4, 5]


def test_a_streak_expires_after_a_pause() -> None:
    rows = [losses(2), rush_lost_by("a", name="w9", day=days(4))]
    assert streaks(*rows, streak_expiry_days=3) == [1, 2, 3]
    assert streaks(*rows, streak_expiry_days=2) == [1, 2, 1]


def test_a_loss_counts_with_enough_at_stake_and_an_early_attempt() -> None:
    assert streaks(losses(2), min_advance="10.01") == []
    assert streaks(losses(2), min_advance="10.00") == [1, 2]
    assert streaks(losses(2), attempt_within_seconds=1) == []  # attempted at second 1
    assert streaks(losses(2), attempt_within_seconds=2) == [1, 2]


def test_each_scope_has_its_streak() -> None:
    rows = [
        rush_lost_by("a", name="w1", category="shoes"),
        rush_lost_by("a", name="w2", category="phones"),
        rush_lost_by("a", name="w3", category="shoes"),
    ]
    assert streaks(*rows) == [1, 2, 3]
    assert streaks(*rows, scope="category") == [1, 1, 2]


def test_the_platform_may_say_what_counts() -> None:
    rows = night(
        window(), entrant("a"), entrant("b"), ordered("a"), ordered("b", status="confirmed"),
        config={"outcome_source": "platform"},
    )  # fmt: skip
    assert by_account(rows["account_outcomes"], "result") == {"a": "lost", "b": "won"}


# ---------------------------------------------------------------- section 8


def awards(*rows: Row | list, **config: Any) -> list[tuple[str, str]]:
    result = night(*rows, config=config)["bonus_awards"]
    return [(str(row["amount"]), row["reason"]) for row in result]


ONE_EACH = {"tiers": [{"min_failures": 1, "amount": "1.00"}]}


def test_the_tier_of_the_streak_pays() -> None:
    assert awards(losses(6)) == [
        ("2.00", "granted"),
        ("2.00", "granted"),
        ("5.00", "granted"),
        ("5.00", "granted"),
    ]
    assert awards(losses(6), bonus={"trigger": "at_threshold"}) == [
        ("2.00", "granted"),
        ("5.00", "granted"),
    ]
    assert len(awards(losses(6), bonus={"pay_from": days(4)})) == 2
    assert awards(losses(3), bonus={"currency": "EUR"}) == []


def test_a_share_of_the_advance_is_rounded_half_even_and_cut() -> None:
    share = {"tiers": [{"min_failures": 1, "advance_share": "0.0125"}]}
    assert awards(losses(1), bonus=share) == [("0.12", "granted")]  # of 0.125
    assert awards(losses(1), bonus=share | {"max_single_award": "0.05"}) == [("0.05", "granted")]


def test_who_won_on_the_platform_is_served() -> None:
    won_there = ordered("a", window="w0", status="confirmed", clock="06:00", order="other")
    assert awards(losses(1), won_there, bonus=ONE_EACH) == [("0.00", "served_by_platform")]


def test_an_account_closed_since_gets_nothing() -> None:
    closed = account("a", status="closed", updated_at=at("12:00", days(1)), dt=days(2))
    assert awards(losses(1), closed, bonus=ONE_EACH) == [("0.00", "account_ineligible")]
    assert awards(losses(1), closed | {"dt": days(3)}, bonus=ONE_EACH) == [("1.00", "granted")]


def test_an_account_is_capped_per_day_and_campaign() -> None:
    rows = [rush_lost_by("a", name=f"w{n}") for n in range(3)]
    rows.append(rush_lost_by("b", name="w9", campaign_id="c"))
    assert awards(*rows, bonus=ONE_EACH | {"max_per_account_per_day": "1.50"}) == [
        ("1.00", "granted"),
        ("0.50", "capped"),
        ("0.00", "capped"),
        ("1.00", "granted"),
    ]


def test_a_budget_is_spent_to_the_cent() -> None:
    rows = rush_lost_by("c", "b", "a")
    result = night(*rows, config={"bonus": ONE_EACH | {"daily_budget": "2.00"}})["bonus_awards"]
    assert by_account(result, "amount") == {
        "a": Decimal("0.67"),
        "b": Decimal("0.67"),
        "c": Decimal("0.66"),
    }
    assert {row["reason"] for row in result} == {"budget_scaled"}


def test_changes_come_before_the_overlay_of_a_campaign() -> None:
    twice = {"tiers": [{"min_failures": 1, "amount": "2.00"}]}
    rows = [
        rush_lost_by("a", name="w0"),
        rush_lost_by("a", name="w1", day=days(1)),
        rush_lost_by("b", name="w2", day=days(1), campaign_id="c"),
    ]
    result = awards(
        *rows,
        bonus=ONE_EACH,
        changes=[{"from": days(1), "bonus": twice}],
        campaigns={"c": {"bonus": ONE_EACH | {"daily_budget": "0.30"}}},
    )
    assert result == [("1.00", "granted"), ("2.00", "granted"), ("0.30", "budget_scaled")]


def test_awards_are_posted_when_their_date_closes_and_only_once() -> None:
    reference, rows = Reference(), landing(losses(3))
    assert reference.night(rows, days(3))["bonus_ledger"] == []
    for day in (days(4), days(4), days(5)):
        tables = reference.night(rows, day)
    entry = only(tables["bonus_ledger"])
    assert entry["entry_id"] == sha256(b"a|sku1|w2|0").hexdigest()
    assert (entry["amount"], entry["kind"], entry["run_date"]) == (2, "award", days(4))
    assert only(tables["bonus_payouts"])["entries"] == 1


def late_seed_ends_the_streak(clawback: bool) -> dict[str, list[Row]]:
    """A third loss is paid; then the seed of a window of the second day comes, and `a` won it."""
    held = [
        window(window="w7", day=days(1), draw_seed=None),
        entrant("a", window="w7", day=days(1)),
    ]
    seed = window(window="w7", day=days(1), dt=days(6))
    rows, reference = landing(losses(3), held, seed), Reference({"bonus": {"clawback": clawback}})
    for n in range(8):
        tables = reference.night(rows, days(n))
    return tables


def test_with_clawback_the_ledger_takes_back() -> None:
    tables = late_seed_ends_the_streak(clawback=True)
    posted = [(row["kind"], str(row["amount"]), row["revision"]) for row in tables["bonus_ledger"]]
    assert posted == [("award", "2.00", 0), ("reversal", "-2.00", 1)]
    assert [str(row["amount"]) for row in tables["bonus_payouts"]] == ["2.00", "-2.00"]
    assert tables["bonus_waived"] == []


def test_without_clawback_the_difference_is_waived() -> None:
    tables = late_seed_ends_the_streak(clawback=False)
    assert len(tables["bonus_ledger"]) == 1
    waived = only(tables["bonus_waived"])
    assert (waived["amount"], waived["business_date"]) == (Decimal("2.00"), days(2))
    assert waived["run_date"] == days(6)


def test_an_increase_uses_up_first_what_was_waived() -> None:
    ledger, key = Ledger(), ("a", "sku1", "w1")
    ledger.currency[key] = "CNY"
    for n, amount in enumerate([500, 200, 600]):
        ledger.post({(key, DAY): amount}, lambda *_: False, days(n))
    assert [row["amount"] for row in ledger.waivers] == [3, -3]
    assert [(row["kind"], row["amount"]) for row in ledger.entries] == [
        ("award", 5),
        ("adjustment", 1),
    ]


def test_a_window_that_moves_to_another_date_is_not_paid_twice() -> None:
    moved = [r | {"dt": days(3)} for r in rush_lost_by("a", day=days(1)) if "rush_open" in r]
    moved[0]["updated_at"] = at("00:00", days(2))
    rows, entered = landing(rush_lost_by("a", application_open=at("00:00")), moved), {}
    for clawback in (True, False):
        reference = Reference({"bonus": ONE_EACH | {"clawback": clawback}})
        for n in range(5):
            tables = reference.night(rows, days(n))
        entered[clawback] = [str(row["amount"]) for row in tables["bonus_ledger"]]
    assert entered == {True: ["1.00", "-1.00"], False: ["1.00"]}


# The mutants


def test_what_mutants_change_stands_in_the_library() -> None:
    """Or `make mutants` would end before it has tried one."""
    assert [problem for mutant in MUTANTS if (problem := problem_with(mutant))] == []
