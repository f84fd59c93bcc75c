"""The forms of rows and keys."""

from __future__ import annotations

from typing import Any

Row = dict[str, Any]
Landing = dict[str, list[Row]]
WindowKey = tuple[str, str]  # commodity_id, window_id
LedgerKey = tuple[str, str, str]  # account_id, commodity_id, window_id
