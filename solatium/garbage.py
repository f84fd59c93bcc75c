"""Python's garbage collector, in a process that does one thing and ends."""

from __future__ import annotations

import atexit
import gc


def collect_rarely() -> None:
    """Looks for cycles of objects more rarely, and not at all when the process ends.

    Packages come with more than a hundred thousand objects that stay. Python looks through them
    again and again while it loads the next ones, and once more at the end. Of a small night that
    was a twelfth.
    """
    gc.set_threshold(100_000, 50, 100)
    atexit.register(gc.freeze)
