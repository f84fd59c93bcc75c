"""Logs of teams, weighted lotteries, scopes, caps and budgets: each is a case by itself."""

from __future__ import annotations

from datetime import date
from typing import Any

from rows import SEED, account, at, commitment, days, entrant, joined, landing, ordered, window

FIRST, SECOND, THIRD = (days(number) for number in range(3))

CONFIG: dict[str, Any] = {
    "grace_days": 0,
    "draw": {"weight_cap": 3},
    "history": {"scope": "category", "streak_expiry_days": 1, "max_failures_per_day": None},
    "bonus": {
        "tiers": [{"min_failures": 1, "amount": "2.00"}, {"min_failures": 3, "amount": "2.50"}],
        "max_per_account_per_day": "4.00",
    },
    "campaigns": {
        "spring": {
            "draw": {"weight_cap": 1},
            "bonus": {"daily_budget": "1.00", "max_per_account_per_day": None},
        }
    },
    "changes": [
        {"from": THIRD.isoformat(), "bonus": {"max_per_account_per_day": "5.00"}},
        {
            "from": THIRD.isoformat(),
            "screening": {"min_credit_score": 701},
            "campaigns": {"spring": {"screening": {"min_credit_score": None}}},
        },
    ],
    "gates": {"max_quarantine_share": "1"},
}


def team(team_id: str, *names: str, at: str, clocks: tuple[str, ...] = (), **join: Any) -> list:
    """Accounts that join one team of window `at`, each a minute after the one before it."""
    clocks = clocks or tuple(f"01:{minute:02}" for minute in range(len(names)))
    return [
        entrant(name, commodity=at, team=team_id, clock=clock, **join)
        for name, clock in zip(names, clocks, strict=True)
    ]


def teams() -> list:
    of_two = {"unit": "team", "team_min": 2, "team_max": 3}
    return [
        window("teams", stock=5, **of_two),
        team("pair", "pair-1", "pair-2", at="teams"),
        team("alone", "alone-1", at="teams"),
        team("four", "four-4", "four-3", "four-2", "four-1", at="teams"),
        # two join at one time: the smaller id is the third member
        team(
            "tied",
            "tied-1",
            "tied-2",
            "tied-z",
            "tied-a",
            at="teams",
            clocks=("01:00", "01:01", "01:02", "01:02"),
        ),
        # one of two is not ready
        team("half", "half-1", at="teams"),
        joined("half-2", "teams", team="half"),
        window("not-formed", min_qualified=3, **of_two),
        team("few", "few-1", "few-2", at="not-formed"),
        # sizes are sums of quantities; the third team fits what the second leaves
        window("sizes", stock=7, policy="first_come", **of_two),
        team("big", "big-1", "big-2", at="sizes", quantity=2),
        team("too-big", "too-big-1", "too-big-2", at="sizes", quantity=4),
        team("also-big", "also-big-1", "also-big-2", at="sizes", quantity=2),
        team("small", "small-1", "small-2", at="sizes"),
        team("idle", "idle-1", "idle-2", at="sizes"),
        # the first order of any member counts, whatever quantity it says
        ordered("big-2", "sizes", clock="03:00", quantity=1),
        ordered("big-1", "sizes", clock="03:30"),
        ordered("too-big-1", "sizes", clock="03:01"),
        ordered("also-big-1", "sizes", clock="03:02"),
        ordered("small-2", "sizes", clock="03:03"),
        # all orders are each member's
        window("orders", stock=100, **of_two),
        team("cancels", "cancels-1", "cancels-2", at="orders"),
        [
            ordered("cancels-1", "orders", status=status, clock=clock)
            for status, clock in [("confirmed", "03:01"), ("cancelled", "03:02")]
        ],
        team("saved", "saved-1", "saved-2", at="orders"),
        ordered("saved-1", "orders", status="voided"),
        ordered("saved-2", "orders", status="confirmed"),
        team("left-out", "lo-1", "lo-2", "lo-3", "lo-4", at="orders"),
        ordered("lo-4", "orders", status="confirmed"),
    ]


def race(commodity: str, day: date, *names: str, category: str = "shoes", **changes: Any) -> list:
    """A window for one unit that nobody of `names` gets, as somebody else is first."""
    return [
        window(commodity, day=day, policy="first_come", category=category, **changes),
        [
            [entrant(name, commodity=commodity, day=day), ordered(name, commodity, day=day)]
            for name in names
        ],
        entrant("first", commodity=commodity, day=day),
        ordered("first", commodity, day=day, clock="03:00"),
    ]


def commitments() -> list:
    """Versions that commit to other seeds: the first commitment binds, later ones are too late."""
    first, second = (
        {"seed_commitment": commitment(seed), "updated_at": at(clock, days(-1))}
        for seed, clock in ((SEED, "01:00"), ("another", "02:00"))
    )
    return [
        [window("bound", **version) for version in (first, second)],
        [window("turned", draw_seed="another", **version) for version in (first, second)],
        [entrant("bound", commodity=commodity) for commodity in ("bound", "turned")],
    ]


def streaks() -> list:
    """On the first date `thrice` fails three times in shoes, others once or in tickets."""
    weighted = {"policy": "weighted_lottery", "stock": 2}
    people = ["thrice", "once", "other-scope", "new"]
    return [
        race("r1", FIRST, "thrice", "once"),
        race("r2", FIRST, "thrice"),
        race("r3", FIRST, "thrice", "rests"),
        race("t1", FIRST, "other-scope", category="tickets"),
        # the same date says nothing of itself
        window("same-date", day=FIRST, category="shoes", **weighted | {"stock": 0}),
        [entrant(name, commodity="same-date") for name in people],
        window("weighted", day=SECOND, category="shoes", **weighted),
        [entrant(name, commodity="weighted", day=SECOND) for name in people],
        window("capped", day=SECOND, category="shoes", campaign_id="spring", **weighted),
        [entrant(name, commodity="capped", day=SECOND) for name in people],
        window(
            "weighted-teams", day=SECOND, category="shoes", unit="team", team_min=2, team_max=2,
            **weighted,
        ),
        [entrant(n, commodity="weighted-teams", team="odd", day=SECOND) for n in ("thrice", "new")],
        [entrant(n, commodity="weighted-teams", team="two", day=SECOND) for n in ("n1", "n2")],
        # two days later the streak has run out
        window("expired", day=THIRD, category="shoes", stock=0, policy="weighted_lottery"),
        entrant("rests", commodity="expired", day=THIRD),
    ]  # fmt: skip


def bonuses() -> list:
    """On the third date: caps across windows, a campaign's budget, scores that are too low."""
    campaign = {"day": THIRD, "campaign_id": "spring", "category": "b"}
    return [
        [race(f"cap-{n}", THIRD, "cap-me", category=f"c{n}") for n in range(3)],
        race("cap-3", THIRD, "cap-me", category="c3", rush_close=at("03:30", THIRD)),
        window("budget", **campaign),
        [entrant(f"b{n}", commodity="budget", day=THIRD) for n in range(8)],
        entrant("low", commodity="cap-0", day=THIRD)[1:],
    ]


def scored(rows: list) -> list:
    """The rows, with accounts of a credit score of 701."""
    return [
        scored(row)
        if isinstance(row, list)
        else row | ({"credit_score": 701} if "registered_at" in row else {})
        for row in rows
    ]


LANDING = landing(
    scored([*teams(), *commitments(), *streaks(), *bonuses()]),
    account("low", day=THIRD),
)
