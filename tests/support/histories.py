"""Whole small histories for property tests: a configuration, and a landing zone of a few days.

Everything is drawn from few values that lie where the rules turn: times at the edges of half-open
intervals and a microsecond beside them, versions of equal age, ids that occur twice, rows that come
late, windows that turn up after their events or move to another date. Most accounts are drawn so
that they compete, as a history in which nobody is ready says little about allocation and bonus.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from rows import (
    Landing,
    Row,
    account,
    commitment,
    days,
    joined,
    landing,
    ordered,
    paid,
    refunded,
    window,
    withdrew,
)

MICRO = timedelta(microseconds=1)
FIRST = date(2026, 3, 7)  # a day before the clocks of New York are put forward
TABLES = ("participation", "payment", "orders", "windows", "accounts")
MANY = 7  # a usual value is drawn so many times as often as an unusual one

# Ids whose order differs between bytes, UTF-16 units and numbers, or of which one begins another.
ACCOUNTS = ("a", "a!", "10", "9", "Z", "é", "\uff5e", "\U0001f600")
WINDOWS = (("sku1", "w1"), ("sku1", "w10"), ("sku1", "w2"), ("sku2", "w1"), ("Ü 2", "w1"))
EVENT_IDS = ("e", "e!", "é", "E")


def examples(number: int, *, derandomize: bool = False) -> settings:
    """So many histories, each of which may take its time; none is kept for later runs."""
    return settings(
        max_examples=number,
        derandomize=derandomize,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.explicit, Phase.generate, Phase.shrink],
    )


@dataclass(frozen=True)
class File:
    """Rows of one table and arrival date, which lie there in the steps `since` to `until`."""

    table: str
    dt: date
    part: str
    rows: tuple[Row, ...]
    since: int = 0
    until: int | None = None

    def lies_at(self, step: int) -> bool:
        return self.since <= step and (self.until is None or step < self.until)


@dataclass(frozen=True)
class History:
    """A configuration, and files of a landing zone that come and go in steps."""

    config: Row
    files: tuple[File, ...]

    def landing(self, step: int = 0) -> Landing:
        """All rows that lie there at a step."""
        tables: Landing = {table: [] for table in TABLES}
        for file in self.files:
            if file.lies_at(step):
                tables[file.table] += file.rows
        return tables

    @property
    def first(self) -> date:
        """The first arrival date of the files that lie there in the beginning."""
        return min((file.dt for file in self.files if file.lies_at(0)), default=FIRST)

    @property
    def last(self) -> date:
        return max((file.dt for file in self.files), default=FIRST)

    @property
    def moves_windows(self) -> bool:
        """Whether a window has versions on different dates."""
        zone = ZoneInfo(self.config.get("timezone", "Asia/Shanghai"))
        dates: dict[tuple[Any, Any], set[date]] = {}
        for file in self.files:
            for row in file.rows if file.table == "windows" else ():
                if row["rush_close"] is not None:
                    key = (row["commodity_id"], row["window_id"])
                    dates.setdefault(key, set()).add(row["rush_close"].astimezone(zone).date())
        return any(len(some) > 1 for some in dates.values())


def mostly(usual: Any, *unusual: Any) -> st.SearchStrategy[Any]:
    return st.sampled_from([usual] * MANY + list(unusual))


# Settings


def tiers() -> st.SearchStrategy[list[Row]]:
    """Low tiers, as histories are short; shares that give halves of a cent."""
    pays = st.one_of(
        st.sampled_from(["2.00", "5.00", "0.01", "0.00"]).map(lambda amount: {"amount": amount}),
        st.sampled_from(["0.05", "0.5", "0.125", "0.333333"]).map(
            lambda share: {"advance_share": share}
        ),
    )
    return st.dictionaries(st.sampled_from([1, 2, 3]), pays, min_size=1, max_size=3).map(
        lambda paid_from: [{"min_failures": n} | pay for n, pay in paid_from.items()]
    )


def screenings() -> st.SearchStrategy[Row]:
    optional = {
        "min_account_age_days": st.sampled_from([0, 1, 30]),
        "min_credit_score": mostly(None, 0, 600),
        "max_accounts_per_device": mostly(None, 1, 2),
    }
    return st.fixed_dictionaries({}, optional=optional)


def draws() -> st.SearchStrategy[Row]:
    return st.fixed_dictionaries({}, optional={"weight_cap": st.sampled_from([0, 1, 3, 4, 20])})


def rules_of_history() -> st.SearchStrategy[Row]:
    """What of history may change from a date on."""
    optional = {
        "forfeit_resets_streak": st.booleans(),
        "streak_expiry_days": st.sampled_from([None, 0, 1, 2]),
        "min_advance": mostly("0.00", "0.02", "20.50"),
        "attempt_within_seconds": mostly(None, 1, 3600),
        "max_failures_per_day": st.sampled_from([None, 1, 2, 3]),
    }
    return st.fixed_dictionaries({}, optional=optional)


def bonuses() -> st.SearchStrategy[Row]:
    optional = {
        "tiers": tiers(),
        "currency": mostly("CNY", "USD"),
        "trigger": st.sampled_from(["every", "at_threshold"]),
        "max_single_award": mostly("50000.00", "1.00", "0.03", "0.00"),
        "max_per_account_per_day": st.sampled_from([None, None, "3.00", "0.01", "0.00"]),
        "daily_budget": st.sampled_from([None, None, "5.00", "0.05", "1.01", "0.00"]),
        "clawback": st.booleans(),
        "pay_from": mostly(None, *(days(n, FIRST).isoformat() for n in (0, 2, 4))),
    }
    return st.fixed_dictionaries({}, optional=optional)


CAMPAIGNS = ("c1", "Ü|1")


def campaigns() -> st.SearchStrategy[Row]:
    overlay = {"screening": screenings(), "draw": draws(), "bonus": bonuses()}
    one = st.fixed_dictionaries({}, optional=overlay)
    return st.dictionaries(st.sampled_from([*CAMPAIGNS, "none"]), one, max_size=2)


def changes() -> st.SearchStrategy[list[Row]]:
    """Changes in any order, some from one date."""
    overlay = {
        "screening": screenings(),
        "draw": draws(),
        "history": rules_of_history(),
        "bonus": bonuses(),
        "campaigns": campaigns(),
    }
    when = {"from": st.sampled_from([days(n, FIRST).isoformat() for n in (-9, 1, 2, 3)])}
    return st.lists(st.fixed_dictionaries(when, optional=overlay), max_size=3)


def configs(zone: str) -> st.SearchStrategy[Row]:
    """Every key that judges, each left at its default now and then."""
    scope = st.sampled_from(["all", "campaign", "category"])
    history = st.tuples(rules_of_history(), scope).map(lambda both: both[0] | {"scope": both[1]})
    optional = {
        "grace_days": st.integers(0, 3),
        "outcome_source": st.sampled_from(["replay", "platform"]),
        "screening": screenings(),
        "draw": draws(),
        "history": history,
        "campaigns": campaigns(),
        "changes": changes(),
    }
    fixed = {
        "timezone": st.just(zone),
        "gates": st.just({"max_quarantine_share": "1"}),
        "bonus": st.tuples(tiers(), bonuses()).map(lambda both: {"tiers": both[0]} | both[1]),
    }
    return st.fixed_dictionaries(fixed, optional=optional)


ZONES = ("Asia/Shanghai", "UTC", "America/New_York", "Pacific/Kiritimati", "Asia/Kathmandu")


# Windows

SPANS = (timedelta(hours=1), timedelta(seconds=1), 2 * MICRO, MICRO)
TIMES = ("application_open", "application_close", "rush_open", "rush_close")
SEEDS = ("autumn-7391", "autumn-7392", "seed_missing")


@st.composite
def times(draw: st.DrawFn, zone: str, day: date) -> Row:
    """The four times of a window that closes on a local day, often at midnight or beside it."""
    midnight = datetime.combine(day, time(0), ZoneInfo(zone)).astimezone(UTC)
    ends = midnight + draw(
        st.sampled_from([timedelta(hours=12), timedelta(0), MICRO, timedelta(days=1) - MICRO])
    )
    rush_opens = ends - draw(st.sampled_from(SPANS))
    closes = rush_opens - draw(st.sampled_from([*SPANS, timedelta(0)]))
    opens = closes - draw(st.sampled_from(SPANS))
    return dict(zip(TIMES, (opens, closes, rush_opens, ends), strict=True))


@st.composite
def window_versions(
    draw: st.DrawFn, key: tuple[str, str], zone: str, arrivals: list[date]
) -> list[Row]:
    """One to four versions of a window: what came first, and what was changed afterwards."""
    later = {
        "stock": st.sampled_from([1, 1, 2, 2, 3, 4, 5, 6, 0]),
        "policy": st.sampled_from(["lottery", "first_come", "weighted_lottery"]),
        "unit": st.sampled_from(["individual", "individual", "team"]),
        "team_min": st.sampled_from([1, 2]),
        "team_max": st.sampled_from([2, 3]),
        "limit_per_account": st.sampled_from([4, 2, 1, None]),
        "advance_amount": st.sampled_from(
            [Decimal(n) for n in ("10.00", "0.00", "0.01", "20.50", "20.70")]
        ),
        "currency": mostly("CNY", "USD"),
        "min_qualified": mostly(None, 0, 2, 3),
        "campaign_id": st.sampled_from([None, "", *CAMPAIGNS]),
        "category": st.sampled_from([None, "", "shoes", "tickets"]),
        "draw_seed": mostly(SEEDS[0], None, "", *SEEDS),
        "seed_commitment": mostly(
            None, commitment(SEEDS[0]), commitment(SEEDS[1]), commitment(SEEDS[0]).upper()
        ),
    }
    day = draw(st.sampled_from([*arrivals, arrivals[-1] + timedelta(days=1)]))
    moment = datetime.combine(FIRST, time(0), UTC)
    values = {name: draw(value) for name, value in later.items()}
    values |= {"dt": draw(mostly(arrivals[0], *arrivals)), "updated_at": moment}
    versions = [window(*key, **values, **draw(times(zone, day)))]
    for _ in range(draw(mostly(0, 1, 1, 1, 2, 3))):
        changed = draw(st.lists(st.sampled_from(sorted(later)), max_size=2, unique=True))
        values = {name: draw(later[name]) for name in changed}
        if draw(mostly(False, True, True)):
            values |= draw(times(zone, draw(st.sampled_from(arrivals))))
        values["dt"] = draw(st.sampled_from(arrivals))
        values["updated_at"] = moment + draw(st.integers(-1, 1)) * MICRO
        versions.append(versions[-1] | values)
    return versions


# Accounts


@st.composite
def account_versions(
    draw: st.DrawFn, name: str, versions: list[Row], arrivals: list[date]
) -> list[Row]:
    """Versions of an account, made and registered around the edges of the windows' times."""
    some = draw(st.sampled_from(versions))
    beside = st.sampled_from([-MICRO, timedelta(0), MICRO])
    base = account(name, dt=arrivals[0], person_id=draw(mostly(None, "p", "")))
    base["updated_at"] = base["registered_at"]
    if draw(mostly(False, True)):
        age = timedelta(days=draw(st.sampled_from([0, 1, 30])))
        base["registered_at"] = some["application_open"] - age + draw(beside)
    made = [base]
    for _ in range(draw(mostly(0, 1, 1, 2, 2, 3))):
        values = {
            "status": draw(mostly("active", "suspended", "closed")),
            "credit_score": draw(st.sampled_from([700, 600, 599, None])),
            "blacklisted": draw(mostly(False, None, True)),
            "person_id": draw(st.sampled_from([None, "p", "q"])),
            "updated_at": some["application_close"] + draw(beside),
            "dt": draw(st.sampled_from(arrivals)),
        }
        made.append(made[-1] | values)
    return made if len(made) == 1 or draw(mostly(True, False)) else made[1:]


