"""The rules, in plain Python: what the tables must hold, computed the slow and obvious way.

An oracle for tests. It follows docs/rules.md section by section, one short function per rule, and
shares no code with the library. `Reference.night` answers for one date from all rows that arrived
up to it, from scratch; only the ledger is carried from night to night.

Strings are compared as they are: Python orders by code point, which is the order of UTF-8 bytes.
Money is `Decimal` where it is added or compared (18 digits times 10 fit the 28 of the context), and
whole cents where it is divided.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from hashlib import sha256
from typing import Any
from zoneinfo import ZoneInfo

Row = dict[str, Any]
Landing = dict[str, list[Row]]
WindowKey = tuple[str, str]  # commodity_id, window_id
LedgerKey = tuple[str, str, str]  # account_id, commodity_id, window_id

# ---------------------------------------------------------------- section 9: configuration

DEFAULTS: dict[str, Any] = {
    "timezone": "Asia/Shanghai",
    "grace_days": 2,
    "rescan_days": 35,
    "retention_days": 90,
    "embedded_memory_mb": None,
    "outcome_source": "replay",
    "screening": {
        "min_account_age_days": 0,
        "min_credit_score": None,
        "max_accounts_per_device": None,
    },
    "draw": {"weight_cap": 20},
    "history": {
        "scope": "all",
        "forfeit_resets_streak": True,
        "streak_expiry_days": None,
        "min_advance": "0.00",
        "attempt_within_seconds": None,
        "max_failures_per_day": 3,
    },
    "bonus": {
        "currency": "CNY",
        "trigger": "every",
        "tiers": [
            {"min_failures": 3, "amount": "2.00"},
            {"min_failures": 5, "amount": "5.00"},
            {"min_failures": 10, "amount": "20.00"},
        ],
        "max_single_award": "50000.00",
        "max_per_account_per_day": None,
        "daily_budget": None,
        "clawback": False,
        "pay_from": None,
    },
    "gates": {"max_quarantine_share": "0.01"},
    "sources": {},
    "changes": [],
    "campaigns": {},
}


def merged(base: Row, overlay: Row | None) -> Row:
    """`base` with `overlay` on top: mappings merge, everything else replaces."""
    result = dict(base)
    for key, value in (overlay or {}).items():
        both_map = isinstance(value, dict) and isinstance(result.get(key), dict)
        result[key] = merged(result[key], value) if both_map else value
    return result


def as_date(value: date | str) -> date:
    return date.fromisoformat(value) if isinstance(value, str) else value


def exact(value: Any) -> Decimal:
    """A number of the configuration, read from its text."""
    return Decimal(str(value))


class Settings:
    """The configuration, and what of it is in force when (docs/rules.md section 9)."""

    def __init__(self, config: Row | None) -> None:
        self.base = merged(DEFAULTS, config)
        self.zone = ZoneInfo(self.base["timezone"])
        self.grace = timedelta(days=self.base["grace_days"])
        self.platform_decides = self.base["outcome_source"] == "platform"
        self.scope = self.base["history"]["scope"]
        self.changes = sorted(self.base["changes"], key=lambda change: as_date(change["from"]))
        self._known: dict[tuple[date, str | None], Row] = {}

    def on(self, day: date, campaign_id: str | None) -> Row:
        """The settings of a business date and campaign: changes first, then the campaign's."""
        key = (day, campaign_id)
        if key not in self._known:
            result = self.base
            for change in self.changes:
                if as_date(change["from"]) <= day:
                    result = merged(result, {k: v for k, v in change.items() if k != "from"})
            self._known[key] = merged(result, result["campaigns"].get(campaign_id))
        return self._known[key]

    def business_date(self, window: Row) -> date:
        """The calendar date of a window's `rush_close` (section 1)."""
        closes, first = window["rush_close"], date(1, 1, 2)
        try:
            return max(closes.astimezone(self.zone).date(), first)
        except OverflowError:  # the date there is before the year 1, or after 9999
            return first if closes.year == 1 else date.max

    def last_arrival(self, day: date) -> date:
        """The last arrival date whose rows count for business date `day`."""
        return day + self.grace if day <= date.max - self.grace else date.max

    def is_closed(self, day: date, run_date: date) -> bool:
        """Whether business date `day` is closed by the run of `run_date`."""
        return run_date - day >= self.grace


# ---------------------------------------------------------------- section 2: the contract


@dataclass(frozen=True)
class Column:
    kind: str  # text, int, wide, money, time, flag
    required: bool = False
    one_of: tuple[str, ...] = ()
    is_id: bool = False


def _table(**columns: str) -> dict[str, Column]:
    """Columns from short words: `kind[!]`, `id[!]`, or `a/b/c!` for a list of values."""

    def column(word: str) -> Column:
        kind = word.rstrip("!")
        required = word.endswith("!")
        if kind == "id":
            return Column("text", required, is_id=True)
        if "/" in kind:
            return Column("text", required, one_of=tuple(kind.split("/")))
        return Column(kind, required)

    return {name: column(word) for name, word in columns.items()}


CONTRACT: dict[str, dict[str, Column]] = {
    "participation": _table(
        event_id="id!",
        event_type="join/withdraw!",
        account_id="id!",
        commodity_id="id!",
        window_id="id!",
        team_id="id",
        quantity="int",
        device_id="text",
        event_time="time!",
        sequence="wide",
    ),
    "payment": _table(
        event_id="id!",
        account_id="id!",
        commodity_id="id!",
        window_id="id!",
        kind="advance_paid/advance_refunded/balance_paid/balance_refunded!",
        amount="money!",
        currency="text!",
        event_time="time!",
        sequence="wide",
    ),
    "orders": _table(
        event_id="id!",
        order_id="id!",
        account_id="id!",
        commodity_id="id!",
        window_id="id!",
        status="submitted/confirmed/cancelled/voided/failed!",
        quantity="int",
        event_time="time!",
        sequence="wide",
    ),
    "windows": _table(
        commodity_id="id!",
        window_id="id!",
        campaign_id="text",
        category="text",
        application_open="time!",
        application_close="time!",
        rush_open="time!",
        rush_close="time!",
        stock="int!",
        policy="first_come/lottery/weighted_lottery!",
        unit="individual/team!",
        team_min="int",
        team_max="int",
        limit_per_account="int",
        advance_amount="money!",
        currency="text!",
        min_qualified="int",
        draw_seed="text",
        seed_commitment="text",
        updated_at="time!",
    ),
    "accounts": _table(
        account_id="id!",
        registered_at="time!",
        status="active/suspended/closed!",
        credit_score="int",
        blacklisted="flag",
        person_id="text",
        updated_at="time!",
    ),
}
EVENT_TABLES = ("participation", "payment", "orders")
NEVER_BELOW_ZERO = ("stock", "advance_amount")
MONEY = {
    table: [n for n, c in columns.items() if c.kind == "money"]
    for table, columns in CONTRACT.items()
}

GOOD_ID = re.compile(r"[^|\x00-\x1f\x7f-\x9f]{1,128}")  # Unicode Cc is exactly these two ranges
BAD_ROW_ASIDE = {"late", "unknown_window"}


class ReadRow(dict):
    """A landing row as the rules see it, and `landed`: the row as it was given."""

    __slots__ = ("landed",)
    landed: Row


