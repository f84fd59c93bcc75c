"""How the demo ends: its page, one unlucky account and a verified draw, by a smaller warehouse."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
from golden import race
from harness import Nights
from rich.console import Console
from rows import days, entrant, landing, window

import solatium
from solatium.demo import proofs
from solatium.engine import Engine
from solatium.errors import SolatiumError

NEXT = days(1)
CONFIG = {"grace_days": 0, "bonus": {"tiers": [{"min_failures": 1, "amount": "2.00"}]}}


@pytest.fixture(scope="module")
def nights(embedded_session: Engine, tmp_path_factory: pytest.TempPathFactory) -> Nights:
    """`kim` loses two races, and three accounts enter a draw."""
    made = Nights(tmp_path_factory.mktemp("a demo"), embedded_session)
    made.land(
        landing(
            race("r1", "ben", "kim"),
            race("r2", "ben", "kim", day=NEXT),
            [window("draw"), [entrant(who, commodity="draw") for who in ("ann", "ben", "cat")]],
        )
    )
    made.run(NEXT, CONFIG)
    return made


def test_it_shows_the_unlucky_a_verified_draw_and_commands_that_work(nights: Nights) -> None:
    tables = solatium.open(nights.warehouse)
    assert proofs.unlucky(tables) == ("kim", ("r2", "w1"))
    assert proofs.largest_draw(tables) == ("draw", "w1")
    folder = nights.warehouse.parent
    console = Console(width=60, record=True)
    console.print(proofs.proofs(tables, folder, is_kept=True), soft_wrap=True)
    said = console.export_text()
    assert "The account lost: when its turn came, 0 of 1 were left" in said
    assert "All is so: 3 entries competed" in said
    assert (folder / "report.html").read_text().startswith("<!doctype html>")
    explain = next(line for line in said.splitlines() if "solatium explain" in line)
    words = shlex.split(explain)
    assert Path(words[words.index("--warehouse") + 1]) == folder / "warehouse"
    (folder / "pack" / "entries.csv").write_text("position\n")
    with pytest.raises(SolatiumError, match="is not so"):
        proofs.verified(folder / "pack")


def test_without_a_folder_that_stays_it_says_how_to_keep_one(
    nights: Nights, tmp_path: Path
) -> None:
    (tmp_path / "landing").symlink_to(nights.landing)
    tables = solatium.open(nights.warehouse)
    console = Console(width=60, record=True)
    console.print(proofs.proofs(tables, tmp_path, is_kept=False), soft_wrap=True)
    said = console.export_text()
    assert "after solatium demo --keep FOLDER" in said
    assert str(tmp_path) not in said.split("Go on with")[1]
