"""Open dates are judged again where something touched them (docs/rules.md section 10).

Three dates have been handled, and all are open. On each there is a race that `front` wins against
`ann` and `ben`, a weighted lottery that these two enter with `cy`, and a plain lottery of `dee` and
`eve`, who are in nothing else. Then the fourth night runs.
"""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from compare import differences, reference_tables
from deltalake import DeltaTable
from golden import race
from harness import Nights, Row
from rows import Landing, account, at, days, entrant, joined, landing, ordered, paid, window
from sampled import sampled

from solatium.engine import Engine
from solatium.laws.suites import Suites
from solatium.laws.verdict import Expectations
from solatium.nightly import night

FIRST, SECOND, THIRD, FOURTH = DATES = [days(number) for number in range(4)]
CONFIG: dict[str, Any] = {
    "grace_days": 3,
    "bonus": {"tiers": [{"min_failures": n, "amount": f"{n}.00"} for n in (1, 2, 3, 4)]},
    "gates": {"max_quarantine_share": "1"},
}
OF_A_DATE = 3


def of_date(number: int) -> list[Row | list]:
    day, draw, plain = days(number), f"draw-{number}", f"plain-{number}"
    return [
        race(f"race-{number}", "front", "ann", "ben", day=day),
        window(draw, day=day, policy="weighted_lottery"),
        [entrant(name, commodity=draw, day=day) for name in ("ann", "ben", "cy")],
        window(plain, day=day),
        [entrant(name, commodity=plain, day=day) for name in ("dee", "eve")],
    ]


STORY = landing(of_date(0), of_date(1), of_date(2))


@pytest.fixture(scope="module")
def three_nights(running: Engine, tmp_path_factory: pytest.TempPathFactory) -> Nights:
    nights = Nights(tmp_path_factory.mktemp("open"), running)
    nights.land(STORY)
    nights.run(THIRD, CONFIG)
    return nights


@pytest.fixture
def nights(three_nights: Nights, tmp_path: Path) -> Nights:
    shutil.copytree(three_nights.landing.parent, tmp_path / "copy")
    return Nights(tmp_path / "copy", three_nights.running)


def fourth(nights: Nights, *rows: Row | list, config: dict[str, Any] = CONFIG) -> int:
    """Runs the fourth night with these rows, which its tables show; how many windows it judged."""
    more = landing(*rows)
    nights.land(more, part="part-1")
    nights.expectations = Expectations(Suites())
    report = nights.run(FOURTH, config)
    whole: Landing = {table: [*STORY[table], *more[table]] for table in STORY}
    assert differences(nights.warehouse, reference_tables(whole, config, FOURTH)) == []
    return report.tally.windows_judged


LATE = {
    "a late entrant": (entrant("zoe", commodity="plain-1", day=SECOND), {"dt": FOURTH}),
    "a late payment": ([paid("dee", "plain-1", day=SECOND, clock="00:40", dt=FOURTH)], {}),
    "a late order": ([ordered("dee", "plain-1", day=SECOND, status="confirmed", dt=FOURTH)], {}),
    "a new account version that the window sees": (
        [account("dee", day=THIRD, updated_at=at("00:01", THIRD), blacklisted=True, dt=FOURTH)],
        {},
    ),
    "other terms of the window": (
        [window("plain-1", day=SECOND, stock=2, updated_at=at("00:02", SECOND), dt=FOURTH)],
        {},
    ),
}


@pytest.mark.parametrize("case", sampled(LATE, ("a late entrant", "other terms of the window")))
def test_one_window_that_is_touched_is_judged_again(nights: Nights, case: str) -> None:
    rows, changes = LATE[case]
    assert fourth(nights, [row | changes for row in rows]) == 1


def test_an_outcome_that_counts_otherwise_reaches_the_draws_that_follow(nights: Nights) -> None:
    """A loser who is first now enters two weighted lotteries with other points."""
    late = joined("first", "race-0", day=FIRST, clock="00:10", dt=FOURTH)
    order = ordered("first", "race-0", day=FIRST, clock="02:00", dt=FOURTH)
    assert fourth(nights, account("first", day=FIRST), late, order) >= 1


@pytest.mark.torture
def test_a_date_is_judged_as_a_whole_in_its_own_night_alone(nights: Nights) -> None:
    before = files(nights)
    tables = landing(of_date(3))
    tables.pop("accounts")  # whose versions earlier windows would see
    assert fourth(nights, list(tables.values())) == OF_A_DATE
    now = files(nights)
    assert {place: now[place] for place in before} == before


def test_a_version_that_is_delivered_again_touches_nothing(nights: Nights) -> None:
    again = [row | {"dt": FOURTH} for row in STORY["accounts"]]
    assert fourth(nights, again) == 0


def test_a_version_after_the_application_period_awards_again_alone(nights: Nights) -> None:
    later = account("dee", updated_at=at("12:00", THIRD), blacklisted=True, dt=FOURTH)
    assert fourth(nights, later) == 0


@pytest.mark.torture
def test_other_settings_judge_all_open_dates_again(nights: Nights) -> None:
    config = CONFIG | {"bonus": {"tiers": [{"min_failures": 1, "amount": "7.00"}]}}
    assert fourth(nights, of_date(3), config=config) == 4 * OF_A_DATE


def test_another_version_of_solatium_judges_all_open_dates_again(
    nights: Nights, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(night, "VERSION", "99.0.0")
    assert fourth(nights, of_date(3)) == 4 * OF_A_DATE


def files(nights: Nights) -> dict[tuple[str, date], set[str]]:
    """The data files of screened participants and allocations, by business date."""
    found: dict[tuple[str, date], set[str]] = {}
    for table in ("screened_participants", "allocations", "account_outcomes", "bonus_awards"):
        for path in DeltaTable(str(nights.warehouse / table)).file_uris():
            day = date.fromisoformat(Path(path).parent.name.removeprefix("business_date="))
            found.setdefault((table, day), set()).add(Path(path).name)
    return found