def read(table: str, landed: Row) -> ReadRow:
    """A landing row with every contract column; empty text in a nullable column is null."""
    row = ReadRow()
    for name, column in CONTRACT[table].items():
        value = landed.get(name)
        row[name] = None if value == "" and not column.required else value
    row["dt"] = landed["dt"]
    row.landed = landed
    return row


def cents(value: Decimal) -> int:
    """The whole cents of an amount with at most two places."""
    over, under = value.as_integer_ratio()
    return over * 100 // under


def money(whole_cents: int) -> Decimal:
    return Decimal(whole_cents).scaleb(-2)


def writable(total: Decimal) -> Decimal:
    """A sum of amounts as it is written: at most the greatest decimal(18,2), or minus that."""
    most = Decimal("9999999999999999.99")
    return max(min(total, most), -most)


def fits_money(value: Decimal) -> bool:
    """Whether an amount is exactly a decimal(18,2)."""
    over, under = value.as_integer_ratio()
    return over * 100 % under == 0 and abs(over) * 100 < under * 10**18


def out_of_range(column: Column, value: Any) -> bool:
    if column.kind == "int":
        return not -(2**31) <= value < 2**31
    if column.kind == "wide":
        return not -(2**63) <= value < 2**63
    return column.kind == "money" and not fits_money(value)


def row_reasons(table: str, row: Row) -> list[str]:
    """What is wrong with one row by itself, in the order of docs/rules.md section 2."""
    null, bad_id, unknown, wide, not_positive, negative = [], [], [], [], [], []
    for name, column in CONTRACT[table].items():
        value = row[name]
        if value is None:
            if column.required:
                null.append(f"null_{name}")
        elif column.is_id:
            if not GOOD_ID.fullmatch(value):
                bad_id.append(f"bad_id_{name}")
        elif column.one_of:
            if value not in column.one_of:
                unknown.append(f"unknown_{name}")
        elif out_of_range(column, value):
            wide.append(f"out_of_range_{name}")
        elif table == "payment" and name == "amount" and value <= 0:
            not_positive.append("not_positive_amount")
        elif name in NEVER_BELOW_ZERO and value < 0:
            negative.append(f"negative_{name}")
    reasons = null + bad_id + unknown + wide + not_positive + negative
    if table == "windows" and invalid_window(row, wide):
        reasons.append("invalid_window")
    return reasons


def invalid_window(row: Row, wide: list[str]) -> bool:
    """Times out of order, or a team window without `1 <= team_min <= team_max`."""
    times = [
        row[name] for name in ("application_open", "application_close", "rush_open", "rush_close")
    ]
    if None in times:
        return False
    opens, closes, rush_opens, rush_closes = times
    in_order = opens < closes <= rush_opens < rush_closes
    return not in_order or (row["unit"] == "team" and bad_team_size(row, wide))


def bad_team_size(row: Row, wide: list[str]) -> bool:
    if "out_of_range_team_min" in wide or "out_of_range_team_max" in wide:
        return False
    least, most = row["team_min"], row["team_max"]
    return least is None or most is None or not 1 <= least <= most


def as_text(value: Any, kind: str) -> str:
    if value is None:
        return ""
    if kind == "time":
        return value.astimezone(UTC).replace(tzinfo=None).isoformat(" ", "microseconds")
    if kind == "money":
        return str(value)
    if kind == "flag":
        return "true" if value else "false"
    return str(value)


def content(table: str, row: Row) -> str:
    """A row's columns but `sequence` as one text: what makes rows equal, and breaks ties."""
    return "|".join(
        as_text(row[name], column.kind)
        for name, column in CONTRACT[table].items()
        if name != "sequence"
    )


def with_two_places(table: str, row: ReadRow) -> ReadRow:
    for name in MONEY[table]:
        row[name] = money(cents(row[name]))
    return row


def sequence_order(event: Row) -> tuple[bool, int]:
    """No sequence comes before every number."""
    number = event["sequence"]
    return (False, 0) if number is None else (True, number)


def event_order(event: Row) -> tuple[datetime, tuple[bool, int], str]:
    return event["event_time"], sequence_order(event), event["event_id"]


def latest_version(table: str, versions: list[Row]) -> Row:
    """By `(updated_at, dt, content)`."""
    if len(versions) == 1:
        return versions[0]
    return max(versions, key=lambda row: (row["updated_at"], row["dt"], content(table, row)))


def by_age(versions: list[Row]) -> list[Row]:
    return sorted(versions, key=lambda row: (row["updated_at"], row["dt"], content("windows", row)))


def window_key(row: Row) -> WindowKey:
    return row["commodity_id"], row["window_id"]


def quarantined(table: str, row: ReadRow, reasons: list[str]) -> Row:
    """A row of `quarantine`; the payload is the row as it landed."""
    return {
        "source": table,
        "dt": row["dt"],
        "event_id": row.landed.get("event_id"),
        "reasons": reasons,
        "payload": {name: row.landed.get(name) for name in CONTRACT[table]},
    }


def judged_alone(table: str, landing: Landing, day: date) -> tuple[list[ReadRow], list[Row]]:
    """Rows that arrived by `day`: those that are right by themselves, and the quarantine."""
    good, bad = [], []
    for landed in landing.get(table) or []:
        if landed["dt"] > day:
            continue
        row = read(table, landed)
        reasons = row_reasons(table, row)
        if reasons:
            bad.append(quarantined(table, row, reasons))
        else:
            good.append(with_two_places(table, row))
    return good, bad


def without_duplicates(table: str, events: list[ReadRow]) -> tuple[list[ReadRow], list[Row]]:
    """One row per event of a window; others of the same id and other content are conflicts."""
    same_id: dict[tuple[str, str, str], list[ReadRow]] = defaultdict(list)
    for event in events:
        same_id[event["commodity_id"], event["window_id"], event["event_id"]].append(event)
    kept, conflicts = [], []
    for rows in same_id.values():
        if len(rows) > 1:
            rows = one_per_content(table, rows)
            conflicts += [quarantined(table, row, ["event_id_conflict"]) for row in rows[1:]]
        kept.append(rows[0])
    return kept, conflicts


def one_per_content(table: str, rows: list[ReadRow]) -> list[ReadRow]:
    """Each content once, its smallest `(dt, sequence)`; by `(dt, event_time, content)`."""

    def arrival(row: ReadRow) -> tuple[date, tuple[bool, int]]:
        return row["dt"], sequence_order(row)

    earliest: dict[str, ReadRow] = {}
    for row in rows:
        text = content(table, row)
        if text not in earliest or arrival(row) < arrival(earliest[text]):
            earliest[text] = row
    ordered = sorted(
        earliest.items(), key=lambda item: (item[1]["dt"], item[1]["event_time"], item[0])
    )
    return [row for _, row in ordered]


@dataclass
class Door:
    """What came in by a date: accepted rows, and what was turned away and why."""

    accepted: Landing = field(default_factory=dict)
    quarantine: list[Row] = field(default_factory=list)
    window_versions: dict[WindowKey, list[Row]] = field(default_factory=dict)  # late ones included
    in_force: dict[WindowKey, Row] = field(default_factory=dict)
    late_payments: list[Row] = field(default_factory=list)


