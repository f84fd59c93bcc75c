"""The keys of rows, named once: what tells a row of a table or a frame from all others.

They are lists, since that is what joins and groupings of data frames take.
"""

from __future__ import annotations

# docs/rules.md section 1: one rush of one commodity.
WINDOW = ["commodity_id", "window_id"]

# Section 4: an account in a window.
ACCOUNT = [*WINDOW, "account_id"]

# A window in frames that rooms hand on: its number among those that are judged at once.
NUMBER = "window_number"

# Sections 4 and 5: an account in a window, what competes for its stock, and a team, by its number.
PARTICIPANT = [NUMBER, "account_id"]
COMPETITOR = [NUMBER, "entry_id"]
TEAM = [NUMBER, "team_id"]

# Section 2: an event of a log.
EVENT = [*WINDOW, "event_id"]

# Section 1: the order of the events of an account; a null `sequence` comes before every number.
EVENT_ORDER = ["event_time", "sequence", "event_id"]

# Section 7: what a streak belongs to.
ACCOUNT_SCOPE = ["account_id", "scope"]

# Section 8: what has a balance in the ledger. An entry id names its parts in this order.
AWARD = ["account_id", "commodity_id", "window_id"]