# Events


@dataclass
class Stage:
    """One version of a window, for events to be placed by, and the arrival dates."""

    version: Row
    arrivals: list[date]
    in_time: list[date]

    @property
    def key(self) -> tuple[str, str]:
        return self.version["commodity_id"], self.version["window_id"]

    def edges(self) -> st.SearchStrategy[datetime]:
        """A time of the window, exactly or a microsecond beside it."""
        places = [self.version[name] for name in TIMES]
        places.append(self.version["rush_open"] + timedelta(seconds=1))
        offsets = (timedelta(0), -MICRO, MICRO)
        return st.sampled_from([place + offset for place in places for offset in offsets])

    def dt(self) -> st.SearchStrategy[date]:
        return st.sampled_from(self.in_time * MANY + self.arrivals)


def event_ids(number: Iterator[int]) -> st.SearchStrategy[str]:
    """Mostly new ids; some of which there are few."""
    some = st.sampled_from([None] * 40 + list(EVENT_IDS))
    return some.map(lambda known: known or str(next(number)))


DEVICES = (None, "", "d1", "d2")
QUANTITIES = (1, 2, 3, 4, None, 0, -1)
SEQUENCES = (None, 9, 10, 0, -1, -2, 2**63 - 1, -(2**63))


@st.composite
def entrant(draw: st.DrawFn, name: str, stage: Stage, number: Iterator[int]) -> list[Row]:
    """An account that applies, pays what is asked, and orders: nearly always ready."""
    version, ids = stage.version, event_ids(number)
    limit = version["limit_per_account"] or 1
    quantity = draw(st.integers(1, limit))
    place = (name, *stage.key)
    opens = version["application_open"]
    asked = version["advance_amount"] * quantity
    is_team = version["unit"] == "team"
    rows = [
        joined(
            *place,
            quantity=None if quantity == 1 and draw(st.booleans()) else quantity,
            device=draw(mostly(None, *DEVICES)),
            team=draw(st.sampled_from(["t", "t", "t!"] if is_team else [None, None, "", "t"])),
            event_time=draw(st.sampled_from([opens, version["application_close"] - MICRO])),
            event_id=draw(ids),
            dt=draw(stage.dt()),
        )
    ]
    if asked:
        rows.append(
            paid(
                *place,
                amount=asked + draw(mostly(Decimal(0), Decimal("0.01"), Decimal("-0.01"))),
                currency=version["currency"],
                event_time=draw(st.sampled_from([opens, version["rush_open"] - MICRO])),
                event_id=draw(ids),
                dt=draw(stage.dt()),
            )
            if asked + Decimal("-0.01") > 0
            else paid(
                *place,
                amount=asked,
                currency=version["currency"],
                event_time=opens,
                event_id=draw(ids),
                dt=draw(stage.dt()),
            )
        )
    rush = version["rush_open"]
    for order in range(draw(mostly(1, 0, 2))):
        statuses = draw(
            st.sampled_from(
                [
                    ["submitted"],
                    ["submitted", "failed"],
                    ["submitted", "confirmed"],
                    ["submitted", "cancelled"],
                    ["submitted", "confirmed", "cancelled"],
                    ["submitted", "confirmed", "voided"],
                    ["submitted", "voided"],
                ]
            )
        )
        for status in statuses:
            rows.append(
                ordered(
                    *place,
                    order=f"o{order}",
                    status=status,
                    quantity=draw(mostly(quantity, *QUANTITIES)),
                    event_time=rush,
                    event_id=draw(ids),
                    dt=draw(stage.dt()),
                )
            )
            rush += draw(st.sampled_from([MICRO, timedelta(0)]))
    return rows