def open_door(landing: Landing, settings: Settings, day: date) -> Door:
    """All of docs/rules.md section 2 as of `day`."""
    door = Door()
    take_accounts(door, landing, day)
    take_windows(door, landing, settings, day)
    for table in EVENT_TABLES:
        take_events(door, table, landing, settings, day)
    return door


def take_accounts(door: Door, landing: Landing, day: date) -> None:
    """Account rows are never late."""
    door.accepted["accounts"], bad = judged_alone("accounts", landing, day)
    door.quarantine += bad


def take_windows(door: Door, landing: Landing, settings: Settings, day: date) -> None:
    """A version that arrived after its own date closed is late, and only its seed counts."""
    good, bad = judged_alone("windows", landing, day)
    door.quarantine += bad
    visible: dict[WindowKey, list[Row]] = {}
    door.accepted["windows"] = []
    for row in good:
        door.window_versions.setdefault(window_key(row), []).append(row)
        if row["dt"] > settings.last_arrival(settings.business_date(row)):
            door.quarantine.append(quarantined("windows", row, ["late"]))
        else:
            door.accepted["windows"].append(row)
            visible.setdefault(window_key(row), []).append(row)
    door.in_force = {key: latest_version("windows", rows) for key, rows in visible.items()}


def take_events(door: Door, table: str, landing: Landing, settings: Settings, day: date) -> None:
    """Duplicates first; then rows of unknown windows, and late ones."""
    good, bad = judged_alone(table, landing, day)
    kept, conflicts = without_duplicates(table, good)
    door.quarantine += bad + conflicts
    business_dates = {key: settings.business_date(row) for key, row in door.in_force.items()}
    accepted = door.accepted[table] = []
    for row in kept:
        business_date = business_dates.get(window_key(row))
        if business_date is None:
            door.quarantine.append(quarantined(table, row, ["unknown_window"]))
        elif row["dt"] > settings.last_arrival(business_date):
            door.quarantine.append(quarantined(table, row, ["late"]))
            if table == "payment":
                door.late_payments.append(row)
        else:
            accepted.append(row | {"business_date": business_date})


def gate_failures(landing: Landing, config: Row | None, day: date) -> list[tuple[str, date, float]]:
    """Each `(table, dt, share)` of which more than `gates.max_quarantine_share` is quarantined.

    `late` and `unknown_window` rows aside; every arrival date up to `day` (section 2).
    """
    settings = Settings(config)
    most = Fraction(str(settings.base["gates"]["max_quarantine_share"]))
    rows = Counter(
        (table, row["dt"])
        for table in CONTRACT
        for row in landing.get(table) or []
        if row["dt"] <= day
    )
    bad = Counter(
        (row["source"], row["dt"])
        for row in open_door(landing, settings, day).quarantine
        if not BAD_ROW_ASIDE & set(row["reasons"])
    )
    return [
        (table, dt, count / rows[table, dt])
        for (table, dt), count in sorted(bad.items())
        if count > most * rows[table, dt]
    ]


# ---------------------------------------------------------------- the rows of one window


@dataclass
class Window:
    """A due window: its version in force, its settings, and its visible rows by account."""

    row: Row
    business_date: date
    last_arrival: date  # whose rows count
    settings: Row
    versions: list[Row]
    participation: dict[str, list[Row]] = field(default_factory=dict)
    payment: dict[str, list[Row]] = field(default_factory=dict)
    late_payment: dict[str, list[Row]] = field(default_factory=dict)
    orders: dict[str, list[Row]] = field(default_factory=dict)

    def __getitem__(self, column: str) -> Any:
        return self.row[column]

    @property
    def key(self) -> WindowKey:
        return window_key(self.row)

    @property
    def ids(self) -> Row:
        return {"commodity_id": self["commodity_id"], "window_id": self["window_id"]}

    @property
    def history_order(self) -> tuple[date, datetime, str, str]:
        return (self.business_date, self["rush_close"], *self.key)

    @property
    def is_first_come(self) -> bool:
        return self["policy"] == "first_come"

    @property
    def is_team(self) -> bool:
        return self["unit"] == "team"


def due_windows(door: Door, settings: Settings, day: date) -> list[Window]:
    """The windows with `d <= day`, in history order, with their visible rows."""
    due = {}
    for key, row in door.in_force.items():
        d = settings.business_date(row)
        if d <= day:
            rules = settings.on(d, row["campaign_id"])
            due[key] = Window(row, d, settings.last_arrival(d), rules, door.window_versions[key])
    groups = [
        ("participation", door.accepted["participation"]),
        ("payment", door.accepted["payment"]),
        ("late_payment", door.late_payments),
        ("orders", door.accepted["orders"]),
    ]
    for name, rows in groups:
        for row in rows:
            if window_key(row) in due:
                by_account = getattr(due[window_key(row)], name)
                by_account.setdefault(row["account_id"], []).append(row)
    return sorted(due.values(), key=lambda window: window.history_order)


# ---------------------------------------------------------------- section 3: account facts


class Accounts:
    """All versions of all accounts; what a window sees of them."""

    def __init__(self, rows: list[Row]) -> None:
        self.versions: dict[str, list[Row]] = defaultdict(list)
        for row in rows:
            self.versions[row["account_id"]].append(row)

    def as_of_application(self, account_id: str, window: Window) -> Row | None:
        """The latest version of what was so when applications closed (section 3)."""
        return self._latest(
            account_id,
            lambda row: (
                row["updated_at"] <= window["application_close"]
                and row["dt"] <= window.last_arrival
            ),
        )

    def as_of_payment(self, account_id: str, window: Window) -> Row | None:
        """The latest version that arrived before the date closed (section 8, step 3)."""
        return self._latest(account_id, lambda row: row["dt"] <= window.last_arrival)

    def _latest(self, account_id: str, in_sight: Callable[[Row], bool]) -> Row | None:
        versions = [row for row in self.versions.get(account_id, ()) if in_sight(row)]
        return latest_version("accounts", versions) if versions else None


# ---------------------------------------------------------------- section 4: screening


@dataclass
class Applicant:
    """An account that applied to a window, and what became of its application."""

    account_id: str
    applied: bool = False  # has an event in the application period
    has_joined: bool = False  # and the event in force is a join
    joined_at: datetime | None = None
    team_id: str | None = None
    quantity: int = 1
    device_id: str | None = None
    facts: Row | None = None
    reasons: list[str] = field(default_factory=list)
    advance_state: str = ""
    advance_net: Decimal = Decimal("0.00")

    @property
    def qualified(self) -> bool:
        return not self.reasons

    @property
    def ready(self) -> bool:
        """Section 5."""
        return self.qualified and self.advance_state in ("paid", "not_required")


def screened(window: Window, accounts: Accounts) -> list[Applicant]:
    """Everyone with a visible participation event, judged (section 4)."""
    applicants = []
    for account_id, events in window.participation.items():
        applicant = application(account_id, events, window)
        applicant.facts = accounts.as_of_application(account_id, window)
        applicant.reasons = own_reasons(applicant, window)
        applicant.advance_net, applicant.advance_state = advance(applicant, window)
        applicants.append(applicant)
    add_shared_device(applicants, window.settings["screening"]["max_accounts_per_device"])
    add_duplicate_person(applicants)
    return applicants


