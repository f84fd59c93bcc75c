"""Frames that are used more than once: stored once and then read, where there is a place for it."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from pyspark.sql import DataFrame

# Stores a frame under a name, and returns a frame that reads what was stored.
Keep = Callable[[DataFrame, str], DataFrame]

# Stores the rows of several frames with the same columns, one frame after the other.
KeepParts = Callable[[Iterable[DataFrame], str], DataFrame]


def kept_nowhere(frame: DataFrame, name: str) -> DataFrame:
    """The frame as it is: nothing is stored, and it is computed each time it is used."""
    return frame
