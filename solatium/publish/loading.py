"""Brings the star in a database to a new publication, within one transaction.

Rows that stay as they are, are not written again: a night evaluates all open dates, and most of
their rows come out the same. So keys and indexes have little to do, and a table does not bloat.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, ClassVar, Protocol

from solatium.contracts.star import DIMENSIONS, STAR, star
from solatium.publish import statements
from solatium.publish.publication import ACCOUNTS, Changes, Publication
from solatium.publish.star import Star


@dataclass(frozen=True)
class Sent:
    """What a publishing did to a table: the dates and rows sent, the rows written and removed.

    A row that differs counts as written, and of facts as removed too. Dimensions have no dates.
    """

    table: str
    dates: tuple[date, ...]
    rows: int
    written: int
    removed: int


class Database(Protocol):
    """A transaction of a database that can hold the star."""

    types: ClassVar[Mapping[str, str]]
    declares_keys_first: ClassVar[bool]

    def execute(self, statement: str, values: Sequence[Any] = ()) -> int:
        """Runs a statement; gives how many rows it has written or removed."""

    def fill(self, star: Star, name: str) -> int:
        """Writes the rows of a table that are sent into it, which is empty."""

    def stage(self, star: Star, name: str) -> int:
        """Writes them into the temporary table `statements.new` instead."""


def make(database: Database, new: Star) -> list[Sent]:
    """Makes all tables, with their rows and then, where that is quicker, with their keys."""
    contracts = [star(name) for name in STAR]
    for contract in contracts:
        with_keys = database.declares_keys_first
        database.execute(statements.table(contract, database.types, with_keys=with_keys))
    database.execute(statements.state_table())
    sent = []
    for contract in contracts:
        part = new.changes.facts.get(contract.name)
        rows = database.fill(new, contract.name)
        sent.append(Sent(contract.name, part.sent if part else (), rows, rows, 0))
    if not database.declares_keys_first:
        for contract in contracts:
            database.execute(f"alter table {contract.name} add {statements.primary_key(contract)}")
        for contract in contracts:
            for key in statements.foreign_keys(contract):
                database.execute(f"alter table {contract.name} add {key}")
            for index in statements.indexes(contract):
                database.execute(index)
    for comment in statements.comments():
        database.execute(comment)
    return sent


def change(database: Database, new: Star) -> list[Sent]:
    """Changes what differs: dimensions first, so that every key is there when a fact names it."""
    sent = []
    for name in DIMENSIONS:
        rows = database.stage(new, name)
        written = database.execute(statements.add_or_change(star(name)))
        sent.append(Sent(name, (), rows, written, 0))
    for contract in statements.facts():
        part = new.changes.facts[contract.name]
        if part.dates:
            rows = database.stage(new, contract.name)
            removed = database.execute(statements.remove_changed(contract, part.dates))
            written = database.execute(statements.add_missing(contract, part.sent))
            sent.append(Sent(contract.name, part.sent, rows, written, removed))
    return sent


def with_removed(sent: Sequence[Sent], removed: Mapping[str, int]) -> list[Sent]:
    """The same, with what `tidy` has removed."""
    return [replace(one, removed=one.removed + removed.get(one.table, 0)) for one in sent]


def tidy(database: Database, asked: Changes) -> dict[str, int]:
    """Takes away the rows of dimensions that nothing names any more; gives how many."""
    removed = {}
    for contract, are_accounts in statements.leaving_order():
        all_are_new = not are_accounts or asked.accounts is None
        removed[contract.name] = database.execute(
            statements.remove_unnamed(contract, all_are_new=all_are_new)
        )
    return removed


def remember(database: Database, now: Publication, *, is_tidy: bool = True) -> None:
    """Writes down what is published.

    Before it is tidy, no accounts are said to be there: whoever goes on then sends all of them.
    """
    text = now.to_json() if is_tidy else now.without(ACCOUNTS).to_json()
    database.execute(f"delete from {statements.STATE}")
    marks = ", ".join(f"${place}" for place in range(1, len(statements.STATE_COLUMNS) + 1))
    database.execute(
        f"insert into {statements.STATE} values ({marks})",
        (now.commit, now.run_id, now.day, now.version, text),
    )
