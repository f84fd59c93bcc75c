"""What the platform decides: its own allocation, nearly but not quite by the rules.

It looks at accounts as it knew them first and never asks whether two are one person or one device;
it orders first-come attempts by when they reached it; it stops at the first entry that does not
fit; it sells a window that is too large for one piece in parts, each with its part of the stock;
and it oversells some windows. So its log differs from a replay in some places, as real ones do.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256

import numpy as np
import numpy.typing as npt

from solatium.generate.accounts import DAY, WIDTH
from solatium.generate.applications import Applications, team_name
from solatium.generate.chance import Flags, Floats, Ints
from solatium.generate.text import Letters, letters
from solatium.generate.windows import FIRST_COME, WEIGHTED

LEAST_CREDIT = 400
LEAST_AGE_DAYS = 7
WEIGHT_CAP = 10

_SECOND = 1_000_000
_PER_DIGEST = 4  # tickets in a SHA-256
_MOST_LOSSES = 3  # of an account, scope and night, that count
_LAST = np.iinfo(np.uint64).max

Keys = npt.NDArray[np.uint64]


class Streaks:
    """Losses in a row of each account, by campaign, as the platform counts them; grows by night."""

    def __init__(self, scopes: int) -> None:
        self._streaks = np.zeros((scopes, 0), np.uint8)
        self._lost = self._streaks.copy()
        self._won = np.zeros((scopes, 0), np.bool_)

    def begin(self, accounts: int) -> None:
        """A night with so many accounts."""
        scopes, known = self._streaks.shape
        more = np.zeros((scopes, accounts - known), np.uint8)
        self._streaks = np.hstack([self._streaks, more])
        self._lost = np.zeros_like(self._streaks)
        self._won = np.zeros(self._streaks.shape, np.bool_)

    def of(self, scope: Ints, account: Ints) -> Ints:
        """Before this night."""
        return self._streaks[scope, account].astype(np.int64)

    def note(self, scope: Ints, account: Ints, won: Flags, lost: Flags) -> None:
        self._won[scope[won], account[won]] = True
        lost = lost & (self._lost[scope, account] < _MOST_LOSSES)
        np.add.at(self._lost, (scope[lost], account[lost]), 1)

    def end(self) -> None:
        """Of the night: a win ends a streak, losses add to it."""
        grown = np.minimum(self._streaks, 200) + np.minimum(self._lost, _MOST_LOSSES)
        self._streaks = np.where(self._won, 0, grown).astype(np.uint8)


@dataclass(frozen=True)
class Decisions:
    """An array each, of participations: whether it tries to order, and when; whether its entry is
    allocated; whether its order is the one that the entry gets; and for how many."""

    tries: Flags
    submitted: Ints
    won: Flags
    buys: Flags
    amount: Ints


def decide(applications: Applications, pays: Flags, streaks: Streaks) -> Decisions:
    """The platform's allocation; `pays` is whose advance payment is in order."""
    a, windows = applications, applications.windows
    is_team, policy = a.of(windows.is_team), a.of(windows.policy)
    ready = _is_ready(a) & pays
    _, first_rows, entry = np.unique(a.entry, return_index=True, return_inverse=True)
    rank = _rank(entry, a.joined, ready, is_team)
    is_member = ready & ((rank < a.of(windows.team_max)) | ~is_team)
    members = np.bincount(entry, is_member)
    size = np.bincount(entry, is_member * a.asked()).astype(np.int64)
    least = np.where(is_team, a.of(windows.team_min), 1)[first_rows]
    window = a.window[first_rows]
    enters = (members >= least) & _is_formed(a, ready)[window]

    tries, submitted, received = _attempts(a, is_member & enters[entry], rank)
    in_rush = submitted < a.of(windows.ends)
    competes = tries & in_rush & is_member & (policy == FIRST_COME)
    key = np.full(len(first_rows), _LAST, np.uint64)
    np.minimum.at(key, entry[competes], received[competes].astype(np.uint64))
    is_drawn = enters & (windows.policy[window] != FIRST_COME)
    weight = _weights(a, entry, is_member, streaks)
    key[is_drawn] = _tickets(a, first_rows[is_drawn], weight[is_drawn])

    enters &= key < _LAST
    allocated = _allocate(a, window, size, key, enters)
    won = is_member & allocated[entry]
    is_first = np.where(policy == FIRST_COME, competes & (received == key[entry]), rank == 0)
    buys = won & is_first
    tries |= buys
    streaks.note(
        a.of(windows.campaign) + 1,
        a.facts.account,
        won,
        is_member & enters[entry] & ~allocated[entry],
    )
    submitted = np.where(buys & ~in_rush, a.of(windows.rush) + _SECOND, submitted)
    return Decisions(tries, submitted, won, buys, np.where(buys, size[entry], a.asked()))


def _is_ready(a: Applications) -> Flags:
    limit = np.maximum(a.of(a.windows.limit), 1)
    is_allowed = (a.asked() >= 1) & (a.asked() <= limit)
    is_sound = a.facts.is_sound(LEAST_CREDIT, a.of(a.windows.opens) - LEAST_AGE_DAYS * DAY)
    has_team = (a.team >= 0) | ~a.of(a.windows.is_team)
    return a.is_in_force() & is_allowed & is_sound & has_team


