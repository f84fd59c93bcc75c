"""Chance that comes from a seed, a topic and a number: no state, no order, any number of rows.

A number is drawn for a thing (an account, a participation), so it is the same however the things
are cut into pieces. Nothing here but additions, products and shifts, which no machine rounds
differently.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

_STEP = np.uint64(0x9E3779B97F4A7C15)  # the constants of SplitMix64
_FIRST = np.uint64(0xBF58476D1CE4E5B9)
_SECOND = np.uint64(0x94D049BB133111EB)


@dataclass(frozen=True)
class Chance:
    """The chance of one seed."""

    seed: str

    def of(self, topic: str, numbers: Ints) -> Floats:
        """For each number one in [0, 1), independent of those of other topics."""
        key = int.from_bytes(sha256(f"{self.seed}|{topic}".encode()).digest()[:8], "little")
        mixed = numbers.astype(np.uint64) * _STEP + np.uint64(key)
        mixed ^= mixed >> np.uint64(30)
        mixed *= _FIRST
        mixed ^= mixed >> np.uint64(27)
        mixed *= _SECOND
        mixed ^= mixed >> np.uint64(31)
        return (mixed >> np.uint64(11)).astype(np.float64) * 2.0**-53

    def below(self, topic: str, numbers: Ints, most: Ints | int) -> Ints:
        """For each number a whole one from 0 to below `most`."""
        return (self.of(topic, numbers) * most).astype(np.int64)

    def true(self, topic: str, numbers: Ints, share: float | Floats) -> Flags:
        """For each number whether it is in this share."""
        return self.of(topic, numbers) < share

    def shuffles(self, topic: str, numbers: Ints, sizes: Ints) -> Shuffles:
        """For each number a shuffle of the whole numbers below its size."""
        return Shuffles(
            _coprime(1 + self.below(f"{topic} factor", numbers, sizes), sizes),
            self.below(f"{topic} shift", numbers, sizes),
            sizes,
        )


@dataclass(frozen=True)
class Shuffles:
    """Orders of whole numbers: place p of order i is (p * factor + shift) mod size, so that any
    range of places is drawn without return, and without a look at the other places."""

    factors: Ints
    shifts: Ints
    sizes: Ints

    def at(self, of: Ints, places: Ints) -> Ints:
        """What stands at each place, below its size, of these shuffles."""
        moved: Ints = (places * self.factors[of] + self.shifts[of]) % self.sizes[of]
        return moved


def _coprime(factors: Ints, sizes: Ints) -> Ints:
    """The next numbers from these on that share no factor with the sizes."""
    factors = factors.copy()
    while (wrong := np.gcd(factors, sizes) > 1).any():
        factors[wrong] += 1
    return factors


def apportion(total: int, weights: Floats) -> Ints:
    """Whole numbers that sum to `total`, at least 1 each, nearly in proportion to the weights."""
    spare = total - len(weights)
    ends = np.floor(np.cumsum(weights) / weights.sum() * spare + 0.5).astype(np.int64)
    ends[-1] = spare
    return 1 + np.diff(ends, prepend=0)
