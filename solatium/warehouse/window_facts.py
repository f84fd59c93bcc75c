"""One window of a snapshot: its versions, its seed, its business date and its settings in force.

docs/rules.md sections 1, 2, 5.2 and 9. For those who answer questions about a window without an
engine. Few rows are read, and judged in Python as `rules/windows` and `rules/seeds` judge frames.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from difflib import get_close_matches
from functools import cache, cached_property
from hashlib import sha256
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.compute as pc

from solatium import contracts
from solatium.contracts.calendar import FIRST_BUSINESS_DATE, LAST_DATE, moved
from solatium.contracts.keys import WINDOW
from solatium.errors import UsageError
from solatium.settings.load import Settings
from solatium.settings.sections import Regime
from solatium.warehouse.lookup import Value
from solatium.warehouse.snapshot import Snapshot, SnapshotTable

Row = Mapping[str, Any]
Key = tuple[str, str]

_LANDING = contracts.landing("windows")
# Well-formed rows that are not accepted, in the pipeline's own table: late versions are among them.
_SET_ASIDE = replace(contracts.warehouse("windows"), name="_set_aside_windows")


@dataclass(frozen=True)
class Version:
    """A valid version of a window; a late one counts for the seed alone."""

    row: Row
    is_late: bool

    @property
    def order(self) -> tuple[datetime, date, str]:
        """Versions are ordered by `(updated_at, dt, content)`."""
        return self.row["updated_at"], self.row["dt"], content(self.row)


@dataclass(frozen=True)
class WindowFacts:
    """A window by its version in force: `row["stock"]` and so on, with defaults where null.

    `versions` are in order, the earliest first. `seed` is None where there is none that counts, or
    none is needed; `held` is then None, `seed_missing` or `seed_mismatch`.
    """

    row: Row
    versions: tuple[Version, ...]
    business_date: date
    last_arrival: date
    regime: Regime
    scope: str

    @property
    def key(self) -> Key:
        return self.row["commodity_id"], self.row["window_id"]

    @property
    def here(self) -> dict[str, Value]:
        """What the rows of the window have in a table by business date: its partition, its ids."""
        commodity_id, window_id = self.key
        return {
            "business_date": self.business_date,
            "commodity_id": commodity_id,
            "window_id": window_id,
        }

    @property
    def is_first_come(self) -> bool:
        return self.row["policy"] == "first_come"

    @property
    def is_team(self) -> bool:
        return self.row["unit"] == "team"

    @property
    def history_order(self) -> tuple[date, datetime, str, str]:
        return (self.business_date, self.row["rush_close"], *self.key)

    @cached_property
    def commitment(self) -> str | None:
        found = (version.row["seed_commitment"] for version in self.versions)
        return next((value for value in found if value is not None), None)

    @cached_property
    def seed(self) -> str | None:
        if self.is_first_come:
            return None
        return next((seed for seed in self._seeds() if self._matches(seed)), None)

    @property
    def held(self) -> str | None:
        if self.is_first_come or self.seed is not None:
            return None
        return "seed_mismatch" if self._seeds() else "seed_missing"

    def _seeds(self) -> list[str]:
        found = (version.row["draw_seed"] for version in self.versions)
        return [seed for seed in found if seed is not None]

    def _matches(self, seed: str) -> bool:
        return self.commitment in (None, sha256(seed.encode()).hexdigest())


def window_facts(tables: Snapshot, commodity_id: str, window_id: str) -> WindowFacts:
    """The facts of one window; UsageError with near names where no version of it is visible."""
    found = facts_of(tables, [(commodity_id, window_id)])
    if not found:
        raise _unknown(tables, commodity_id, window_id)
    return found[commodity_id, window_id]


def due_window(tables: Snapshot, commodity_id: str, window_id: str) -> WindowFacts:
    """The same of a window that has been judged; UsageError where it is not due yet."""
    facts = window_facts(tables, commodity_id, window_id)
    if facts.business_date > tables.day:
        raise UsageError(
            f"{tables.root}: window {window_id} of {commodity_id} is not due yet",
            [f"its date is {facts.business_date}; the newest that was handled is {tables.day}"],
        )
    return facts


def facts_of(tables: Snapshot, keys: Iterable[Key]) -> dict[Key, WindowFacts]:
    """The facts of several windows by key; those without a visible version are left out."""
    asked = set(keys)
    settings = tables.settings
    regime_on = cache(settings.on)  # many windows have the same
    visible = _rows(tables["windows"], asked)
    aside = SnapshotTable(tables.root, _SET_ASIDE, tables.commit)
    late = _rows(aside, asked, pc.field("reason") == "late")
    found: dict[Key, list[Version]] = {}
    for rows, is_late in ((visible, False), (late, True)):
        for row in rows:
            found.setdefault(_key(row), []).append(Version(row, is_late))
    return {
        key: _facts(sorted(versions, key=lambda version: version.order), settings, regime_on)
        for key, versions in found.items()
        if not all(version.is_late for version in versions)
    }


def business_date(row: Row, timezone: str) -> date:
    """The calendar date of `rush_close` in the configured time zone (docs/rules.md section 1)."""
    closes: datetime = row["rush_close"]
    try:
        return max(closes.astimezone(ZoneInfo(timezone)).date(), FIRST_BUSINESS_DATE)
    except OverflowError:
        return FIRST_BUSINESS_DATE if closes.year == 1 else LAST_DATE


def content(row: Row, contract: contracts.Table = _LANDING) -> str:
    """The contract's columns as one text (docs/rules.md section 2.6): the last tie-break."""
    return "|".join(_text(row[name]) for name in contract.names)