def application(account_id: str, events: list[Row], window: Window) -> Applicant:
    """What an account applied for: by its latest event in the application period."""
    in_period = sorted(
        (
            event
            for event in events
            if window["application_open"] <= event["event_time"] < window["application_close"]
        ),
        key=event_order,
    )
    if not in_period:
        return Applicant(account_id)
    in_force = in_period[-1]
    if in_force["event_type"] == "withdraw":
        return Applicant(account_id, applied=True)
    return Applicant(
        account_id,
        applied=True,
        has_joined=True,
        joined_at=first_of_last_joins(in_period)["event_time"],
        team_id=in_force["team_id"],
        quantity=1 if in_force["quantity"] is None else in_force["quantity"],
        device_id=in_force["device_id"],
    )


def first_of_last_joins(events: list[Row]) -> Row:
    """The earliest join since the latest withdraw; `events` in order, the last one a join."""
    first = events[-1]
    for event in reversed(events):
        if event["event_type"] == "withdraw":
            break
        first = event
    return first


def own_reasons(applicant: Applicant, window: Window) -> list[str]:
    """Codes 1 to 9: those that need no look at other accounts."""
    rules = window.settings["screening"]
    facts, joined = applicant.facts, applicant.has_joined
    limit = 1 if window["limit_per_account"] is None else window["limit_per_account"]
    seen = facts is not None
    is_new = seen and is_younger(facts, window, rules["min_account_age_days"])
    codes = [
        ("outside_application_period", not applicant.applied),
        ("withdrawn", applicant.applied and not joined),
        ("account_unknown", not seen),
        ("account_not_active", seen and facts["status"] != "active"),
        ("account_blacklisted", seen and facts["blacklisted"] is True),
        ("account_too_new", is_new),
        ("credit_too_low", seen and credit_too_low(facts, rules["min_credit_score"])),
        ("quantity_not_allowed", joined and not 1 <= applicant.quantity <= limit),
        ("team_missing", joined and window.is_team and applicant.team_id is None),
    ]
    return [code for code, holds in codes if holds]


def is_younger(facts: Row, window: Window, days_of_24_hours: int) -> bool:
    return window["application_open"] - facts["registered_at"] < timedelta(days=days_of_24_hours)


def credit_too_low(facts: Row, least: int | None) -> bool:
    return least is not None and (facts["credit_score"] is None or facts["credit_score"] < least)


def add_shared_device(applicants: list[Applicant], most: int | None) -> None:
    """Code 10: too many joins in force from one device, of qualified accounts or not."""
    if most is None:
        return
    joined = [a for a in applicants if a.has_joined and a.device_id is not None]
    users = Counter(a.device_id for a in joined)
    for applicant in joined:
        if users[applicant.device_id] > most:
            applicant.reasons.append("shared_device")


def add_duplicate_person(applicants: list[Applicant]) -> None:
    """Code 11: of one person's accounts that are all right so far, only the first to join is."""
    persons: dict[str, list[Applicant]] = defaultdict(list)
    for applicant in applicants:
        if applicant.qualified and applicant.facts["person_id"] is not None:
            persons[applicant.facts["person_id"]].append(applicant)
    for same in persons.values():
        first = min(same, key=join_order)
        for applicant in same:
            if applicant is not first:
                applicant.reasons.append("duplicate_person")


def join_order(applicant: Applicant) -> tuple[datetime, str]:
    return applicant.joined_at, applicant.account_id


def advance(applicant: Applicant, window: Window) -> tuple[Decimal, str]:
    """The net advance paid before the rush, and the advance state."""
    payments = [
        event
        for event in window.payment.get(applicant.account_id, ())
        if event["event_time"] < window["rush_open"] and event["currency"] == window["currency"]
    ]
    net = net_advance(payments)
    required = window["advance_amount"] * max(applicant.quantity, 0)
    if required == 0:
        return net, "not_required"
    if net >= required:
        return net, "paid"
    if net > 0:
        return net, "partial"
    if any(event["kind"] == "advance_paid" for event in payments):
        return net, "refunded"
    return net, "unpaid"


def net_advance(payments: Iterable[Row]) -> Decimal:
    sign = {"advance_paid": 1, "advance_refunded": -1}
    return sum((sign.get(p["kind"], 0) * p["amount"] for p in payments), Decimal("0.00"))


def screening_row(window: Window, applicant: Applicant) -> Row:
    return window.ids | {
        "account_id": applicant.account_id,
        "business_date": window.business_date,
        "joined_at": applicant.joined_at,
        "team_id": applicant.team_id,
        "quantity": applicant.quantity,
        "qualified": applicant.qualified,
        "reasons": applicant.reasons,
        "advance_state": applicant.advance_state,
        "advance_net": writable(applicant.advance_net),
    }


# ---------------------------------------------------------------- section 5: the rush


def hold(window: Window) -> tuple[str | None, str | None]:
    """The seed of a lottery, or why the window is held: `(seed, None)` or `(None, status)`."""
    if window.is_first_come:
        return None, None
    versions = by_age(window.versions)
    seeds = [row["draw_seed"] for row in versions if row["draw_seed"] is not None]
    commitments = (row["seed_commitment"] for row in versions)
    commitment = next((value for value in commitments if value is not None), None)
    for seed in seeds:
        if commitment is None or sha256(seed.encode()).hexdigest() == commitment:
            return seed, None
    return None, "seed_mismatch" if seeds else "seed_missing"


def ticket(seed: str, commodity_id: str, window_id: str, entry_id: str, i: int) -> str:
    """Ticket `i` of an entry: 16 hex digits; four tickets to one SHA-256."""
    text = f"{seed}|{commodity_id}|{window_id}|{entry_id}|{i // 4}"
    first = 16 * (i % 4)
    return sha256(text.encode()).hexdigest()[first : first + 16]


@dataclass
class Entry:
    """What competes for stock."""

    entry_id: str
    members: list[Applicant]
    size: int
    attempt: Row | None = None  # first_come: the order event that counts
    ticket: str | None = None
    weight: int | None = None
    allocated: bool = False


def attempted_at(entry: Entry | None) -> datetime | None:
    return entry.attempt["event_time"] if entry and entry.attempt else None


def entries_of(window: Window, ready: list[Applicant]) -> tuple[list[Entry], dict[str, str]]:
    """The entries of a formed window, and the outcome of accounts that are in none."""
    if window.is_team:
        entries, left_out = teams(window, ready)
    else:
        entries = [Entry(a.account_id, [a], a.quantity) for a in ready]
        left_out = {}
    if window.is_first_come:
        for entry in entries:
            set_attempt(entry, window)
    return entries, left_out


def teams(window: Window, ready: list[Applicant]) -> tuple[list[Entry], dict[str, str]]:
    """Complete teams as entries; who is left out, and why."""
    by_team: dict[str, list[Applicant]] = defaultdict(list)
    for applicant in sorted(ready, key=join_order):
        by_team[applicant.team_id].append(applicant)
    entries: list[Entry] = []
    left_out: dict[str, str] = {}
    for team_id, accounts in by_team.items():
        if len(accounts) < window["team_min"]:
            left_out |= {a.account_id: "team_incomplete" for a in accounts}
            continue
        members, rest = accounts[: window["team_max"]], accounts[window["team_max"] :]
        left_out |= {a.account_id: "team_overfull" for a in rest}
        entries.append(Entry(team_id, members, sum(a.quantity for a in members)))
    return entries, left_out


