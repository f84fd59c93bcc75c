"""Which dates two configurations would judge differently, and by which keys.

docs/rules.md section 9.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from solatium.setting_sections import Regime
from solatium.settings import Settings, canonical

# Keys that concern every date alike. All others may be overlaid.
_OF_ALL_DATES = ("timezone", "grace_days", "outcome_source", "history.scope", "sources")


@dataclass(frozen=True)
class Difference:
    """A key that judges the dates from `first` to `last` otherwise, as canonical texts."""

    key: str
    was: str
    now: str
    first: date
    last: date

    @property
    def concerns_all_dates(self) -> bool:
        return self.key in _OF_ALL_DATES

    def __str__(self) -> str:
        dates = f"{self.first}" if self.first == self.last else f"{self.first} to {self.last}"
        return f"{self.key}: was {self.was}, now {self.now} ({dates})"


def differences(now: Settings, then: Settings, first: date, last: date) -> list[Difference]:
    """All keys by which business dates from `first` to `last` are judged differently.

    A key that a campaign overlays is named with the campaign. Its `was` and `now` are those of the
    first of its dates.
    """
    if last < first:
        return []
    old, new = then.judging(), now.judging()
    found = [
        Difference(key, old[key], new[key], first, last)
        for key in _OF_ALL_DATES
        if old[key] != new[key]
    ]
    changing = {first, *now.first_days(), *then.first_days()}
    starts = sorted(day for day in changing if first <= day <= last)
    ends = [*(date.fromordinal(day.toordinal() - 1) for day in starts[1:]), last]
    common: dict[str, Difference] = {}
    named: dict[str, Difference] = {}
    for begin, end in zip(starts, ends, strict=True):
        of_all = _differing(now.on(begin, None), then.on(begin, None))
        _note(common, of_all, begin, end)
        for campaign in sorted({*now.named_campaigns(), *then.named_campaigns()}):
            differing = _differing(now.on(begin, campaign), then.on(begin, campaign))
            own = {
                f"{key} of campaign {campaign}": texts
                for key, texts in differing.items()
                if of_all.get(key) != texts
            }
            _note(named, own, begin, end)
    return [*found, *common.values(), *named.values()]


def _differing(now: Regime, then: Regime) -> dict[str, tuple[str, str]]:
    """Key -> what it was and what it is."""
    new, old = now.model_dump(mode="json"), then.model_dump(mode="json")
    return {
        f"{section}.{name}": (canonical(old[section][name]), canonical(value))
        for section in new
        for name, value in new[section].items()
        if old[section][name] != value and f"{section}.{name}" not in _OF_ALL_DATES
    }


def _note(
    found: dict[str, Difference], differing: dict[str, tuple[str, str]], begin: date, end: date
) -> None:
    for key, (was, now) in differing.items():
        known = found.get(key)
        found[key] = (
            Difference(key, known.was, known.now, known.first, end)
            if known
            else Difference(key, was, now, begin, end)
        )
