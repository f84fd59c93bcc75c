"""The order log of a platform's decisions, and the payments that follow from them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from solatium.contracts import landing
from solatium.generate.accounts import HOUR
from solatium.generate.advances import KINDS, REFUNDED, Advances
from solatium.generate.applications import Applications
from solatium.generate.chance import Flags, Ints
from solatium.generate.events import Events
from solatium.generate.platform import Decisions
from solatium.generate.windows import MINUTE

STATUSES = landing("orders").column("status").values
_SUBMITTED, _CONFIRMED, _CANCELLED, _VOIDED, _FAILED = (
    STATUSES.index(name) for name in ("submitted", "confirmed", "cancelled", "voided", "failed")
)
_BALANCE, _BALANCE_BACK = KINDS.index("balance_paid"), KINDS.index("balance_refunded")
_SECOND = 1_000_000


@dataclass(frozen=True)
class Fates:
    """An array each, of participations: how its order ends, and when that is logged."""

    answer: Ints
    answered_at: Ints
    cancelled: Flags
    voided: Flags
    ended_at: Ints


def fates(applications: Applications, decisions: Decisions) -> Fates:
    """A few decisions go wrong: a win is voided at once, a loser's order is confirmed; some
    confirmed orders the buyer cancels later, or the platform voids."""
    a, d = applications, decisions
    slip = a.chance.of(f"{a.windows.night} slip", a.number)
    answer = np.where(d.buys, _CONFIRMED, _FAILED)
    answer = np.where(d.buys & (slip < 0.003), _VOIDED, answer)
    answer = np.where(~d.won & (slip < 0.0003), _CONFIRMED, answer)
    later = a.chance.of(f"{a.windows.night} later", a.number)
    confirmed = d.tries & (answer == _CONFIRMED)
    cancelled = confirmed & (later < 0.04)
    voided = confirmed & (later >= 0.04) & (later < 0.05)
    answered_at = d.submitted + _SECOND + a.below("answered", 4 * _SECOND)
    ended_at = answered_at + 10 * MINUTE + a.below("ended", 8 * HOUR)
    return Fates(answer, answered_at, cancelled, voided, ended_at)


def orders(decisions: Decisions, fate: Fates) -> Events:
    """Orders submitted, answered, and ended otherwise later."""
    d = decisions
    tried = np.flatnonzero(d.tries)
    ended = np.flatnonzero(fate.cancelled | fate.voided)
    how = np.where(fate.cancelled, _CANCELLED, _VOIDED)[ended]
    return Events.of(
        Events(tried, 0, d.submitted[tried], _SUBMITTED, d.amount[tried]),
        Events(tried, 1, fate.answered_at[tried], fate.answer[tried], d.amount[tried]),
        Events(ended, 2, fate.ended_at[ended], how, d.amount[ended]),
    )


def payments(a: Applications, advances: Advances, decisions: Decisions, fate: Fates) -> Events:
    """Advance payments; after the rush balances of what was bought, and advances paid back to most
    of those who got nothing."""
    bought = decisions.tries & (fate.answer == _CONFIRMED) & ~fate.cancelled
    pays = np.flatnonzero(bought & a.true("balance", 0.95))
    price = np.maximum(4 * a.of(a.windows.advance), 10_000) * np.maximum(decisions.amount, 1)
    paid_at = fate.answered_at + MINUTE + a.below("balance at", 9 * MINUTE)
    back = pays[fate.voided[pays]]

    keeps = (decisions.won | fate.cancelled | bought) & ~fate.voided
    owed = np.where(keeps, 0, advances.net())
    returned = np.flatnonzero((owed > 0) & a.true("returned", 0.75))
    returned_at = np.maximum(a.of(a.windows.ends), advances.completed_at) + 5 * MINUTE
    returned_at += a.below("returned at", 12 * HOUR)
    return Events.of(
        advances.events(),
        Events(returned, 3, returned_at[returned], REFUNDED, owed[returned]),
        Events(pays, 4, paid_at[pays], _BALANCE, price[pays]),
        Events(back, 5, fate.ended_at[back] + MINUTE, _BALANCE_BACK, price[back]),
    )