def utc(moment: datetime) -> str:
    """A time as files and JSON have it: ISO 8601 in UTC, with microseconds."""
    return moment.replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.replace(tzinfo=None).isoformat(" ", "microseconds")
    if isinstance(value, Decimal):
        return f"{value:.2f}"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _facts(
    versions: Sequence[Version],
    settings: Settings,
    regime_on: Callable[[date, str | None], Regime],
) -> WindowFacts:
    row = dict([version for version in versions if not version.is_late][-1].row)
    row["limit_per_account"] = 1 if row["limit_per_account"] is None else row["limit_per_account"]
    row["min_qualified"] = row["min_qualified"] or 0
    day = business_date(row, settings.timezone)
    column = {"all": None, "campaign": "campaign_id", "category": "category"}
    scoped = column[settings.history.scope]
    return WindowFacts(
        row,
        tuple(versions),
        day,
        moved(day, settings.grace_days),
        regime_on(day, row["campaign_id"]),
        (row[scoped] or "") if scoped else "",
    )


def _rows(table: SnapshotTable, keys: set[Key], also: Any = None) -> list[dict[str, Any]]:
    commodities = sorted({commodity_id for commodity_id, _ in keys})
    condition = pc.field("commodity_id").isin(pa.array(commodities, pa.string()))
    if also is not None:
        condition &= also
    found = table.arrow(contracts.warehouse("windows").names, condition).to_pylist()
    return [row for row in found if _key(row) in keys]


def _key(row: Row) -> Key:
    return row["commodity_id"], row["window_id"]


def _unknown(tables: Snapshot, commodity_id: str, window_id: str) -> UsageError:
    known = tables["windows"].arrow(WINDOW).to_pylist()
    of_commodity = sorted(
        {row["window_id"] for row in known if row["commodity_id"] == commodity_id}
    )
    if of_commodity:
        near = get_close_matches(window_id, of_commodity, n=3) or of_commodity[:3]
        said = f"its windows are named like {', '.join(near)}"
    else:
        names = sorted({row["commodity_id"] for row in known})
        near = get_close_matches(commodity_id, names, n=3)
        said = f"did you mean {' or '.join(near)}?" if near else f"there are {len(names)}"
        said = f"there is no commodity {commodity_id}; {said}"
    return UsageError(
        f"{tables.root}: there is no window {window_id} of commodity {commodity_id} "
        f"as of {tables.day}",
        [said],
    )
