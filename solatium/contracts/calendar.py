"""The calendar of the rules: the years 1 to 9999 (docs/rules.md section 1.2).

Logs hold times at both of its ends: a platform writes 9999-12-31 for a sale that never ends, and
the year 1 for a date that nobody filled in. No date is ever reckoned beyond an end.
"""

from __future__ import annotations

from datetime import date, timedelta

FIRST_DATE, LAST_DATE = date.min, date.max

# The day before the first business date is a date too, so that "nothing is closed yet" is one.
FIRST_BUSINESS_DATE = date(1, 1, 2)


def moved(day: date, days: int) -> date:
    """The date so many days later, or earlier; at most an end of the calendar."""
    return shifted(day, timedelta(days=days))


def shifted(day: date, by: timedelta) -> date:
    """The date so many days later, or earlier; at most an end of the calendar."""
    place = day.toordinal() + by.days
    return date.fromordinal(min(max(place, FIRST_DATE.toordinal()), LAST_DATE.toordinal()))
