"""How a platform writes its logs: the contract's own form, or its own names, codes and clocks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from solatium.contracts import LANDING
from solatium.generate.windows import CURRENCY

# table: contract column: the platform's own name
_NAMES: dict[str, dict[str, str]] = {
    "participation": {
        "event_id": "log_no",
        "event_type": "action",
        "account_id": "user_id",
        "commodity_id": "sku",
        "window_id": "activity_no",
        "team_id": "group_no",
        "quantity": "num",
        "device_id": "device_fingerprint",
        "event_time": "gmt_create",
        "sequence": "id",
    },
    "payment": {
        "event_id": "flow_no",
        "account_id": "payer_id",
        "commodity_id": "sku",
        "window_id": "activity_no",
        "kind": "biz_type",
        "amount": "total_fee",
        "currency": "ccy",
        "event_time": "gmt_pay",
        "sequence": "id",
    },
    "orders": {
        "event_id": "log_no",
        "order_id": "trade_no",
        "account_id": "buyer_id",
        "commodity_id": "sku",
        "window_id": "activity_no",
        "status": "trade_state",
        "event_time": "gmt_modified",
        "sequence": "id",
    },
    "windows": {
        "commodity_id": "sku",
        "window_id": "activity_no",
        "campaign_id": "theme",
        "application_open": "apply_start",
        "application_close": "apply_end",
        "rush_open": "sale_start",
        "rush_close": "sale_end",
        "stock": "inventory",
        "policy": "mode",
        "unit": "grouping",
        "advance_amount": "deposit",
        "updated_at": "gmt_modified",
    },
    "accounts": {
        "account_id": "user_id",
        "registered_at": "gmt_register",
        "status": "user_state",
        "credit_score": "score",
        "blacklisted": "is_black",
        "person_id": "identity_no",
        "updated_at": "gmt_modified",
    },
}

# table: contract column: contract value: the platform's own code
_CODES: dict[str, dict[str, dict[str, str]]] = {
    "participation": {"event_type": {"join": "APPLY", "withdraw": "QUIT"}},
    "payment": {
        "kind": {
            "advance_paid": "101",
            "advance_refunded": "102",
            "balance_paid": "201",
            "balance_refunded": "202",
        }
    },
    "orders": {
        "status": {
            "submitted": "CREATED",
            "confirmed": "SUCCESS",
            "cancelled": "BUYER_CLOSED",
            "voided": "SELLER_CLOSED",
            "failed": "FAILURE",
        }
    },
    "windows": {
        "policy": {"first_come": "FCFS", "lottery": "DRAW", "weighted_lottery": "DRAW_PLUS"},
        "unit": {"individual": "SINGLE", "team": "GROUP"},
    },
    "accounts": {"status": {"active": "0", "suspended": "1", "closed": "9"}},
}

# table: contract column: the value that the platform does not write, as it is always the same
_CONSTANTS: dict[str, dict[str, str]] = {"windows": {"currency": CURRENCY}}


@dataclass(frozen=True)
class Dialect:
    """A manner of writing: own names and codes or not, local times of a zone or UTC (None)."""

    odd_names: bool
    local_times: str | None

    def write(self, name: str, rows: pa.Table) -> pa.Table:
        """Rows of a landing table, as the platform writes them."""
        if self.local_times:
            rows = self._with_local_times(rows)
        if not self.odd_names:
            return rows
        rows = rows.drop_columns([*_CONSTANTS.get(name, ())])
        for column, codes in _CODES[name].items():
            place = rows.schema.get_field_index(column)
            rows = rows.set_column(place, column, _coded(rows[column], codes))
        own = _NAMES[name]
        return rows.rename_columns([own.get(column, column) for column in rows.column_names])

    def _with_local_times(self, rows: pa.Table) -> pa.Table:
        for place, field in enumerate(rows.schema):
            if pa.types.is_timestamp(field.type):
                there = rows[field.name].cast(pa.timestamp("us", tz=self.local_times))
                rows = rows.set_column(place, field.name, pc.local_timestamp(there))
        return rows

    def sources(self) -> dict[str, Any]:
        """The setting that maps what is written back onto the contracts."""
        found: dict[str, Any] = {}
        for name in LANDING:
            mapping: dict[str, Any] = {}
            if self.odd_names:
                mapping["columns"] = dict(_NAMES[name])
                if name in _CONSTANTS:
                    mapping["constants"] = dict(_CONSTANTS[name])
                mapping["values"] = {
                    column: {own: value for value, own in codes.items()}
                    for column, codes in _CODES[name].items()
                }
            if self.local_times:
                mapping["timezone"] = self.local_times
            if mapping:
                found[name] = mapping
        return found


def _coded(values: pa.ChunkedArray, codes: dict[str, str]) -> pa.ChunkedArray:
    """The codes of values that have one, and the others as they are."""
    places = pc.index_in(values, pa.array([*codes], pa.string()))
    coded = pc.take(pa.array([*codes.values()], pa.string()), places)
    return pc.coalesce(coded, values)
