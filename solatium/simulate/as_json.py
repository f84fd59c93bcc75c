"""A simulation as JSON: its form is stable, and docs/how-to/simulate.md says what each key is."""

from __future__ import annotations

import json
from typing import Any

from solatium.simulate.numbers import Interval, Key, Row, Value
from solatium.simulate.simulation import Simulated

FORM = 1


def as_json(simulated: Simulated) -> str:
    """The simulation as one JSON object, on several lines."""
    return json.dumps(facts(simulated), indent=1, ensure_ascii=False)


def facts(simulated: Simulated) -> dict[str, Any]:
    """Counts are integers; money is text with two places, and a share text with four, or null."""
    request = simulated.request
    return {
        "form": FORM,
        "warehouse": str(simulated.root),
        "as_of": str(simulated.commit.day),
        "commit": simulated.commit.number,
        "from": str(request.first),
        "to": str(request.last),
        "policy": request.policy,
        "draws": request.draws,
        "seed": request.seed if request.draws else None,
        "differences": [
            {
                "key": one.key,
                "campaign": one.campaign,
                "from": str(one.first),
                "to": str(one.last),
                "was": json.loads(one.was),
                "now": json.loads(one.now),
            }
            for one in simulated.differences
        ],
        "numbers": [_number(row) for row in simulated.rows],
    }


def _number(row: Row) -> dict[str, Any]:
    key = row.key
    return {
        "section": key.section,
        "group": key.label or None,
        "currency": key.currency,
        "name": key.name,
        "kind": key.kind,
        "was": _value(key, row.was),
        "would_be": _value(key, row.would_be),
        "interval": None if row.interval is None else _interval(key, row.interval),
    }


def _interval(key: Key, found: Interval) -> dict[str, Any]:
    return {
        "least": _value(key, found.least),
        "p2.5": _value(key, found.low),
        "median": _value(key, found.median),
        "p97.5": _value(key, found.high),
        "greatest": _value(key, found.greatest),
    }


def _value(key: Key, value: Value) -> Any:
    if value is None or key.kind == "count":
        return value
    return f"{value:.{2 if key.kind == 'money' else 4}f}"