def set_attempt(entry: Entry, window: Window) -> None:
    """The first order event of a first_come entry, and the size that it asks for."""
    attempts = [
        event
        for member in entry.members
        for event in window.orders.get(member.account_id, ())
        if event["status"] == "submitted"
        and window["rush_open"] <= event["event_time"] < window["rush_close"]
    ]
    if not attempts:
        return
    entry.attempt = min(attempts, key=event_order)
    asked = entry.attempt["quantity"]
    if not window.is_team and asked is not None and asked >= 1:
        entry.size = min(entry.size, asked)


def draw(window: Window, entry: Entry, seed: str, streaks: Streaks) -> None:
    """The ticket of a lottery entry: its only one, or the smallest of as many as its weight."""
    entry.weight = 1
    if window["policy"] == "weighted_lottery":
        points = [streaks.points(member.account_id, window) for member in entry.members]
        entry.weight = 1 + min(mean_half_up(points), window.settings["draw"]["weight_cap"])
    entry.ticket = min(ticket(seed, *window.key, entry.entry_id, i) for i in range(entry.weight))


def mean_half_up(numbers: list[int]) -> int:
    return (2 * sum(numbers) + len(numbers)) // (2 * len(numbers))


def in_order(window: Window, entries: list[Entry]) -> list[Entry]:
    """The entries that try, first to last."""
    if window.is_first_come:
        trying = (entry for entry in entries if entry.attempt is not None)
        return sorted(trying, key=lambda e: (*event_order(e.attempt), e.entry_id))
    return sorted(entries, key=lambda e: (e.ticket, e.entry_id))


def allocate(entries: list[Entry], stock: int) -> None:
    """Greedy: an entry that fits what remains wins; one that does not is passed over."""
    remaining = stock
    for entry in entries:
        if entry.size <= remaining:
            entry.allocated = True
            remaining -= entry.size


# ---------------------------------------------------------------- section 6: outcomes


@dataclass
class Order:
    """One order: the status and quantity of its latest visible event, and whether an earlier
    event confirmed it."""

    status: str
    quantity: int
    was_confirmed: bool


def orders_of(window: Window, account_ids: Iterable[str]) -> list[Order]:
    """The orders of some accounts, each account's kept apart."""
    events: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for account_id in account_ids:
        for event in window.orders.get(account_id, ()):
            events[account_id, event["order_id"]].append(event)
    return [order_from(sorted(rows, key=event_order)) for rows in events.values()]


def order_from(events: list[Row]) -> Order:
    *earlier, last = events
    quantity = 1 if last["quantity"] is None else max(last["quantity"], 0)
    return Order(last["status"], quantity, any(e["status"] == "confirmed" for e in earlier))


def order_state(orders: list[Order]) -> str:
    states = {order.status for order in orders}
    ranking = ("confirmed", "submitted", "cancelled", "voided", "failed")
    return next((status for status in ranking if status in states), "none")


def platform_outcome(orders: list[Order]) -> str:
    """What the platform's own order log says of the rush."""
    state = order_state(orders)
    if state == "confirmed":
        return "won"
    if state == "none":
        return "none"
    given_up = any(order.status == state and order.was_confirmed for order in orders)
    if given_up and state in ("cancelled", "voided"):
        return {"cancelled": "forfeited", "voided": "voided"}[state]
    return "lost"


@dataclass
class Result:
    """What the rush gave a ready account: a row of `allocations`, and its window."""

    window: Window
    applicant: Applicant
    outcome: str
    platform_outcome: str
    entry: Entry | None

    @property
    def account_id(self) -> str:
        return self.applicant.account_id

    @property
    def advance_required(self) -> Decimal:
        return self.window["advance_amount"] * self.applicant.quantity

    def row(self) -> Row:
        entry = self.entry
        return self.window.ids | {
            "account_id": self.account_id,
            "business_date": self.window.business_date,
            "entry_id": entry.entry_id if entry else None,
            "size": min(entry.size, 2**31 - 1) if entry else None,
            "ticket": entry.ticket if entry else None,
            "weight": entry.weight if entry else None,
            "attempted_at": attempted_at(entry),
            "outcome": self.outcome,
            "platform_outcome": self.platform_outcome,
            "quantity": self.applicant.quantity,
        }


@dataclass
class Rush:
    """A window after its rush."""

    window: Window
    applicants: list[Applicant]
    status: str
    entries: list[Entry] = field(default_factory=list)
    results: list[Result] = field(default_factory=list)

    @property
    def held(self) -> bool:
        return self.status in ("seed_missing", "seed_mismatch")


def replay(window: Window, applicants: list[Applicant], streaks: Streaks) -> Rush:
    """Sections 5 and 6 for one window: held, not formed, or allocated."""
    ready = [a for a in applicants if a.ready]
    seed, held = hold(window)
    if held:
        return Rush(window, applicants, held)
    if len(ready) < (window["min_qualified"] or 0):
        return Rush(window, applicants, "not_formed", results=not_formed(window, ready))
    entries, left_out = entries_of(window, ready)
    if not window.is_first_come:
        for entry in entries:
            draw(window, entry, seed, streaks)
    allocate(in_order(window, entries), window["stock"])
    results = [result for entry in entries for result in entry_results(window, entry)]
    for applicant in ready:
        if applicant.account_id in left_out:
            results.append(lone_result(window, applicant, left_out[applicant.account_id], None))
    return Rush(window, applicants, "allocated", entries, results)


def not_formed(window: Window, ready: list[Applicant]) -> list[Result]:
    """Without a rush there are no entries; an individual's row still names the account."""
    return [
        lone_result(
            window,
            a,
            "not_formed",
            None if window.is_team else Entry(a.account_id, [a], a.quantity),
        )
        for a in ready
    ]


def lone_result(window: Window, applicant: Applicant, outcome: str, entry: Entry | None) -> Result:
    """The result of an account that is judged by its own orders alone."""
    orders = orders_of(window, [applicant.account_id])
    return Result(window, applicant, outcome, platform_outcome(orders), entry)


def entry_results(window: Window, entry: Entry) -> list[Result]:
    """The results of an entry's members: all orders are each member's."""
    orders = orders_of(window, [member.account_id for member in entry.members])
    outcome = entry_outcome(window, entry, order_state(orders))
    said = platform_outcome(orders)
    return [Result(window, member, outcome, said, entry) for member in entry.members]


def entry_outcome(window: Window, entry: Entry, state: str) -> str:
    if window.is_first_come and entry.attempt is None:
        return "no_attempt"
    if entry.size > window["stock"]:
        return "cannot_fit"
    if not entry.allocated:
        return "lost"
    return {"cancelled": "forfeited", "voided": "voided"}.get(state, "won")


