"""Checks the draw of one window. It needs this folder and Python 3.11, and nothing else.

    python3 -I verify.py               checks everything
    python3 -I verify.py --entry ID    checks everything, then shows one entry

window.json says what was sold, and how. entries.csv has one line for each entry that competed, in
order. The checks follow the order of this page. The first thing that is not so is named, and the
exit status is 1. If everything is so, the exit status is 0.
"""

import csv
import json
import re
import sys
from argparse import ArgumentParser
from collections import Counter
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

FOLDER = Path(__file__).resolve().parent
NUMBER = re.compile("0|[1-9][0-9]*")
TICKET = re.compile("[0-9a-f]{16}")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")


class NotSoError(Exception):
    """The first thing that is not so."""


def not_so(text: str) -> NoReturn:
    raise NotSoError(text)


def require(is_so: bool, text: str) -> None:
    if not is_so:
        not_so(text)


def main() -> int:
    parser = ArgumentParser(description="Checks the draw of one window.")
    parser.add_argument("--entry", metavar="ID", help="show this entry after all checks")
    asked = parser.parse_args().entry
    try:
        window = json.loads((FOLDER / "window.json").read_text("utf-8"))
        check_seed(window)
        check_status(window)
        check_numbers(window)
        found = check_entries(window, asked)
        check_manifest()
    except NotSoError as error:
        print(f"NOT SO: {error}")
        return 1
    except (OSError, ValueError, KeyError, TypeError, AttributeError, csv.Error) as error:
        print(f"NOT SO: the pack cannot be read: {type(error).__name__}: {error}")
        return 1
    numbers, terms = window["numbers"], window["terms"]
    print(f"Window {terms['window_id']} of commodity {terms['commodity_id']}: {window['status']}.")
    if window["missing"]:
        print(window["missing"])
    print(
        f"All is so: {numbers['competing']} entries competed for {terms['stock']} units; "
        f"{numbers['allocated']} entries won {numbers['allocated_units']} units."
    )
    return show(window, asked, found) if asked is not None else 0


# 1. The seed cannot be drawn twice. The earliest commitment binds. The earliest seed that matches
#    it is the seed. A commitment is the SHA-256 of the seed.


def check_seed(window: dict[str, Any]) -> None:
    versions = window["versions"]
    ages = [(version["updated_at"], version["dt"]) for version in versions]
    require(ages == sorted(ages), "window.json: versions are not in the order of their age")
    commitment = first(version["seed_commitment"] for version in versions)
    said = window["draw"]["commitment"]
    require(said == commitment, f"commitment: {said}; the earliest of the versions is {commitment}")
    seeds = [version["draw_seed"] for version in versions if version["draw_seed"] is not None]
    matching = (seed for seed in seeds if commitment in (None, digest(seed)))
    seed, held = first(matching), None
    if window["terms"]["policy"] == "first_come":
        seed = None
    elif seed is None:
        held = "seed_mismatch" if seeds else "seed_missing"
    said = window["draw"]["seed"]
    if said is not None and commitment is not None:
        require(digest(said) == commitment, f"seed: the SHA-256 of {said!r} is not {commitment}")
    require(said == seed, f"seed: {said!r}; by the versions it is {seed!r}")
    said = window["draw"]["held"]
    require(said == held, f"held: {said}; by the versions it is {held}")


# 2. A window without a seed is held. A window with too few ready accounts is not formed. Nothing
#    is drawn in either of them.


def check_status(window: dict[str, Any]) -> None:
    ready, least = window["numbers"]["ready"], window["terms"]["min_qualified"]
    status = window["draw"]["held"] or ("allocated" if ready >= least else "not_formed")
    said = window["status"]
    text = f"status: {said}; with {ready} ready accounts, and {least} needed, it is {status}"
    require(said == status, text)
    if status != "allocated":
        require(window["numbers"]["competing"] == 0, f"competing: entries in a window {status}")


# 3. The numbers of window.json are those of entries.csv. So no line is gone, and none was added.


