"""The rows of the three logs, in the form of the contracts."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyarrow as pa

from solatium.contracts import landing
from solatium.generate.accounts import WIDTH
from solatium.generate.advances import KINDS, Advances
from solatium.generate.applications import Applications, participation_columns
from solatium.generate.chance import Ints
from solatium.generate.events import STEPS, Events
from solatium.generate.orders import STATUSES
from solatium.generate.text import money, names, picked, times, whole
from solatium.generate.windows import CURRENCY

OTHER_CURRENCY = "USD"

_NIGHT = STEPS * 10**WIDTH  # ids of a night are below
_DIGITS = WIDTH + 4

Columns = Callable[[Events], dict[str, pa.Array]]


def numbers(applications: Applications, events: Events) -> Ints:
    """A number for each event that no other event of its log has, in any night."""
    night = applications.windows.night
    return night * _NIGHT + applications.number[events.row] * STEPS + events.step


def rows(name: str, applications: Applications, events: Events, columns: Columns) -> pa.Table:
    """Rows of a log; `columns` makes those that the log does not share with the others."""
    a, contract = applications, landing(name)
    window, number = a.window[events.row], numbers(a, events)
    shared = {
        "event_id": names(contract.name[0].upper(), number, _DIGITS),
        "account_id": names("A", a.facts.account[events.row], WIDTH),
        "commodity_id": picked(a.windows.commodity, window),
        "window_id": picked(a.windows.name, window),
        "event_time": times(events.time),
        "sequence": pa.array(number, pa.int64()),
    }
    return pa.table(shared | columns(events)).select(list(contract.names))


def participation_log(applications: Applications) -> Columns:
    return lambda events: participation_columns(applications, events)


def payment_log(advances: Advances) -> Columns:
    def columns(events: Events) -> dict[str, pa.Array]:
        is_foreign = advances.is_foreign[events.row].astype(np.int64)
        return {
            "kind": picked(KINDS, np.asarray(events.what)),
            "amount": money(np.asarray(events.amount)),
            "currency": picked((CURRENCY, OTHER_CURRENCY), is_foreign),
        }

    return columns


def orders_log(applications: Applications) -> Columns:
    def columns(events: Events) -> dict[str, pa.Array]:
        first = numbers(applications, events) // STEPS
        return {
            "order_id": names("N", first, _DIGITS),
            "status": picked(STATUSES, np.asarray(events.what)),
            "quantity": whole(np.asarray(events.amount)),
        }

    return columns
