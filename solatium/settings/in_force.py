"""Which settings are in force on a date for a campaign, and where each of them comes from.

docs/rules.md section 9. The values are those that a window would be judged by; beside each stands
the last place that says so.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from solatium.settings.load import Settings, load, written
from solatium.settings.sources import code_text
from solatium.settings.values import calendar_date

DEFAULT = "default"


@dataclass(frozen=True)
class Line:
    """A key, its value as it is written in YAML, and where it was written."""

    key: str
    value: str
    source: str


@dataclass(frozen=True)
class InForce:
    """All keys in the order of docs/rules.md, under a title, and what else is worth knowing."""

    title: str
    lines: list[Line]
    notes: list[str]


def in_force(path: Path | None, day: date | None, campaign: str | None) -> InForce:
    """The settings of a file (None: the defaults) on a date (None: before any change).

    Raises UsageError, with every problem, where the file's are impossible.
    """
    checked = load(path)
    overlays = list(_overlays(written(path), str(path), day, campaign))
    lines = [
        Line(key, value, _source(keys, overlays))
        for keys, key, value in _flat(_values(checked, day, campaign), ())
    ]
    return InForce(_title(day, campaign), lines, list(_notes(checked, day, campaign)))


def _values(checked: Settings, day: date | None, campaign: str | None) -> dict[str, Any]:
    # of sources what is set; other sections are set whole, by the defaults
    whole = checked.model_dump(exclude={"changes", "campaigns"}, exclude_unset=True)
    if day is None:
        checked = checked.model_copy(update={"changes": ()})
    return whole | checked.on(day or date.min, campaign).model_dump()


# What is written where

Overlay = tuple[str, Mapping[str, Any]]


def _overlays(
    given: Mapping[str, Any], source: str, day: date | None, campaign: str | None
) -> Iterator[Overlay]:
    """What lies over the defaults, and its name; what lies over what comes later."""
    changes = [
        (f"{source}: changes[{place}]", calendar_date(change["from"]), change)
        for place, change in enumerate(given.get("changes", ()))
    ]
    begun = [change for change in changes if day is not None and change[1] <= day]
    begun.sort(key=lambda change: change[1])
    yield source, given
    for name, first_day, change in begun:
        yield f"{name} (from {first_day})", change
    if campaign is None:
        return
    yield f"{source}: campaigns.{campaign}", given.get("campaigns", {}).get(campaign, {})
    for name, first_day, change in begun:
        own = change.get("campaigns", {}).get(campaign, {})
        yield f"{name}.campaigns.{campaign} (from {first_day})", own


def _source(keys: tuple[str, ...], overlays: list[Overlay]) -> str:
    return next((name for name, overlay in reversed(overlays) if _says(overlay, keys)), DEFAULT)


def _says(overlay: object, keys: tuple[str, ...]) -> bool:
    for key in keys:
        # a source value may be a number or a truth value there, and is text among settings
        said = overlay if isinstance(overlay, Mapping) else {}
        said = {code_text(name): value for name, value in said.items()}
        if key not in said:
            return False
        overlay = said[key]
    return True


# How it is shown


def _flat(value: Any, keys: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str, str]]:
    """Each value that is no mapping: its keys, its name and its text; a list has a line an item."""
    name = ".".join(keys)
    if isinstance(value, Mapping) and value:
        for key, inner in value.items():
            yield from _flat(inner, (*keys, str(key)))
    elif isinstance(value, list | tuple) and value:
        for place, item in enumerate(value):
            yield keys, f"{name}[{place}]", _text(item)
    else:
        yield keys, name, _text(value)


def _text(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return "null" if value is None else str(value).lower()
    if isinstance(value, Mapping):
        said = (f"{key}: {_text(inner)}" for key, inner in value.items() if inner is not None)
        return f"{{{', '.join(said)}}}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_text, value))}]"
    return format(value, "f") if isinstance(value, Decimal) else str(value)


def _title(day: date | None, campaign: str | None) -> str:
    when = f"in force on {day}" if day else "before any change"
    return f"Settings {when}{f', for campaign {campaign}' if campaign else ''}"


def _notes(checked: Settings, day: date | None, campaign: str | None) -> Iterator[str]:
    dates, names = checked.first_days(), checked.named_campaigns()
    if dates and day is None:
        yield f"changes from {', '.join(map(str, dates))} on: give --date to see them"
    if names and campaign is None:
        listed = ", ".join(names)
        yield f"campaigns with settings of their own: {listed}; give --campaign to see them"
    if campaign is not None and campaign not in names:
        near = get_close_matches(campaign, names, n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        yield f"campaign {campaign} has no settings of its own{hint}"
