"""The accounts of a platform: what each one is and does, and the versions that are logged of it.

An account is a number. Everything about it comes from that number, so no table of accounts is held.
In order of their numbers there are farms (four accounts that always act together), regulars,
frequent and occasional ones, and after those of the first night each night's newcomers.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from solatium.generate.chance import Chance, Flags, Floats, Ints
from solatium.generate.text import names, picked, times, whole

DAY = 86_400_000_000  # microseconds
HOUR = DAY // 24
FARM = 4  # accounts of a farm
WIDTH = 9  # digits of an account's number

# Of each kind but the last the share of the accounts, and how often one takes part, relatively.
KINDS: tuple[tuple[str, float, int], ...] = (
    ("farm", 0.02, 6),
    ("regular", 0.08, 10),
    ("frequent", 0.20, 3),
    ("occasional", 0.70, 1),
    ("newcomer", 0.0, 2),
)
NEWCOMERS = 0.003  # of the accounts, a night

_STATUSES = ("active", "suspended", "closed")


@dataclass(frozen=True)
class Facts:
    """What is true of some accounts, an array each; `credit` and `person` -1 is null."""

    account: Ints
    status: Ints
    blacklisted: Ints
    credit: Ints
    person: Ints
    registered: Ints

    def is_sound(self, least_credit: int, registered_by: Ints) -> Flags:
        """Whether a platform that looks at status, blacklist, score and age lets them apply."""
        good = (self.status == 0) & (self.blacklisted != 1) & (self.credit >= least_credit)
        return good & (self.registered <= registered_by)


@dataclass(frozen=True)
class Accounts:
    """All accounts of a platform whose first night begins at `midnight` (microseconds, UTC)."""

    chance: Chance
    count: int
    midnight: int

    @property
    def newcomers(self) -> int:
        """How many register each night."""
        return int(self.count * NEWCOMERS)

    def known(self, night: int) -> int:
        """How many there are on a night; their numbers are below."""
        return self.count + (night + 1) * self.newcomers

    def kinds(self, night: int) -> Ints:
        """How many there are of each kind, which is where the next kind's numbers begin."""
        farm = int(self.count * KINDS[0][1]) // FARM * FARM
        others = [int(self.count * share) for _, share, _ in KINDS[1:3]]
        rest = self.count - farm - sum(others)
        return np.array([farm, *others, rest, self.known(night) - self.count], np.int64)

    def facts(self, account: Ints) -> Facts:
        """As they were when the account was first logged."""
        of = self.chance.of
        state = of("status", account)
        mark = of("blacklist", account)
        scores = [of(f"credit {n}", account) for n in range(3)]
        credit = (350 + 600 * (scores[0] + scores[1] + scores[2]) / 3).astype(np.int64)
        age = (of("age", account) * 1500 * DAY).astype(np.int64)
        night = (account - self.count) // max(self.newcomers, 1)
        moment = self.midnight + night * DAY + (of("age", account) * 20 * HOUR).astype(np.int64)
        return Facts(
            account,
            status=np.where(state < 0.010, 1, np.where(state < 0.015, 2, 0)),
            blacklisted=np.where(mark < 0.005, 1, np.where(mark < 0.015, -1, 0)),
            credit=np.where(of("no credit", account) < 0.02, -1, credit),
            person=self._person(account),
            registered=np.where(account < self.count, self.midnight - age, moment),
        )

    def _person(self, account: Ints) -> Ints:
        """A farm's four accounts are two persons, and some people have a second account."""
        second = self.chance.of("second account", account // 2) < 0.01
        shared = self.is_farm(account) | second
        person = np.where(shared, account // 2 * 2, account)
        return np.where(self.chance.of("no person", account // 2) < 0.03, -1, person)

    def is_farm(self, account: Ints) -> Flags:
        return account < int(self.kinds(0)[0])

    def device(self, account: Ints) -> Ints:
        """Half of the farms have one device for all four, and some households one for two."""
        of_farm = self.chance.true("one device", account // FARM, 0.5)
        of_two = self.chance.true("household", account // 2, 0.05)
        alone = np.where(of_two, account // 2 * 2, account)
        return np.where(self.is_farm(account) & of_farm, account // FARM * FARM, alone)

    def carelessness(self, account: Ints) -> Floats:
        """The share of an account's advance payments that go wrong; one in ten is a bad payer."""
        return np.where(self.chance.true("bad payer", account, 0.1), 0.4, 0.03)

    def slowness(self, account: Ints) -> Floats:
        """How long an account takes to order, relatively; farms use machines."""
        habit = self.chance.of("slowness", account)
        return np.where(self.is_farm(account), 0.02, 0.1 + 2 * habit * habit)


def logged(accounts: Accounts, night: int, most: int) -> Iterator[tuple[int, Facts]]:
    """What is logged of accounts on a night, in pieces of at most `most` rows.

    Each comes with the days that it arrives after the night; `Facts.updated_at` is `updated`.
    The first night logs every account; later ones newcomers, and some that have changed. A few
    accounts were never logged.
    """
    chance = accounts.chance
    if night == 0:
        for start in range(0, accounts.count, most):
            some = np.arange(start, min(start + most, accounts.count))
            some = some[~chance.true("never logged", some, 0.002)]
            yield 0, accounts.facts(some)
    else:
        yield 0, _changed(accounts, night)
    new = np.arange(accounts.known(night - 1), accounts.known(night))
    is_slow = chance.true("logged a day later", new, 0.1)
    yield 0, accounts.facts(new[~is_slow])
    yield 1, accounts.facts(new[is_slow])


def _changed(accounts: Accounts, night: int) -> Facts:
    """Other scores, some suspensions, and the end of the suspension of those who had one."""
    chance = accounts.chance
    turn = np.arange(1 + accounts.count // 1000)
    some = np.unique(chance.below(f"{night} changed", turn, accounts.count))
    facts = accounts.facts(some)
    suspended = chance.true(f"{night} suspended", some, 0.3)
    credit = 350 + chance.below(f"{night} new credit", some, 600)
    return Facts(
        some,
        status=np.where(suspended & (facts.status == 0), 1, 0),
        blacklisted=facts.blacklisted,
        credit=np.where(suspended, facts.credit, credit),
        person=facts.person,
        registered=facts.registered,
    )


def versions(accounts: Accounts, facts: Facts, midnight: int) -> pa.Table:
    """Rows of the landing table, all of one night; a newcomer's is made when it registers."""
    is_first = facts.account < accounts.count
    updated = np.where(is_first, midnight + HOUR // 12, facts.registered)
    return pa.table(
        {
            "account_id": names("A", facts.account, WIDTH),
            "registered_at": times(facts.registered),
            "status": picked(_STATUSES, facts.status),
            "credit_score": whole(facts.credit),
            "blacklisted": pa.array(facts.blacklisted == 1, mask=facts.blacklisted < 0),
            "person_id": names("P", np.maximum(facts.person, 0), WIDTH, facts.person >= 0),
            "updated_at": times(updated),
        }
    )
