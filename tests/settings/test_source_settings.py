"""Source mapping as settings: what may be said, its one form, and what is told where it may not."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from refusals import problems_of

from solatium.errors import UsageError
from solatium.settings.differences import differences_of_all_dates
from solatium.settings.load import Settings, from_mapping, load

EVERYTHING: dict[str, Any] = {
    "participation": {"columns": {"event_time": "created", "device_id": "dev"}, "timezone": "UTC"},
    "payment": {
        "columns": {"amount": "price", "kind": "typ"},
        "constants": {"currency": "CNY"},
        "values": {
            "kind": {1: "advance_paid", "2": "advance_refunded", False: "balance_paid"},
            "amount": {"ten": "10", -5: Decimal("0.5")},
        },
        "timezone": "America/New_York",
    },
    "windows": {
        "constants": {
            "stock": 5,
            "team_min": -1,
            "advance_amount": "1.5",
            "policy": "lottery",
            "updated_at": "2026-03-10T08:00:00.5+08:00",
            "campaign_id": None,
            "category": "",
        },
        "values": {"limit_per_account": {"none": None, "few": 2}},
    },
    "accounts": {
        "constants": {"blacklisted": False},
        "values": {"status": {"ok": "active"}},
    },
}


def sources(table: str, **source: Any) -> dict[str, Any]:
    return {"sources": {table: source}}


def judged(mapping: dict[str, Any]) -> Any:
    """The mapping as it is kept with what was judged by it."""
    return json.loads(from_mapping({"sources": mapping}).judging()["sources"])


# What may be said


def test_a_mapping_is_kept_in_one_form() -> None:
    assert judged(EVERYTHING) == {
        "participation": {
            "columns": {"event_time": "created", "device_id": "dev"},
            "timezone": "UTC",
        },
        "payment": {
            "columns": {"amount": "price", "kind": "typ"},
            "constants": {"currency": "CNY"},
            "values": {
                "kind": {"1": "advance_paid", "2": "advance_refunded", "false": "balance_paid"},
                "amount": {"ten": "10.00", "-5": "0.50"},
            },
            "timezone": "America/New_York",
        },
        "windows": {
            "constants": {
                "stock": 5,
                "team_min": -1,
                "advance_amount": "1.50",
                "policy": "lottery",
                "updated_at": "2026-03-10T00:00:00.500000Z",
                "campaign_id": None,
                "category": None,
            },
            "values": {"limit_per_account": {"none": None, "few": 2}},
        },
        "accounts": {
            "constants": {"blacklisted": False},
            "values": {"status": {"ok": "active"}},
        },
    }


def test_what_is_kept_gives_the_settings_back() -> None:
    settings = from_mapping({"sources": EVERYTHING})
    again = Settings.from_judging(json.loads(json.dumps(settings.judging())))
    assert again.sources == settings.sources
    assert again.judging() == settings.judging()
    assert again.digest() == settings.digest() != load(None).digest()


SHANGHAI = timezone(timedelta(hours=8))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({}, {"payment": {}}),
        ({}, {"payment": {"columns": {}, "constants": {}, "values": {"kind": {}}}}),
        ({}, {"payment": {"columns": {"amount": "amount"}}}),
        (
            {"payment": {"values": {"kind": {1: "advance_paid", False: "balance_paid"}}}},
            {"payment": {"values": {"kind": {"false": "balance_paid", "1": "advance_paid"}}}},
        ),
        (
            {"payment": {"constants": {"amount": "1"}}},
            {"payment": {"constants": {"amount": Decimal("1.00")}}},
        ),
        (
            {"accounts": {"constants": {"registered_at": "2026-03-10T00:00Z"}}},
            {
                "accounts": {
                    "constants": {"registered_at": datetime(2026, 3, 10, 8, 0, 0, 0, SHANGHAI)}
                }
            },
        ),
        (
            {"windows": {"constants": {"category": ""}}},
            {"windows": {"constants": {"category": None}}},
        ),
    ],
)
def test_two_ways_to_say_the_same_have_one_digest(one: Any, other: Any) -> None:
    assert from_mapping({"sources": one}).digest() == from_mapping({"sources": other}).digest()


def test_a_file_says_it_in_yaml(tmp_path: Path) -> None:
    path = tmp_path / "night.yaml"
    path.write_text(
        "sources:\n"
        "  payment:\n"
        "    columns: {amount: price}\n"
        "    constants: {currency: 'NO', event_time: 2026-03-10T00:00:00Z, amount: 1.10}\n"
        "    values: {kind: {1: advance_paid, 'yes': balance_paid, no: balance_refunded}}\n"
    )
    with pytest.raises(UsageError) as refused:
        load(path)
    assert refused.value.problems == (
        (
            "sources.payment.constants.amount: is in sources.payment.columns too; "
            "a column is read, or it is a constant"
        ),
    )
    path.write_text(path.read_text().replace("{amount: price}", "{kind: typ}"))
    source = load(path).sources["payment"]
    assert source.constants == {
        "currency": "NO",
        "event_time": "2026-03-10T00:00:00.000000Z",
        "amount": Decimal("1.10"),
    }
    assert source.values["kind"] == {
        "1": "advance_paid",
        "yes": "balance_paid",
        "false": "balance_refunded",
    }


def test_keys_that_yaml_takes_for_one_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "night.yaml"
    path.write_text("sources: {accounts: {values: {status: {yes: active,\n true: closed}}}}\n")
    with pytest.raises(UsageError) as refused:
        load(path)
    assert refused.value.problems == (
        "sources.accounts.values.status.true: given twice, in line 1 and in line 2",
    )


def test_another_mapping_judges_all_dates_otherwise() -> None:
    day = datetime(2026, 3, 10).date()
    usual, other = load(None), from_mapping(sources("payment", timezone="UTC"))
    (difference,) = differences_of_all_dates(other, usual, day, day)
    assert difference.concerns_all_dates
    assert str(difference) == ('sources: was {}, now {"payment":{"timezone":"UTC"}} (2026-03-10)')


# What may not

KINDS = "advance_paid, advance_refunded, balance_paid, balance_refunded"
TIME = "must be a time with its zone, such as 2026-03-10T08:00:00+08:00, not"
CODE = "must be text, a whole number, true or false; quotes help"
ID = "must be an id of 1 to 128 characters, none of them | or a control character, not"
REFUSED = [
    # tables and their keys
    ({"sources": []}, "sources: must be a mapping, not a list"),
    ({"sources": {"paymnt": {}}}, "sources.paymnt: unknown key; did you mean payment?"),
    ({"sources": {"payment": None}}, "sources.payment: must be a mapping, not null"),
    (sources("payment", colums={}), "sources.payment.colums: unknown key; did you mean columns?"),
    (sources("payment", columns=3), "sources.payment.columns: must be a mapping, not 3"),
    (sources("payment", values=[]), "sources.payment.values: must be a mapping, not a list"),
    (
        sources("payment", timezone="Europe/Berln"),
        (
            "sources.payment.timezone: 'Europe/Berln' is not an IANA time zone; "
            "did you mean Europe/Berlin?"
        ),
    ),
    (
        sources("payment", timezone="+08:00"),
        "sources.payment.timezone: '+08:00' is not an IANA time zone, such as Asia/Shanghai",
    ),
    (
        sources("payment", timezone=None),
        "sources.payment.timezone: must be text, not null; quotes make it text",
    ),
    # columns of the contract, and of the files
    *(
        (
            sources("payment", **{part: {"amuont": x}}),
            f"sources.payment.{part}.amuont: unknown key; did you mean amount?",
        )
        for part, x in (("columns", "x"), ("constants", "1.00"), ("values", {}))
    ),
    (
        sources("accounts", columns={"dt": "day"}),
        (
            "sources.accounts.columns.dt: unknown key; known are account_id, registered_at, "
            "status, credit_score, blacklisted, person_id, updated_at"
        ),
    ),
    (
        sources("payment", columns={"amount": 3}),
        "sources.payment.columns.amount: must be text, not 3; quotes make it text",
    ),
    (
        sources("payment", columns={"amount": ""}),
        "sources.payment.columns.amount: must not be empty",
    ),
    # constants
    (
        sources("payment", constants={"currency": None}),
        "sources.payment.constants.currency: must not be null: currency is never null",
    ),
    (
        sources("payment", constants={"currency": 7}),
        "sources.payment.constants.currency: must be text, not 7; quotes make it text",
    ),
    (
        sources("payment", constants={"kind": "advance_piad"}),
        (
            f"sources.payment.constants.kind: must be one of {KINDS}, not 'advance_piad'; "
            "did you mean advance_paid?"
        ),
    ),
    (
        sources("payment", constants={"kind": ""}),
        f"sources.payment.constants.kind: must be one of {KINDS}, not ''",
    ),
    *(
        (
            sources("payment", constants={"account_id": bad}),
            f"sources.payment.constants.account_id: {ID} {bad!r}",
        )
        for bad in ("", "a|b", "a\nb", "\x85")
    ),
    (
        sources("payment", constants={"amount": 1.5}),
        (
            "sources.payment.constants.amount: "
            "1.5 is a float, which is not exact; give it as text or Decimal"
        ),
    ),
    (
        sources("payment", constants={"amount": "1.005"}),
        "sources.payment.constants.amount: money has at most two decimal places, '1.005' has more",
    ),
    (
        sources("payment", constants={"amount": "0.00"}),
        "sources.payment.constants.amount: must be more than 0, not '0.00'",
    ),
    (
        sources("windows", constants={"advance_amount": "-1"}),
        "sources.windows.constants.advance_amount: must not be negative, as '-1' is",
    ),
    (
        sources("windows", constants={"stock": -1}),
        "sources.windows.constants.stock: must be 0 or more, not -1",
    ),
    (
        sources("windows", constants={"stock": 2**31}),
        "sources.windows.constants.stock: must be 2147483647 or less, not 2147483648",
    ),
    (
        sources("windows", constants={"team_min": "2"}),
        "sources.windows.constants.team_min: must be a whole number, not '2'",
    ),
    (
        sources("windows", constants={"team_min": True}),
        "sources.windows.constants.team_min: must be a whole number, not true",
    ),
    (
        sources("accounts", constants={"blacklisted": "false"}),
        "sources.accounts.constants.blacklisted: must be true or false, not 'false'",
    ),
    (
        sources("accounts", constants={"blacklisted": 0}),
        "sources.accounts.constants.blacklisted: must be true or false, not 0",
    ),
    *(
        (
            sources("payment", constants={"event_time": bad}),
            f"sources.payment.constants.event_time: {TIME} {told}",
        )
        for bad, told in (
            ("2026-03-10T00:00:00", "'2026-03-10T00:00:00'"),
            ("2026-03-10", "'2026-03-10'"),
            ("yesterday", "'yesterday'"),
            (datetime(2026, 3, 10), "2026-03-10 00:00:00"),
            (1773100800, "1773100800"),
        )
    ),
    (
        sources("payment", constants={"event_time": "0001-01-01T00:00:00+08:00"}),
        (
            "sources.payment.constants.event_time: '0001-01-01T00:00:00+08:00' is outside of the "
            "years 1 to 9999 in UTC"
        ),
    ),
    # values
    (
        sources("payment", values={"kind": None}),
        "sources.payment.values.kind: must be a mapping, not null",
    ),
    (
        sources("payment", values={"kind": {1: "advance_piad"}}),
        (
            f"sources.payment.values.kind.1: must be one of {KINDS}, not 'advance_piad'; "
            "did you mean advance_paid?"
        ),
    ),
    (
        sources("payment", values={"kind": {True: None}}),
        "sources.payment.values.kind.true: must not be null: kind is never null",
    ),
    (
        sources("participation", values={"quantity": {"one": "1"}}),
        "sources.participation.values.quantity.one: must be a whole number, not '1'",
    ),
    (
        sources("payment", values={"amount": {"ten": 10.0}}),
        (
            "sources.payment.values.amount.ten: "
            "10.0 is a float, which is not exact; give it as text or Decimal"
        ),
    ),
    (
        sources("payment", values={"event_time": {"never": "2026-03-10T00:00:00Z"}}),
        (
            "sources.payment.values.event_time: times are not mapped by value; "
            "only text, numbers and truth values are"
        ),
    ),
    (
        sources("payment", values={"kind": {None: "balance_paid"}}),
        f"sources.payment.values.kind.null: {CODE}",
    ),
    (
        sources("payment", values={"kind": {Decimal("1.5"): "balance_paid"}}),
        f"sources.payment.values.kind.1.5: {CODE}",
    ),
    (
        sources("payment", values={"kind": {1: "balance_paid", "1": "balance_paid"}}),
        "sources.payment.values.kind.1: is there twice, as 1 and as '1'",
    ),
    (
        sources("payment", values={"kind": {"true": "balance_paid", True: "balance_paid"}}),
        "sources.payment.values.kind.true: is there twice, as 'true' and as true",
    ),
    # between them
    (
        sources("payment", columns={"currency": "cur"}, constants={"currency": "CNY"}),
        (
            "sources.payment.constants.currency: is in sources.payment.columns too; "
            "a column is read, or it is a constant"
        ),
    ),
    (
        sources("payment", constants={"currency": "CNY"}, values={"currency": {"1": "CNY"}}),
        (
            "sources.payment.constants.currency: is in sources.payment.values too; "
            "a constant is not mapped, write what it is"
        ),
    ),
]


@pytest.mark.parametrize(("given", "problem"), REFUSED, ids=lambda part: str(part)[:60])
def test_an_impossible_mapping_is_refused_with_the_reason(given: Any, problem: str) -> None:
    assert problems_of(given) == (problem,)


def test_every_problem_is_told_at_once() -> None:
    told = problems_of(
        {
            "grace_days": -1,
            "sources": {
                "paymnt": {},
                "orders": {"timezone": "Nowhere"},
                "payment": {
                    "columns": {"kind": "typ", "amuont": "price"},
                    "constants": {"kind": "gift", "currency": None},
                    "values": {"kind": {1: "gift", "1": "balance_paid", None: "balance_paid"}},
                },
            },
        }
    )
    assert [line.split(": ")[0] for line in sorted(told)] == [
        "grace_days",
        "sources.orders.timezone",
        "sources.payment.columns.amuont",
        "sources.payment.constants.currency",
        "sources.payment.constants.kind",
        "sources.payment.constants.kind",
        "sources.payment.constants.kind",
        "sources.payment.values.kind.1",
        "sources.payment.values.kind.1",
        "sources.payment.values.kind.null",
        "sources.paymnt",
    ]
