"""What `solatium.open` gives: the tables of a snapshot, which can also explain an outcome."""

from __future__ import annotations

from solatium.explain.answer import Explanation, explain
from solatium.warehouse.snapshot import Snapshot


class Tables(Snapshot):
    """The tables of a warehouse as of one night, by name."""

    def explain(
        self, account_id: str, *, commodity: str | None = None, window: str | None = None
    ) -> Explanation:
        """What became of an account in a window, or in all its windows without one.

        docs/rules.md sections 4 to 8.

        Args:
            account_id: The account.
            commodity: The commodity of the window.
            window: The window; it goes with `commodity`.

        Returns:
            An explanation: `facts` as `solatium explain --json` prints them, sentences as `str`,
            HTML in a notebook.

        Raises:
            UsageError: The account or the window is unknown; the message has near names.

        Example:
            >>> print(tables.explain("u-101", commodity="sku1", window="w1"))
        """
        return explain(self, account_id, commodity, window)
