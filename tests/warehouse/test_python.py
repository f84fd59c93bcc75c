"""`import solatium`: a run from Python, and tables in a notebook."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pandas as pd
import pytest
from compare import differences, reference_tables
from golden import race
from harness import write_landing
from rows import days, landing

import solatium
from solatium.engine import Engine
from solatium.errors import UsageError
from solatium.warehouse.snapshot import Snapshot

FIRST, SECOND = days(0), days(1)
STORY = landing([race(f"r{n}", "front", "ann", day=days(n)) for n in range(2)])
SETTINGS = {"grace_days": 0, "bonus": {"tiers": [{"min_failures": 1, "amount": "2.00"}]}}


@pytest.fixture(scope="module")
def place(embedded_session: Engine, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which two nights were run from Python."""
    folder = tmp_path_factory.mktemp("python")
    write_landing(folder / "logs", STORY)
    with pytest.MonkeyPatch.context() as patched:
        from contextlib import nullcontext

        from solatium import engine

        patched.setattr(engine, "running", lambda *_, **__: nullcontext(embedded_session))
        defaults = solatium.Settings.from_judging({})
        done = solatium.run(str(folder / "logs"), str(folder / "wh"), SECOND, settings=defaults)
        assert (done.handled, done.entries_posted) == ((FIRST, SECOND), 0)
        again = solatium.run(
            folder / "logs", folder / "wh", str(SECOND),
            backfill_from=FIRST, settings=SETTINGS, restate=True,
        )  # fmt: skip
        assert again.handled == (FIRST, SECOND)
        assert (again.entries_posted, again.entries_sum) == (2, Decimal("4.00"))
        assert [row["winners"] for row in again.business_dates] == [1, 1]
        assert "<td>2, sum 4.00</td>" in again._repr_html_()
    return folder


@pytest.fixture(scope="module")
def tables(place: Path) -> Snapshot:
    return solatium.open(place / "wh")


def test_a_run_from_python_has_the_tables_of_the_command(place: Path) -> None:
    found = differences(place / "wh", reference_tables(STORY, SETTINGS, SECOND))
    assert [
        line for line in found if not line.startswith(("bonus_ledger", "bonus_pay", "bonus_w"))
    ] == []


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ({"date": "2026-13-01"}, "date "),
        ({"date": SECOND, "backfill_from": days(5)}, "is before backfill_from"),
        ({"date": SECOND, "engine": "flink"}, "expected embedded or spark"),
        ({"date": SECOND, "settings": {"grace_day": 1}}, "grace_day"),
        ({"date": SECOND, "accept_gates": ["payment"]}, "TABLE:DATE:REASON"),
        ({"date": SECOND.replace(year=2999)}, "is after today"),
    ],
)
def test_arguments_that_cannot_be_meant_are_refused(
    place: Path, arguments: dict, problem: str
) -> None:
    with pytest.raises(UsageError, match=problem):
        solatium.run(place / "logs", place / "wh", **arguments)


def test_a_notebook_shows_the_tables_and_completes_their_names(tables: Snapshot) -> None:
    page = tables._repr_html_()
    assert all(f"<td>{name}</td>" in page for name in tables)
    assert tables._ipython_key_completions_() == list(tables)


def test_the_head_of_a_table_is_a_few_rows(tables: Snapshot) -> None:
    head = tables["participation"].head(2)
    assert (len(head), list(head.columns)) == (2, list(tables["participation"].columns))


def test_dates_resample_and_amounts_add_up(tables: Snapshot) -> None:
    ledger = tables["bonus_ledger"].pandas()
    assert pd.api.types.is_datetime64_any_dtype(ledger["run_date"])
    assert ledger["amount"].sum() == Decimal("4.00")
    by_day = ledger.set_index("business_date").resample("D")["entry_id"].count()
    assert by_day.sum() == len(ledger)
    plotted = tables["bonus_ledger"].pandas(decimals="float")
    assert plotted["amount"].dtype == float
    with pytest.raises(UsageError, match="expected 'exact' or 'float'"):
        tables["bonus_ledger"].pandas(decimals="rounded")


def test_a_filter_is_refused_in_our_words_with_every_problem(tables: Snapshot) -> None:
    with pytest.raises(UsageError, match="allocations: a filter that cannot be meant") as refused:
        tables["allocations"].arrow(
            filter=[("outcom", "=", "won"), ("size", "~", 1), ("size", ">", "many"), ("size",)]
        )
    column, operator, value, shape = refused.value.problems
    assert "no column 'outcom'; did you mean outcome?" in column
    assert "no operator '~'; there are =, ==" in operator
    assert "size is int32, and 'many' is none" in value
    assert "expected (column, operator, value)" in shape
    assert tables["allocations"].arrow(filter=[("outcome", "in", ["won"])]).num_rows == 2
