"""A budget to the cent (docs/rules.md section 8, step 5), compared with plain Python."""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from decimal import Decimal
from random import Random

import pytest
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from rows import DAY

from solatium.engine import Engine
from solatium.rules.budget import scaled
from solatium.settings.load import from_mapping
from solatium.settings.regimes import Regimes

pytestmark = pytest.mark.both_engines

ACCOUNTS = ("a", "a!", "10", "9", "Z", "é", "\uff5e", "\U0001f600")
Key = tuple[str, str, str]
Pot = dict[Key, int]  # cents by account, commodity and window

# Pots whose result can be told by heart: the budget in cents, awards, and what is granted.
CASES: dict[str, tuple[int, dict[str, int], dict[str, int]]] = {
    "met exactly": (100, {"a": 40, "b": 60}, {"a": 40, "b": 60}),
    "not met by a cent": (100, {"a": 33, "b": 66}, {"a": 33, "b": 66}),
    "exceeded by a cent": (100, {"a": 50, "b": 51}, {"a": 50, "b": 50}),
    # 33.3, 33.3 and 33.3: the cent goes to the first by bytes
    "equal fractions": (100, {"b": 50, "B": 50, "a": 50}, {"B": 34, "a": 33, "b": 33}),
    # 14.28, 28.57 and 57.14: the cent goes to the second
    "largest fraction": (100, {"a": 20, "b": 40, "c": 80}, {"a": 14, "b": 29, "c": 57}),
    "nothing to spend": (0, {"a": 20, "b": 40}, {"a": 0, "b": 0}),
    "a total that is no bigint": (
        3,
        {name: 10**18 - 1 - place for place, name in enumerate("zyxwvutsrqpo")},
        {name: int(name in "zyx") for name in "zyxwvutsrqpo"},
    ),
    "equal fractions of a total that is no bigint": (
        2,
        dict.fromkeys("zyxwvutsrqpo", 10**18 - 1),
        {name: int(name in "op") for name in "zyxwvutsrqpo"},
    ),
    "an award of nothing": (10, {"a": 0, "b": 40}, {"a": 0, "b": 10}),
}


def plainly(pot: Pot, budget: int) -> Pot:
    total = sum(pot.values())
    if total <= budget:
        return pot
    floored = {key: cents * budget // total for key, cents in pot.items()}
    fractions = {key: cents * budget % total for key, cents in pot.items()}
    in_order = sorted(pot, key=lambda key: (-fractions[key], [part.encode() for part in key]))
    for key in in_order[: budget - sum(floored.values())]:
        floored[key] += 1
    return floored


def awards(running: Engine, rows: list[tuple], regimes: Regimes) -> DataFrame:
    """Awards from account, commodity, window, date, campaign, cents and reason."""
    schema = (
        "account_id string, commodity_id string, window_id string, business_date date, "
        "campaign_id string, cents bigint, reason string"
    )
    frame = running.spark.createDataFrame(rows, schema)
    number = regimes.number(F.col("business_date"), F.col("campaign_id"))
    return frame.withColumn("regime", number)


def by_engine(running: Engine, pots: dict[str, tuple[int, Pot]]) -> dict[str, Pot]:
    """What is granted of each pot, which is a campaign of its own; with a reason if less."""
    campaigns = {
        name: {"bonus": {"daily_budget": str(Decimal(budget) / 100)}}
        for name, (budget, _) in pots.items()
    }
    regimes = Regimes(from_mapping({"campaigns": campaigns}))
    rows = [
        (*key, DAY, name, cents, "granted")
        for name, (_, pot) in pots.items()
        for key, cents in pot.items()
    ]
    found: dict[str, Pot] = defaultdict(dict)
    for row in scaled(awards(running, rows, regimes), regimes).collect():
        key = (row["account_id"], row["commodity_id"], row["window_id"])
        found[row["campaign_id"]][key] = row["cents"]
        was = pots[row["campaign_id"]][1][key]
        assert row["reason"] == ("granted" if row["cents"] == was else "budget_scaled")
    return found


def test_cases_that_can_be_told_by_heart(running: Engine) -> None:
    def pot(case: str, cents: dict[str, int]) -> Pot:
        return {(name, case, "w"): amount for name, amount in cents.items()}

    pots = {case: (budget, pot(case, cents)) for case, (budget, cents, _) in CASES.items()}
    expected = {case: pot(case, granted) for case, (_, _, granted) in CASES.items()}
    assert by_engine(running, pots) == expected


def test_any_pot_is_shared_as_plain_python_does(running: Engine) -> None:
    random = Random(20260310)
    pots = {}
    for number in range(60):
        keys = [
            (random.choice(ACCOUNTS), f"s{number}{random.choice('! ')}", random.choice(("w", "w1")))
            for _ in range(random.randint(1, 12))
        ]
        pot = {key: random.choice((0, 1, 33, 50, random.randint(0, 5_000))) for key in keys}
        pots[f"c{number}"] = (random.randint(0, sum(pot.values()) + 1), pot)
    expected = {name: plainly(pot, budget) for name, (budget, pot) in pots.items()}
    assert by_engine(running, pots) == expected


def test_a_budget_is_one_for_each_date(running: Engine) -> None:
    regimes = Regimes(from_mapping({"bonus": {"daily_budget": "1.00"}}))
    days = (DAY, date(2026, 3, 11))
    rows = [("a", "s", f"w-{day}", day, None, 80, "granted") for day in days]
    found = scaled(awards(running, rows, regimes), regimes).collect()
    assert [row["cents"] for row in found] == [80, 80]
