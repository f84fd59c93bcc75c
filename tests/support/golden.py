"""The landing zone of the golden nights: each window or account is one case, named for it.

Four arrival dates, with one day of grace. So `FIRST` closes with the run of `SECOND`, and what
arrives on `THIRD` is late for it. What is not said follows the base rows: applications from 00:00
to 02:00 UTC, an advance of 10.00 per unit, the rush from 03:00 to 04:00.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

from harness import Nights
from rows import (
    Row,
    account,
    at,
    commitment,
    days,
    entrant,
    joined,
    landing,
    ordered,
    paid,
    refunded,
    window,
    withdrew,
)

from solatium import contracts
from solatium.engine import Engine

FIRST, SECOND, THIRD, FOURTH = (days(number) for number in range(4))

CONFIG: dict[str, Any] = {
    "grace_days": 1,
    "screening": {
        "min_account_age_days": 30,
        "min_credit_score": 600,
        "max_accounts_per_device": 2,
    },
    "history": {"min_advance": "1.00", "attempt_within_seconds": 1800, "streak_expiry_days": 1},
    "bonus": {
        "tiers": [
            {"min_failures": 1, "amount": "2.00"},
            {"min_failures": 2, "advance_share": "0.05"},
            {"min_failures": 3, "amount": "60.00"},
            {"min_failures": 4, "amount": "0.00"},
        ],
        "max_single_award": "5.00",
        "pay_from": SECOND.isoformat(),
    },
    "gates": {"max_quarantine_share": "1"},
}

# Each rule of history and bonus turned round.
OTHER: dict[str, Any] = {
    "timezone": "UTC",
    "grace_days": 1,
    "outcome_source": "platform",
    "history": {"forfeit_resets_streak": False, "max_failures_per_day": None},
    "bonus": {
        "trigger": "at_threshold",
        "tiers": [
            {"min_failures": 4, "advance_share": "0.333333"},
            {"min_failures": 2, "amount": "3.00"},
        ],
        "clawback": True,
    },
    "gates": CONFIG["gates"],
}

# The window of the rules' own example; what its entries asked for.
EXAMPLE = {"u-101": 1, "u-102": 2, "u-103": 2, "u-104": 1}


def screening() -> list:
    """Who is fit to take part: one account for each code and each of its edges."""

    def applies(name: str, *clocks: str, **join: Any) -> list[Row]:
        return [joined(name, "screening", clock=clock, **join) for clock in clocks or ("01:00",)]

    def withdraws(name: str, clock: str) -> Row:
        return withdrew(name, "screening", clock=clock)

    def of_person(name: str, person: str, clock: str, **facts: Any) -> list:
        return [account(name, person_id=person, **facts), applies(name, clock)]

    def at_one_time(name: str, ids: dict[str, str]) -> list:
        both = {"event_time": at("01:00"), "event_id": ids["join"]}
        return [
            account(name),
            joined(name, "screening", **both),
            withdrew(name, "screening", **both | {"event_id": ids["withdraw"]}),
        ]

    limit = at("00:00", days(-30))  # of 30 days before application_open
    day_before = {"event_time": at("23:59:59.999999", days(-1))}
    return [
        window("screening", stock=100, advance_amount=Decimal("0.00")),
        window("limit-null", stock=100, advance_amount=Decimal("0.00"), limit_per_account=None),
        [account("two-of-one"), joined("two-of-one", "limit-null", quantity=2)],
        # codes 1 and 2, and the application in force
        [account("before-open"), joined("before-open", "screening", **day_before)],
        [account("at-open"), applies("at-open", "00:00")],
        [account("last-moment-join"), applies("last-moment-join", "01:59:59.999999")],
        [account("at-close-join"), applies("at-close-join", "02:00")],
        account("withdrew-before-open"),
        withdrew("withdrew-before-open", "screening", **day_before),
        [account("withdrawn"), applies("withdrawn", "01:00"), withdraws("withdrawn", "01:10")],
        [account("only-withdrew"), withdraws("only-withdrew", "01:10")],
        [account("withdrew-at-close"), applies("withdrew-at-close", "01:00")],
        withdraws("withdrew-at-close", "02:00"),
        [account("changed-mind"), applies("changed-mind", "00:30")],
        applies("changed-mind", "00:50", quantity=2),
        [account("rejoined"), applies("rejoined", "00:30"), withdraws("rejoined", "01:10")],
        applies("rejoined", "00:50", quantity=2),
        [applies("rejoined", "01:20", quantity=3), withdraws("rejoined", "02:00")],
        [applies("rejoined-and-changed", "00:30"), withdraws("rejoined-and-changed", "00:40")],
        [account("rejoined-and-changed"), applies("rejoined-and-changed", "00:50", "01:20")],
        at_one_time("join-has-the-later-id", {"withdraw": "m-10", "join": "m-9"}),
        at_one_time("withdraw-has-the-later-id", {"withdraw": "n-9", "join": "n-10"}),
        # code 3
        applies("unknown"),
        [account("made-at-close", updated_at=at("02:00")), applies("made-at-close")],
        [account("made-after-close", updated_at=at("02:00:00.000001"))],
        applies("made-after-close"),
        [account("arrived-in-grace", dt=SECOND), applies("arrived-in-grace")],
        [account("arrived-late", dt=THIRD), applies("arrived-late")],
        # codes 4 to 7
        [account("suspended", status="suspended"), applies("suspended")],
        [account("closed", status="closed"), applies("closed")],
        [account("suspended-after-close"), applies("suspended-after-close")],
        account("suspended-after-close", status="suspended", updated_at=at("02:00:00.000001")),
        [account("blacklisted", blacklisted=True), applies("blacklisted")],
        [account("blacklisted-null", blacklisted=None), applies("blacklisted-null")],
        [account("just-old-enough", registered_at=limit), applies("just-old-enough")],
        account("too-new", registered_at=at("00:00:00.000001", days(-30))),
        applies("too-new"),
        [account("credit-599", credit_score=599), applies("credit-599")],
        [account("credit-600", credit_score=600), applies("credit-600")],
        [account("credit-null", credit_score=None), applies("credit-null")],
        # code 8
        [account("asks-for-0"), applies("asks-for-0", quantity=0)],
        [account("asks-for-minus-1"), applies("asks-for-minus-1", quantity=-1)],
        [account("asks-for-null"), applies("asks-for-null", quantity=None)],
        [account("asks-for-the-limit"), applies("asks-for-the-limit", quantity=5)],
        [account("asks-for-6"), applies("asks-for-6", quantity=6)],
        # code 10: on one device some are refused for other reasons too, on another one has left
        [[account(f"device-a{n}"), applies(f"device-a{n}", device="a")] for n in (1, 2)],
        [account("device-a3", status="suspended"), applies("device-a3", device="a")],
        [[account(f"device-b{n}"), applies(f"device-b{n}", device="b")] for n in (1, 2)],
        [account("device-b3"), applies("device-b3", device="b"), withdraws("device-b3", "01:10")],
        # code 11
        of_person("person-a-later", "a", "00:30"),
        of_person("person-a-first", "a", "00:20"),
        of_person("person-b-1", "b", "00:30"),
        of_person("person-b-10", "b", "00:30"),
        of_person("person-c-suspended", "c", "00:20", status="suspended"),
        of_person("person-c", "c", "00:30"),
        # several
        account(
            "everything",
            status="closed",
            blacklisted=True,
            credit_score=None,
            registered_at=at("00:00"),
            person_id="a",
        ),
        applies("everything", "00:10", quantity=9, device="a"),
        [applies("withdrawn-unknown", "01:00"), withdraws("withdrawn-unknown", "01:10")],
    ]


def advances() -> list:
    """Deposits of accounts that ask for two units of 10.00, but for those whose name tells more."""

    def pays(name: str, *amounts: str, clock: str = "01:30", **changes: Any) -> list[Row]:
        return [paid(name, "advance", amount=a, clock=clock, **changes) for a in amounts]

    def gets_back(name: str, amount: str, clock: str = "01:40", **changes: Any) -> Row:
        return refunded(name, "advance", amount=amount, clock=clock, **changes)

    def leaves(name: str) -> Row:
        return withdrew(name, "advance")

    quantities = {"quantity-null": None, "quantity-0": 0}
    names = ["in-full", "in-parts", "over", "some-back", "all-back", "never", "in-time", "at-rush"]
    names += ["back-at-rush", "dollars", "balance", "balance-back", "only-back", *quantities]
    names += ["left-all-back", "left", "in-grace", "late"]
    return [
        window("advance", stock=100),
        [[account(n), joined(n, "advance", quantity=quantities.get(n, 2))] for n in names],
        [pays("in-full", "20.00"), pays("in-parts", "0.01", "19.99"), pays("over", "25.00")],
        [pays("some-back", "20.00"), gets_back("some-back", "5.00")],
        [pays("all-back", "20.00"), gets_back("all-back", "20.00")],
        pays("in-time", "20.00", clock="02:59:59.999999"),
        pays("at-rush", "20.00", clock="03:00"),
        [pays("back-at-rush", "20.00"), gets_back("back-at-rush", "20.00", clock="03:00")],
        pays("dollars", "20.00", currency="USD"),
        pays("balance", "20.00", kind="balance_paid"),
        pays("balance-back", "20.00"),
        gets_back("balance-back", "20.00", kind="balance_refunded"),
        gets_back("only-back", "5.00"),
        pays("quantity-null", "10.00"),
        [pays("left-all-back", "20.00"), gets_back("left-all-back", "20.00")],
        [leaves("left-all-back"), pays("left", "10.00"), leaves("left")],
        [pays("in-grace", "20.00", dt=SECOND), pays("late", "20.00", dt=THIRD)],
    ]


def seeds_and_forms() -> list:
    """Windows by their status, and what their seed is."""

    def version(case: str, hour: int, **changes: Any) -> Row:
        base = {"draw_seed": None, "updated_at": at(f"{hour:02}:00", days(-1)), "dt": FIRST}
        return window(case, **base | changes)

    def with_one(case: str, *versions: Row) -> list:
        return [*versions, entrant(f"of-{case}", commodity=case)]

    promised = {"seed_commitment": commitment("autumn-7391")}
    return [
        with_one("too-few", window("too-few", min_qualified=2)),
        [account("too-few-unpaid"), joined("too-few-unpaid", "too-few")],
        with_one("just-enough", window("just-enough", min_qualified=2, stock=2)),
        entrant("just-enough-too", commodity="just-enough"),
        window("nobody", min_qualified=0),
        window("nobody-of-one", min_qualified=1),
        with_one("no-seed", version("no-seed", 1)),
        ordered("of-no-seed", "no-seed", status="confirmed", quantity=3),
        with_one("wrong-seed", version("wrong-seed", 1, draw_seed="autumn-7392", **promised)),
        with_one(
            "upper-case",
            version(
                "upper-case",
                1,
                draw_seed="autumn-7391",
                seed_commitment=commitment("autumn-7391").upper(),
            ),
        ),
        with_one(
            "three-versions",
            version("three-versions", 1, **promised),
            version("three-versions", 2, draw_seed="autumn-7392"),
            version("three-versions", 3, draw_seed="autumn-7391"),
        ),
        with_one(
            "two-seeds",
            version("two-seeds", 1, draw_seed="first-seed"),
            version("two-seeds", 2, draw_seed="second-seed"),
        ),
        with_one("grün", version("grün", 1, draw_seed="Glück|7")),
        # of SECOND; its seed comes two days later, when the date has closed
        window("seed-late", day=SECOND, draw_seed=None, stock=2),
        [entrant(f"waits-{n}", commodity="seed-late", day=SECOND) for n in (1, 2, 3)],
        window("seed-late", day=SECOND, stock=9, updated_at=at("05:00", THIRD), dt=FOURTH),
    ]


def rushes() -> list:
    """Who is allocated in which order, and with what outcome."""

    def tries(name: str, clock: str, quantity: int = 1, **then: str) -> list[Row | list]:
        later = [
            ordered(name, "first-come", status=status, clock=clock)
            for status, clock in then.items()
        ]
        return [
            entrant(name, commodity="first-come", quantity=quantity),
            ordered(name, "first-come", clock=clock, quantity=None),
            later,
        ]

    def of_size(applied: int, *orders: tuple[int | None, str]) -> list[Row | list]:
        name = f"applied-{applied}-ordered-{'-'.join(str(quantity) for quantity, _ in orders)}"
        return [
            entrant(name, commodity="sizes", quantity=applied),
            [
                ordered(name, "sizes", order=f"{name}-{clock}", quantity=quantity, clock=clock)
                for quantity, clock in orders
            ],
        ]

    ties = {"tie-a": "e10", "tie-b": "e9", "tie-c": "E9", "tie-d": "é1"}
    return [
        window(stock=4),  # the rules' example
        [entrant(name, quantity=quantity) for name, quantity in EXAMPLE.items()],
        window("first-come", policy="first_come", draw_seed=None, stock=4),
        tries("on-the-dot", "03:00"),
        tries("asks-for-five", "03:00:30", quantity=5),
        tries("backs-out", "03:05", cancelled="03:20"),
        tries("voided-by-shop", "03:06", voided="03:20"),
        tries("asks-for-two", "03:10", quantity=2),
        tries("takes-the-rest", "03:11", failed="03:12"),
        tries("just-quick-enough", "03:29:59.999999"),
        tries("too-slow", "03:30"),
        tries("last-moment", "03:59:59.999999"),
        tries("at-close", "04:00"),
        tries("too-early", "02:59:59.999999"),
        [tries("tries-again", "02:59"), ordered("tries-again", "first-come", clock="03:40")],
        entrant("never-tries", commodity="first-come"),
        entrant("only-confirmed", commodity="first-come"),
        ordered("only-confirmed", "first-come", status="confirmed"),
        window("ties", policy="first_come", draw_seed=None, stock=2),
        [[entrant(n, commodity="ties"), ordered(n, "ties", event_id=i)] for n, i in ties.items()],
        window("sizes", policy="first_come", draw_seed=None, stock=100),
        of_size(3, (1, "03:01")),
        of_size(1, (3, "03:01")),
        of_size(2, (None, "03:01")),
        of_size(2, (0, "03:01")),
        of_size(2, (-1, "03:01")),
        of_size(3, (2, "03:01"), (1, "03:02")),
    ]


def sequences() -> list:
    """Events of one time, where the platform's own order differs from that of their ids."""

    def events(name: str, *told: tuple[str, str, int | None], **place: Any) -> list[Row]:
        at_once = {"event_time": at("03:10"), "order": f"order of {name}"} | place
        return [
            ordered(name, "sequences", status=status, event_id=event_id, sequence=number, **at_once)
            for status, event_id, number in told
        ]

    def applies(name: str, join: tuple[str, int], leave: tuple[str, int]) -> list:
        (join_id, joins), (leave_id, leaves) = join, leave
        place = (name, "sequences")
        return [
            account(name),
            joined(*place, event_id=join_id, sequence=joins),
            withdrew(*place, clock="01:00", event_id=leave_id, sequence=leaves),
            joined(*place, clock="00:30", quantity=2),
            paid(*place, amount="20.00"),
        ]

    attempts = {"s-null": None, "s-negative": -5, "s-tenth": 10, "s-eleventh": 11}
    return [
        window("sequences", stock=100),
        entrant("s-number", commodity="sequences"),
        events("s-number", ("submitted", "9", 9), ("confirmed", "10", 10)),
        entrant("s-below-zero", commodity="sequences"),
        events("s-below-zero", ("confirmed", "12", -1), ("submitted", "11", -2)),
        entrant("s-some-null", commodity="sequences"),
        events("s-some-null", ("submitted", "22", None), ("confirmed", "21", -(2**63))),
        entrant("s-all-null", commodity="sequences"),
        events("s-all-null", ("submitted", "32", None), ("confirmed", "31", None)),
        entrant("s-far-apart", commodity="sequences"),
        events("s-far-apart", ("confirmed", "41", 2**63 - 1), ("failed", "42", -(2**63))),
        applies("s-rejoined", ("59", 2), ("60", 1)),
        applies("s-withdrew", ("69", 8), ("68", 9)),
        window("sequence-of-attempts", policy="first_come", draw_seed=None, stock=2),
        [
            [
                entrant(name, commodity="sequence-of-attempts"),
                ordered(name, "sequence-of-attempts", event_id=f"{9 - place}", sequence=number),
            ]
            for place, (name, number) in enumerate(attempts.items())
        ],
    ]


