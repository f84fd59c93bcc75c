"""What was published, and what a newer snapshot would change of it.

A target remembers a `Publication`: the commit that it shows, and for each part of each table a
digest of the files that the part was made from. Files of a warehouse are never changed, and their
names never used again. So a part whose files are the same has the same rows, whatever commits,
roll backs or vacuums came between; all others are sent again.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import date
from functools import cache
from hashlib import sha256

import pyarrow.dataset as ds

from solatium.contracts.star import FACTS, STAR, star
from solatium.publish.connections import duckdb_connection
from solatium.publish.pseudonyms import Names
from solatium.publish.quality import landed_rows
from solatium.version import VERSION
from solatium.warehouse.snapshot import Snapshot, SnapshotTable

# Changes with the SQL of the star where its columns do not show it: then all is published again.
FORM = 1

# The tables of the warehouse from which a fact is made, partition by partition.
SOURCES: Mapping[str, tuple[str, ...]] = {
    "fact_participation": ("screened_participants",),
    "fact_outcome": ("allocations", "account_outcomes"),
    "fact_award": ("bonus_awards",),
    "fact_ledger": ("bonus_ledger",),
    "fact_payout": ("bonus_payouts",),
    "fact_refund": ("refunds_due",),
    "fact_discrepancy": ("audit_discrepancies",),
    "quality_by_day": ("quarantine",),
}
# What stands for the accounts: their files, each a part, since they are only added to.
ACCOUNTS = "dim_account"


@dataclass(frozen=True)
class Publication:
    """What a target shows: a commit of a warehouse, under some names, in some form.

    `parts` has a digest for each part of a fact, by its date as text, and an empty one for each
    file of accounts.
    """

    commit: int
    run_id: str
    day: date
    version: str
    form: str
    names: str
    parts: Mapping[str, Mapping[str, str]]

    def to_json(self) -> str:
        return json.dumps(asdict(self), default=str, indent=1, ensure_ascii=False)

    def without(self, table: str) -> Publication:
        """The same, as if no part of a table were there."""
        return replace(self, parts=dict(self.parts) | {table: {}})

    @classmethod
    def from_json(cls, text: str) -> Publication:
        facts = json.loads(text)
        return cls(**facts | {"day": date.fromisoformat(facts["day"])})


@dataclass(frozen=True)
class Part:
    """The dates of a fact that are sent, and those that are taken away."""

    sent: tuple[date, ...]
    gone: tuple[date, ...]

    @property
    def dates(self) -> tuple[date, ...]:
        """All dates on which earlier rows stand no more as they are."""
        return tuple(sorted({*self.sent, *self.gone}))


@dataclass(frozen=True)
class Changes:
    """What is to be done to a target: which parts of which facts, and which accounts.

    `because` says why all is published, and is empty where only what changed is. `makes_tables`
    says whether tables are made first. `accounts` are the files of accounts that are new; None
    stands for all, and for every account that a fact names. `known_dates` are the dates of all
    parts, sent or not.
    """

    because: str
    makes_tables: bool
    facts: Mapping[str, Part]
    accounts: tuple[str, ...] | None
    known_dates: tuple[date, ...]


def publication_of(tables: Snapshot, names: Names) -> Publication:
    """What a target shows once a snapshot has been published to it."""
    return Publication(
        commit=tables.commit.number,
        run_id=tables.run_id,
        day=tables.day,
        version=VERSION,
        form=form(),
        names=names.mark,
        parts=_parts(tables),
    )


def changes(before: Publication | None, now: Publication) -> Changes | None:
    """What leads from one publication to another; None where they show the same."""
    if before is not None and _shown(before) == _shown(now):
        return None
    because, makes_tables = "", False
    if before is None:
        because, makes_tables = "it is the first publishing", True
    elif before.form != now.form:
        because, makes_tables = f"tables of solatium {before.version} have another form", True
    elif before.names != now.names:
        because = "accounts have other names now"
    old = {} if before is None or makes_tables else before.parts
    facts = {
        name: _part(old.get(name, {}), now.parts[name], everything=bool(because)) for name in FACTS
    }
    known, there = set(old.get(ACCOUNTS, {})), set(now.parts[ACCOUNTS])
    is_added_to = known and known <= there
    accounts = tuple(sorted(there - known)) if is_added_to and not because else None
    dates = _dates({day for name in FACTS for day in now.parts[name]})
    return Changes(because, makes_tables, facts, accounts, dates)


@cache
def form() -> str:
    """What tells tables of one form from those of another: columns, types, keys and FORM."""
    columns = [
        (name, star(name).key, c.name, c.type, c.required, c.refers_to)
        for name in STAR
        for c in star(name).columns
    ]
    return _digest(map(repr, [FORM, *columns]))


def dated_files(table: SnapshotTable, by: str) -> dict[date, list[str]]:
    """The data files of a table by the date of their partition."""
    found: dict[date, list[str]] = {}
    for fragment in table.dataset().get_fragments():
        day = ds.get_partition_keys(fragment.partition_expression)[by]
        found.setdefault(day, []).append(fragment.path)
    return found


def _shown(publication: Publication) -> tuple[object, ...]:
    one = publication
    return (one.commit, one.run_id, one.form, one.names, one.parts)


def _part(old: Mapping[str, str], new: Mapping[str, str], *, everything: bool) -> Part:
    sent = [day for day, digest in new.items() if everything or old.get(day) != digest]
    return Part(_dates(sent), _dates(day for day in old if day not in new))


def _dates(texts: Iterable[str]) -> tuple[date, ...]:
    return tuple(date.fromisoformat(text) for text in sorted(texts))


def _parts(tables: Snapshot) -> dict[str, dict[str, str]]:
    parts = {name: dict(_dated_parts(tables, name)) for name in FACTS if name != "fact_payout"}
    parts["fact_payout"] = _payouts(tables)
    files = tables["accounts"].dataset().get_fragments()
    return parts | {ACCOUNTS: dict.fromkeys(sorted(file.path for file in files), "")}


def _dated_parts(tables: Snapshot, name: str) -> Iterator[tuple[str, str]]:
    found: dict[date, list[str]] = {}
    for source in SOURCES[name]:
        [by] = tables[source].contract.partition_by
        for day, files in dated_files(tables[source], by).items():
            found.setdefault(day, []).extend(f"{source}/{file}" for file in files)
    if name == "quality_by_day":
        for day, rows in landed_rows(tables).items():
            found.setdefault(day, []).append(json.dumps(rows, sort_keys=True))
    for day in sorted(found):
        yield day.isoformat(), _digest(sorted(found[day]))


def _payouts(tables: Snapshot) -> dict[str, str]:
    """Payouts lie in one piece, and are only added, by postings with numbers of their own.

    So a run date has the same payouts as before where their number, their sum, their postings, and
    their first and last ids are the same.
    """
    with duckdb_connection() as connection:
        connection.register("payouts", tables["bonus_payouts"].dataset())
        sums = connection.execute(
            "select run_date, count(*), sum(amount), min(posting), max(posting), min(payout_id), "
            "max(payout_id) from payouts group by run_date order by run_date"
        ).fetchall()
    return {day.isoformat(): _digest(map(str, facts)) for day, *facts in sums}


def _digest(texts: Iterable[str]) -> str:
    return sha256("\n".join(texts).encode()).hexdigest()[:32]