def _rank(entry: Ints, joined: Ints, ready: Flags, is_team: Flags) -> Ints:
    """The place of each participation in its team, by time of joining, those not ready last."""
    rank = np.zeros(len(entry), np.int64)
    rows = np.flatnonzero(is_team)
    order = rows[np.lexsort((joined[rows], ~ready[rows], entry[rows]))]
    places = np.arange(len(order))
    begins = np.diff(entry[order], prepend=-1) != 0
    rank[order] = places - np.maximum.accumulate(np.where(begins, places, 0))
    return rank


def _portions(a: Applications) -> Floats:
    """Of each window of the night the part of its participations that this piece has."""
    return np.bincount(a.window, minlength=len(a.windows.count)) / a.windows.count


def _is_formed(a: Applications, ready: Flags) -> Flags:
    """Of each window whether enough are ready, as far as this piece can tell."""
    count = np.bincount(a.window, ready, minlength=len(a.windows.count))
    formed: Flags = count >= a.windows.min_qualified * _portions(a)
    return formed


def _attempts(a: Applications, enters: Flags, rank: Ints) -> tuple[Flags, Ints, Ints]:
    """Who orders, when, and when that reaches the platform. Where lots are drawn few order before
    they are told; of a team mostly the first one does."""
    windows = a.windows
    is_rush = a.of(windows.policy) == FIRST_COME
    share = np.where(is_rush, np.where(rank == 0, 0.92, 0.3), 0.35)
    tries = a.true("tries", np.where(enters, share, share / 3))
    rush = a.of(windows.rush)
    scale = (a.of(windows.ends) - rush) / 25 * a.slowness
    luck = a.chance.of(f"{windows.night} speed", a.number)
    submitted = rush + 50_000 + (scale * luck / (1.02 - luck)).astype(np.int64)
    return tries, submitted, submitted + a.below("received", 300_000)


def _weights(a: Applications, entry: Ints, is_member: Flags, streaks: Streaks) -> Ints:
    """Tickets of each entry: one, and in a weighted lottery one for each loss in a row, of a team
    for the mean of its members', halves up."""
    rows = np.flatnonzero((a.of(a.windows.policy) == WEIGHTED) & is_member)
    points = streaks.of(a.of(a.windows.campaign)[rows] + 1, a.facts.account[rows])
    entries = int(entry.max()) + 1
    total = np.bincount(entry[rows], points, entries).astype(np.int64)
    count = np.maximum(np.bincount(entry[rows], minlength=entries), 1)
    return 1 + np.minimum((2 * total + count) // (2 * count), WEIGHT_CAP)


def _tickets(a: Applications, rows: Ints, weights: Ints) -> Keys:
    """The smallest ticket of the entries of these participations (docs/rules.md section 5)."""
    windows = a.windows
    of_team = windows.is_team[a.window[rows]]
    found = np.empty(len(rows), np.uint64)
    for mine, prefix, numbers in (
        (~of_team, "A", a.facts.account),
        (of_team, team_name(windows.night), a.entry),
    ):
        places = np.flatnonzero(mine)
        texts = letters(prefix, numbers[rows[places]], WIDTH)
        found[places] = _smallest(a, a.window[rows[places]], texts, weights[places])
    return found


def _smallest(a: Applications, window: Ints, texts: Letters, weights: Ints) -> Keys:
    """Of each text the smallest of its tickets; windows follow each other in order."""
    found = np.full(len(window), _LAST, np.uint64)
    most = int(weights.max()) if len(weights) else 0
    for block in range(-(-most // _PER_DIGEST)):
        rows = np.flatnonzero(weights > block * _PER_DIGEST)
        drawn = np.frombuffer(_digests(a, window[rows], texts[rows], block), ">u8")
        tickets = drawn.reshape(-1, _PER_DIGEST).astype(np.uint64)
        counts = weights[rows, None] - block * _PER_DIGEST
        tickets[np.arange(_PER_DIGEST) >= counts] = _LAST
        found[rows] = np.minimum(found[rows], tickets.min(axis=1))
    return found


def _digests(a: Applications, window: Ints, texts: Letters, block: int) -> bytearray:
    digests = bytearray()
    suffix = f"|{block}".encode()
    lines = np.ascontiguousarray(texts).view(f"S{texts.shape[1]}").ravel()
    ends = np.flatnonzero(np.diff(window, append=-1)) + 1
    for begin, end in zip(np.concatenate([[0], ends[:-1]]), ends, strict=True):
        w = int(window[begin])
        names = a.windows.seed[w], a.windows.commodity[w], a.windows.name[w]
        start = sha256(("|".join(names) + "|").encode())
        for line in lines[begin:end].tolist():
            digest = start.copy()
            digest.update(line + suffix)
            digests += digest.digest()
    return digests


def _allocate(a: Applications, window: Ints, size: Ints, key: Keys, enters: Flags) -> Flags:
    """Of each entry whether stock lasts until it, in the order of keys."""
    stock = a.windows.in_force()
    stock = np.where(a.windows.fated("oversold"), stock + 1 + stock // 20, stock)
    stock = np.floor(stock * _portions(a) + 0.5).astype(np.int64)
    entries = np.flatnonzero(enters)
    order = entries[np.lexsort((key[entries], window[entries]))]
    taken = np.cumsum(size[order])
    begins = np.diff(window[order], prepend=-1) != 0
    before = np.maximum.accumulate(np.where(begins, taken - size[order], 0))
    allocated = np.zeros(len(window), np.bool_)
    allocated[order] = taken - before <= stock[window[order]]
    return allocated