def platform() -> list:
    """What the platform's order log says, where the replay has everybody win."""

    def tells(name: str, *orders: str) -> list[Row | list]:
        """Each order is a list of states, a minute apart."""
        return [
            entrant(name, commodity="platform"),
            [
                ordered(name, "platform", order=f"{name}-{n}", status=s, clock=f"03:1{m}")
                for n, states in enumerate(orders)
                for m, s in enumerate(states.split())
            ],
        ]

    def confirmed(name: str, **changes: Any) -> Row:
        return ordered(name, "platform", order=f"{name}-0", status="confirmed", **changes)

    def sold(name: str, quantity: int | None) -> Row:
        order = f"order of {name}"
        return ordered(name, "oversold", order=order, status="confirmed", quantity=quantity)

    together = {"event_time": at("03:10")}
    return [
        window("platform", stock=100),
        tells("p-won", "submitted confirmed"),
        tells("p-cancelled", "submitted confirmed cancelled"),
        tells("p-never-paid", "submitted cancelled"),
        tells("p-voided", "submitted confirmed voided"),
        tells("p-voided-early", "submitted voided"),
        tells("p-failed", "submitted failed"),
        tells("p-submitted", "submitted"),
        tells("p-none"),
        tells("p-second-order", "submitted failed", "submitted confirmed"),
        tells("p-two-ends", "submitted confirmed voided", "submitted cancelled"),
        tells("p-confirmed-again", "submitted confirmed cancelled confirmed"),
        [tells("p-day-after", "submitted"), confirmed("p-day-after", day=SECOND)],
        [tells("p-late", "submitted"), confirmed("p-late", dt=THIRD)],
        entrant("p-one-time", commodity="platform"),
        ordered("p-one-time", "platform", event_id="o-10", status="confirmed", **together),
        ordered("p-one-time", "platform", event_id="o-9", status="failed", **together),
        # oversold by accounts that never took part: 3 + 1 + 0 + 2 of a stock of 5
        window("oversold", stock=5),
        [sold("buyer-1", 3), sold("buyer-2", None), sold("buyer-3", -1), sold("buyer-4", 2)],
        [sold("buyer-5", 4), ordered("buyer-5", "oversold", status="failed", quantity=9)],
        ordered("buyer-5", "oversold", order="order of buyer-5", status="cancelled", clock="03:09"),
        # the audit
        race("audit", "a-won-both", "a-won-replay", "a-won-platform", "a-lost-both", stock=2),
        [account("a-unpaid"), joined("a-unpaid", "audit")],
        [
            ordered(name, "audit", order=f"audit-{name}", status="confirmed", clock="03:30")
            for name in ("a-won-both", "a-won-platform", "a-unpaid", "a-stranger")
        ],
    ]


