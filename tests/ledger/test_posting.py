"""What a posting adds to the ledger (docs/rules.md sections 8.3 and 8.4), case by case."""

from __future__ import annotations

from decimal import Decimal
from hashlib import sha256
from typing import Any, NamedTuple

import pytest
from pyspark.sql import DataFrame
from rows import DAY, days

from solatium import contracts
from solatium.engine import Engine
from solatium.ledger import posting
from solatium.settings.load import from_mapping
from solatium.settings.regimes import Regimes

pytestmark = pytest.mark.both_engines

TODAY = days(3)


class Case(NamedTuple):
    """An award, what was posted and waived for it before, and what a run then adds."""

    award: str | None
    posted: tuple[str, ...] = ()
    waived: tuple[str, ...] = ()
    entry: str | None = None
    kind: str | None = None
    newly_waived: str | None = None


CLAWBACK = {
    "nothing was ever awarded": Case(None),
    "an award of nothing": Case("0.00"),
    "a first award": Case("2.00", entry="2.00", kind="award"),
    "the same again": Case("2.00", ("2.00",)),
    "the same in two parts": Case("2.00", ("5.00", "-3.00")),
    "more than before": Case("5.00", ("2.00",), entry="3.00", kind="adjustment"),
    "less than before": Case("2.00", ("5.00",), entry="-3.00", kind="adjustment"),
    "nothing any more": Case(None, ("2.00",), entry="-2.00", kind="reversal"),
    "nothing by an award of nothing": Case("0.00", ("2.00",), entry="-2.00", kind="reversal"),
    "again after a reversal": Case("2.00", ("2.00", "-2.00"), entry="2.00", kind="adjustment"),
    "waived while there was no clawback": Case(
        "2.00", ("5.00",), ("3.00",), entry="-3.00", kind="adjustment", newly_waived="-3.00"
    ),
}
NO_CLAWBACK = {
    "a first award": Case("2.00", entry="2.00", kind="award"),
    "less than before": Case("2.00", ("5.00",), newly_waived="3.00"),
    "less than before, known": Case("2.00", ("5.00",), ("3.00",)),
    "nothing any more": Case(None, ("2.00",), newly_waived="2.00"),
    "more, out of what was waived": Case("4.00", ("5.00",), ("3.00",), newly_waived="-2.00"),
    "more than was waived": Case(
        "6.00", ("5.00",), ("3.00",), entry="1.00", kind="adjustment", newly_waived="-3.00"
    ),
    "less still": Case("1.00", ("5.00",), ("3.00", "-1.00"), newly_waived="2.00"),
}


def frame(running: Engine, table: str, rows: list[dict[str, Any]]) -> DataFrame:
    contract = contracts.warehouse(table)
    values = [tuple(row.get(name) for name in contract.names) for row in rows]
    schema = ", ".join(f"{column.name} {column.type}" for column in contract.columns)
    return running.spark.createDataFrame(values, schema)


@pytest.mark.parametrize(
    ("clawback", "cases"), [(True, CLAWBACK), (False, NO_CLAWBACK)], ids=["clawback", "none"]
)
def test_a_posting_adds_what_differs(
    running: Engine, clawback: bool, cases: dict[str, Case]
) -> None:
    """Every case is an account; all are posted at once."""

    def rows(table: str, amounts: dict[str, tuple[str, ...]]) -> DataFrame:
        key = {"commodity_id": "sku", "window_id": "w", "business_date": DAY, "currency": "CNY"}
        return frame(
            running,
            table,
            [
                key | {"account_id": name, "amount": Decimal(amount), "revision": place}
                for name, some in amounts.items()
                for place, amount in enumerate(some)
            ],
        )

    awards = {name: (case.award,) for name, case in cases.items() if case.award is not None}
    windows = running.spark.createDataFrame(
        [("sku", "w", DAY, None)],
        "commodity_id string, window_id string, business_date date, campaign_id string",
    )
    posted = posting.post(
        rows("bonus_awards", awards),
        rows("bonus_ledger", {name: case.posted for name, case in cases.items()}),
        rows("bonus_waived", {name: case.waived for name, case in cases.items()}),
        windows,
        [DAY],
        run_date=TODAY,
        regimes=Regimes(from_mapping({"bonus": {"clawback": clawback}})),
    )
    found = {row["account_id"]: row for row in posted.entries.collect()}
    for name, row in found.items():
        revision = len(cases[name].posted)
        said = f"{name}|sku|w|{revision}"
        assert (row["revision"], row["run_date"], row["business_date"]) == (revision, TODAY, DAY)
        assert row["entry_id"] == sha256(said.encode()).hexdigest()
    assert {name: (str(row["amount"]), row["kind"]) for name, row in found.items()} == {
        name: (case.entry, case.kind) for name, case in cases.items() if case.entry
    }
    assert {row["account_id"]: str(row["amount"]) for row in posted.waived.collect()} == {
        name: case.newly_waived for name, case in cases.items() if case.newly_waived
    }


def test_dates_that_are_not_closed_are_left_alone(running: Engine) -> None:
    later = {"account_id": "a", "commodity_id": "sku", "window_id": "w", "currency": "CNY"}
    windows = running.spark.createDataFrame(
        [("sku", "w", TODAY, None)],
        "commodity_id string, window_id string, business_date date, campaign_id string",
    )
    posted = posting.post(
        frame(running, "bonus_awards", [later | {"business_date": TODAY, "amount": Decimal(2)}]),
        frame(running, "bonus_ledger", []),
        frame(running, "bonus_waived", []),
        windows,
        [DAY],
        run_date=TODAY,
        regimes=Regimes(from_mapping({})),
    )
    assert (posted.entries.count(), posted.waived.count()) == (0, 0)


def test_a_window_is_sought_under_every_date_that_something_was_posted_for(
    running: Engine,
) -> None:
    """Windows moved to the closed date, were on it and are gone, are open again, or are others'."""
    earlier, later = days(-3), TODAY
    posted = [
        ("moved", earlier),
        ("moved", DAY),
        ("gone", DAY),
        ("gone", earlier),
        ("open again", DAY),
        ("elsewhere", earlier),
        ("moved away", DAY),
    ]
    in_force = [
        ("moved", DAY),
        ("open again", later),
        ("elsewhere", earlier),
        ("moved away", earlier),
    ]
    found = posting.dated_windows(
        frame(
            running,
            "bonus_ledger",
            [{"commodity_id": "sku", "window_id": w, "business_date": day} for w, day in posted],
        ),
        running.spark.createDataFrame(
            [("sku", w, day) for w, day in in_force],
            "commodity_id string, window_id string, business_date date",
        ),
        [DAY],
    )
    rows = {(row["window_id"], row["business_date"]) for row in found.collect()}
    assert rows == {
        ("moved", earlier),
        ("moved", DAY),
        ("gone", DAY),
        ("gone", earlier),
        ("open again", DAY),
    }