@st.composite
def stray(draw: st.DrawFn, name: str, stage: Stage, number: Iterator[int]) -> Row:
    """Any event of an account, at any edge."""
    place = (name, *stage.key)
    when = {
        "event_time": draw(stage.edges()),
        "event_id": draw(event_ids(number)),
        "dt": draw(stage.dt()),
    }
    kind = draw(st.sampled_from(["join", "withdraw", "pay", "refund", "balance", "order"]))
    if kind == "join":
        return joined(
            *place,
            quantity=draw(st.sampled_from(QUANTITIES)),
            device=draw(st.sampled_from(DEVICES)),
            team=draw(st.sampled_from([None, "", "t"])),
            **when,
        )
    if kind == "withdraw":
        return withdrew(*place, **when)
    if kind == "order":
        return ordered(
            *place,
            order=draw(st.sampled_from(["o0", "o1"])),
            status=draw(
                st.sampled_from(["submitted", "confirmed", "cancelled", "voided", "failed"])
            ),
            quantity=draw(st.sampled_from(QUANTITIES)),
            **when,
        )
    when["amount"] = draw(st.sampled_from([Decimal("10.00"), Decimal("0.01"), Decimal("20.50")]))
    when["currency"] = draw(mostly("CNY", "USD"))
    if kind == "refund":
        return refunded(*place, **when)
    if kind == "balance":
        when["kind"] = draw(st.sampled_from(["balance_paid", "balance_refunded"]))
    return paid(*place, **when)