def refunds() -> list:
    """Deposits that are due, or are not: those of losers, and of accounts that were not ready."""
    losers = ["r-lost", "r-back", "r-back-later", "r-late", "r-late-part", "r-dollars", "r-balance"]
    return [
        race("refunds", "r-won", "r-cancelled", *losers, stock=2),
        ordered("r-cancelled", "refunds", status="cancelled", clock="03:30"),
        refunded("r-back", "refunds", clock="03:30"),
        refunded("r-back-later", "refunds", day=SECOND),
        refunded("r-late", "refunds", day=SECOND, dt=THIRD),
        refunded("r-late-part", "refunds", day=THIRD, amount="4.00", dt=FOURTH),
        refunded("r-dollars", "refunds", clock="03:30", currency="USD"),
        refunded("r-balance", "refunds", clock="03:30", kind="balance_refunded"),
        [account("r-only-back"), joined("r-only-back", "refunds")],
        refunded("r-only-back", "refunds"),
        paid("r-never-applied", "refunds"),
        paid("r-paid-late", "refunds", amount="3.00", day=SECOND, dt=FOURTH),
    ]


def histories() -> list:
    """Streaks over the nights. In a race the first to try wins, and the others lose."""
    in_day = [
        race("busy-1", "front", "busy", "patient"),
        race("busy-2", "front", "busy", "patient"),
        race("busy-3", "busy"),
        race("busy-4", "front", "busy", "patient"),
        race("busy-5", "front", "busy"),
    ]
    bonus_later = ["half-down", "half-up", "three-halves"]
    return [
        in_day,
        race("run-1", "front", "streaker", "winner", "forfeiter", "absent", *bonus_later),
        race("run-2", "winner", "streaker", day=SECOND),
        race("run-2-forfeited", "forfeiter", day=SECOND),
        [
            ordered("forfeiter", "run-2-forfeited", status=status, clock=clock, day=SECOND)
            for status, clock in (("confirmed", "03:10"), ("cancelled", "03:20"))
        ],
        race("run-3", "front", "streaker", "winner", "forfeiter", "absent", day=THIRD),
        # history order is by rush_close before it is by id
        race("order-a", "orderly"),
        race("order-b", "front", "orderly", rush_close=at("03:30")),
        race("cheap", "front*2", "cheap-two*2", "cheap-one", stock=2, advance="0.50"),
    ]


