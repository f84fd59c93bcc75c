"""What landing rows must be, how they are compared and ordered (docs/rules.md sections 1 and 2)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from reference.types import Row, WindowKey


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
