"""Small histories in which something once went wrong, each named by the rule that it broke."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from compare import differences
from deltalake import DeltaTable
from harness import Nights
from reference.night import Reference
from rows import DAY, Landing, Row, account, at, days, entrant, landing, window

from solatium import contracts
from solatium.engine import Engine
from solatium.storage.location import Location
from solatium.warehouse.tables import Warehouse

MONDAY, TUESDAY, WEDNESDAY, THURSDAY = (days(n) for n in range(4))
ONE_DAY = timedelta(days=1)
FIRST_LOSS = {"tiers": [{"min_failures": 1, "amount": "2.00"}]}
WIDE_GATE = {"max_quarantine_share": "1"}
PAYING = {"grace_days": 0, "bonus": FIRST_LOSS, "gates": WIDE_GATE}
TAKING_BACK = PAYING | {"bonus": FIRST_LOSS | {"clawback": True}}


def lost(*losers: str, day: date, name: str = "", **changes: Any) -> list[Row | list]:
    """A window of one unit, drawn with a known seed, for which more accounts are ready."""
    name = name or f"w-{day}"
    return [window(window=name, day=day, **changes)] + [
        entrant(loser, window=name, day=day) for loser in losers
    ]


def differs(nights: Nights, rows: Landing, runs: list[date], config: dict[str, Any]) -> list[str]:
    """How the tables differ from the reference's, after each of these runs."""
    nights.land(rows)
    reference = Reference(config)
    found = []
    handled = DAY - ONE_DAY
    for run in runs:
        nights.run(run, config)
        while handled < run:
            handled += ONE_DAY
            expected = reference.night(rows, handled)
        found += [f"{run}: {line}" for line in differences(nights.warehouse, expected)]
    return found


def postponed(to: date) -> Row:
    """A newer version of Monday's window, arrived on Monday: its rush is on another day."""
    return window(
        window=f"w-{MONDAY}",
        rush_open=at("03:00", to),
        rush_close=at("04:00", to),
        updated_at=at("00:00", MONDAY),
    )


def balance(nights: Nights) -> Decimal:
    """The sum of the ledger."""
    return sum((row["amount"] for row in nights.rows("bonus_ledger")), Decimal(0))


def test_late_seeds_that_come_one_after_another_all_count(nights: Nights) -> None:
    """The seed of Monday comes on Wednesday, that of Tuesday on Thursday."""
    rows = landing(
        lost("a", "b", "c", day=MONDAY, draw_seed=None),
        window(window=f"w-{MONDAY}", day=MONDAY, dt=WEDNESDAY),
        lost("a", "b", "c", day=TUESDAY, draw_seed=None),
        window(window=f"w-{TUESDAY}", day=TUESDAY, dt=THURSDAY),
    )
    assert differs(nights, rows, [MONDAY, TUESDAY, WEDNESDAY, THURSDAY], PAYING) == []


def test_what_was_paid_is_taken_back_when_a_file_of_the_day_moves_the_window(
    nights: Nights,
) -> None:
    nights.land(landing(lost("a", "b", day=MONDAY)))
    nights.run(MONDAY, TAKING_BACK)
    assert balance(nights) == Decimal("2.00")
    nights.land(landing(postponed(THURSDAY)), part="postponed")
    nights.run(TUESDAY, TAKING_BACK)
    assert nights.rows("bonus_awards") == []
    assert balance(nights) == 0
    nights.run(THURSDAY, TAKING_BACK)
    assert balance(nights) == Decimal("2.00")


def test_what_was_paid_stays_when_a_file_moves_the_window_to_an_earlier_date(
    nights: Nights,
) -> None:
    """Other windows of the later date are paid as before, and this one for the earlier date."""
    nights.land(landing(lost("a", "b", day=MONDAY), lost("c", "d", day=TUESDAY)))
    nights.land(landing(postponed(TUESDAY)), part="postponed")
    nights.run(TUESDAY, TAKING_BACK)
    assert balance(nights) == Decimal("4.00")
    (nights.landing / "windows" / f"dt={MONDAY}" / "postponed.parquet").unlink()
    nights.run(WEDNESDAY, TAKING_BACK)
    assert balance(nights) == Decimal("4.00")


def test_what_a_late_seed_paid_is_taken_back_when_its_file_is_gone(nights: Nights) -> None:
    """The date that it paid was closed before the first night that is repeated."""
    nights.land(landing(lost("a", "b", day=MONDAY, draw_seed=None)))
    nights.land(landing(window(window=f"w-{MONDAY}", day=MONDAY, dt=WEDNESDAY)), part="seed")
    nights.run(WEDNESDAY, TAKING_BACK)
    assert balance(nights) == Decimal("2.00")
    (nights.landing / "windows" / f"dt={WEDNESDAY}" / "seed.parquet").unlink()
    nights.run(WEDNESDAY, TAKING_BACK)
    assert nights.rows("bonus_awards") == []
    assert balance(nights) == 0


def test_a_seed_may_be_any_word(nights: Nights) -> None:
    rows = landing(
        lost("a", "b", day=MONDAY, draw_seed=None),
        window(window=f"w-{MONDAY}", day=MONDAY, dt=TUESDAY, draw_seed="seed_missing"),
    )
    assert differs(nights, rows, [MONDAY, TUESDAY], PAYING) == []


@pytest.mark.spark_at_length
def test_a_table_is_read_as_it_stood_whatever_is_written_later(
    running: Engine, tmp_path: Path
) -> None:
    """Beyond the writes, too, after which Delta makes a checkpoint."""
    table = contracts.warehouse("accounts")
    warehouse = Warehouse(running, Location.parse(str(tmp_path)), [table])
    warehouse.prepare(None)
    rows = [tuple(account(dt=DAY)[name] for name in table.names)]
    frame = running.spark.createDataFrame(rows, table.spark_schema())
    stood = []
    for _ in range(12):
        warehouse.append("accounts", frame)
        stood.append(warehouse.read("accounts"))
    assert [rows.count() for rows in stood] == list(range(1, 13))


def test_what_a_night_has_read_is_forgotten_at_its_end(running: Engine, tmp_path: Path) -> None:
    """Or a run of many nights would remember each version of each table."""
    warehouse = Warehouse(running, Location.parse(str(tmp_path)), [contracts.warehouse("accounts")])
    warehouse.prepare(None)

    def views() -> set[str]:
        return {table.name for table in running.spark.catalog.listTables() if table.isTemporary}

    before = views()
    with warehouse.scratch():
        assert warehouse.read("accounts").count() == warehouse.read("accounts").count() == 0
        assert len(views() - before) == 1
    assert views() == before


def test_logs_tell_files_apart_by_dates_alone(nights: Nights) -> None:
    nights.land(landing(lost("a", "b", day=MONDAY)))
    nights.run(MONDAY, PAYING)

    def told_apart(table: str) -> list[str]:
        log = DeltaTable(str(nights.warehouse / table)).get_add_actions(flatten=True)
        assert sum(log.column("num_records").to_pylist()) > 0
        return [name for name in log.schema.names if name.startswith("min.")]

    assert told_apart("accounts") == told_apart("windows") == ["min.dt"]
    assert told_apart("allocations") == []