def bonuses() -> list:
    """What the losses of SECOND are worth."""
    since = {"day": SECOND, "updated_at": at("05:00", SECOND), "dt": THIRD}
    later = since | {"dt": FOURTH}
    losers = ["tier-one", "twice", "served", "suspended-since", "suspended-later", "patient"]
    losers += ["blacklisted-since", "served-and-suspended"]
    return [
        race("bonus", "front", *losers, day=SECOND),
        race("bonus-again", "front", "twice", day=SECOND),
        race("share-20.50", "front", "half-down", day=SECOND, advance="20.50"),
        race("share-20.70", "front", "half-up", day=SECOND, advance="20.70"),
        race("share-of-3", "front*3", "three-halves*3", stock=3, day=SECOND, advance="20.50"),
        race("dollars", "front", "paid-in-dollars", day=SECOND, currency="USD"),
        [
            ordered(name, "bonus", status="confirmed", clock="03:30", day=SECOND)
            for name in ("served", "served-and-suspended")
        ],
        account("suspended-since", status="suspended", **since),
        account("served-and-suspended", status="suspended", **since),
        account("blacklisted-since", blacklisted=True, **since),
        account("suspended-later", status="suspended", **later),
    ]


def arrivals() -> list:
    """Rows that come in time, in the grace, and late; and business dates at midnight."""
    moved = {
        "rush_open": at("03:00", FOURTH),
        "rush_close": at("04:00", FOURTH),
        "updated_at": at("12:00", SECOND),
        "dt": THIRD,
    }
    return [
        window("grace"),
        entrant("in-time-row", commodity="grace"),
        [account("in-grace-row"), joined("in-grace-row", "grace", dt=SECOND)],
        [account("late-row"), joined("late-row", "grace", dt=THIRD)],
        # delivered twice; and another event with its id
        [account("told-twice"), joined("told-twice", "grace", event_id="twice")],
        joined("told-twice", "grace", event_id="twice", dt=SECOND),
        joined("told-twice", "grace", event_id="twice", quantity=2, dt=SECOND),
        joined("lost-soul", "no-such-window"),
        # of SECOND, with rows that came the day before
        window("turns-up", day=SECOND),
        [account("early-bird"), joined("early-bird", "turns-up", day=SECOND, dt=FIRST)],
        window("restocked", stock=1),
        window("restocked", stock=2, updated_at=at("05:00"), dt=SECOND),
        window("restocked", stock=3, updated_at=at("06:00"), dt=THIRD),
        window("postponed"),
        window("postponed", **moved),
        entrant("ready-at-once", commodity="postponed"),
        [account("pays-later"), joined("pays-later", "postponed")],
        paid("pays-later", "postponed", day=SECOND, clock="05:00"),
        window("ends-15:30", rush_close=at("15:30")),
        window("ends-16:00", rush_close=at("16:00")),
    ]