def audit_rows(rush: Rush) -> Iterator[Row]:
    """Accounts of which replay and platform do not agree that they won."""
    if rush.held:
        return
    window = rush.window
    said = {a: platform_outcome(orders_of(window, [a])) for a in window.orders}
    said |= {result.account_id: result.platform_outcome for result in rush.results}
    winners = {result.account_id for result in rush.results if result.outcome == "won"}
    for account_id, outcome in said.items():
        won, platform_won = account_id in winners, outcome == "won"
        if won != platform_won:
            yield window.ids | {
                "account_id": account_id,
                "business_date": window.business_date,
                "kind": "should_have_won" if won else "should_not_have_won",
            }


def result_row(rush: Rush) -> Row:
    """The window's row of `window_results`."""
    window = rush.window
    outcomes = Counter(result.outcome for result in rush.results)
    tried = [e for e in rush.entries if e.attempt is not None or not window.is_first_come]
    confirmed = sum(o.quantity for o in orders_of(window, window.orders) if o.status == "confirmed")
    return window.ids | {
        "business_date": window.business_date,
        "status": rush.status,
        "policy": window["policy"],
        "unit": window["unit"],
        "stock": window["stock"],
        "participants": len(rush.applicants),
        "qualified": sum(a.qualified for a in rush.applicants),
        "ready": sum(a.ready for a in rush.applicants),
        "entries": len(rush.entries),
        "attempts": len(tried),
        "winners": outcomes["won"],
        "losers": outcomes["lost"],
        "forfeits": outcomes["forfeited"],
        "allocated_units": sum(entry.size for entry in rush.entries if entry.allocated),
        "oversold_units": max(confirmed - window["stock"], 0),
    }


def refund_rows(rush: Rush) -> Iterator[Row]:
    """Advance payments still with the platform, of those who neither won nor forfeited."""
    if rush.held:
        return
    window = rush.window
    outcomes = {result.account_id: result.outcome for result in rush.results}
    for account_id in window.payment.keys() | window.late_payment.keys():
        outcome = outcomes.get(account_id, "not_ready")
        payments = [*window.payment.get(account_id, ()), *window.late_payment.get(account_id, ())]
        amount = net_advance(p for p in payments if p["currency"] == window["currency"])
        if outcome not in ("won", "forfeited") and amount > 0:
            yield window.ids | {
                "account_id": account_id,
                "business_date": window.business_date,
                "outcome": outcome,
                "amount": writable(amount),
                "currency": window["currency"],
            }


# ---------------------------------------------------------------- section 7: history


@dataclass
class Counted:
    """A counted outcome: a row of `account_outcomes`, and where it came from."""

    origin: Result
    scope: str
    result: str
    streak: int = 0  # after it

    @property
    def window(self) -> Window:
        return self.origin.window

    @property
    def account_id(self) -> str:
        return self.origin.account_id

    def row(self) -> Row:
        return {
            "account_id": self.account_id,
            "scope": self.scope,
            **self.window.ids,
            "business_date": self.window.business_date,
            "result": self.result,
            "consecutive_failures": self.streak,
        }


def scope_of(window: Window, scope: str) -> str:
    """What the streak of a window's outcomes runs over."""
    column = {"all": None, "campaign": "campaign_id", "category": "category"}[scope]
    return (window[column] or "") if column else ""


def counted_outcomes(rushes: list[Rush], settings: Settings) -> list[Counted]:
    """The outcomes of one business date that count, in history order.

    `rushes` are all of the date, in history order.
    """
    counted = []
    losses: Counter[tuple[str, str]] = Counter()
    for rush in rushes:
        rules = rush.window.settings["history"]
        scope = scope_of(rush.window, settings.scope)
        for origin in rush.results:
            result = counting_result(origin, settings, rules)
            if result is None:
                continue
            if result == "lost":
                losses[origin.account_id, scope] += 1
                most = rules["max_failures_per_day"]
                if most is not None and losses[origin.account_id, scope] > most:
                    continue
            counted.append(Counted(origin, scope, result))
    return counted


def counting_result(origin: Result, settings: Settings, rules: Row) -> str | None:
    """`won`, `lost` or `forfeited` where the outcome can count, else None."""
    if origin.outcome not in ("won", "lost", "forfeited", "voided"):
        return None
    result = origin.platform_outcome if settings.platform_decides else origin.outcome
    if result == "lost":
        return result if loss_counts(origin, rules) else None
    return result if result in ("won", "forfeited") else None


def loss_counts(origin: Result, rules: Row) -> bool:
    """A loss counts only with enough at stake and, in first_come, an attempt early enough."""
    if origin.advance_required < exact(rules["min_advance"]):
        return False
    within = rules["attempt_within_seconds"]
    if origin.window.is_first_come and within is not None:
        waited = attempted_at(origin.entry) - origin.window["rush_open"]
        return waited < timedelta(seconds=within)
    return True


class Streaks:
    """The history of every account and scope, outcome by outcome."""

    def __init__(self, scope: str) -> None:
        self.scope = scope
        self.rows: dict[tuple[str, str], Row] = {}  # account_history

    def points(self, account_id: str, window: Window) -> int:
        """The streak before a window's business date, or 0 when it has expired by then."""
        row = self.rows.get((account_id, scope_of(window, self.scope)))
        if row is None or expired(row, window):
            return 0
        return row["consecutive_failures"]

    def apply(self, counted: Counted) -> None:
        """Take in the next counted outcome, and note the streak after it."""
        day, result = counted.window.business_date, counted.result
        row = self.rows.setdefault((counted.account_id, counted.scope), blank_history(counted))
        if expired(row, counted.window):
            row["consecutive_failures"] = 0
        if result == "lost":
            row["failures"] += 1
            row["consecutive_failures"] += 1
            row["last_failure_date"] = day
        elif result == "won":
            row["wins"] += 1
            row["consecutive_failures"] = 0
            row["last_win_date"] = day
        else:
            row["forfeits"] += 1
            if counted.window.settings["history"]["forfeit_resets_streak"]:
                row["consecutive_failures"] = 0
        row["attempts"] += 1
        row["longest_streak"] = max(row["longest_streak"], row["consecutive_failures"])
        row["last_business_date"] = day
        counted.streak = row["consecutive_failures"]


def expired(row: Row, window: Window) -> bool:
    """More than `streak_expiry_days` lie between the last counted outcome and this window."""
    most = window.settings["history"]["streak_expiry_days"]
    return most is not None and (window.business_date - row["last_business_date"]).days > most


def blank_history(counted: Counted) -> Row:
    day = counted.window.business_date
    return {
        "account_id": counted.account_id,
        "scope": counted.scope,
        "attempts": 0,
        "wins": 0,
        "failures": 0,
        "forfeits": 0,
        "consecutive_failures": 0,
        "longest_streak": 0,
        "first_business_date": day,
        "last_business_date": day,
        "last_win_date": None,
        "last_failure_date": None,
    }


# ---------------------------------------------------------------- section 8: awards


@dataclass
class Award:
    """A raw amount in cents, and what the steps left of it."""

    loss: Counted
    raw: int
    amount: int
    reason: str = "granted"

    @property
    def key(self) -> LedgerKey:
        return (self.loss.account_id, *self.loss.window.key)

    def cut_to(self, amount: int, reason: str) -> None:
        if amount != self.amount:
            self.amount, self.reason = amount, reason

    def row(self) -> Row:
        return {
            "account_id": self.loss.account_id,
            **self.loss.window.ids,
            "business_date": self.loss.window.business_date,
            "consecutive_failures": self.loss.streak,
            "raw_amount": money(self.raw),
            "amount": money(self.amount),
            "currency": self.loss.window.settings["bonus"]["currency"],
            "reason": self.reason,
        }


