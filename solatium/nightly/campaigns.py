"""What a warehouse has judged: the dates on which windows fell, and the campaigns of those windows.

docs/rules.md section 9. Other settings matter for closed dates only where they judged a window.
Read without an engine, since a run asks before it starts one.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import date

from deltalake import DeltaTable

from solatium.contracts.keys import WINDOW
from solatium.storage.location import Location
from solatium.warehouse.commits import Commit
from solatium.warehouse.lookup import looked_up


def campaigns_by_date(root: Location, commit: Commit, until: date) -> dict[date, set[str | None]]:
    """Business date, up to `until` -> the campaigns of its windows, as of a commit.

    A window whose versions name several campaigns counts for each of them.
    """
    campaigns: dict[tuple[str, ...], set[str | None]] = defaultdict(set)
    for *key, campaign in _rows(root, commit, "windows", "campaign_id"):
        campaigns[tuple(key)].add(campaign)
    judged: dict[date, set[str | None]] = defaultdict(set)
    for *key, day in _rows(root, commit, "window_results", "business_date"):
        if day <= until:
            judged[day] |= campaigns[tuple(key)]
    return dict(judged)


def _rows(root: Location, commit: Commit, table: str, fact: str) -> zip[tuple]:
    delta = DeltaTable((root / table).uri, version=commit.tables[table])
    columns = looked_up(delta, {}, [*WINDOW, fact]).to_pydict()
    return zip(*columns.values(), strict=True)
