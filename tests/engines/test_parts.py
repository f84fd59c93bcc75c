"""In how many parts rows are grouped."""

from __future__ import annotations

import pytest

from solatium.engine import Engine


@pytest.mark.parametrize(
    ("rows", "parts"), [(0, 1), (6_999_999, 1), (7_000_000, 2), (16 * 7_000_000, 4)]
)
def test_sixteen_times_the_rows_come_in_twice_the_parts(
    running: Engine, rows: int, parts: int
) -> None:
    assert Engine("embedded", running.spark).parts(rows) == parts
    assert Engine("spark", running.spark).parts(rows) == 1


def test_bounded_memory_needs_more_parts(running: Engine) -> None:
    bounded = Engine("embedded", running.spark, memory_mb=1_000)
    assert bounded.parts(14_000_000) == 3
