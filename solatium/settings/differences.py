"""Which dates two configurations would judge differently, and by which keys.

docs/rules.md section 9. A key differs where a window was judged by it: settings of a campaign that
had no window yet, or of dates on which no window fell, have judged nothing.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import date

from solatium.settings.load import Settings, canonical
from solatium.settings.sections import Regime

# Keys that concern every date alike. All others may be overlaid.
_OF_ALL_DATES = ("timezone", "grace_days", "outcome_source", "history.scope", "sources")

# Business dates on which windows fell, each with their campaigns; null is a campaign too.
CampaignsByDate = Mapping[date, AbstractSet[str | None]]


@dataclass(frozen=True)
class Difference:
    """A key that judges the dates from `first` to `last` otherwise; values as canonical texts."""

    key: str
    was: str
    now: str
    first: date
    last: date
    campaign: str | None = None

    @property
    def concerns_all_dates(self) -> bool:
        return self.key in _OF_ALL_DATES

    @property
    def name(self) -> str:
        return f"{self.key} of campaign {self.campaign}" if self.campaign else self.key

    def __str__(self) -> str:
        return f"{self.name}: was {self.was}, now {self.now} ({span(self.first, self.last)})"

    def meets(self, other: Difference) -> bool:
        """Whether it is the same, but for its dates."""
        return replace(self, first=other.first, last=other.last) == other


def span(first: date, last: date) -> str:
    """Dates as people write them."""
    return f"{first}" if first == last else f"{first} to {last}"


def differences_of_all_dates(
    now: Settings, then: Settings, first: date, last: date
) -> list[Difference]:
    """The keys that concern every date alike, and differ; `first` to `last` are all dates."""
    old, new = then.judging(), now.judging()
    return [
        Difference(key, old[key], new[key], first, last)
        for key in _OF_ALL_DATES
        if old[key] != new[key]
    ]


def differences(now: Settings, then: Settings, judged: CampaignsByDate) -> list[Difference]:
    """The keys by which the windows that were `judged` would be judged otherwise.

    A key of one campaign alone is named with it. Where the values differ from date to date, a key
    has several differences. Keys that concern all dates are not among them.
    """
    found: list[Difference] = []
    before: list[Difference] = []
    for period in _periods(now, then, judged):
        here = _of_period(now, then, period)
        for number, difference in enumerate(here):
            earlier = next((one for one in before if one.meets(difference)), None)
            if earlier:
                here[number] = replace(difference, first=earlier.first)
                found.remove(earlier)
        found += here
        before = here
    return sorted(found, key=lambda one: (one.campaign or "", one.first))


Period = dict[str | None, list[date]]


def _periods(now: Settings, then: Settings, judged: CampaignsByDate) -> list[Period]:
    """Of every period in which no settings change, the dates judged, by campaign.

    Campaigns without settings of their own are one, null.
    """
    named = {*now.named_campaigns(), *then.named_campaigns()}
    starts = sorted({*now.first_days(), *then.first_days()})
    periods: dict[int, Period] = {}
    for day in sorted(judged):
        period = periods.setdefault(bisect_right(starts, day), {})
        for campaign in {name if name in named else None for name in judged[day]}:
            period.setdefault(campaign, []).append(day)
    return list(periods.values())


def _of_period(now: Settings, then: Settings, period: Period) -> list[Difference]:
    """What differs in a period; a campaign's own where it differs otherwise than for all."""
    found: dict[tuple[str, str, str], Difference] = {}
    own: list[Difference] = []
    for campaign in sorted(period, key=lambda name: name or ""):
        dates = period[campaign]
        for key, was, is_now in _differing(now.on(dates[0], campaign), then.on(dates[0], campaign)):
            of_all = found.get((key, was, is_now))
            if of_all:
                first, last = min(of_all.first, dates[0]), max(of_all.last, dates[-1])
                found[key, was, is_now] = replace(of_all, first=first, last=last)
            elif campaign is None:
                found[key, was, is_now] = Difference(key, was, is_now, dates[0], dates[-1])
            else:
                own.append(Difference(key, was, is_now, dates[0], dates[-1], campaign))
    return [*found.values(), *own]


def _differing(now: Regime, then: Regime) -> Iterator[tuple[str, str, str]]:
    """Key, what it was, what it is."""
    new, old = now.model_dump(mode="json"), then.model_dump(mode="json")
    for section, values in new.items():
        for name, value in values.items():
            key, was = f"{section}.{name}", old[section][name]
            if was != value and key not in _OF_ALL_DATES:
                yield key, canonical(was), canonical(value)
