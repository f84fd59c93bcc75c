"""`solatium simulate` as people use it: other tiers, other policies, many draws, and refusals."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import rulebook
import yaml
from browser import page_of
from harness import Nights, contents

from solatium import engine as engines
from solatium.cli import app
from solatium.engine import Engine
from solatium.simulate.numbers import interval
from solatium.simulate.request import seed_of_draw


@pytest.fixture(scope="module")
def nights(embedded_session: Engine, tmp_path_factory: pytest.TempPathFactory) -> Nights:
    """Three dates with teams, weighted lotteries, caps and a budget."""
    nights = Nights(tmp_path_factory.mktemp("simulate"), embedded_session)
    nights.land(rulebook.LANDING)
    nights.run(rulebook.THIRD, rulebook.CONFIG)
    return nights


@dataclass
class Said:
    status: int
    out: str
    err: str

    @property
    def facts(self) -> dict[str, Any]:
        return json.loads(self.out)


Simulate = Callable[..., Said]


@pytest.fixture
def simulate(
    nights: Nights, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Simulate:
    """`solatium simulate` of all three dates, on the engine of the session."""

    @contextmanager
    def already(name: str, memory_mb: int | None = None) -> Iterator[Engine]:
        yield nights.running

    monkeypatch.setattr(engines, "running", already)

    def call(*options: object, first: object = rulebook.FIRST, last: object = rulebook.THIRD):
        dates = ["--warehouse", nights.warehouse, "--from", first, "--to", last]
        with pytest.raises(SystemExit) as end:
            app.main(["simulate", *map(str, [*dates, *options])])
        said = capsys.readouterr()
        return Said(int(end.value.code or 0), said.out, said.err)

    return call


def config(folder: Path, **changes: Any) -> Path:
    file = folder / "other.yaml"
    file.write_text(yaml.safe_dump(json.loads(json.dumps(rulebook.CONFIG | changes))))
    return file


def number(facts: dict[str, Any], section: str, name: str) -> dict[str, Any]:
    [found] = [n for n in facts["numbers"] if (n["section"], n["name"]) == (section, name)]
    return found


def test_its_own_settings_change_nothing_and_nothing_is_written(
    nights: Nights, simulate: Simulate
) -> None:
    before = contents(nights.warehouse)
    found = simulate("--json").facts
    assert found["differences"] == []
    assert [n for n in found["numbers"] if n["was"] != n["would_be"]] == []
    assert contents(nights.warehouse) == before
    awards = nights.rows("bonus_awards")
    assert number(found, "consolation", "awarded")["was"] == str(sum(a["amount"] for a in awards))
    assert number(found, "consolation", "awards")["was"] == len(awards)


def test_other_tiers_cost_otherwise_and_nobody_wins_otherwise(
    nights: Nights, simulate: Simulate, tmp_path: Path
) -> None:
    bonus = {"tiers": [{"min_failures": 1, "amount": "3.00"}], "max_per_account_per_day": None}
    other = config(tmp_path, bonus=bonus, campaigns={}, changes=[])
    found = simulate("--config", other, "--json").facts
    lost = [row for row in nights.rows("account_outcomes") if row["result"] == "lost"]
    raw = number(found, "consolation", "by_tiers")
    assert raw["would_be"] != raw["was"]
    assert raw["would_be"] == f"{3 * number(found, 'consolation', 'awards')['would_be']}.00"
    assert number(found, "consolation", "awards")["would_be"] <= len(lost)
    assert "bonus.tiers" in {one["key"] for one in found["differences"]}


def test_draws_follow_from_the_seed_alone(simulate: Simulate) -> None:
    once = simulate("--draws", 2, "--seed", "s", "--policy", "lottery", "--json").facts
    assert once == simulate("--draws", 2, "--seed", "s", "--policy", "lottery", "--json").facts
    assert (once["draws"], once["seed"], once["policy"]) == (2, "s", "lottery")
    for one in once["numbers"]:
        between = one["interval"]
        if between is not None and one["kind"] == "count":
            ranks = [between[name] for name in ("least", "p2.5", "median", "p97.5", "greatest")]
            assert ranks == sorted(ranks)
            assert one["would_be"] == between["median"]


def test_a_seed_of_a_draw_is_a_hash_of_the_seed_and_its_number() -> None:
    # printf '%s' 's|1' | sha256sum
    assert seed_of_draw("s", 1) == (
        "aa72ebaef9429c0fd3bb58573441ed8bd4e1ebed6ebbc388eda42ecdc85eafbb"
    )


def test_intervals_are_values_at_ranks() -> None:
    found = interval(range(1, 101))
    assert found is not None
    assert (found.least, found.low, found.median, found.high, found.greatest) == (1, 3, 50, 98, 100)
    assert interval([None]) is None


def test_the_page_says_what_is_otherwise(simulate: Simulate, tmp_path: Path) -> None:
    page = tmp_path / "what-if.html"
    said = simulate("--policy", "first_come", "--page", page)
    assert said.status == 0
    assert str(page) in said.out
    with page_of(page) as shown:
        assert "policy of all windows: first_come" in shown.inner_text("main")
        charts = shown.locator("figure[role=img]")
        assert charts.count() >= 4
        for chart in charts.all():
            assert "was" in (chart.get_attribute("aria-label") or "")


def test_the_table_has_both_sides(simulate: Simulate) -> None:
    said = simulate("--policy", "first_come")
    assert "would be" in said.out
    assert "winners" in said.out


def test_dates_that_cannot_be_simulated_are_refused(simulate: Simulate) -> None:
    for first, last, why in (
        (rulebook.THIRD, rulebook.FIRST, "is after --to"),
        (rulebook.FIRST, "2026-12-31", "the newest date that is handled"),
        ("2025-01-01", "2025-01-02", "no window has a business date"),
    ):
        said = simulate(first=first, last=last)
        assert (said.status, why in said.err) == (2, True), said.err


def test_settings_and_options_that_cannot_be_meant_are_refused_all_at_once(
    simulate: Simulate, tmp_path: Path
) -> None:
    other = config(tmp_path, timezone="UTC", history={"scope": "all"})
    said = simulate("--config", other, "--policy", "auction", first=rulebook.SECOND)
    assert said.status == 2
    for why in ("timezone: must be as", "history.scope", "--policy auction: expected lottery"):
        assert why in said.err
    said = simulate("--draws", 0, "--seed", "s")
    assert (said.status, "--draws 0" in said.err) == (2, True)
    assert simulate("--seed", "s").status == 2
    (tmp_path / "bad.yaml").write_text("grace_dais: 1\n")
    said = simulate("--config", tmp_path / "bad.yaml")
    assert (said.status, "grace_days" in said.err) == (2, True)


def test_no_warehouse_is_refused(simulate: Simulate, tmp_path: Path) -> None:
    with pytest.raises(SystemExit) as end:
        app.main(
            ["simulate", "--warehouse", str(tmp_path), "--from", "2026-01-01", "--to", "2026-01-02"]
        )
    assert end.value.code == 2
