"""Gates: where a run stops because too much of its input is bad, and what lets it pass.

docs/rules.md section 2. A gate is that of one landing table and arrival date. A person may accept
what it shows, for a reason; the acceptance is kept with what it let pass, and holds for the same
files when a later run handles the date again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from solatium import contracts
from solatium.errors import UsageError
from solatium.setting_values import calendar_date
from solatium.warehouse import Commit

# Landing files by table, as a listing shows them.
Files = Mapping[str, Sequence[tuple[str, int, int]]]


@dataclass(frozen=True)
class AcceptedGate:
    """The gate of a table and arrival date, and the reason why it may be passed."""

    table: str
    day: date
    reason: str

    def __str__(self) -> str:
        return f"{self.table}:{self.day}:{self.reason}"


def accepted_gates(texts: Iterable[str]) -> tuple[AcceptedGate, ...]:
    """Gates from TABLE:DATE:REASON each. Raises UsageError with every text that is not one."""
    gates, problems = [], []
    for text in texts:
        table, _, rest = text.partition(":")
        day, _, reason = rest.partition(":")
        if table not in contracts.LANDING:
            problems.append(
                f"{text!r}: no table {table!r}; they are {', '.join(contracts.LANDING)}"
            )
            continue
        try:
            gate = AcceptedGate(table, calendar_date(day), reason.strip())
        except ValueError as error:
            problems.append(f"{text!r}: its date {error}")
            continue
        if not gate.reason:
            problems.append(f"{text!r}: the reason is missing; it is kept in run_log")
        gates.append(gate)
    if problems:
        raise UsageError("--accept-gate: expected TABLE:DATE:REASON", problems)
    return tuple(gates)


def accepted_on(
    day: date,
    given: Iterable[AcceptedGate],
    commits: Iterable[Commit],
    arrived: Files,
) -> dict[str, AcceptedGate]:
    """The gates of an arrival date that may be passed, by table.

    Those `given` to this run, and those that earlier `commits` accepted of the same files, which
    `arrived` names.
    """
    gates = {}
    for commit in commits:
        for gate in accepted_gates(commit.gates_accepted):
            is_same = commit.files.get(gate.table) == arrived.get(gate.table)
            if gate.day == day and is_same:
                gates[gate.table] = gate
    return gates | {gate.table: gate for gate in given if gate.day == day}
