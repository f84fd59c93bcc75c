"""Who takes part in what: the participations of a night, in pieces, and their log."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from solatium.contracts import landing
from solatium.generate.accounts import FARM, KINDS, WIDTH, Accounts, Facts
from solatium.generate.chance import Chance, Flags, Floats, Ints
from solatium.generate.events import Events
from solatium.generate.text import names, picked, whole
from solatium.generate.windows import MINUTE, Windows

_TYPES = landing("participation").column("event_type").values
_JOIN, _WITHDRAW = (_TYPES.index(name) for name in ("join", "withdraw"))
_Value = TypeVar("_Value", bound=np.generic)

_WHOLE_TEAMS = 60  # a window is cut where teams of up to 5 are whole


@dataclass(frozen=True)
class Piece:
    """Some windows of a night, or a part of one: which, from which participation, how many."""

    window: Ints
    first: Ints
    count: Ints


def pieces(windows: Windows, most: int) -> Iterator[Piece]:
    """A night in pieces of at most about `most` participations, small windows whole."""
    step = max(most // _WHOLE_TEAMS, 1) * _WHOLE_TEAMS
    held: list[tuple[int, int, int]] = []
    size = 0
    for window, count in enumerate(windows.count.tolist()):
        for first in range(0, count, step):
            part = min(step, count - first)
            if held and size + part > step:
                yield Piece(*np.array(held).T)
                held, size = [], 0
            held.append((window, first, part))
            size += part
    yield Piece(*np.array(held).T)


@dataclass(frozen=True)
class Applications:
    """Participations, an array each: an account in a window.

    `number` counts a night's participations; `entry` is the number of the entry that competes: the
    participation's own, or that of the first that could be in the team. `team` is -1 without one;
    `quantity` -1 is null. Times are microseconds since 1970, UTC. `left` and `returned` are the
    times of a withdrawal and of another join after it, -1 for none.
    """

    chance: Chance
    windows: Windows
    facts: Facts
    window: Ints
    number: Ints
    entry: Ints
    team: Ints
    quantity: Ints
    device: Ints
    slowness: Floats
    carelessness: Floats
    joined: Ints
    left: Ints
    returned: Ints

    def __len__(self) -> int:
        return len(self.number)

    def of(self, values: npt.NDArray[_Value]) -> npt.NDArray[_Value]:
        """Of each participation the value of its window."""
        taken: npt.NDArray[_Value] = values[self.window]
        return taken

    def true(self, topic: str, share: float | Floats) -> Flags:
        return self.chance.true(f"{self.windows.night} {topic}", self.number, share)

    def below(self, topic: str, most: Ints | int) -> Ints:
        return self.chance.below(f"{self.windows.night} {topic}", self.number, most)

    def asked(self) -> Ints:
        """The quantity, null as the one that it means."""
        return np.where(self.quantity == -1, 1, self.quantity)

    def is_in_force(self) -> Flags:
        """Whether the last word within the application period was to join."""
        stayed = (self.left < 0) | (self.returned >= 0)
        return stayed & (self.joined < self.of(self.windows.closes))


def applications(windows: Windows, piece: Piece, accounts: Accounts) -> Applications:
    """The participations of a piece; the accounts in a window are all different."""
    chance, night = accounts.chance, windows.night
    of = np.repeat(np.arange(len(piece.window)), piece.count)
    window = piece.window[of]
    position = np.arange(len(of)) - (np.cumsum(piece.count) - piece.count - piece.first)[of]
    number = windows.start[window] + position
    account = _accounts(windows, piece, accounts, of, position)

    def below(topic: str, most: Ints | int) -> Ints:
        return chance.below(f"{night} {topic}", number, most)

    def true(topic: str, share: float) -> Flags:
        return chance.true(f"{night} {topic}", number, share)

    opens, closes = windows.opens[window], windows.closes[window]
    eager = chance.of(f"{night} joined", number)
    joined = opens + (eager * eager * (closes - opens)).astype(np.int64)
    is_outside = true("outside", 0.01)
    joined = np.where(is_outside, closes + below("outside by", 10 * MINUTE), joined)
    leaves = true("leaves", 0.05) & ~is_outside
    left = joined + 1 + below("left", np.maximum(closes - joined - 2, 1))
    comes_back = leaves & true("comes back", 0.3)
    returned = left + 1 + below("returned", np.maximum(closes - left - 1, 1))

    entry, team = _teams(windows, window, position, true("other team", 0.15))
    alone = true("no team", 0.01)
    limit = np.maximum(windows.limit[window], 1)
    quantity = np.where(limit == 1, -1, 1 + below("quantity", limit))
    wrong = true("wrong quantity", 0.005)
    return Applications(
        chance=chance,
        windows=windows,
        facts=accounts.facts(account),
        window=window,
        number=number,
        entry=entry,
        team=np.where(alone, -1, team),
        quantity=np.where(wrong, (limit + 1) * below("too many", 2), quantity),
        device=np.where(true("no device", 0.05), -1, accounts.device(account)),
        slowness=accounts.slowness(account),
        carelessness=accounts.carelessness(account),
        joined=joined,
        left=np.where(leaves, left, -1),
        returned=np.where(comes_back, returned, -1),
    )


def _accounts(windows: Windows, piece: Piece, accounts: Accounts, of: Ints, position: Ints) -> Ints:
    """The account of each place of a window: drawn without return, by kind, from a shuffle."""
    night = windows.night
    among = accounts.kinds(night)
    counts = windows.count[piece.window]
    taken = _by_kind(counts, among)
    ends = np.cumsum(taken, axis=1)
    name = night * 1_000_000 + piece.window  # of a window, among those of all nights
    mixed = accounts.chance.shuffles("places", name, counts).at(of, position)
    kind = np.zeros(len(of), np.int64)
    for end in ends[:, :-1].T:
        kind += mixed >= end[of]
    place = mixed - (ends - taken)[of, kind]
    account = np.zeros(len(of), np.int64)
    for number, (topic, _, _) in enumerate(KINDS):
        rows = np.flatnonzero(kind == number)
        size = FARM if topic == "farm" else 1
        blocks = np.maximum(np.full(len(name), among[number] // size), 1)
        shuffle = accounts.chance.shuffles(topic, name, blocks)
        block = shuffle.at(of[rows], place[rows] // size)
        account[rows] = among[:number].sum() + block * size + place[rows] % size
    return account


def _by_kind(counts: Ints, among: Ints) -> Ints:
    """How many of each kind take part in each window: by how often they do, as far as they go."""
    rates = np.array([rate for _, _, rate in KINDS])
    taken = np.zeros((len(counts), len(among)), np.int64)
    left = counts.copy()
    weights = among * rates
    order = np.argsort(-rates, kind="stable")
    for place, kind in enumerate(order):
        rest = weights[order[place:]].sum()
        taken[:, kind] = np.minimum(left * weights[kind] // max(rest, 1), among[kind])
        left = left - taken[:, kind]
    for kind in reversed(order):  # what rounding left over
        more = np.minimum(left, among[kind] - taken[:, kind])
        taken[:, kind] += more
        left = left - more
    return taken


def _teams(windows: Windows, window: Ints, position: Ints, moves: Flags) -> tuple[Ints, Ints]:
    """Entry and team of each place: full teams, of which some go over to the next one."""
    size = np.maximum(windows.team_max[window], 1)
    group = position // size
    last = (windows.count[window] - 1) // size
    start = windows.start[window]
    chosen = start + np.where(moves, np.minimum(group + 1, last), group)
    is_team = windows.is_team[window]
    return np.where(is_team, chosen, start + position), np.where(is_team, chosen, -1)


def participation(applications: Applications) -> Events:
    """Joins, withdrawals, and joins after those."""
    a = applications
    rows = np.arange(len(a))
    leaving, coming = np.flatnonzero(a.left >= 0), np.flatnonzero(a.returned >= 0)
    return Events.of(
        Events(rows, 0, a.joined, _JOIN, a.quantity),
        Events(leaving, 1, a.left[leaving], _WITHDRAW, -1),
        Events(coming, 2, a.returned[coming], _JOIN, a.quantity[coming]),
    )


def team_name(night: int) -> str:
    return f"T{night:03d}"


def participation_columns(applications: Applications, events: Events) -> dict[str, pa.Array]:
    """What the log has beyond the columns that all logs have."""
    a, row = applications, events.row
    is_join = events.what == _JOIN
    team, device = a.team[row], a.device[row]
    return {
        "event_type": picked(_TYPES, np.asarray(events.what)),
        "team_id": names(
            team_name(a.windows.night), np.maximum(team, 0), WIDTH, is_join & (team >= 0)
        ),
        "quantity": whole(np.asarray(events.amount)),
        "device_id": names("D", np.maximum(device, 0), WIDTH, is_join & (device >= 0)),
    }
