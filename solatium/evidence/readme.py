"""The README of a pack: what it holds, how to check it, and what it cannot show."""

from __future__ import annotations

import shlex
from typing import Any

_CHECK = """## How to check it

```console
python3 -I verify.py
python3 -I verify.py --entry ID
```

`verify.py` needs Python 3.11 and nothing else. It recomputes the draw and names the first thing
that is not so. Its exit status is 0 if everything is so, and else 1. The second form also shows one
entry. `sha256sum -c MANIFEST.sha256` checks the files alone.

Whoever publishes a pack publishes the SHA-256 of `MANIFEST.sha256` with it. Then nobody can change
the whole pack unnoticed.
"""

_LOTTERY = """## The draw

Each entry has a ticket. It follows from the seed, the window and the entry:

```console
{command}
```

The text ends in 0 for the first four tickets, 16 digits each, in 1 for the next four, and so on. An
entry of weight w takes the smallest of its first w tickets. Entries are taken in the order of their
tickets, and then of their ids. An entry whose size fits what is left wins. One that does not fit is
passed over, and the next is tried.
"""

_FIRST_COME = """## The order

Entries are taken in the order of their first order event in the rush: by time, then by sequence,
then by event id. An event without a sequence comes before those of its time that have one. An entry
whose size fits what is left wins. One that does not fit is passed over, and the next is tried.
"""

_COLUMNS = {
    "position": "place in the order, from 1",
    "entry_id": "the account, or the team",
    "size": "units that the entry asks for",
    "weight": "how many tickets it drew",
    "ticket": "the smallest of them, 16 hex digits",
    "attempted_at": "time of the order event that counts, in UTC",
    "sequence": "the platform's own order of events that share a time; may be empty",
    "event_id": "the order event",
    "account_id": "the account that ordered",
    "mark": "first 16 hex digits of the SHA-256 of `commodity_id|window_id|entry_id`",
    "allocated": "`true` if the entry won",
}
_HIDDEN = ("entry_id", "event_id", "account_id")

_PUBLIC = """## What this pack leaves out

This pack names no accounts and no teams. `verify.py` can check the order, the sizes and who won by
position. It cannot check tickets, as a ticket follows from an id. Between equal {equal} the ids
decide, which are not shown. Whoever knows an id finds its row by `--entry ID` and checks it. So can
anyone who guesses an id.
"""


def text(facts: dict[str, Any]) -> str:
    """The page, by the facts of window.json."""
    terms = facts["terms"]
    is_first_come = terms["policy"] == "first_come"
    parts = [
        f"# Window {terms['window_id']} of commodity {terms['commodity_id']}\n",
        _what(facts),
        _CHECK,
    ]
    if facts["draw"]["seed"] is not None:
        said = "|".join([facts["draw"]["seed"], terms["commodity_id"], terms["window_id"], "ID|0"])
        parts.append(_LOTTERY.format(command=f"printf '%s' {shlex.quote(said)} | sha256sum"))
    if is_first_come:
        parts.append(_FIRST_COME)
    parts.append(_files(facts))
    if facts["public"]:
        parts.append(_PUBLIC.format(equal="times and sequences" if is_first_come else "tickets"))
    return "\n".join(parts)


def _what(facts: dict[str, Any]) -> str:
    terms, numbers, commit = facts["terms"], facts["numbers"], facts["commit"]
    sold = f"policy `{terms['policy']}`, unit `{terms['unit']}`, stock {terms['stock']}"
    lines = [f"Business date {facts['business_date']}, {sold}. Status: `{facts['status']}`."]
    if facts["missing"]:
        lines.append(facts["missing"])
    lines.append(
        f"{numbers['competing']} entries competed. {numbers['allocated']} of them won "
        f"{numbers['allocated_units']} units."
    )
    lines.append(f"As of {commit['date']}, commit {commit['number']}, run {commit['run_id']}.")
    return "\n".join(lines) + "\n"


def _files(facts: dict[str, Any]) -> str:
    is_first_come = facts["terms"]["policy"] == "first_come"
    names = ["position", "entry_id", "size"]
    if is_first_come:
        names += ["attempted_at", "sequence", "event_id", "account_id"]
    else:
        names += ["weight", "ticket"]
    if facts["public"]:
        names = [name for name in names if name not in _HIDDEN]
        names += ["mark"] if is_first_come else []
    columns = "".join(f"| `{name}` | {_COLUMNS[name]} |\n" for name in [*names, "allocated"])
    return f"""## The files

- `window.json`: the terms, all versions of seed and commitment, the settings in force, the commit
  record, the versions of the tables, and the landing files.
- `entries.csv`: a line for each entry that competed.
- `verify.py`: the checks.
- `MANIFEST.sha256`: the SHA-256 of the other files.

`landing_files` lists the files of the dates on which rows of this window arrived, and those of all
accounts in sight. A file without a `sha256` has a `note` that says why.

| column of `entries.csv` | meaning |
|---|---|
{columns}"""
