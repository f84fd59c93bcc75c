"""Names in a landing zone that are no data: what tools leave behind, and what settings ignore.

docs/rules.md section 2.1.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from fnmatch import fnmatchcase

# Names with a leading _ or . are never data, and not worth a note.
_HIDDEN = ("_*", ".*")

# Folders of object stores, checksums of Hadoop, uploads and sinks that have not ended.
_LEFT_BY_TOOLS = ("*_$folder$", "*.crc", "*.filepart", "*.inprogress*")


class Markers:
    """Tells names that are no data, and counts those that people may wonder about."""

    def __init__(self, ignored: Sequence[str] = ()) -> None:
        """`ignored` are more patterns, of the settings' `ignored_files`."""
        self._patterns = (*_LEFT_BY_TOOLS, *ignored)
        self._passed_over: Counter[str] = Counter()
        self._links: list[str] = []

    def has(self, name: str) -> bool:
        """Whether a file or folder of this name is passed over."""
        if any(fnmatchcase(name, pattern) for pattern in _HIDDEN):
            return True
        pattern = next((one for one in self._patterns if fnmatchcase(name, one)), None)
        if pattern is None:
            return False
        self._passed_over[pattern] += 1
        return True

    def pass_over_link(self, place: str) -> None:
        """Notes a link beside the dates, such as `latest`: what it leads to is read by its date."""
        self._links.append(place)

    def notes(self) -> list[str]:
        """One note in all, where anything was passed over."""
        found = [f"{count} named {pattern}" for pattern, count in sorted(self._passed_over.items())]
        found += [f"the link {place}" for place in self._links]
        return [f"passed over, since they are no data: {', '.join(found)}"] if found else []
