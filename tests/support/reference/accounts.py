"""Which version of an account counts (docs/rules.md section 3)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable

from reference.contract import latest_version
from reference.types import Row
from reference.windows import Window


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