def awards_of(counted: list[Counted], accounts: Accounts) -> list[Award]:
    """The awards of one business date; `counted` are its outcomes in history order."""
    by_campaign: dict[str | None, list[Award]] = defaultdict(list)
    for loss in counted:
        raw = raw_amount(loss)
        if raw is not None:
            award = Award(loss, raw, raw)
            step_served_by_platform(award)
            step_account_ineligible(award, accounts)
            by_campaign[loss.window["campaign_id"]].append(award)
    for awards in by_campaign.values():
        rules = awards[0].loss.window.settings["bonus"]
        step_capped(awards, rules["max_per_account_per_day"])
        step_budget_scaled(awards, rules["daily_budget"])
    return [award for awards in by_campaign.values() for award in awards]


def raw_amount(loss: Counted) -> int | None:
    """Step 1: the cents that the tier of the streak gives, or None where there is no award."""
    rules = loss.window.settings["bonus"]
    pay_from = rules["pay_from"]
    if loss.result != "lost" or loss.window["currency"] != rules["currency"]:
        return None
    if pay_from is not None and loss.window.business_date < as_date(pay_from):
        return None
    reached = [tier for tier in rules["tiers"] if tier["min_failures"] <= loss.streak]
    tier = max(reached, key=lambda tier: tier["min_failures"], default=None)
    if tier is None or (rules["trigger"] == "at_threshold" and loss.streak != tier["min_failures"]):
        return None
    amount = tier_amount(tier, loss.origin.advance_required)
    most = rules["max_single_award"]
    return amount if most is None else min(amount, cents(exact(most)))


def tier_amount(tier: Row, advance_required: Decimal) -> int:
    """A fixed amount, or a share of the advance rounded half-even, in cents."""
    if tier.get("amount") is not None:
        return cents(exact(tier["amount"]))
    share = Fraction(str(tier["advance_share"])) * Fraction(advance_required)
    return round(share * 100)  # of a Fraction: half to even


def step_served_by_platform(award: Award) -> None:
    """Step 2: who won on the platform gets nothing for the loss."""
    if award.loss.origin.platform_outcome == "won":
        award.cut_to(0, "served_by_platform")


def step_account_ineligible(award: Award, accounts: Accounts) -> None:
    """Step 3: the account is gone, not active, or blacklisted."""
    facts = accounts.as_of_payment(award.loss.account_id, award.loss.window)
    if facts is None or facts["status"] != "active" or facts["blacklisted"] is True:
        award.cut_to(0, "account_ineligible")


def step_capped(awards: list[Award], cap: Any) -> None:
    """Step 4: one account's amounts of a date and campaign, in history order, up to the cap."""
    if cap is None:
        return
    left: dict[str, int] = defaultdict(lambda: cents(exact(cap)))
    for award in awards:
        account_id = award.loss.account_id
        award.cut_to(min(award.amount, left[account_id]), "capped")
        left[account_id] -= award.amount