def check_numbers(window: dict[str, Any]) -> None:
    numbers, prefixes = Counter[str](), Counter[str]()
    for row in rows(window):
        numbers["competing"] += 1
        numbers["size"] += row.size
        numbers["weight"] += row.weight or 0
        if row.allocated:
            numbers["allocated"] += 1
            numbers["allocated_units"] += row.size
        prefixes[row.ticket[:2]] += 1
        said = f"entries.csv line {row.line}: position {row.position}"
        place = numbers["competing"]
        require(row.position == place, f"{said}, expected {place}: a row is gone, added or moved")
    for name in ("competing", "size", "weight", "allocated", "allocated_units"):
        said = window["numbers"][name]
        what = "rows" if name == "competing" else name
        require(
            said == numbers[name],
            f"{what}: entries.csv comes to {numbers[name]}, window.json says {said}",
        )
    if "tickets_by_prefix" in window:
        said = window["tickets_by_prefix"]
        require(said == dict(prefixes), "ticket: the counts by first digits are not so")


# 4. Every ticket follows from the seed, the window and the entry. Entries are taken in order. One
#    that fits what is left wins. One that does not fit is passed over, and the next is tried.


def check_entries(window: dict[str, Any], asked: str | None) -> "Row | None":
    terms, left = window["terms"], window["terms"]["stock"]
    cap = window["settings"]["draw"]["weight_cap"]
    most = 1 + (cap if terms["policy"] == "weighted_lottery" else 0)
    seen: set[str] = set()
    found = before = None
    for row in rows(window):
        name = f"entries.csv line {row.line}, position {row.position}"
        if row.entry_id is not None:
            name += f", entry {row.entry_id}"
            require(row.entry_id not in seen, f"{name}: the entry is there twice: a row was added")
            seen.add(row.entry_id)
        require(row.size >= 1, f"{name}: size {row.size}, expected at least 1")
        if row.weight is not None:
            check_ticket(window, row, most, name)
        else:
            check_time(terms, row, name)
        if before is not None:
            is_later = before.order < row.order or is_tie(before, row)
            require(is_later, f"{name}: order: it belongs before the line above")
        fits = row.size <= left
        said = "allocated" if row.allocated else "not allocated"
        text = f"{name}: winner: {said}, but its size is {row.size} and {left} units are left"
        require(row.allocated == fits, text)
        left -= row.size if fits else 0
        if asked is not None and is_asked(window, row, asked):
            found = row
        before = row
    return found


def check_ticket(window: dict[str, Any], row: "Row", most: int, name: str) -> None:
    weight = row.weight or 0
    require(1 <= weight <= most, f"{name}: weight {weight}, expected 1 to {most}")
    if row.entry_id is not None:
        expected = smallest_ticket(window, row.entry_id, weight)
        text = f"{name}: ticket {row.ticket}; the seed gives {expected} at weight {weight}"
        require(row.ticket == expected, text)


def check_time(terms: dict[str, Any], row: "Row", name: str) -> None:
    in_rush = terms["rush_open"] <= row.attempted_at < terms["rush_close"]
    require(in_rush, f"{name}: order: the attempt at {row.attempted_at} is not in the rush")


