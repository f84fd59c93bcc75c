"""A warehouse goes on under the other engine, and back (docs/rules.md section 1.3)."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from compare import disagreements, reference_tables
from golden import race
from harness import Nights
from rows import days, entrant, landing, ordered, window

from solatium.engine import Engine

FIRST, SECOND, THIRD = (days(number) for number in range(3))
CONFIG = {"grace_days": 0, "bonus": {"tiers": [{"min_failures": 1, "amount": "2.00"}]}}


@pytest.mark.spark_at_length
@pytest.mark.usefixtures("on_spark")
def test_embedded_begins_spark_goes_on_and_embedded_ends(running: Engine, tmp_path: Path) -> None:
    """Rows of the first date, which has closed, come late: spark judges them, and what hangs on
    them, on what embedded has left."""
    nights = Nights(tmp_path, running)
    rows = landing(
        [
            [
                race(f"race-{number}", "front", "ann", "ben", day=day),
                window(f"draw-{number}", day=day, policy="weighted_lottery"),
                [entrant(name, commodity=f"draw-{number}", day=day) for name in ("ann", "ben")],
            ]
            for number, day in enumerate((FIRST, SECOND, THIRD))
        ]
    )
    nights.land(
        {table: [row for row in some if row["dt"] == FIRST] for table, some in rows.items()}
    )
    nights.run_elsewhere("embedded", FIRST, CONFIG)
    nights.land(rows)
    late = landing(entrant("newcomer", commodity="draw-0"), ordered("ann", "race-0", clock="03:00"))
    nights.land(late, part="part-1")
    nights.run(SECOND, CONFIG)
    nights.run_elsewhere("embedded", THIRD, CONFIG)
    rows = {table: [*some, *late[table]] for table, some in rows.items()}
    expected = reference_tables(rows, CONFIG, THIRD)
    assert disagreements(nights, expected, last_closed=THIRD) == []
    log = sorted(nights.rows("run_log"), key=lambda row: row["date"])
    assert [row["engine"] for row in log] == ["embedded", "spark", "embedded"]
    assert json.loads(log[1]["restated_by_reason"]) == {
        str(FIRST): {"orders": 1, "participation": 1, "payment": 1}
    }