# Rows that are wrong

_BAD_IDS = (None, "", "a|b", "x" * 129, "tab\t", "\x7f", "\x85")
_BAD_WORDS = (None, "", "Join", "other")
_BAD_INTS = (3_000_000_000, -(2**31) - 1)
_BAD_MONEY = tuple(
    None if text is None else Decimal(text)
    for text in (None, "10.005", "0.000001", "10000000000000000.00", "0.00", "-0.01")
)
_ANY_ID = dict.fromkeys(("event_id", "account_id", "commodity_id", "window_id"), _BAD_IDS)

# What can be wrong with a row, by table and column. Some of it is right: nulls where they may be.
WRONG: dict[str, dict[str, tuple[Any, ...]]] = {
    "participation": {
        **_ANY_ID,
        "event_type": _BAD_WORDS,
        "team_id": _BAD_IDS,
        "quantity": _BAD_INTS,
        "event_time": (None,),
    },
    "payment": {
        **_ANY_ID,
        "kind": _BAD_WORDS,
        "amount": _BAD_MONEY,
        "currency": (None, ""),
        "event_time": (None,),
    },
    "orders": {
        **_ANY_ID,
        "order_id": _BAD_IDS,
        "status": _BAD_WORDS,
        "quantity": _BAD_INTS,
        "event_time": (None,),
    },
    "windows": {
        "commodity_id": _BAD_IDS,
        "window_id": _BAD_IDS,
        **{name: (None, datetime(2026, 3, 7, tzinfo=UTC)) for name in TIMES},
        "stock": (None, -1, *_BAD_INTS),
        "policy": _BAD_WORDS,
        "unit": (*_BAD_WORDS, "team"),
        "team_min": _BAD_INTS,
        "limit_per_account": _BAD_INTS,
        "min_qualified": _BAD_INTS,
        "advance_amount": _BAD_MONEY,
        "currency": (None, ""),
        "updated_at": (None,),
    },
    "accounts": {
        "account_id": _BAD_IDS,
        "registered_at": (None,),
        "status": _BAD_WORDS,
        "credit_score": _BAD_INTS,
        "updated_at": (None,),
    },
}


