"""Exact selection against the loop that it stands for, on thousands of windows in one call."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from pyspark.sql import DataFrame

from solatium.engine import Engine
from solatium.rules import stock
from solatium.storage.local import LocalLocation
from solatium.warehouse.scratch import Scratch

both_engines = pytest.mark.both_engines

DEEPEST = ("selection_ends_0", "selection_ends_1", "selection_ends_2")
LOTTERY_RANKS = 2**60  # first_come has microseconds, which are fewer


class Entry(NamedTuple):
    rank: int
    tiebreak: str
    size: int


class Rush(NamedTuple):
    stock: int
    entries: tuple[Entry, ...]


def greedy(rush: Rush) -> list[Entry]:
    """docs/rules.md section 5.6, to the letter."""
    won, remaining = [], rush.stock
    for entry in sorted(rush.entries, key=lambda entry: (entry.rank, entry.tiebreak.encode())):
        if entry.size <= remaining:
            won.append(entry)
            remaining -= entry.size
    return won


class Selecting:
    """Selects for many windows at once, and notes what it kept on the way."""

    def __init__(self, running: Engine, folder: Path) -> None:
        self.running = running
        self.folder = folder
        self.scratch = Scratch(running, LocalLocation(folder / "kept"))
        self.kept: list[str] = []

    def wrong(self, rushes: Iterable[Rush]) -> list[str]:
        """The windows whose winners are not those of the loop, the smallest first."""
        rushes = list(dict.fromkeys(rushes))
        rows = [
            {
                "window_number": number,
                "entry_id": f"entry-{place}",
                "size": entry.size,
                "stock": rush.stock,
                "rank": entry.rank,
                "tiebreak": entry.tiebreak,
            }
            for number, rush in enumerate(rushes)
            for place, entry in enumerate(rush.entries)
        ]
        won = defaultdict(list)
        self.kept.clear()
        for row in stock.allocated(self._frame(rows), self._keep).collect():
            won[row["window_number"]].append(int(row["entry_id"][6:]))
        found = []
        for number, rush in enumerate(rushes):
            ours = sorted(rush.entries[place] for place in won[number])
            if ours != sorted(greedy(rush)):
                found.append(f"{rush}\n  won: {ours}\n  should: {sorted(greedy(rush))}")
        return sorted(found, key=len)[:3]

    def _frame(self, rows: list[dict[str, object]]) -> DataFrame:
        number = dict.fromkeys(("window_number", "size", "stock"), pa.int32())
        kinds = number | dict.fromkeys(("entry_id", "tiebreak"), pa.string())
        schema = pa.schema([*kinds.items(), ("rank", pa.int64())])
        path = self.folder / f"{len(list(self.folder.iterdir()))}.parquet"
        pq.write_table(pa.Table.from_pylist(rows, schema), path)
        return self.running.spark.read.parquet(self.running.file_path(LocalLocation(path)))

    def _keep(self, frame: DataFrame, name: str) -> DataFrame:
        self.kept.append(name)
        return self.scratch.keep(frame, name)


@pytest.fixture
def selecting(running: Engine, tmp_path: Path) -> Selecting:
    return Selecting(running, tmp_path)


def narrow(monkeypatch: pytest.MonkeyPatch, few: int, band: int) -> None:
    """Makes the levels of large windows be needed by small ones."""
    monkeypatch.setattr(stock, "_FEW", few)
    monkeypatch.setattr(stock, "_BAND", band)


# Windows made up

PREFIXES = ["", "a", "order-2026-03-10-000", "é", "語語", "🎉", "a\U0010ffff"]
LETTERS = "abZ09~é\u07ff語\uffff🎉"


@st.composite
def rushes(draw: st.DrawFn) -> Rush:
    number = draw(st.integers(1, 24))
    prefix = draw(st.sampled_from(PREFIXES))
    tails = st.lists(st.text(LETTERS, max_size=9), min_size=number, max_size=number, unique=True)
    ids = [prefix + tail or "|" for tail in draw(tails)]
    kinds = [st.just(draw(st.integers(0, LOTTERY_RANKS))), st.integers(0, 2)]
    kinds += [st.integers(1_773_111_600_000_000, 1_773_111_600_000_003)]
    kinds += [st.integers(0, LOTTERY_RANKS - 1)]
    ranks = draw(st.sampled_from(kinds))
    sizes = st.integers(1, draw(st.sampled_from([1, 2, 5, 9])))
    entries = tuple(Entry(draw(ranks), name, draw(sizes)) for name in ids)
    asked = sum(entry.size for entry in entries)
    return Rush(draw(st.integers(0, asked + 1)), entries)


@pytest.fixture(scope="module")
def made_up() -> list[Rush]:
    """Examples, always the same: they are collected, to be selected for in one call."""
    found: list[Rush] = []

    @settings(
        max_examples=1500,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(rushes())
    def collect(rush: Rush) -> None:
        found.append(rush)

    collect()
    return found


@pytest.mark.parametrize(
    ("few", "band"),
    [
        pytest.param(1, 1, marks=both_engines),
        pytest.param(4, 3, marks=pytest.mark.spark_at_length),
    ],
)
def test_selection_is_the_loop_on_every_level(
    made_up: list[Rush],
    selecting: Selecting,
    monkeypatch: pytest.MonkeyPatch,
    few: int,
    band: int,
) -> None:
    narrow(monkeypatch, few, band)
    assert selecting.wrong(made_up) == []
    assert set(DEEPEST) <= set(selecting.kept)


def test_selection_is_the_loop_for_small_windows(made_up: list[Rush], selecting: Selecting) -> None:
    assert selecting.wrong(made_up) == []
    assert selecting.kept == ["selection_in_order"]


def test_one_level_is_enough_where_the_stock_runs_out_among_few(
    made_up: list[Rush], selecting: Selecting, monkeypatch: pytest.MonkeyPatch
) -> None:
    narrow(monkeypatch, 23, 1)
    assert selecting.wrong(made_up) == []
    assert "selection_ends_0" in selecting.kept


@both_engines
def test_selection_is_the_loop_for_large_windows(
    selecting: Selecting, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Windows of thousands, as they come: with one rank, a few, and as many as entries."""
    narrow(monkeypatch, 1024, 128)
    luck = random.Random(7391)

    def large(number: int, stock: int, ranks: int, most: int, prefix: str = "u-") -> Rush:
        return Rush(
            stock,
            tuple(
                Entry(luck.randrange(ranks), f"{prefix}{place}", luck.randint(1, most))
                for place in luck.sample(range(10**9), number)
            ),
        )

    found = selecting.wrong(
        [
            large(3000, 100, LOTTERY_RANKS, 1),
            large(3000, 2000, LOTTERY_RANKS, 5),
            large(3000, 8000, 1, 5, "order-2026-03-10-"),
            large(3000, 1, 1, 2),
            large(3000, 0, LOTTERY_RANKS, 1),
            large(3000, 10**9, LOTTERY_RANKS, 9),
            large(3000, 4000, 3, 9),
            large(5, 3, LOTTERY_RANKS, 2),
        ]
    )
    assert found == []
    assert set(DEEPEST) <= set(selecting.kept)


