"""What each participation pays in advance, and in time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from solatium.contracts import landing
from solatium.generate.applications import Applications
from solatium.generate.chance import Flags, Ints
from solatium.generate.events import Events
from solatium.generate.windows import MINUTE

KINDS = landing("payment").column("kind").values
PAID, REFUNDED = KINDS.index("advance_paid"), KINDS.index("advance_refunded")


@dataclass(frozen=True)
class Advances:
    """An array each, of participations: the first and the second payment and what is refunded
    before the rush, in cents, and their times; 0 cents is no payment.

    `is_foreign` says that the payments are in another currency, and so do not count.
    """

    first: Ints
    paid_at: Ints
    second: Ints
    completed_at: Ints
    refunded: Ints
    refunded_at: Ints
    is_in_order: Flags
    is_foreign: Flags

    def net(self) -> Ints:
        """Cents that the platform holds when the rush opens."""
        return self.first + self.second - self.refunded

    def events(self) -> Events:
        first, second = np.flatnonzero(self.first), np.flatnonzero(self.second)
        back = np.flatnonzero(self.refunded)
        return Events.of(
            Events(first, 0, self.paid_at[first], PAID, self.first[first]),
            Events(second, 1, self.completed_at[second], PAID, self.second[second]),
            Events(back, 2, self.refunded_at[back], REFUNDED, self.refunded[back]),
        )


def advances(applications: Applications) -> Advances:
    """Most pay in full, some in two parts; the careless pay half, nothing, or take it back, and so
    do most of those who withdraw. Who joins in the last minutes may pay too late."""
    a = applications
    due = a.of(a.windows.advance) * np.maximum(a.asked(), 0)
    rush = a.of(a.windows.rush)
    is_careless = a.true("careless", a.carelessness)
    how = a.below("careless how", 4)
    is_half = is_careless & (how == 0)
    in_parts = ~is_careless & a.true("in parts", 0.05)

    first = np.where(is_careless & (how >= 2), 0, np.where(is_half | in_parts, due // 2, due))
    second = np.where(in_parts, due - first, 0)
    paid_at = a.joined + MINUTE + a.below("paid", 20 * MINUTE)
    completed_at = paid_at + 5 * MINUTE + a.below("completed", 20 * MINUTE)

    takes_back = np.where(a.is_in_force(), is_careless & (how == 1), a.true("takes back", 0.6))
    last = np.where(second > 0, completed_at, paid_at)
    refunded = np.where(takes_back, first + second, 0)
    refunded_at = last + 1 + a.below("refunded", np.maximum(rush - last, MINUTE))

    is_foreign = a.true("foreign", 0.001)
    in_time = (last < rush) | (due == 0)
    is_full = (first + second - refunded >= due) & (~is_foreign | (due == 0))
    return Advances(
        first, paid_at, second, completed_at, refunded, refunded_at, is_full & in_time, is_foreign
    )