def smallest_ticket(window: dict[str, Any], entry_id: str, weight: int) -> str:
    """A hash has 64 digits: four tickets of 16. Ticket i is number i % 4 of hash i // 4."""
    terms, seed = window["terms"], window["draw"]["seed"]
    start = f"{seed}|{terms['commodity_id']}|{terms['window_id']}|{entry_id}|"
    hashes = "".join(digest(f"{start}{number}") for number in range((weight + 3) // 4))
    return min(hashes[16 * i : 16 * i + 16] for i in range(weight))


def is_tie(before: "Row", row: "Row") -> bool:
    """A public pack has no ids, which decide between equal tickets or times."""
    return row.entry_id is None and before.order == row.order


# 5. MANIFEST.sha256 has the SHA-256 of every other file. `sha256sum -c` reads it too.


def check_manifest() -> None:
    named = {}
    for line in (FOLDER / "MANIFEST.sha256").read_text("utf-8").splitlines():
        expected, _, name = line.partition("  ")
        named[name] = expected
    there = {path.name for path in FOLDER.iterdir()} - {"MANIFEST.sha256"}
    for name in sorted(there | set(named)):
        require(name in there, f"{name}: the file is gone")
        require(name in named, f"{name}: the file was added: MANIFEST.sha256 does not name it")
        found = file_digest(FOLDER / name)
        text = f"{name}: the file has changed: SHA-256 {found}, MANIFEST.sha256 says {named[name]}"
        require(found == named[name], text)


# An entry that somebody asks for. A public pack does not name it: its ticket finds it.


def is_asked(window: dict[str, Any], row: "Row", asked: str) -> bool:
    if row.entry_id is not None:
        return row.entry_id == asked
    if row.weight is not None:
        return row.ticket == smallest_ticket(window, asked, row.weight)
    terms = window["terms"]
    return row.ticket == digest(f"{terms['commodity_id']}|{terms['window_id']}|{asked}")[:16]


def show(window: dict[str, Any], asked: str, row: "Row | None") -> int:
    if row is None:
        print(f"Entry {asked} is not among those that competed.")
        return 1
    if row.weight is not None:
        how = f"ticket {row.ticket}, the smallest of {row.weight}"
    else:
        how = f"ordered at {row.attempted_at}"
    result = "it won" if row.allocated else "it did not win"
    print(f"Entry {asked}: position {row.position}, size {row.size}, {how}; {result}.")
    return 0


# Reading.


class Row(NamedTuple):
    """A line of entries.csv. What a kind of window or pack does not have is None or empty."""

    line: int
    position: int
    entry_id: str | None
    size: int
    weight: int | None
    ticket: str
    allocated: bool
    attempted_at: str
    order: tuple[Any, ...]


COLUMNS = {
    ("lottery", False): ["position", "entry_id", "size", "weight", "ticket", "allocated"],
    ("lottery", True): ["position", "size", "weight", "ticket", "allocated"],
    ("first_come", False): [
        *["position", "entry_id", "size", "attempted_at", "sequence", "event_id", "account_id"],
        "allocated",
    ],
    ("first_come", True): ["position", "size", "attempted_at", "sequence", "mark", "allocated"],
}


def rows(window: dict[str, Any]) -> Iterator[Row]:
    kind = "first_come" if window["terms"]["policy"] == "first_come" else "lottery"
    columns = COLUMNS[kind, window["public"]]
    with (FOLDER / "entries.csv").open(encoding="utf-8", newline="") as file:
        lines = csv.reader(file, strict=True)
        found = next(lines, None)
        require(found == columns, f"entries.csv line 1: columns {found}, expected {columns}")
        for number, values in enumerate(lines, 2):
            name = f"entries.csv line {number}"
            require(len(values) == len(columns), f"{name}: {len(values)} values")
            yield row_of(dict(zip(columns, values, strict=True)), number, name)


def row_of(values: dict[str, str], line: int, name: str) -> Row:
    for column in ("position", "size", "weight"):
        text = values.get(column, "0")
        require(NUMBER.fullmatch(text) is not None, f"{name}: {column} {text!r} is no number")
    flag = values["allocated"]
    require(flag in ("true", "false"), f"{name}: allocated {flag!r}, expected true or false")
    weight, ticket = None, values.get("mark", "")
    time, entry_id = values.get("attempted_at", ""), values.get("entry_id")
    order: tuple[Any, ...]
    if "ticket" in values:
        weight, ticket = int(values["weight"]), values["ticket"]
        require(TICKET.fullmatch(ticket) is not None, f"{name}: ticket {ticket!r} is none")
        order = (ticket, entry_id or "")
    else:
        require(TIME.fullmatch(time) is not None, f"{name}: attempted_at {time!r} is no time")
        number = values["sequence"]
        # an event without a sequence comes before those of its time that have one
        order = (time, number != "", int(number or 0), values.get("event_id", ""))
    position, size = int(values["position"]), int(values["size"])
    return Row(line, position, entry_id, size, weight, ticket, flag == "true", time, order)


def first(values: Any) -> Any:
    return next((value for value in values if value is not None), None)


def digest(text: str) -> str:
    return sha256(text.encode("utf-8")).hexdigest()


def file_digest(path: Path) -> str:
    found = sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            found.update(block)
    return found.hexdigest()


if __name__ == "__main__":
    sys.exit(main())