# Windows that are named


def of_sizes(stock: int, *sizes: int) -> Rush:
    """Entries in the order in which they stand."""
    return Rush(stock, tuple(Entry(n, f"e{n}", size) for n, size in enumerate(sizes)))


def tied(stock: int, *ids: str, size: int = 1) -> Rush:
    return Rush(stock, tuple(Entry(7, name, size) for name in ids))


CASES = {
    "nothing is for sale": (of_sizes(0, 1, 1), []),
    "all fit": (of_sizes(6, 1, 2, 3), [0, 1, 2]),
    "one more than there is": (of_sizes(2, 1, 1, 1), [0, 1]),
    "one that is too large is passed over": (of_sizes(4, 1, 2, 2, 1), [0, 1, 3]),
    "the first does not fit at all": (of_sizes(2, 3, 1, 1), [1, 2]),
    "none fits": (of_sizes(2, 3, 3), []),
    "the last takes what is left": (of_sizes(9, 5, 5, 5, 5, 4), [0, 4]),
    "two that fit, but not both": (of_sizes(5, 3, 4, 2, 2), [0, 2]),
    "smaller and smaller": (of_sizes(10, 6, 5, 4, 3, 2, 1), [0, 2]),
    "a single entry": (of_sizes(1, 1), [0]),
    "bytes, not numbers": (tied(2, "e9", "e10", "e1"), [1, 2]),
    "capitals first": (tied(1, "a", "Z"), [1]),
    "beyond ASCII last": (tied(2, "é", "z", "e"), [1, 2]),
    # by UTF-16, the emoji would come first
    "by UTF-8, not UTF-16": (tied(1, "🎉", "\uffff"), [1]),
    "one id begins another": (tied(2, "ab", "abc", "a"), [0, 2]),
    "ids alike for long": (tied(2, *(f"order-2026-03-10-0000{n}" for n in (3, 1, 2))), [1, 2]),
    "ids that differ after seven bytes": (tied(1, "x12345678", "x12345670"), [1]),
    "the last rank of all": (
        Rush(1, (Entry(LOTTERY_RANKS - 1, "a", 1), Entry(LOTTERY_RANKS - 2, "b", 1))),
        [1],
    ),
    # five ranks so far apart that no level parts the first two, with ids in the other order
    "ranks far apart": (
        Rush(
            1,
            (
                *tuple(
                    Entry(rank, name, 1)
                    for rank, name in ((5, "e"), (10**3, "d"), (4 * 10**5, "c"), (9 * 10**5, "b"))
                ),
                Entry(8 * 10**11, "a", 1),
            ),
        ),
        [0],
    ),
    "sizes of billions": (of_sizes(2**31 - 1, 2**31 - 1, 2**31 - 1, 1), [0]),
    "their sum is beyond an int": (of_sizes(2**31 - 1, 2**31 - 2, 2**31 - 1, 1), [0, 2]),
}


@pytest.fixture(scope="module")
def named_winners(running: Engine, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The named windows whose winners are wrong, on all levels, in one call."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        narrow(monkeypatch, 1, 1)
        folder = tmp_path_factory.mktemp("named")
        return Selecting(running, folder).wrong(rush for rush, _ in CASES.values())


@both_engines
@pytest.mark.parametrize("case", CASES)
def test_named_windows(named_winners: list[str], case: str) -> None:
    rush, places = CASES[case]
    assert sorted(greedy(rush)) == sorted(rush.entries[place] for place in places)
    assert [line for line in named_winners if line.startswith(str(rush))] == []


@both_engines
def test_no_named_window_is_wrong(named_winners: list[str]) -> None:
    assert named_winners == []
