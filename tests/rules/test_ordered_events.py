"""Accounts of which the order of events decides (docs/rules.md sections 1.2 and 4.1)."""

from __future__ import annotations

from compare import differences, reference_tables
from harness import Nights
from rows import account, days, joined, landing, window


def test_of_joins_with_several_quantities_the_latest_counts(nights: Nights) -> None:
    less = [joined("less", quantity=3, clock="00:30"), joined("less", quantity=1, clock="00:50")]
    more = [joined("more", quantity=1, clock="00:30"), joined("more", quantity=3, clock="00:50")]
    rows = landing(window(limit_per_account=3), account("less"), account("more"), less, more)
    nights.land(rows)
    nights.run(days(0), {})
    assert differences(nights.warehouse, reference_tables(rows, {}, days(0))) == []
    found = {row["account_id"]: row["quantity"] for row in nights.rows("screened_participants")}
    assert found == {"less": 1, "more": 3}
