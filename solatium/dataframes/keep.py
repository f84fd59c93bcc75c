"""Frames that are used twice: stored once and read from then on, where they can be stored."""

from __future__ import annotations

from collections.abc import Callable

from pyspark.sql import DataFrame

# Stores a frame under a name and gives it back, to be read from then on instead of computed.
Keep = Callable[[DataFrame, str], DataFrame]


def kept_nowhere(frame: DataFrame, name: str) -> DataFrame:
    """Keeps nothing: the frame is computed each time it is used."""
    return frame
