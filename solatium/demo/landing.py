"""The landing zone of the demo: a real lottery as Parquet logs, and the facts to judge it by.

A window is one zone and entry date, an application's distinct choices are its participations, its
group size is the quantity, and stock is what the lottery really awarded.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from solatium.contracts import landing
from solatium.demo.logs import CURRENCY, GRACE_DAYS, landing_logs
from solatium.demo.lottery import Lottery, read_lottery
from solatium.demo.story import FIRST_NIGHT, NEW_WITHIN_DAYS, ON_ONE_DEVICE, make_up
from solatium.errors import UsageError

SOURCE = (
    "the 2021 advance lottery for overnight permits in the Enchantments, Washington State, "
    "as the US Forest Service released its applications"
)


@dataclass(frozen=True)
class SizeFact:
    """How applications of one size really fared; the size is the largest that one asked for."""

    size: int
    applications: int
    awarded: int


@dataclass(frozen=True)
class DemoFacts:
    """What is needed to run the nights of the demo, and to judge what comes of them.

    `configuration` is what to run with, as a mapping of settings; after `last_night` all dates are
    closed. `rows` counts the landed rows of each table.
    """

    source: str
    seed: str
    made_up: tuple[str, ...]
    draw_nights: tuple[date, ...]
    last_night: date
    currency: str
    configuration: dict[str, Any]
    rows: dict[str, int]
    by_size: tuple[SizeFact, ...]


def write_landing(folder: Path, seed: str = "enchantments-2021", nights: int = 2) -> DemoFacts:
    """Writes the lottery as landing Parquet into a new or empty folder (docs/rules.md section 2).

    The season's entry dates are spread over `nights` draw nights, in stretches of equal length.
    Raises UsageError where the folder holds something, or there is no night.
    """
    if nights < 1:
        raise UsageError(f"the demo needs at least one draw night, not {nights}")
    if folder.exists() and any(folder.iterdir()):
        raise UsageError(f"{folder} is not empty; the demo's logs need a folder of their own")
    lottery = read_lottery()
    story = make_up(lottery, seed, nights)
    logs = landing_logs(story)
    for table, log in logs.items():
        _write(folder / table, table, log)
    return DemoFacts(
        source=SOURCE,
        seed=seed,
        made_up=story.told(),
        draw_nights=tuple(FIRST_NIGHT + timedelta(days=night) for night in range(nights)),
        last_night=FIRST_NIGHT + timedelta(days=nights - 1 + GRACE_DAYS),
        currency=CURRENCY,
        configuration=_configuration(),
        rows={table: len(log) for table, log in logs.items()},
        by_size=_by_size(lottery),
    )


def _configuration() -> dict[str, Any]:
    """Settings over the defaults; the two tiers are such that three lost choices meet both."""
    return {
        "timezone": "America/Los_Angeles",
        "grace_days": GRACE_DAYS,
        "screening": {
            "min_account_age_days": NEW_WITHIN_DAYS,
            "max_accounts_per_device": ON_ONE_DEVICE - 1,
        },
        "bonus": {
            "currency": CURRENCY,
            "tiers": [
                {"min_failures": 2, "amount": Decimal("1.00")},
                {"min_failures": 3, "advance_share": Decimal("0.25")},
            ],
        },
    }


def _by_size(lottery: Lottery) -> tuple[SizeFact, ...]:
    awarded = lottery.applications.groupby("size")["awarded"].agg(["size", "sum"])
    return tuple(SizeFact(*map(int, row)) for row in awarded.itertuples())


def _write(folder: Path, table: str, log: pd.DataFrame) -> None:
    """One file for each arrival date; any column may be null, as the bad rows need it."""
    contract = landing(table).arrow_schema()
    columns = [_column(log, field) for field in contract]
    rows = pa.table(columns, names=contract.names)
    for dt, places in log.groupby("dt").indices.items():
        arrival = date(1970, 1, 1) + timedelta(days=int(dt))
        place = folder / f"dt={arrival}"
        place.mkdir(parents=True)
        pq.write_table(rows.take(places), place / "part-0.parquet", compression="zstd")


def _column(log: pd.DataFrame, field: pa.Field) -> pa.Array:
    if field.name not in log:
        return pa.nulls(len(log), field.type)
    values = log[field.name]
    if pa.types.is_decimal(field.type):
        cents, places = np.unique(values.to_numpy("int64"), return_inverse=True)
        money = pa.array([Decimal(int(value)).scaleb(-2) for value in cents], field.type)
        return money.take(pa.array(places))
    if pa.types.is_timestamp(field.type):
        return pa.array(values.astype("Int64"), pa.int64()).cast(field.type)
    return pa.array(values, field.type, from_pandas=True)
