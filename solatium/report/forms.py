"""Numbers as people of the trade write them: money in its currency's form, shares, counts."""

from __future__ import annotations

from decimal import Decimal

from babel.numbers import format_currency, get_currency_precision

_PLACES = 2  # of every amount of money in the tables


def money(amount: Decimal | float, currency: str) -> str:
    """An amount in its currency's form: no places for yen unless there are some, two for most."""
    exact = Decimal(str(amount))
    places = get_currency_precision(currency)
    if exact != round(exact, places):
        places = _PLACES
    pattern = "¤#,##0" + ("." + "0" * places if places else "")
    if len(currency) != 3 or not currency.isalpha() or not currency.isupper():
        pattern = pattern.replace("¤", "¤ ")
    return format_currency(exact, currency, format=pattern, locale="en", currency_digits=False)


def count(number: float) -> str:
    """A whole number with separators."""
    return f"{number:,.0f}"


def share(part: float | None) -> str:
    """A part of one as a percentage; nothing where it is not known."""
    return "" if part is None else f"{part:.1%}"


def words(code: str) -> str:
    """A code of the tables as words."""
    return code.replace("_", " ")