@st.composite
def spoiled(draw: st.DrawFn, table: str, rows: list[Row]) -> Row:
    """A copy of a row with one or two columns made wrong."""
    row = dict(draw(st.sampled_from(rows)))
    wrong = WRONG[table]
    for column in draw(st.lists(st.sampled_from(sorted(wrong)), min_size=1, max_size=2)):
        row[column] = draw(st.sampled_from(wrong[column]))
    return row


@st.composite
def repeated(draw: st.DrawFn, rows: list[Row], arrivals: list[date]) -> Row:
    """A row once more, on any arrival date; now and then with something else in it."""
    row = dict(draw(st.sampled_from(rows)))
    row["dt"] = draw(st.sampled_from(arrivals))
    change = draw(st.sampled_from([None, "event_time", "account_id", "window_id", "sequence"]))
    if change == "event_time":
        row["event_time"] += draw(st.sampled_from([MICRO, -MICRO]))
    elif change == "account_id":
        row["account_id"] = draw(st.sampled_from(ACCOUNTS))
    elif change == "window_id":
        row["window_id"] = draw(st.sampled_from(["w1", "w2"]))
    elif change == "sequence":
        row["sequence"] = draw(st.sampled_from(SEQUENCES))
    return row


@st.composite
def sequenced(draw: st.DrawFn, rows: list[Row]) -> list[Row]:
    """The rows of a log with sequences: none, or numbers with ties and nulls among them."""
    if draw(st.booleans()):
        return rows
    return [row | {"sequence": draw(st.sampled_from(SEQUENCES))} for row in rows]