def step_budget_scaled(awards: list[Award], daily_budget: Any) -> None:
    """Step 5: too much for one date and campaign is scaled to exactly the budget."""
    total = sum(award.amount for award in awards)
    if daily_budget is None or total <= cents(exact(daily_budget)):
        return
    budget = cents(exact(daily_budget))
    floors = {award.key: award.amount * budget // total for award in awards}
    by_fraction = sorted(awards, key=lambda a: (-(a.amount * budget % total), a.key))
    for award in by_fraction[: budget - sum(floors.values())]:
        floors[award.key] += 1
    for award in awards:
        award.cut_to(floors[award.key], "budget_scaled")


# ---------------------------------------------------------------- section 8: the ledger


class Ledger:
    """What is owed: entries that are only ever added, and what was waived."""

    def __init__(self) -> None:
        self.entries: list[Row] = []
        self.waivers: list[Row] = []
        self.revisions: Counter[LedgerKey] = Counter()
        self.balance: Counter[LedgerKey] = Counter()
        self.posted: dict[tuple[LedgerKey, date], int] = {}
        self.waived: dict[LedgerKey, dict[date, int]] = defaultdict(dict)
        self.currency: dict[LedgerKey, str] = {}
        self.digests: list[Row] = []

    def post(
        self,
        due: dict[tuple[LedgerKey, date], int],
        claws_back: Callable[[LedgerKey, date], bool],
        run_date: date,
    ) -> None:
        """Bring every key and closed business date to what it is `due` (cents; 0 if not named).

        What a key lost comes before what it gained: a window that moved to another date is first
        taken back, then paid.
        """
        places = due.keys() | self.posted.keys()
        places |= {(key, day) for key, days in self.waived.items() for day in days}
        known = len(self.entries)
        differences = []
        for key, day in places:
            amount = due.get((key, day), 0)
            standing = self.posted.get((key, day), 0) - self.waived.get(key, {}).get(day, 0)
            differences.append((key, amount > standing, day, amount))
        for key, _, day, amount in sorted(differences):
            if claws_back(key, day):
                self._balance_exactly(key, day, amount, run_date)
            else:
                self._never_take_back(key, day, amount, run_date)
        if len(self.entries) > known:
            self.digests.append(seal(self.digests, self.entries, known, run_date))

    def _balance_exactly(self, key: LedgerKey, day: date, amount: int, run_date: date) -> None:
        """With clawback: the balance becomes the amount, and nothing stays waived."""
        self._waive(key, day, -self.waived.get(key, {}).get(day, 0), run_date)
        self._enter(key, day, amount - self.posted.get((key, day), 0), run_date)

    def _never_take_back(self, key: LedgerKey, day: date, amount: int, run_date: date) -> None:
        """Without: a decrease is waived, and an increase uses up first what was waived."""
        waived = self.waived.get(key, {})
        difference = amount - (self.posted.get((key, day), 0) - waived.get(day, 0))
        used_up = min(difference, sum(waived.values())) if difference > 0 else difference
        self._waive(key, day, -used_up, run_date)
        self._enter(key, day, difference - used_up, run_date)

    def _waive(self, key: LedgerKey, day: date, amount: int, run_date: date) -> None:
        if amount == 0:
            return
        self.waived[key][day] = self.waived[key].get(day, 0) + amount
        self.waivers.append(
            ledger_ids(key)
            | {
                "business_date": day,
                "amount": money(amount),
                "currency": self.currency[key],
                "run_date": run_date,
            }
        )

    def _enter(self, key: LedgerKey, day: date, amount: int, run_date: date) -> None:
        if amount == 0:
            return
        revision = self.revisions[key]
        self.revisions[key] += 1
        self.balance[key] += amount
        self.posted[key, day] = self.posted.get((key, day), 0) + amount
        kind = "reversal" if self.balance[key] == 0 else "adjustment"
        self.entries.append(
            {
                "entry_id": sha256("|".join([*key, str(revision)]).encode()).hexdigest(),
                **ledger_ids(key),
                "business_date": day,
                "amount": money(amount),
                "currency": self.currency[key],
                "kind": "award" if revision == 0 else kind,
                "revision": revision,
                "run_date": run_date,
            }
        )

    def payouts(self) -> list[Row]:
        """The net of every posting's entries, per account and currency."""
        rows, known = [], 0
        for digest in self.digests:
            posted = self.entries[known : known + digest["entries"]]
            known += digest["entries"]
            first = min(entry["currency"] for entry in posted)
            net: dict[tuple[str, str], list[Decimal]] = defaultdict(list)
            for entry in posted:
                net[entry["account_id"], entry["currency"]].append(entry["amount"])
            for (account_id, currency), amounts in net.items():
                said = [
                    str(digest["number"]),
                    account_id,
                    *([currency] if currency != first else []),
                ]
                rows.append(
                    {
                        "payout_id": sha256("|".join(said).encode()).hexdigest(),
                        "posting": digest["number"],
                        "account_id": account_id,
                        "run_date": digest["run_date"],
                        "amount": sum(amounts),
                        "entries": len(amounts),
                        "currency": currency,
                    }
                )
        return rows


def seal(before: list[Row], entries: list[Row], known: int, run_date: date) -> Row:
    """The row of bonus_ledger_digests for a posting: all entries but the first `known`."""
    posted = entries[known:]
    row = {
        "number": len(before),
        "run_date": run_date,
        "entries": len(posted),
        "amount": sum((entry["amount"] for entry in posted), Decimal("0.00")),
        "content": entries_digest([e for e in entries if e["run_date"] == run_date]),
        "previous": before[-1]["digest"] if before else "0" * 64,
    }
    return row | {"digest": row_digest(row)}


def chain_problems(digests: list[Row], entries: list[Row]) -> list[str]:
    """What is wrong with the rows of bonus_ledger_digests, by themselves or for the entries."""
    wrong, previous = [], "0" * 64
    newest: dict[date, Row] = {}
    for number, row in enumerate(sorted(digests, key=lambda row: row["number"])):
        sealed = {name: value for name, value in row.items() if name != "digest"}
        if (row["number"], row["previous"]) != (number, previous):
            wrong.append(f"{row}: should be posting {number}, after {previous}")
        if row["digest"] != row_digest(sealed):
            wrong.append(f"{row}: should have the digest {row_digest(sealed)}")
        previous = row["digest"]
        newest[row["run_date"]] = row
    for run_date in {entry["run_date"] for entry in entries} | newest.keys():
        posted = [entry for entry in entries if entry["run_date"] == run_date]
        of_date = [row for row in digests if row["run_date"] == run_date]
        said = (
            sum(row["entries"] for row in of_date),
            sum((row["amount"] for row in of_date), Decimal(0)),
            newest[run_date]["content"] if of_date else None,
        )
        total = sum((entry["amount"] for entry in posted), Decimal(0))
        should = (len(posted), total, entries_digest(posted))
        if said != should:
            wrong.append(f"postings of {run_date}: {said}, should be {should}")
    return wrong


def entries_digest(entries: list[Row]) -> str:
    """A digest of the digests of 256 buckets; an entry is in that of its id's first characters."""
    buckets: dict[str, list[str]] = defaultdict(list)
    for entry in entries:
        columns = "entry_id account_id commodity_id window_id business_date amount currency kind"
        in_order = [*columns.split(), "revision", "run_date"]
        buckets[entry["entry_id"][:2]].append(row_digest({name: entry[name] for name in in_order}))
    return lines_digest([lines_digest(sorted(buckets[bucket])) for bucket in sorted(buckets)])


def row_digest(row: Row) -> str:
    return sha256("|".join(map(str, row.values())).encode()).hexdigest()


def lines_digest(lines: list[str]) -> str:
    return sha256("".join(f"{line}\n" for line in lines).encode()).hexdigest()


def ledger_ids(key: LedgerKey) -> Row:
    return dict(zip(("account_id", "commodity_id", "window_id"), key, strict=True))


# ---------------------------------------------------------------- a night


@dataclass
class Judged:
    """What the due windows came to, in history order."""

    streaks: Streaks
    rushes: list[Rush] = field(default_factory=list)
    counted: list[Counted] = field(default_factory=list)
    awards: list[Award] = field(default_factory=list)


class Reference:
    """What every table of the warehouse holds after the night of a date."""

    def __init__(self, config: Row | None = None) -> None:
        self.settings = Settings(config)
        self.ledger = Ledger()

    def judged(self, door: Door, date: date) -> Judged:
        """Every due window judged in history order, on the rows that came in by `date`."""
        accounts = Accounts(door.accepted["accounts"])
        judged = Judged(Streaks(self.settings.scope))
        for windows in by_business_date(due_windows(door, self.settings, date)):
            rushes = [replay(w, screened(w, accounts), judged.streaks) for w in windows]
            outcomes = counted_outcomes(rushes, self.settings)
            for outcome in outcomes:
                judged.streaks.apply(outcome)
            judged.rushes += rushes
            judged.counted += outcomes
            judged.awards += awards_of(outcomes, accounts)
        return judged

    def night(self, landing: Landing, date: date) -> dict[str, list[Row]]:
        """The tables after the run of `date`. Call it for one date after the other."""
        door = open_door(landing, self.settings, date)
        judged = self.judged(door, date)
        rushes, counted, awards = judged.rushes, judged.counted, judged.awards
        self._post(awards, door, date)
        return {
            **door.accepted,
            "quarantine": door.quarantine,
            "screened_participants": [
                screening_row(rush.window, a) for rush in rushes for a in rush.applicants
            ],
            "allocations": [result.row() for rush in rushes for result in rush.results],
            "window_results": [result_row(rush) for rush in rushes],
            "audit_discrepancies": [row for rush in rushes for row in audit_rows(rush)],
            "refunds_due": [row for rush in rushes for row in refund_rows(rush)],
            "account_outcomes": [outcome.row() for outcome in counted],
            "account_history": list(judged.streaks.rows.values()),
            "bonus_awards": [award.row() for award in awards],
            "bonus_ledger": list(self.ledger.entries),
            "bonus_ledger_digests": list(self.ledger.digests),
            "bonus_payouts": self.ledger.payouts(),
            "bonus_waived": list(self.ledger.waivers),
        }

    def _post(self, awards: list[Award], door: Door, run_date: date) -> None:
        """The awards of closed dates go to the ledger."""
        due = {}
        for award in awards:
            window = award.loss.window
            if self.settings.is_closed(window.business_date, run_date):
                due[award.key, window.business_date] = award.amount
                self.ledger.currency[award.key] = window.settings["bonus"]["currency"]

        def claws_back(key: LedgerKey, day: date) -> bool:
            window = door.in_force.get(key[1:])
            campaign_id = window["campaign_id"] if window else None
            return self.settings.on(day, campaign_id)["bonus"]["clawback"]

        self.ledger.post(due, claws_back, run_date)


def by_business_date(windows: list[Window]) -> Iterator[list[Window]]:
    """Windows in history order, one list per date."""
    dates: dict[date, list[Window]] = defaultdict(list)
    for window in windows:
        dates[window.business_date].append(window)
    yield from dates.values()
