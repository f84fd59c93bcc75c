"""Chance that comes from a seed alone: the same seed, topic and key give the same anywhere."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from hashlib import sha256

import numpy as np
import numpy.typing as npt
import pandas as pd

Draws = npt.NDArray[np.float64]

PER_KEY = 8  # a digest of 32 bytes holds so many numbers of 4 bytes


def draws(seed: str, topic: str, keys: Iterable[str]) -> Draws:
    """Eight numbers in [0, 1) for every key, a row each, from SHA-256 of `seed|topic|key`."""
    start = sha256(f"{seed}|{topic}|".encode())
    digests = bytearray()
    for key in keys:
        digest = start.copy()
        digest.update(key.encode())
        digests += digest.digest()
    return np.frombuffer(digests, dtype=">u4").reshape(-1, PER_KEY) / 2.0**32


def fates(numbers: Draws, shares: Mapping[str, float]) -> npt.NDArray[np.str_]:
    """For each number the name whose share of [0, 1) it falls in, and "" past all of them."""
    names = np.array([*shares, ""])
    return names[np.searchsorted(np.cumsum(list(shares.values())), numbers, side="right")]


def clusters(groups: pd.Series, chance: Draws, of: int) -> npt.NDArray[np.int64]:
    """The `of` rows of each group that come first by chance, as row numbers, one cluster a line.

    Groups with fewer rows give none, nor do rows whose group is null.
    """
    rows = pd.DataFrame({"group": groups.to_numpy(), "chance": chance}).dropna()
    rows = rows.sort_values(["group", "chance"])
    large = rows.groupby("group")["chance"].transform("size") >= of
    first = rows[large].groupby("group").head(of)
    return first.index.to_numpy().reshape(-1, of)
