"""Row rules and the quarantine: every reason, what a payload says, repeats, windows, the gate."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from harness import Nights, Row, contents
from rows import (
    DAY,
    account,
    at,
    days,
    entrant,
    joined,
    landing,
    ordered,
    paid,
    refunded,
    window,
)

from solatium import contracts
from solatium.engine import Engine
from solatium.errors import InputError, UsageError
from solatium.landing import row_rules
from solatium.landing.gates import accepted_gates
from solatium.storage.local import LocalLocation

OPEN_GATE = {"gates": {"max_quarantine_share": 1}}
BEFORE_1 = -62_135_596_800_000_001  # the last microsecond before the year 1
AFTER_9999 = 253_402_300_800_000_000  # the first one after the year 9999

# Every text that is hard to write down: it must come back from a payload as it was.
HARD = "".join(map(chr, range(0x20))) + "\x7f\x85\x9f\"'\\/\\n\\u0041{}[],:<&é語\u2028\ufeff🎉 "

NOT_IDS = {
    "empty": "",
    "bar": "a|b",
    "newline": "a\nb",
    "only_newline": "\n",
    "tab": "a\t",
    "nul": "\x00",
    "unit_separator": "a\x1f",
    "delete": "a\x7f",
    "next_line": "a\x85",
    "application_command": "a\x9f",
    "129_characters": "x" * 129,
    "129_emoji": "🎉" * 129,
    "10_MB": "x" * 10_000_000,
    "10_MB_of_lines": "\n" * 10_000_000,
    "hard": HARD,
}
IDS = {
    "quotes": "a\"b'c`",
    "backslashes": "\\a\\\\n",
    "blank": " ",
    "blanks_around": "  a  ",
    "128_characters": "x" * 128,
    "128_umlauts": "ü" * 128,
    "128_ideographs": "語" * 128,
    "128_emoji": "🎉" * 128,
    "no_break_space": "\u00a0",
    "line_separator": "a\u2028b",
    "zero_width": "\u200b",
    "null_in_words": "null",
    "dt": "dt=2026-03-10/../x%2F",
}


def team(**changes: Any) -> Row:
    return window(unit="team", **changes)


# A row, and the reasons that it has, in their order. A row differs from every other row.
CASES: dict[str, tuple[Row, list[str]]] = {
    # null_
    "participation without event_id": (joined(event_id=None), ["null_event_id"]),
    "participation without event_type": (joined(event_type=None), ["null_event_type"]),
    "participation without account_id": (joined(account_id=None), ["null_account_id"]),
    "participation without commodity_id": (joined(commodity_id=None), ["null_commodity_id"]),
    "participation without window_id": (joined(window_id=None), ["null_window_id"]),
    "participation without event_time": (joined(event_time=None), ["null_event_time"]),
    "payment without event_id": (paid(event_id=None), ["null_event_id"]),
    "payment without account_id": (paid(account_id=None), ["null_account_id"]),
    "payment without commodity_id": (paid(commodity_id=None), ["null_commodity_id"]),
    "payment without window_id": (paid(window_id=None), ["null_window_id"]),
    "payment without kind": (paid(kind=None), ["null_kind"]),
    "payment without amount": (paid(amount=None), ["null_amount"]),
    "payment without currency": (paid(currency=None), ["null_currency"]),
    "payment without event_time": (paid(event_time=None), ["null_event_time"]),
    "order without event_id": (ordered(event_id=None), ["null_event_id"]),
    "order without order_id": (ordered() | {"order_id": None}, ["null_order_id"]),
    "order without account_id": (ordered(account_id=None), ["null_account_id"]),
    "order without commodity_id": (ordered(commodity_id=None), ["null_commodity_id"]),
    "order without window_id": (ordered(window_id=None), ["null_window_id"]),
    "order without status": (ordered(status=None), ["null_status"]),
    "order without event_time": (ordered(event_time=None), ["null_event_time"]),
    "window without commodity_id": (window(commodity_id=None), ["null_commodity_id"]),
    "window without window_id": (window(window_id=None), ["null_window_id"]),
    "window without application_open": (window(application_open=None), ["null_application_open"]),
    "window without application_close": (
        window(application_close=None),
        ["null_application_close"],
    ),
    "window without rush_open": (window(rush_open=None), ["null_rush_open"]),
    "window without rush_close": (window(rush_close=None), ["null_rush_close"]),
    "window without stock": (window(stock=None), ["null_stock"]),
    "window without policy": (window(policy=None), ["null_policy"]),
    "window without unit": (window(unit=None), ["null_unit"]),
    "window without advance_amount": (window(advance_amount=None), ["null_advance_amount"]),
    "window without currency": (window(currency=None), ["null_currency"]),
    "window without updated_at": (window(updated_at=None), ["null_updated_at"]),
    "account without account_id": (account(account_id=None), ["null_account_id"]),
    "account without registered_at": (account(registered_at=None), ["null_registered_at"]),
    "account without status": (account(status=None), ["null_status"]),
    "account without updated_at": (account(updated_at=None), ["null_updated_at"]),
    # bad_id_
    **{
        f"account_id that is {name}": (joined(account_id=text), ["bad_id_account_id"])
        for name, text in NOT_IDS.items()
    },
    "event_id with a bar": (joined(event_id="e|1"), ["bad_id_event_id"]),
    "empty event_id": (paid(event_id=""), ["bad_id_event_id"]),
    "order_id with a newline": (ordered(order="o\n1"), ["bad_id_order_id"]),
    "commodity_id with a bar": (joined(commodity_id="sku|1"), ["bad_id_commodity_id"]),
    "window_id with a bar": (window(window="w|1"), ["bad_id_window_id"]),
    "team_id with a bar": (joined(team="t|1"), ["bad_id_team_id"]),
    "team_id of 129 characters": (joined(team="t" * 129), ["bad_id_team_id"]),
    "account version of an empty account_id": (account(""), ["bad_id_account_id"]),
    # unknown_
    "unknown event_type": (joined(event_type="Join"), ["unknown_event_type"]),
    "empty event_type": (joined(event_type=""), ["unknown_event_type"]),
    "unknown kind": (paid(kind="advance paid"), ["unknown_kind"]),
    "unknown status of an order": (ordered(status="paid"), ["unknown_status"]),
    "unknown policy": (window(policy="auction"), ["unknown_policy"]),
    "unknown unit": (window(unit="pair"), ["unknown_unit"]),
    "unknown status of an account": (account(status="Active "), ["unknown_status"]),
    # out_of_range_
    "quantity of 32 bits and one": (joined(quantity=2**31), ["out_of_range_quantity"]),
    "quantity below 32 bits": (ordered(quantity=-(2**31) - 1), ["out_of_range_quantity"]),
    "sequence of an application of 64 bits and no sign": (
        joined(sequence=2**64 - 1),
        ["out_of_range_sequence"],
    ),
    "sequence of a payment of 64 bits and no sign": (
        paid(sequence=2**63),
        ["out_of_range_sequence"],
    ),
    "sequence of an order of 64 bits and no sign": (
        ordered(sequence=2**63),
        ["out_of_range_sequence"],
    ),
    "stock of 64 bits": (window(stock=2**63 - 1), ["out_of_range_stock"]),
    "team_min out of range": (window(team_min=2**31), ["out_of_range_team_min"]),
    "team_max out of range": (window(team_max=2**31), ["out_of_range_team_max"]),
    "limit out of range": (
        window(limit_per_account=2**31),
        ["out_of_range_limit_per_account"],
    ),
    "min_qualified out of range": (window(min_qualified=2**40), ["out_of_range_min_qualified"]),
    "credit_score out of range": (account(credit_score=2**31), ["out_of_range_credit_score"]),
    "amount of half a cent": (paid(amount="10.005"), ["out_of_range_amount"]),
    "amount of 17 digits": (paid(amount="10000000000000000.00"), ["out_of_range_amount"]),
    "negative amount of half a cent": (paid(amount="-0.001"), ["out_of_range_amount"]),
    "advance of half a cent": (
        window(advance_amount=Decimal("0.005")),
        ["out_of_range_advance_amount"],
    ),
    "event before the year 1": (joined(event_time=BEFORE_1), ["out_of_range_event_time"]),
    "event after the year 9999": (paid(event_time=AFTER_9999), ["out_of_range_event_time"]),
    "event beyond all calendars": (ordered(event_time=2**63 - 1), ["out_of_range_event_time"]),
    "application_open out of range": (
        window(application_open=-(2**63) + 1),
        ["out_of_range_application_open"],
    ),
    "application_close out of range": (
        window(application_close=AFTER_9999),
        ["out_of_range_application_close"],
    ),
    "rush_open out of range": (window(rush_open=BEFORE_1), ["out_of_range_rush_open"]),
    "rush_close out of range": (window(rush_close=AFTER_9999), ["out_of_range_rush_close"]),
    "updated_at out of range": (window(updated_at=BEFORE_1), ["out_of_range_updated_at"]),
    "registered_at out of range": (account(registered_at=BEFORE_1), ["out_of_range_registered_at"]),
    "updated_at of an account out of range": (
        account(updated_at=AFTER_9999),
        ["out_of_range_updated_at"],
    ),
    # not_positive_, negative_
    "payment of nothing": (paid(amount="0.00"), ["not_positive_amount"]),
    "negative payment": (refunded(amount="-0.01"), ["not_positive_amount"]),
    "negative stock": (window(stock=-1), ["negative_stock"]),
    "negative advance": (window(advance_amount=Decimal("-0.01")), ["negative_advance_amount"]),
    # invalid_window
    "application that opens as it closes": (
        window(application_open=at("02:00")),
        ["invalid_window"],
    ),
    "application that closes after the rush opens": (
        window(application_close=at("03:00:00.000001")),
        ["invalid_window"],
    ),
    "rush that closes as it opens": (window(rush_close=at("03:00")), ["invalid_window"]),
    "rush that closes before it opens": (window(rush_close=at("02:30")), ["invalid_window"]),
    "team without sizes": (team(), ["invalid_window"]),
    "team without team_max": (team(team_min=1), ["invalid_window"]),
    "team without team_min": (team(team_max=2), ["invalid_window"]),
    "team of nobody": (team(team_min=0, team_max=2), ["invalid_window"]),
    "team of fewer than its least": (team(team_min=3, team_max=2), ["invalid_window"]),
    # nothing more is asked of a value after null_ and out_of_range_
    "team with a size out of range": (
        team(team_min=2, team_max=2**31),
        ["out_of_range_team_max"],
    ),
    "team with a size out of range and none": (
        team(team_min=2**31, team_max=None),
        ["out_of_range_team_min"],
    ),
    "team with a size out of range and times out of order": (
        team(team_min=2**31, team_max=2, rush_close=at("03:00")),
        ["out_of_range_team_min", "invalid_window"],
    ),
    "window with a time out of order and one that is null": (
        window(rush_close=at("02:30"), rush_open=None),
        ["null_rush_open"],
    ),
    # several reasons, in the order of the rules
    "payment that is wrong in every way": (
        paid(event_id=None, account_id="", commodity_id="|", kind="gift", amount="-0.001"),
        [
            "null_event_id",
            "bad_id_account_id",
            "bad_id_commodity_id",
            "unknown_kind",
            "out_of_range_amount",
        ],
    ),
    "payment of nothing by nobody": (
        paid(account_id=None, amount="0", event_time=AFTER_9999 + 1),
        ["null_account_id", "out_of_range_event_time", "not_positive_amount"],
    ),
    "participation of nulls": (
        dict.fromkeys(joined()) | {"dt": DAY, "quantity": 2**31},
        [
            "null_event_id",
            "null_event_type",
            "null_account_id",
            "null_commodity_id",
            "null_window_id",
            "null_event_time",
            "out_of_range_quantity",
        ],
    ),
    "order that is wrong in every way": (
        ordered(order="", account_id="|", status="", quantity=2**31, event_time=None),
        [
            "null_event_time",
            "bad_id_order_id",
            "bad_id_account_id",
            "unknown_status",
            "out_of_range_quantity",
        ],
    ),
    "window that is wrong in every way": (
        window(
            "",
            "|",
            stock=-1,
            policy="",
            unit="",
            advance_amount=Decimal("-1"),
            currency=None,
            min_qualified=2**31,
            rush_close=at("00:00"),
        ),
        [
            "null_currency",
            "bad_id_commodity_id",
            "bad_id_window_id",
            "unknown_policy",
            "unknown_unit",
            "out_of_range_min_qualified",
            "negative_stock",
            "negative_advance_amount",
            "invalid_window",
        ],
    ),
    "account that is wrong in every way": (
        account("\n", status="gone", credit_score=2**31, registered_at=None, updated_at=2**60),
        [
            "null_registered_at",
            "bad_id_account_id",
            "unknown_status",
            "out_of_range_credit_score",
            "out_of_range_updated_at",
        ],
    ),
    # payloads
    "hard texts everywhere": (
        joined(HARD, event_id=HARD, team=HARD, device=HARD, event_type=HARD),
        ["bad_id_event_id", "bad_id_account_id", "bad_id_team_id", "unknown_event_type"],
    ),
    "empty texts stay empty": (
        joined(team="", device="", event_type=""),
        ["unknown_event_type"],
    ),
}

# Rows at the edge of a rule, on the good side of it.
ACCEPTED: dict[str, Row] = {
    **{f"account_id that is {name}": joined(text) for name, text in IDS.items()},
    "team_id of 128 characters": joined(team="t" * 128),
    "greatest quantity": joined(quantity=2**31 - 1),
    "least quantity": joined(quantity=-(2**31)),
    "greatest sequence": joined(sequence=2**63 - 1),
    "greatest amount": paid("rich", amount="9999999999999999.99"),
    "least amount": paid(amount="0.01"),
    "first moment": ordered(event_time=datetime(1, 1, 1, tzinfo=UTC)),
    "last moment": ordered(event_time=datetime(9999, 12, 31, 23, 59, 59, 999999, UTC)),
    "window whose application closes as the rush opens": window(
        "edge", application_close=at("03:00")
    ),
    "window of no stock and no advance": window("none", stock=0, advance_amount=Decimal(0)),
    "window of individuals with impossible team sizes": window("sizes", team_min=5, team_max=-1),
    "account with nothing but what is required": account(
        "bare", credit_score=None, blacklisted=None
    ),
}


def table_of(row: Row) -> str:
    (table,) = (name for name, rows in landing(row).items() if rows)
    return table


def payload_of(row: Row) -> str:
    """What the payload says of a row, in one form; null columns are left out of it."""
    said: Row = {}
    for column in contracts.landing(table_of(row)).columns:
        value = row[column.name]
        if column.type == "timestamp" and isinstance(value, int):
            value = f"{value} microseconds since 1970"
        elif column.type == "timestamp" and value is not None:
            value = value.strftime("%Y-%m-%d %H:%M:%S.%f")
        elif isinstance(value, Decimal):
            value = str(value.normalize())
        if value is not None:
            said[column.name] = value
    return json.dumps(said)


def told(quarantined: Row) -> str:
    """The payload of a row of the quarantine, in the form of `payload_of`."""
    said = json.loads(quarantined["payload"])
    for name in ("amount", "advance_amount"):
        if name in said:
            said[name] = str(Decimal(said[name]).normalize())
    return json.dumps(said)


@pytest.fixture(scope="module")
def judged(running: Engine, tmp_path_factory: pytest.TempPathFactory) -> Nights:
    """A night of all cases at once, one of them delivered twice, with the gate wide open."""
    nights = Nights(tmp_path_factory.mktemp("row_rules"), running)
    nights.land(landing([row for row, _ in CASES.values()], list(ACCEPTED.values()), window()))
    nights.land(landing(paid(amount="0.00"), window(stock=-1)), part="delivered-again")
    nights.run(DAY, OPEN_GATE)
    return nights


@pytest.fixture(scope="module")
def quarantine(judged: Nights) -> dict[tuple[str, str], list[Row]]:
    """What the quarantine holds, by table and payload."""
    found: dict[tuple[str, str], list[Row]] = {}
    for row in judged.rows("quarantine"):
        found.setdefault((row["source"], told(row)), []).append(row)
    return found


# Every reason


@pytest.mark.parametrize("case", CASES)
def test_a_bad_row_is_quarantined_whole_with_every_reason(
    quarantine: dict[tuple[str, str], list[Row]], case: str
) -> None:
    row, reasons = CASES[case]
    found = quarantine[table_of(row), payload_of(row)]
    assert {tuple(bad["reasons"]) for bad in found} == {tuple(reasons)}
    assert {bad["dt"] for bad in found} == {DAY}
    assert {bad["event_id"] for bad in found} == {row.get("event_id")}


def test_nothing_else_is_quarantined_and_repeats_stand_once_per_occurrence(
    quarantine: dict[tuple[str, str], list[Row]],
) -> None:
    expected = Counter((table_of(row), payload_of(row)) for row, _ in CASES.values())
    assert max(expected.values()) == 1
    expected[table_of(paid()), payload_of(paid(amount="0.00"))] += 1
    expected[table_of(window()), payload_of(window(stock=-1))] += 1
    assert {key: len(rows) for key, rows in quarantine.items()} == expected


@pytest.mark.parametrize("case", ACCEPTED)
def test_a_row_at_the_edge_of_a_rule_is_accepted(judged: Nights, case: str) -> None:
    row = ACCEPTED[case]
    table = table_of(row)
    accepted = [{name: r[name] for name in row} for r in judged.rows(table)]
    assert row in accepted


@pytest.mark.spark_at_length
def test_a_row_is_quarantined_where_it_is_the_only_bad_one_of_a_log(nights: Nights) -> None:
    """The ids of windows are looked at once, and in each row only where one of them is bad."""
    bad = {
        "participation": (joined("b", "a|b"), "bad_id_commodity_id"),
        "payment": (paid("b", window_id=None), "null_window_id"),
        "orders": (ordered("a|b", order="o"), "bad_id_account_id"),
    }
    nights.land(landing(window(), entrant("a"), ordered("a"), [row for row, _ in bad.values()]))
    nights.run(DAY, OPEN_GATE)
    found = {row["source"]: row["reasons"] for row in nights.rows("quarantine")}
    assert found == {table: [reason] for table, (_, reason) in bad.items()}
    assert all({row["account_id"] for row in nights.rows(table)} == {"a"} for table in bad)


def test_every_reason_of_the_contracts_has_a_case(running: Engine) -> None:
    named = {(table_of(row), reason) for row, reasons in CASES.values() for reason in reasons}
    known = {
        (table, reason)
        for table in contracts.LANDING
        for reason, _ in row_rules.rules(contracts.landing(table))
    }
    # what only a source mapping brings about has its cases in test_sources
    known = {
        (table, reason)
        for table, reason in known
        if not reason.startswith("nonexistent_") and reason != "out_of_range_blacklisted"
    }
    ids = {(table, reason) for table, reason in known if reason.startswith("bad_id_")}
    assert named <= known
    assert known - ids <= named
    assert {reason for _, reason in ids} == {r for _, r in named if r.startswith("bad_id_")}


# Repeats, conflicts, unknown windows, late rows


def reasons_by_event(nights: Nights) -> dict[str, list[str]]:
    return {row["event_id"]: row["reasons"] for row in nights.rows("quarantine")}


def test_rows_that_say_the_same_are_one_row_of_the_earliest_arrival(nights: Nights) -> None:
    tomorrow = days(1)
    nights.land(landing(window(), joined(event_id="e"), joined(event_id="e")))
    nights.land(landing(joined(event_id="e")), part="delivered-again")
    nights.land(
        landing(joined(event_id="e", dt=tomorrow), joined("b", event_id="new", dt=tomorrow))
    )
    nights.run(tomorrow)
    arrived = {row["event_id"]: row["dt"] for row in nights.rows("participation")}
    assert arrived == {"e": DAY, "new": tomorrow}
    assert len(nights.rows("participation")) == 2
    assert nights.rows("quarantine") == []


@pytest.mark.spark_at_length
def test_of_rows_that_say_the_same_the_smallest_sequence_of_the_earliest_arrival_counts(
    nights: Nights,
) -> None:
    """The sequence is no content; a null one is the smallest."""
    tomorrow = days(1)
    nights.land(
        landing(
            window(),
            [joined("a", event_id="numbers", sequence=number) for number in (10, 9, 11)],
            [joined("b", event_id="negative", sequence=number) for number in (0, -1)],
            [joined("c", event_id="null", sequence=number) for number in (-(2**63), None)],
            joined("d", event_id="dates", sequence=7),
            joined("d", event_id="dates", sequence=1, dt=tomorrow),
            [paid("a", event_id="p", sequence=number) for number in (3, 2)],
            [ordered("a", event_id="o", sequence=number) for number in (3, 2)],
        )
    )
    nights.run(tomorrow)
    stayed = {r["event_id"]: (r["sequence"], r["dt"]) for r in nights.rows("participation")}
    assert stayed == {
        "numbers": (9, DAY),
        "negative": (-1, DAY),
        "null": (None, DAY),
        "dates": (7, DAY),
    }
    others = [row["sequence"] for table in ("payment", "orders") for row in nights.rows(table)]
    assert others == [2, 2]
    assert nights.rows("quarantine") == []


def test_of_rows_with_one_id_the_first_stays_and_the_others_are_in_conflict(
    nights: Nights,
) -> None:
    tomorrow = days(1)
    nights.land(
        landing(
            window(),
            window("sku2"),
            # by event time before content; by content where the times are equal
            joined("z", event_id="by-time", clock="00:30"),
            joined("a", event_id="by-time", clock="01:00"),
            joined("a", event_id="by-content"),
            joined("b", event_id="by-content"),
            [joined("c", event_id="by-content", dt=tomorrow, clock="00:01")] * 2,
            # `10` stands before `9` by its bytes
            joined("d", event_id="by-bytes", quantity=9),
            joined("d", event_id="by-bytes", quantity=10),
            # another window, or another table, is another key
            joined("a", "sku2", event_id="by-time"),
            paid("a", event_id="by-time"),
        )
    )
    nights.run(tomorrow, OPEN_GATE)
    stayed = {
        (r["commodity_id"], r["event_id"]): (r["account_id"], r["quantity"])
        for r in nights.rows("participation")
    }
    assert stayed == {
        ("sku1", "by-time"): ("z", 1),
        ("sku1", "by-content"): ("a", 1),
        ("sku1", "by-bytes"): ("d", 10),
        ("sku2", "by-time"): ("a", 1),
    }
    assert len(nights.rows("payment")) == 1
    conflicts = sorted(
        (r["event_id"], json.loads(r["payload"])["account_id"], r["dt"], r["reasons"])
        for r in nights.rows("quarantine")
    )
    conflict = ["event_id_conflict"]
    assert conflicts == [
        ("by-bytes", "d", DAY, conflict),
        ("by-content", "b", DAY, conflict),
        ("by-content", "c", tomorrow, conflict),
        ("by-time", "a", DAY, conflict),
    ]


def test_rows_leave_the_quarantine_when_their_window_turns_up(nights: Nights) -> None:
    tomorrow, third = days(1), days(2)
    nights.land(
        landing(
            joined(event_id="early"),
            joined(event_id="early", quantity=2),
            joined("b", window="w2", event_id="elsewhere"),
            paid(event_id="paid"),
            paid("b", event_id="nothing", amount="0.00"),
        )
    )
    nights.run(DAY, OPEN_GATE)
    before = {
        "early": [["unknown_window"], ["event_id_conflict"]],
        "elsewhere": [["unknown_window"]],
        "paid": [["unknown_window"]],
        "nothing": [["not_positive_amount"]],
    }
    assert grouped(nights) == before
    assert nights.rows("participation") == []

    nights.land(landing(window(dt=tomorrow)))
    nights.run(tomorrow, OPEN_GATE)
    after = {"early": [["event_id_conflict"]]} | {k: before[k] for k in ("elsewhere", "nothing")}
    assert grouped(nights) == after
    assert [row["event_id"] for row in nights.rows("participation")] == ["early"]
    assert [row["event_id"] for row in nights.rows("payment")] == ["paid"]

    nights.run(third, OPEN_GATE)
    assert grouped(nights) == after


def grouped(nights: Nights) -> dict[str, list[list[str]]]:
    found: dict[str, list[list[str]]] = {}
    for row in nights.rows("quarantine"):
        found.setdefault(row["event_id"], []).append(row["reasons"])
    return {event: sorted(reasons, reverse=True) for event, reasons in found.items()}


def test_rows_and_versions_that_come_after_the_grace_are_late(nights: Nights) -> None:
    last, after = days(2), days(3)
    moved = {"day": days(10), "dt": after, "updated_at": at("00:00", days(1))}
    nights.land(
        landing(
            window(),
            window("sku2"),
            joined("in-time", event_id="in-time", dt=last),
            joined("late", event_id="late", dt=after),
            paid("late", event_id="late-paid", dt=after),
            joined("nowhere", window="w9", event_id="nowhere", dt=after),
            window(stock=7, dt=after, updated_at=at("00:00", days(1))),
            window("sku2", **moved),
            joined("moved", "sku2", event_id="moved", dt=after),
            account("late", dt=after),
        )
    )
    nights.run(after)
    assert {row["event_id"] for row in nights.rows("participation")} == {"in-time", "moved"}
    assert Counter(
        (row["source"], row["event_id"], *row["reasons"]) for row in nights.rows("quarantine")
    ) == {
        ("participation", "late", "late"): 1,
        ("payment", "late-paid", "late"): 1,
        ("participation", "nowhere", "unknown_window"): 1,
        ("windows", None, "late"): 1,
    }
    assert {(w["commodity_id"], w["stock"], w["dt"]) for w in nights.rows("windows")} == {
        ("sku1", 1, DAY),
        ("sku2", 1, DAY),
        ("sku2", 1, after),
    }
    assert [row["account_id"] for row in nights.rows("accounts")] == ["late"]


# The gate


def applicants(count: int, day: date = DAY) -> list[Row]:
    return [joined(f"u{number:03}", day=day, dt=day) for number in range(count)]


def test_the_gate_passes_at_its_share_and_stops_above_it(nights: Nights) -> None:
    """100 rows and the default share of 0.01: one bad row passes, two stop the run."""
    tomorrow = days(1)
    nights.land(landing(window(), window(day=tomorrow), applicants(99), joined("|")))
    report = nights.run(DAY)
    assert (report.tally.rows_in, report.tally.rows_quarantined) == (101, 1)
    before = contents(nights.warehouse)

    nights.land(
        landing(
            applicants(97, tomorrow),
            joined("|", day=tomorrow, event_id="has a bar"),
            joined("u000", day=tomorrow, quantity=2, event_id="taken"),
            joined("u001", day=tomorrow, quantity=3, event_id="taken"),
            # each table has a share of its own
            paid(day=tomorrow),
        )
    )
    with pytest.raises(InputError) as refusal:
        nights.run(tomorrow)
    message = str(refusal.value)
    assert refusal.value.exit_status == 3
    assert message.startswith(
        f"{tomorrow} was not handled: more rows are bad than gates.max_quarantine_share (0.01)"
    )
    assert f"participation, dt={tomorrow}: 2 of 100 rows are bad" in message
    assert "bad_id_account_id 1" in message
    assert "event_id_conflict 1" in message
    assert '"event_id":"has a bar","event_type":"join","account_id":"|"' in message
    assert '"event_id":"taken"' in message
    assert "payment" not in message
    assert contents(nights.warehouse) == before

    nights.run(tomorrow, {"gates": {"max_quarantine_share": "0.02"}})
    assert len(nights.rows("participation")) == 99 + 98


def test_rows_of_unknown_windows_and_late_ones_do_not_shut_the_gate(nights: Nights) -> None:
    after = days(3)
    late = [joined(f"u{n}", dt=after) for n in range(5)]
    unknown = [joined(f"u{n}", window="w9", dt=after) for n in range(5)]
    nights.land(landing(window(), late, unknown, window(stock=2, dt=after)))
    report = nights.run(after)
    assert report.tally.quarantined_by_reason == {"late": 6, "unknown_window": 5}


def test_a_shut_gate_names_every_table_and_changes_no_earlier_night(nights: Nights) -> None:
    """Of the nights that are caught up, those before the shut gate stand."""
    tomorrow = days(1)
    long = "x" * 100_000
    nights.land(
        landing(
            window(),
            entrant(),
            [paid(f"u{n}", day=tomorrow, amount="0.00") for n in range(20)],
            joined(long, day=tomorrow),
            account("|", day=tomorrow),
            window(day=tomorrow, stock=-1),
        )
    )
    with pytest.raises(InputError) as refusal:
        nights.run(tomorrow)
    message = str(refusal.value)
    for told in (
        f"participation, dt={tomorrow}: 1 of 1 rows are bad (bad_id_account_id 1)",
        f"payment, dt={tomorrow}: 20 of 20 rows are bad (not_positive_amount 20)",
        f"windows, dt={tomorrow}: 1 of 1 rows are bad (negative_stock 1)",
        f"accounts, dt={tomorrow}: 1 of 1 rows are bad (bad_id_account_id 1)",
    ):
        assert told in message
    assert message.count('"amount":"0.000000"') == 5  # a sample is enough
    assert len(message) < 4_000  # of a long row, its beginning
    assert {row["dt"] for row in nights.rows("accounts")} == {DAY}
    assert nights.rows("quarantine") == []
    assert [json.loads(text)["day"] for text in contents(nights.warehouse)["_commits"]] == [
        str(DAY)
    ]


@pytest.mark.spark_at_length
def test_the_bad_rows_of_a_shut_gate_are_written_where_that_is_asked_for(
    nights: Nights, tmp_path: Path
) -> None:
    nights.land(landing(window(), entrant(), [paid(f"u{n}", amount="0.00") for n in range(20)]))
    rejects = LocalLocation(tmp_path / "rejects")
    with pytest.raises(InputError) as refusal:
        nights.run(DAY, rejects=rejects)
    place = tmp_path / "rejects" / f"payment-{DAY}"
    assert f"its 20 bad rows are in {place}" in str(refusal.value)
    rows = pq.read_table(place).to_pylist()
    assert {json.loads(row["payload"])["account_id"] for row in rows} == {
        f"u{n}" for n in range(20)
    }
    assert {(row["source"], row["dt"], *row["reasons"]) for row in rows} == {
        ("payment", DAY, "not_positive_amount")
    }
    # again, with other files, and where nothing can be written
    nights.land(landing(paid("u99", amount="0.00")), part="part-1")
    with pytest.raises(InputError, match="its 21 bad rows are in"):
        nights.run(DAY, rejects=rejects)
    assert pq.read_table(place).num_rows == 21
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="could not be written to"):
        nights.run(DAY, rejects=LocalLocation(tmp_path / "file"))
    with pytest.raises(UsageError, match="lies inside the landing zone"):
        nights.run(DAY, rejects=LocalLocation(nights.landing / "rejects"))


@pytest.mark.torture
def test_an_accepted_gate_lets_the_same_files_pass_and_is_logged(nights: Nights) -> None:
    tomorrow = days(1)
    nights.land(landing(window(), entrant(), joined("|"), paid("|", day=tomorrow)))
    accepted = accepted_gates([f"participation:{DAY}:a known bug: #12"])
    report = nights.run(DAY, accepted=accepted)
    assert report.tally.quarantined_by_reason == {"bad_id_account_id": 1}
    (run,) = nights.rows("run_log")
    assert run["gates_accepted"] == [f"participation:{DAY}:a known bug: #12"]

    # a later run that handles the date again remembers it; other gates stay shut
    nights.run(DAY)
    with pytest.raises(InputError, match=f"payment, dt={tomorrow}: 1 of 1 rows are bad"):
        nights.run(tomorrow, accepted=accepted)
    gate = accepted_gates([f"payment:{tomorrow}:likewise"])
    assert nights.run(tomorrow, accepted=[*accepted, *gate]).notes == [
        f"--accept-gate participation:{DAY}:a known bug: #12: not needed"
    ]

    # other files are another matter
    nights.land(landing(joined("||")), part="part-1")
    with pytest.raises(InputError, match=r"participation, dt=.*: 2 of 3 rows are bad"):
        nights.run(tomorrow)
