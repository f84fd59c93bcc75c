"""Base rows of the landing zone: a test states only what differs from them.

Left as they are, the rows tell one story: account `a` joins window `w1` of commodity `sku1`, a
lottery for one unit with a published seed, and pays its advance of 10.00 in time. It is qualified,
ready, and wins. `day` moves a whole row in time; the business date is that day in Asia/Shanghai.

    00:00 to 02:00 UTC of `day`   application period: join at 01:00, advance payment at 01:30
    03:00 to 04:00                rush: order at 03:01

Every row is a plain dict with all columns of its table (docs/rules.md section 2) and `dt`, which is
`day` unless said otherwise. An event id comes from what the row says: equal rows have equal ids.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from hashlib import sha256
from typing import Any

Row = dict[str, Any]
Landing = dict[str, list[Row]]

DAY = date(2026, 3, 10)
SEED = "autumn-7391"


def at(clock: str, day: date = DAY) -> datetime:
    """The UTC time `HH:MM[:SS[.ffffff]]` of a day."""
    return datetime.combine(day, time.fromisoformat(clock), UTC)


def days(count: int, start: date = DAY) -> date:
    """The date `count` days after `start`."""
    return start + timedelta(days=count)


def commitment(seed: str = SEED) -> str:
    """The commitment to a seed: lower-case hex SHA-256."""
    return sha256(seed.encode()).hexdigest()


def window(commodity: str = "sku1", window: str = "w1", *, day: date = DAY, **changes: Any) -> Row:
    """A version of a window: an individual lottery for one unit, advance 10.00 CNY."""
    base = {
        "commodity_id": commodity,
        "window_id": window,
        "campaign_id": None,
        "category": None,
        "application_open": at("00:00", day),
        "application_close": at("02:00", day),
        "rush_open": at("03:00", day),
        "rush_close": at("04:00", day),
        "stock": 1,
        "policy": "lottery",
        "unit": "individual",
        "team_min": None,
        "team_max": None,
        "limit_per_account": 5,
        "advance_amount": Decimal("10.00"),
        "currency": "CNY",
        "min_qualified": None,
        "draw_seed": SEED,
        "seed_commitment": None,
        "updated_at": at("00:00", day - timedelta(days=1)),
        "dt": day,
    }
    return _changed(base, changes)


def account(account: str = "a", *, day: date = DAY, **changes: Any) -> Row:
    """A version of an account: active, registered a year before, of nobody else's person."""
    base = {
        "account_id": account,
        "registered_at": at("00:00", day - timedelta(days=365)),
        "status": "active",
        "credit_score": 700,
        "blacklisted": False,
        "person_id": None,
        "updated_at": at("00:00", day - timedelta(days=1)),
        "dt": day,
    }
    return _changed(base, changes)


def joined(
    account: str = "a",
    commodity: str = "sku1",
    window: str = "w1",
    *,
    team: str | None = None,
    quantity: int | None = 1,
    device: str | None = None,
    day: date = DAY,
    clock: str = "01:00",
    **changes: Any,
) -> Row:
    """A participation event: the account joins, one unit, at 01:00."""
    base = {
        "event_type": "join",
        "account_id": account,
        "commodity_id": commodity,
        "window_id": window,
        "team_id": team,
        "quantity": quantity,
        "device_id": device,
        "event_time": at(clock, day),
        "dt": day,
    }
    return _event("participation", base, changes)


def withdrew(
    account: str = "a",
    commodity: str = "sku1",
    window: str = "w1",
    *,
    day: date = DAY,
    clock: str = "01:10",
    **changes: Any,
) -> Row:
    """A participation event: the account withdraws, at 01:10."""
    changes = {"event_type": "withdraw", "quantity": None} | changes
    return joined(account, commodity, window, day=day, clock=clock, **changes)


def paid(
    account: str = "a",
    commodity: str = "sku1",
    window: str = "w1",
    *,
    amount: str | Decimal | None = "10.00",
    day: date = DAY,
    clock: str = "01:30",
    **changes: Any,
) -> Row:
    """A payment event: the account pays an advance of 10.00 CNY, at 01:30."""
    base = {
        "account_id": account,
        "commodity_id": commodity,
        "window_id": window,
        "kind": "advance_paid",
        "amount": None if amount is None else Decimal(amount),
        "currency": "CNY",
        "event_time": at(clock, day),
        "dt": day,
    }
    return _event("payment", base, changes)


def refunded(
    account: str = "a",
    commodity: str = "sku1",
    window: str = "w1",
    *,
    amount: str | Decimal | None = "10.00",
    day: date = DAY,
    clock: str = "01:40",
    **changes: Any,
) -> Row:
    """A payment event: the account gets its advance of 10.00 CNY back, at 01:40."""
    changes = {"kind": "advance_refunded"} | changes
    return paid(account, commodity, window, amount=amount, day=day, clock=clock, **changes)


def ordered(
    account: str = "a",
    commodity: str = "sku1",
    window: str = "w1",
    *,
    order: str | None = None,
    status: str = "submitted",
    quantity: int | None = 1,
    day: date = DAY,
    clock: str = "03:01",
    **changes: Any,
) -> Row:
    """An order event: the account submits an order for one unit, a minute into the rush."""
    base = {
        "order_id": f"order-{account}" if order is None else order,
        "account_id": account,
        "commodity_id": commodity,
        "window_id": window,
        "status": status,
        "quantity": quantity,
        "event_time": at(clock, day),
        "dt": day,
    }
    return _event("orders", base, changes)


def entrant(account_id: str = "a", *, day: date = DAY, **join: Any) -> list[Row]:
    """All that makes an account ready: its version, its join, and its advance payment in full."""
    row = joined(account_id, day=day, **join)
    amount = Decimal(10) * (row["quantity"] or 1)
    place = (account_id, row["commodity_id"], row["window_id"])
    return [account(account_id, day=day), row, paid(*place, amount=amount, day=day)]


def landing(*rows: Row | list) -> Landing:
    """Rows, or lists of them to any depth, sorted into the tables that they belong to."""
    tables: Landing = {
        "participation": [],
        "payment": [],
        "orders": [],
        "windows": [],
        "accounts": [],
    }
    for row in _each(rows):
        tables[_table(row)].append(row)
    return tables


def _each(rows: Iterable[Row | list]) -> Iterator[Row]:
    for part in rows:
        if isinstance(part, dict):
            yield part
        else:
            yield from _each(part)


def _table(row: Row) -> str:
    marks = {
        "event_type": "participation",
        "kind": "payment",
        "order_id": "orders",
        "rush_open": "windows",
        "registered_at": "accounts",
    }
    return next(table for mark, table in marks.items() if mark in row)


def _event(table: str, base: Row, changes: Row) -> Row:
    row = _changed({"event_id": None} | base | {"sequence": None}, changes)
    if "event_id" not in changes:
        aside = ("dt", "sequence")
        said = "|".join(f"{column}={value}" for column, value in row.items() if column not in aside)
        row["event_id"] = f"{table}-{sha256(said.encode()).hexdigest()[:20]}"
    return row


def _changed(base: Row, changes: Row) -> Row:
    unknown = sorted(changes.keys() - base.keys())
    if unknown:
        raise TypeError(f"no such column: {', '.join(unknown)}")
    return base | changes
