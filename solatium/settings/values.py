"""What the value of a setting may be (docs/rules.md section 9).

Each check takes what YAML or a caller gave, and gives it back in the one form that equal settings
share, or raises ValueError with the reason.
"""

from __future__ import annotations

import json
import re
import reprlib
from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal
from difflib import get_close_matches
from functools import cache
from typing import Any
from zoneinfo import available_timezones

from pydantic import BeforeValidator

from solatium.settings.exact_yaml import NUMBER

INT = 2**31 - 1  # whole numbers are compared with columns of type int
DAYS = 100_000  # adding so many days to a date, or taking them away, stays within the calendar

# One of each kind of 18, 10 and 10 digits: an advance amount, a quantity and a share of at most
# 1000 with six decimal places. Their product has at most 38, the most that a decimal has on any
# engine, so that a bonus is exact before it is rounded to the cent.
_SHARE_PLACES = 6
_SHARE_MOST = 1000


def shown(value: object) -> str:
    """A value as a person wrote it, or near to it, and never long."""
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    if isinstance(value, Mapping):
        return "a mapping"
    if isinstance(value, list | tuple):
        return "a list"
    text = str(value) if isinstance(value, Decimal | date) else _BRIEF.repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


_BRIEF = reprlib.Repr()
_BRIEF.maxstring = 58


def whole(least: int, most: int = INT, reason: str = "") -> Callable[[object], int]:
    because = f": {reason}" if reason else ""

    def check(value: object) -> int:
        if isinstance(value, bool) or not isinstance(value, int):
            raise ValueError(f"must be a whole number, not {shown(value)}")
        if value < least:
            raise ValueError(f"must be {least} or more, not {shown(value)}{because}")
        if value > most:
            raise ValueError(f"must be {most} or less, not {shown(value)}")
        return value

    return check


def _number(value: object) -> Decimal:
    if isinstance(value, float):
        raise ValueError(f"{value} is a float, which is not exact; give it as text or Decimal")
    if isinstance(value, bool) or not isinstance(value, int | str | Decimal):
        raise ValueError(f"must be a number, not {shown(value)}")
    if not NUMBER.fullmatch(text := str(value)):
        raise ValueError(f"must be a number in plain digits, such as 12.50, not {shown(value)}")
    number = Decimal(text)
    if number < 0:
        raise ValueError(f"must not be negative, as {shown(value)} is")
    return number.copy_abs()  # -0 is 0


def _places(number: Decimal) -> int:
    return max(0, -int(number.as_tuple().exponent))


def money(value: object) -> Decimal:
    amount = _number(value)
    if _places(amount) > 2:
        raise ValueError(f"money has at most two decimal places, {shown(value)} has more")
    if amount and amount.adjusted() >= 16:
        raise ValueError("money has at most 16 digits before the point, this has more")
    return amount.quantize(Decimal("0.01"))


def _bare(number: Decimal) -> Decimal:
    text = format(number, "f")
    return Decimal(text.rstrip("0").rstrip(".") if "." in text else text)


def portion(value: object) -> Decimal:
    share = _number(value)
    if share > 1:
        raise ValueError(f"must be a share from 0 to 1, not {shown(value)}")
    return _bare(share)


def share_of_advance(value: object) -> Decimal:
    share = _number(value)
    if not share:
        raise ValueError("must be more than 0; for a tier that pays nothing write amount: 0")
    if share > _SHARE_MOST:
        raise ValueError(f"must be {_SHARE_MOST} or less, not {shown(value)}")
    if _places(share) > _SHARE_PLACES:
        raise ValueError(f"has at most {_SHARE_PLACES} decimal places, {shown(value)} has more")
    return _bare(share)


def calendar_date(value: object) -> date:
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    if isinstance(value, str) and re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
        try:
            return date.fromisoformat(value)
        except ValueError:
            raise ValueError(f"{value} is not in the calendar") from None
    raise ValueError(f"must be a date YYYY-MM-DD, not {shown(value)}")


def text_of(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError(f"must be text, not {shown(value)}; quotes make it text")
    if not value.strip():
        raise ValueError("must not be empty")
    return value


@cache
def _zones() -> frozenset[str]:
    # these two depend on the machine, or are no place
    return frozenset(available_timezones() - {"localtime", "Factory"})


def time_zone(value: object) -> str:
    name = text_of(value)
    if name not in _zones():
        near = get_close_matches(name[:40], _zones(), n=1, cutoff=0.7)
        hint = f"; did you mean {near[0]}?" if near else ", such as Asia/Shanghai"
        raise ValueError(f"{shown(name)} is not an IANA time zone{hint}")
    return name


def list_of(value: object) -> list[Any]:
    if not isinstance(value, list | tuple):
        raise ValueError(f"must be a list, not {shown(value)}")
    return list(value)


def landing_tables(value: object) -> tuple[str, ...]:
    """Names of landing tables, each once, in the order in which they are given."""
    from solatium.contracts import LANDING  # takes a second, which `solatium --help` has not

    names = list_of(value)
    for name in names:
        if name not in LANDING:
            near = get_close_matches(str(name), LANDING, n=1)
            hint = f"did you mean {near[0]}?" if near else f"they are {', '.join(LANDING)}"
            raise ValueError(f"{shown(name)} is no landing table; {hint}")
    return tuple(dict.fromkeys(names))


def patterns(value: object) -> tuple[str, ...]:
    """Patterns of file names, such as *.tmp."""
    found = tuple(text_of(one) for one in list_of(value))
    for pattern in found:
        if "/" in pattern:
            raise ValueError(f"{shown(pattern)} is a path; a pattern is of one name, such as *.tmp")
        if not pattern.strip("*?"):
            raise ValueError(f"{shown(pattern)} would ignore every file")
    return found


def mapping_of(value: object) -> dict[Any, Any]:
    if not isinstance(value, Mapping):
        raise ValueError(f"must be a mapping, not {shown(value)}")
    return dict(value)


def or_null(check: Callable[[object], Any]) -> BeforeValidator:
    return BeforeValidator(lambda value: None if value is None else check(value))
