"""Every command and every Python block that the README, the tutorial and the guides show works.

A guide goes on where the tutorial ended: with its logs, its settings and its warehouse.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import documents
import pytest

DOCS = documents.ROOT / "docs"
TUTORIAL = DOCS / "tutorial.md"
README = documents.ROOT / "README.md"
GUIDES = sorted((DOCS / "how-to").glob("*.md"))


@pytest.fixture(scope="session")
def after_the_tutorial(embedded_session: object, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder in which the tutorial was followed to its end."""
    folder = tmp_path_factory.mktemp("tutorial") / "sneakers"
    folder.mkdir()
    documents.run(TUTORIAL, folder)
    return folder


@pytest.mark.torture
def test_the_tutorial_ends_with_a_payout(after_the_tutorial: Path) -> None:
    assert (after_the_tutorial / "wh" / "bonus_payouts").is_dir()


def test_the_readme_shows_what_works(after_the_tutorial: Path, tmp_path: Path) -> None:
    follow(README, after_the_tutorial, tmp_path)


@pytest.mark.torture
@pytest.mark.parametrize("guide", GUIDES, ids=lambda page: page.stem)
def test_a_guide_works_as_it_stands(guide: Path, after_the_tutorial: Path, tmp_path: Path) -> None:
    follow(guide, after_the_tutorial, tmp_path)


@pytest.mark.parametrize("page", [README, TUTORIAL, *GUIDES], ids=lambda page: page.stem)
def test_blocks_that_are_not_run_say_why(page: Path) -> None:
    for block in documents.blocks(page):
        if block.directive.startswith("not run"):
            assert block.directive.removeprefix("not run").strip(": "), block.place
        else:
            assert block.directive == "" or block.directive.startswith("exit "), block.place


def follow(page: Path, start: Path, tmp_path: Path) -> None:
    folder = tmp_path / "sneakers"
    shutil.copytree(start, folder)
    documents.run(page, folder)
