"""What can go wrong, as the person who runs the command is told it, and the exit status of each.

The statuses are those of docs/rules.md section 10: 2 usage or configuration, 3 input refused,
4 another run holds the warehouse, 1 anything else.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from solatium.secrets import masked


class SolatiumError(Exception):
    """A problem that has a message for people: every problem found, and what to do about it."""

    exit_status = 1

    def __init__(self, headline: str, problems: Iterable[str] = ()) -> None:
        self.headline = headline
        self.problems = tuple(problems)
        super().__init__("\n".join([headline, *(f"  - {problem}" for problem in self.problems)]))

    def renamed(self, old: str, new: str) -> SolatiumError:
        """The same, of a place that people know by another name."""
        problems = (problem.replace(old, new) for problem in self.problems)
        return type(self)(self.headline.replace(old, new), problems)


def exit_status_of(error: BaseException) -> int:
    """The exit status of a command that ends with this error."""
    if isinstance(error, KeyboardInterrupt):
        return 130
    return int(getattr(error, "exit_status", SolatiumError.exit_status))


def facts_of(error: BaseException) -> dict[str, Any]:
    """An error for machines: its `headline`, and its `problems`."""
    if isinstance(error, SolatiumError):
        problems = [masked(problem) for problem in error.problems]
        return {"headline": masked(error.headline), "problems": problems}
    return {"headline": masked(f"{type(error).__name__}: {error}").rstrip(": "), "problems": []}


def said(error: BaseException) -> str:
    """What an engine or a library says; of one that has ended, nothing can be asked any more."""
    try:
        return str(error)
    except Exception:
        return type(error).__name__


def reason(error: BaseException) -> str:
    """One line of what an engine or a library says, of Java the cause behind all others."""
    lines = [line.strip() for line in said(error).splitlines() if line.strip()]
    causes = [line.removeprefix("Caused by: ") for line in lines if line.startswith("Caused by: ")]
    return [*lines[:1], *causes][-1] if lines else type(error).__name__


class UsageError(SolatiumError):
    """Arguments or configuration that cannot be meant."""

    exit_status = 2


class UnknownTableError(UsageError, KeyError):
    """No table has this name; a KeyError too, so that a mapping of tables is one in full."""

    __str__ = Exception.__str__


class InputError(SolatiumError):
    """Landing files or rows that the rules refuse; nothing downstream of them has changed."""

    exit_status = 3


class BusyError(SolatiumError):
    """Another run holds the warehouse."""

    exit_status = 4


class LostLeaseError(BusyError):
    """This run held the warehouse, and holds it no longer."""


class WarehouseError(SolatiumError):
    """The warehouse is not in a state that a run can build on."""


class StoreError(SolatiumError):
    """An object store that refuses, cannot be reached, or lacks what a warehouse needs."""


class LedgerError(SolatiumError):
    """The ledger is not what was posted, or not what is owed."""
