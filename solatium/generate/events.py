"""Events before they are written: which happened when, of which participation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from solatium.generate.chance import Ints

STEPS = 10  # the events of a participation in one log have numbers below


@dataclass(frozen=True)
class Events:
    """Events of one log, an array each (or one value for all, until they are put together).

    `row` is the participation's place in its piece; `step` tells apart its events, and is the last
    digit of their ids; `time` is microseconds since 1970, UTC; `what` is the place of the type,
    kind or status in its contract's list; `amount` is a quantity, or cents.
    """

    row: Ints
    step: Ints | int
    time: Ints
    what: Ints | int
    amount: Ints | int

    @staticmethod
    def of(*parts: Events) -> Events:
        """All these events, with arrays throughout."""
        sizes = [len(part.row) for part in parts]

        def joined(values: list[Ints | int]) -> Ints:
            return np.concatenate(
                [np.broadcast_to(v, (n,)) for v, n in zip(values, sizes, strict=True)]
            ).astype(np.int64)

        return Events(
            joined([part.row for part in parts]),
            joined([part.step for part in parts]),
            joined([part.time for part in parts]),
            joined([part.what for part in parts]),
            joined([part.amount for part in parts]),
        )

    def __len__(self) -> int:
        return len(self.row)

    def take(self, places: Ints) -> Events:
        """Some of these events, in this order."""
        steps, whats, amounts = map(np.asarray, (self.step, self.what, self.amount))
        return Events(
            self.row[places], steps[places], self.time[places], whats[places], amounts[places]
        )
