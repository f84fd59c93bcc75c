"""The words for what came of a rush, and which of them count for what: each set is named once.

The words themselves are the allowed values of their columns in `schemas/`.
"""

from __future__ import annotations

# docs/rules.md section 5: why a window has no allocations yet.
HELD = ("seed_missing", "seed_mismatch")

# Section 6: states of an order, the one that counts first in front; an account may have none.
ORDER_STATES = ("confirmed", "submitted", "cancelled", "voided", "failed")

# Section 6: outcomes of accounts whose entry won stock.
ALLOCATED = ("won", "forfeited", "voided")

# Section 7: outcomes of a rush that took place for the account.
TOOK_PLACE = ("won", "lost", "forfeited", "voided")

# Section 7: outcomes that can count for a streak.
CAN_COUNT = ("won", "lost", "forfeited")

# Section 6: outcomes whose advance payment stays with the platform.
KEEPS_THE_ADVANCE = ("won", "forfeited")
