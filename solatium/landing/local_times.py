"""Local times as instants (docs/rules.md section 2).

By Python's zoneinfo: the rules of pyarrow's own zones end in 2037. A zone is asked once for each
hour that occurs, and for each second of those hours in which its clocks change.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.compute as pc

_MICROSECOND = timedelta(microseconds=1)
_LAST_SECOND = timedelta(minutes=59, seconds=59)


def instants(local: Any, zone: str) -> tuple[Any, Any]:
    """Local times of the years 1 to 9999 as microseconds since 1970 in UTC, and which do not exist.

    A time that occurs twice is the earlier one. One that does not exist stays as it is written.
    """
    rules = ZoneInfo(zone)
    hours = pc.floor_temporal(local, unit="hour").dictionary_encode()
    shift = _each(hours, [_shift_all_hour(hour, rules) for hour in hours.dictionary.to_pylist()])
    changing = pc.and_(pc.is_valid(local), pc.is_null(shift))
    if pc.any(changing).as_py():
        seconds = pc.floor_temporal(local.filter(changing), unit="second").dictionary_encode()
        shifts = _each(seconds, [_shift(at, rules) for at in seconds.dictionary.to_pylist()])
        shift = pc.replace_with_mask(shift, changing, shifts)
    nonexistent = pc.and_(pc.is_valid(local), pc.is_null(shift))
    return pc.subtract(local.cast(pa.int64()), pc.fill_null(shift, 0)), nonexistent


def _each(encoded: Any, values: list[int | None]) -> Any:
    return pa.array(values, pa.int64()).take(encoded.indices)


def _shift_all_hour(hour: datetime, rules: ZoneInfo) -> int | None:
    """How many microseconds clocks are ahead of UTC; None where that changes within the hour."""
    ends = (hour, hour + _LAST_SECOND)
    shifts = {rules.utcoffset(end.replace(fold=fold)) for end in ends for fold in (0, 1)}
    (shift, *others) = shifts
    return None if others or shift is None else shift // _MICROSECOND


def _shift(second: datetime, rules: ZoneInfo) -> int | None:
    """How many microseconds clocks are ahead of UTC; None where they pass over the time."""
    # fold tells before and after a change: in a gap clocks are further ahead after it
    before, after = (rules.utcoffset(second.replace(fold=fold)) for fold in (0, 1))
    return None if before is None or after is None or before < after else before // _MICROSECOND
