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
    count = size = weight = allocated = units = 0
    prefixes = Counter[str]()
    for row in rows(window):
        count += 1
        size += row.size
        weight += row.weight or 0
        allocated += row.allocated
        units += row.size if row.allocated else 0
        prefixes[row.ticket[:2]] += 1
        if row.position != count:
            not_so(f"{row.name}: expected position {count}: a row is gone, added or moved")
    check_sum("rows", count, window["numbers"]["competing"])
    check_sum("size", size, window["numbers"]["size"])
    check_sum("weight", weight, window["numbers"]["weight"])
    check_sum("allocated", allocated, window["numbers"]["allocated"])
    check_sum("allocated_units", units, window["numbers"]["allocated_units"])
    if window["public"] and window["tickets_by_prefix"] != dict(prefixes):
        not_so("ticket: the counts by their first digits are not those of window.json")


def check_sum(name: str, found: int, said: int) -> None:
    require(found == said, f"{name}: entries.csv comes to {found}, window.json says {said}")


# 4. Every ticket follows from the seed, the window and the entry. Entries are taken in order. One
#    that fits what is left wins. One that does not fit is passed over, and the next is tried.


def check_entries(window: dict[str, Any], asked: str | None) -> "Row | None":
    terms, left = window["terms"], window["terms"]["stock"]
    cap = window["settings"]["draw"]["weight_cap"]
    most = 1 + (cap if terms["policy"] == "weighted_lottery" else 0)
    seen: set[str] = set()
    found = before = None
    for row in rows(window):
        if row.entry_id is not None:
            if row.entry_id in seen:
                not_so(f"{row.name}: the entry is there twice: a row was added")
            seen.add(row.entry_id)
        if row.weight is not None:
            check_ticket(window, row, most)
        elif not terms["rush_open"] <= row.attempted_at < terms["rush_close"]:
            not_so(f"{row.name}: order: the attempt at {row.attempted_at} is not in the rush")
        if before is not None and not (before.order < row.order or is_tie(before, row)):
            not_so(f"{row.name}: order: it belongs before the line above")
        fits = 1 <= row.size <= left
        if row.allocated != fits:
            said = "allocated" if row.allocated else "not allocated"
            not_so(f"{row.name}: winner: {said}; its size is {row.size}, and {left} are left")
        if fits:
            left -= row.size
        if asked is not None and is_asked(window, row, asked):
            found = row
        before = row
    return found


def check_ticket(window: dict[str, Any], row: "Row", most: int) -> None:
    weight = row.weight or 0
    if not 1 <= weight <= most:
        not_so(f"{row.name}: weight {weight}, expected 1 to {most}")
    if row.entry_id is not None:
        expected = smallest_ticket(window, row.entry_id, weight)
        if row.ticket != expected:
            said = f"ticket {row.ticket}; the seed gives {expected} at weight {weight}"
            not_so(f"{row.name}: {said}")


def smallest_ticket(window: dict[str, Any], entry_id: str, weight: int) -> str:
    """A hash has 64 digits: four tickets of 16. Ticket i is number i % 4 of hash i // 4."""
    terms, seed = window["terms"], window["draw"]["seed"]
    start = f"{seed}|{terms['commodity_id']}|{terms['window_id']}|{entry_id}|"
    if weight == 1:
        return digest(start + "0")[:16]
    hashes = "".join([digest(start + str(i)) for i in range((weight + 3) // 4)])
    return min([hashes[16 * i : 16 * i + 16] for i in range(weight)])


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

    @property
    def name(self) -> str:
        entry = "" if self.entry_id is None else f", entry {self.entry_id}"
        return f"entries.csv line {self.line}, position {self.position}{entry}"


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
    of_line = lottery_row if kind == "lottery" else first_come_row
    with (FOLDER / "entries.csv").open(encoding="utf-8", newline="") as file:
        lines = csv.reader(file, strict=True)
        found = next(lines, None)
        require(found == columns, f"entries.csv line 1: columns {found}, expected {columns}")
        for line, values in enumerate(lines, 2):
            if len(values) != len(columns):
                not_so(f"entries.csv line {line}: {len(values)} values, not {len(columns)}")
            if values[-1] not in ("true", "false"):
                not_so(f"entries.csv line {line}: allocated {values[-1]!r} is not true or false")
            yield of_line(line, values)


def lottery_row(line: int, values: list[str]) -> Row:
    entry_id = values[1] if len(values) == 6 else None
    size, weight, ticket, allocated = values[-4:]
    if not TICKET.fullmatch(ticket):
        not_so(f"entries.csv line {line}: ticket {ticket!r} is not 16 hex digits")
    return Row(
        line,
        number(line, "position", values[0]),
        entry_id,
        number(line, "size", size),
        number(line, "weight", weight),
        ticket,
        allocated == "true",
        "",
        (ticket, entry_id or ""),
    )


def first_come_row(line: int, values: list[str]) -> Row:
    named = len(values) == 8
    position, entry_id = values[0], values[1] if named else None
    size, time, sequence, event_id = values[2:6] if named else values[1:5]
    if not TIME.fullmatch(time):
        not_so(f"entries.csv line {line}: attempted_at {time!r} is not a time in UTC")
    # of one time, an event without a sequence comes before those that have one
    order = (time, sequence != "", int(sequence or 0), event_id if named else "")
    return Row(
        line,
        number(line, "position", position),
        entry_id,
        number(line, "size", size),
        None,
        "" if named else event_id,  # in a public pack, the mark stands there
        values[-1] == "true",
        time,
        order,
    )


def number(line: int, name: str, text: str) -> int:
    if not (text.isascii() and text.isdecimal()):
        not_so(f"entries.csv line {line}: {name} {text!r} is not a number")
    return int(text)


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
