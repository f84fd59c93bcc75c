"""The landing logs of a story: events and versions as a platform would have written them.

A frame has the columns of its table's contract, less those that are null throughout, and `dt`, its
arrival date. Times are microseconds since 1970, UTC; dates are days since 1970; money is cents.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Any

import numpy as np
import pandas as pd

from solatium.contracts import EVENTS, landing
from solatium.demo.story import (
    CLOSED,
    DAY,
    FIRST_DT,
    HOUR,
    OPENED,
    RUSH_LASTS,
    SECOND,
    Story,
)

CURRENCY = "USD"
GRACE_DAYS = 1
MOST_PEOPLE = 8
FEE_CENTS = 600  # advance payment, per person

CONFLICTS, STRAYS = 10, 8  # rows
AFTER_THE_SEASON = "2021-11-30"

# One bad row for each: a copy of a good one with this value in this column.
BAD_ROWS: dict[str, list[tuple[str, Any]]] = {
    "participation": [("event_type", "jion"), ("account_id", None), ("account_id", "A|00001")],
    "payment": [("amount", 0), ("kind", "advance"), ("currency", None)],
    "orders": [("status", "shipped"), ("order_id", None)],
    "windows": [("stock", -4), ("policy", "raffle")],
    "accounts": [("status", "dormant"), ("registered_at", None)],
}


def landing_logs(story: Story) -> dict[str, pd.DataFrame]:
    """All five tables, in the order of arrival, then of time."""
    logs = {
        "participation": _participation(story),
        "payment": _payment(story),
        "orders": _orders(story),
        "windows": _window_versions(story),
        "accounts": _account_versions(story),
    }
    for table, log in logs.items():
        time = "event_time" if table in EVENTS else "updated_at"
        log = log[[name for name in (*landing(table).names, "dt") if name in log]]
        log = pd.concat([log, _bad_rows(table, log)])
        order = ["dt", time, *landing(table).key]
        logs[table] = log.sort_values(order, kind="stable", ignore_index=True)
    return logs


def _participation(story: Story) -> pd.DataFrame:
    choices = story.choices
    joins = choices.assign(
        event_id="J" + choices["id"],
        event_type="join",
        quantity=choices["quantity"].astype("Int32"),
        event_time=choices["joined"],
    )
    leaving = joins[joins["fate"].isin(["withdrawn", "cancelled"])]
    withdrawals = leaving.assign(
        event_id="W" + leaving["id"],
        event_type="withdraw",
        quantity=leaving["quantity"].mask(leaving["quantity"] > 0),
        event_time=leaving["joined"] + HOUR + _of(leaving["chance"], 20 * HOUR),
    )
    corrected = joins[joins["fate"] == "corrected"]
    before = corrected.assign(
        event_id="E" + corrected["id"],
        quantity=(MOST_PEOPLE + 1 - corrected["quantity"]).astype("Int32"),
        event_time=corrected["joined"] - 5 * SECOND,
    )
    log = _arrived(pd.concat([joins, withdrawals, before]))
    some = joins[joins["arrival"] == ""].nsmallest(CONFLICTS + STRAYS, "chance")
    contradictions = some[:CONFLICTS].assign(device_id="Dx" + some["id"])
    strays = some[CONFLICTS:].assign(event_id="S" + some["id"], window_id=AFTER_THE_SEASON)
    return pd.concat([log, contradictions, strays])


def _payment(story: Story) -> pd.DataFrame:
    choices = story.choices[story.choices["paying"] != "unpaid"]
    paying = choices["paying"]
    full = choices["quantity"].astype("int64") * FEE_CENTS
    halved = paying.isin(["partly", "instalments"])
    payments = choices.assign(
        event_id="P" + choices["id"],
        kind="advance_paid",
        amount=full.mask(halved, full // 2),
        currency=CURRENCY,
        event_time=choices["joined"] + 60 * SECOND + _of(choices["chance"], HOUR // 2),
    )
    rest = payments[paying == "instalments"]
    second = rest.assign(event_id="Q" + rest["id"], event_time=rest["event_time"] + HOUR)
    back = payments[paying == "refunded"]
    refunds = back.assign(
        event_id="R" + back["id"], kind="advance_refunded", event_time=back["event_time"] + DAY
    )
    log = pd.concat([payments, second, refunds])
    log["arrival"] = log["arrival"].mask(log["paying"] == "too late", "too late")
    return _arrived(log)


def _orders(story: Story) -> pd.DataFrame:
    """Every award as an order, submitted and confirmed in the rush; some cancelled afterwards."""
    key = {"awarded_commodity_id": "commodity_id", "awarded_window_id": "window_id"}
    awards = story.accounts[story.accounts["awarded"]].rename(columns=key)
    awards = awards.merge(story.windows, how="left", on=[*key.values()])
    number = awards["account_id"].str[1:]
    in_order = pd.Series(np.arange(len(awards)) * RUSH_LASTS // len(awards), index=awards.index)
    submitted = awards.assign(
        event_id="O" + number + "-1",
        order_id="O" + number,
        quantity=awards["awarded_size"],
        event_time=awards["rush_open"] + in_order,
    )
    submitted["order_status"] = "submitted"
    confirmed = submitted.assign(
        event_id="O" + number + "-2",
        order_status="confirmed",
        event_time=submitted["event_time"] + 5 * SECOND,
    )
    log = [submitted, confirmed]
    for status, after in {"Declined": 1, "No Response": GRACE_DAYS}.items():
        theirs = confirmed[confirmed["status"] == status]
        log.append(
            theirs.assign(
                event_id=theirs["order_id"] + "-3",
                order_status="cancelled",
                event_time=theirs["event_time"] + after * DAY,
                dt=theirs["dt"] + after,
            )
        )
    return pd.concat(log).drop(columns="status").rename(columns={"order_status": "status"})


def _window_versions(story: Story) -> pd.DataFrame:
    """Two versions of a window: as announced, and with its seed, on the night of the draw."""
    windows = story.windows
    committed = [sha256(seed.encode()).hexdigest() for seed in windows["draw_seed"]]
    drawn = windows.assign(
        application_open=OPENED,
        application_close=CLOSED,
        rush_close=windows["rush_open"] + RUSH_LASTS,
        policy="lottery",
        unit="individual",
        limit_per_account=MOST_PEOPLE,
        advance_amount=FEE_CENTS,
        currency=CURRENCY,
        seed_commitment=committed,
        updated_at=windows["rush_open"] + RUSH_LASTS,
    )
    announced = drawn.assign(draw_seed=None, updated_at=OPENED - 7 * DAY, dt=FIRST_DT)
    another = drawn["draw_seed"].str[::-1]
    drawn["draw_seed"] = drawn["draw_seed"].mask(drawn["held"] == "seed_mismatch", another)
    return pd.concat([announced, drawn[drawn["held"] != "seed_missing"]])


def _account_versions(story: Story) -> pd.DataFrame:
    known = story.accounts[story.accounts["standing"] != "unknown"]
    standing = known["standing"]
    versions = known.assign(
        status=standing.where(standing.isin(["suspended", "closed"]), "active"),
        blacklisted=standing == "blacklisted",
        updated_at=OPENED - DAY,
        dt=FIRST_DT,
    )
    nights = story.windows["dt"].max() - FIRST_DT + 1
    half_way = FIRST_DT + nights // 2
    later = versions[standing == "suspended later"].assign(
        status="suspended", updated_at=half_way * DAY, dt=half_way
    )
    return pd.concat([versions, later])


def _arrived(log: pd.DataFrame) -> pd.DataFrame:
    """Events on the nights they arrive in: the draw's or later, or that and the next."""
    after = log["arrival"].map({"next night": 1, "too late": GRACE_DAYS + 1}).fillna(0)
    again = log[log["arrival"] == "twice"]
    on_time = log.assign(dt=log["dt"] + after.astype("int64"))
    return pd.concat([on_time, again.assign(dt=again["dt"] + 1)])


def _bad_rows(table: str, log: pd.DataFrame) -> pd.DataFrame:
    """On the busiest night, so that they stay a small share of its rows."""
    busiest = log["dt"].mode()[0]
    rows = log[log["dt"] == busiest].head(len(BAD_ROWS[table])).reset_index(drop=True)
    for row, (column, value) in enumerate(BAD_ROWS[table]):
        rows[column] = rows[column].astype(object)
        rows.loc[row, column] = value
    if table in EVENTS:
        rows["event_id"] = [f"X{number}" for number in range(len(rows))]
    return rows


def _of(chance: pd.Series, span: int) -> pd.Series:
    return (chance * span).astype("int64")