def race(
    case: str,
    *runners: str,
    day: date = FIRST,
    stock: int = 1,
    advance: str = "10.00",
    currency: str = "CNY",
    **changes: Any,
) -> list:
    """A first_come window for which all runners are ready, and order in turn, a second apart.

    A runner is an account, and asks for one unit, or for as many as stand behind `*`.
    """
    changes |= {"policy": "first_come", "draw_seed": None, "stock": stock, "currency": currency}
    rows: list = [window(case, day=day, advance_amount=Decimal(advance), **changes)]
    for place, runner in enumerate(runners):
        name, _, number = runner.partition("*")
        quantity = int(number or 1)
        amount = Decimal(advance) * quantity
        rows += [
            account(name, day=day),
            joined(name, case, day=day, quantity=quantity),
            paid(name, case, day=day, amount=amount, currency=currency),
            ordered(name, case, day=day, quantity=quantity, clock=f"03:01:{place:02}"),
        ]
    return rows


LANDING = landing(
    screening(),
    advances(),
    seeds_and_forms(),
    rushes(),
    platform(),
    sequences(),
    refunds(),
    histories(),
    bonuses(),
    arrivals(),
)


class Tables(dict[str, list[Row]]):
    """The rows of all tables of a warehouse, as they stood after a run."""

    @classmethod
    def of(cls, nights: Nights) -> Tables:
        return cls({name: nights.rows(name) for name in contracts.WAREHOUSE})

    def where(self, table: str, **values: Any) -> list[Row]:
        """The rows that have these values."""
        return [
            row for row in self[table] if all(row[name] == value for name, value in values.items())
        ]

    def one(self, table: str, **values: Any) -> Row:
        """The one row that has these values."""
        [row] = self.where(table, **values)
        return row

    def by_account(self, table: str, column: str, **values: Any) -> dict[str, Any]:
        """The values of a column, by account, in the rows that have these values."""
        rows = self.where(table, **values)
        assert len({row["account_id"] for row in rows}) == len(rows)
        return {row["account_id"]: row[column] for row in rows}


class Story(NamedTuple):
    """The tables after each run, and the nights they are from."""

    first: Tables
    caught_up: Tables  # SECOND and THIRD in one run
    repeated: Tables
    last: Tables
    nights: Nights


def story_of(folder: Path, running: Engine) -> Story:
    """The runs of the golden nights."""
    nights = Nights(folder, running)
    nights.land(LANDING)
    after = []
    for day in (FIRST, THIRD, THIRD, FOURTH):
        if day != THIRD or len(after) < 2 or running.name == "embedded":  # spark takes its time
            nights.run(day, CONFIG)
        after.append(Tables.of(nights))
    return Story(*after, nights)