# Histories


@st.composite
def tables(draw: st.DrawFn, zone: str, grace_days: int) -> Landing:
    """The rows of a landing zone."""
    offsets = draw(st.lists(st.integers(0, 4), min_size=2, max_size=5, unique=True))
    arrivals = [days(offset, FIRST) for offset in sorted(offsets)]
    keys = WINDOWS[: draw(st.sampled_from([4, 5, 3, 2, 1]))]
    names = ACCOUNTS[: draw(st.sampled_from([5, 3, 8, 6, 4, 7, 2]))]
    versions = {key: draw(window_versions(key, zone, arrivals)) for key in keys}
    all_versions = [version for some in versions.values() for version in some]
    people = [draw(account_versions(name, all_versions, arrivals)) for name in names]
    number = iter(range(8, 10_000))
    events: list[Any] = []
    stages = []
    for some in versions.values():
        version = draw(st.sampled_from(some[::-1]))
        closes = version["rush_close"].astimezone(ZoneInfo(zone)).date()
        in_time = [day for day in arrivals if day <= closes + timedelta(days=grace_days)]
        stage = Stage(version, arrivals, in_time or arrivals)
        stages.append(stage)
        for name in names:
            if draw(mostly(True, False, False)):
                events.append(draw(entrant(name, stage, number)))
    for _ in range(draw(st.integers(0, 12))):
        events.append(
            draw(stray(draw(st.sampled_from(names)), draw(st.sampled_from(stages)), number))
        )
    unlisted = draw(mostly((), keys[-1:]))  # windows of which nothing is known
    found = landing([v for key, some in versions.items() for v in some if key not in unlisted])
    for table, rows in landing(people, events).items():
        found[table] += rows
    for table in ("participation", "payment", "orders"):
        if found[table]:
            found[table] = draw(sequenced(found[table]))
            again = draw(st.lists(repeated(found[table], arrivals), max_size=3))
            found[table] += again
    for table in draw(st.lists(st.sampled_from(TABLES), max_size=4)):
        if found[table]:
            found[table].append(draw(spoiled(table, found[table])))
    return found


@st.composite
def histories(draw: st.DrawFn, steps: int = 1) -> History:
    """A history of `steps` steps: in each but the first, files come and go, of old dates too."""
    zone = draw(st.sampled_from(ZONES))
    config = draw(configs(zone))
    rows = draw(tables(zone, config.get("grace_days", 2)))
    files: dict[tuple[str, date, int, int], list[Row]] = {}
    for table, some in rows.items():
        for row in some:
            since = draw(mostly(0, *range(steps)))
            part = draw(mostly(0, 1))
            files.setdefault((table, row["dt"], since, part), []).append(row)
    return History(
        config,
        tuple(
            File(
                table,
                dt,
                f"part-{since}-{part}",
                tuple(some),
                since,
                draw(st.sampled_from([None] * 20 + [since + 1])) if since + 1 < steps else None,
            )
            for (table, dt, since, part), some in files.items()
        ),
    )
