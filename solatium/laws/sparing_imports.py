"""What Great Expectations would load, and no suite here needs: half of its time to start.

It imports clients of clouds and databases wherever it finds them, and libraries for plots and
statistics for the sake of single expectations.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import LazyLoader
from types import ModuleType

# GX goes on without these; the rows that it judges here are pandas.
_ABSENT = ("boto3", "botocore", "pyspark", "sqlalchemy")

# GX names these when it starts, and uses them in Data Docs and in a few expectations.
_WHEN_USED = ("altair", "scipy", "scipy.stats")


class _WhenUsed(MetaPathFinder):
    """Finds modules whose code runs when something of them is asked for."""

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name not in _WHEN_USED:
            return None
        found = PathFinder.find_spec(name, path, target)
        if found is not None and found.loader is not None:
            found.loader = LazyLoader(found.loader)
        return found


def spare_imports() -> None:
    """Lets this process load Great Expectations without them; to be called before it is loaded."""
    for name in _ABSENT:
        sys.modules[name] = None  # type: ignore[assignment]
    sys.meta_path.insert(0, _WhenUsed())
