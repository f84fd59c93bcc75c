"""A chart of a page, and what it shows in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup


@dataclass(frozen=True)
class Figure:
    """A chart with what it shows in words, for those who do not see it."""

    title: str
    svg: Markup
    alternative: str
    note: str = ""


def figure(title: str, svg: str, parts: Sequence[str], note: str = "") -> Figure:
    """A figure; `parts` are what it shows, one after the other."""
    return Figure(title, Markup(svg), f"{title}: {'; '.join(parts)}.", note)
