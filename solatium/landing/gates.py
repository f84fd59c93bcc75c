"""QuarantineGates: where a run stops because too much of its input is bad, and what lets it pass.

docs/rules.md section 2. A gate is that of one landing table and arrival date. A person may accept
what it shows, for a reason; the acceptance is kept with what it let pass, and holds for the same
files when a later run handles the date again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from pyspark.sql import DataFrame, Row

from solatium import contracts
from solatium.errors import InputError, UsageError, reason
from solatium.settings.values import calendar_date
from solatium.storage.location import Location

_SAMPLE = 5

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
        day, _, why = rest.partition(":")
        if table not in contracts.LANDING:
            problems.append(
                f"{text!r}: no table {table!r}; they are {', '.join(contracts.LANDING)}"
            )
            continue
        try:
            gate = AcceptedGate(table, calendar_date(day), why.strip())
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
    earlier: Iterable[tuple[Sequence[str], Mapping[date, Files]]],
    arrived: Files,
) -> dict[str, AcceptedGate]:
    """The gates of an arrival date that may be passed, by table.

    Those `given` to this run, and those that `earlier` commits accepted of the same files, which
    `arrived` names: of each commit the gates as text, and its landing files.
    """
    gates = {}
    for texts, files in earlier:
        for gate in accepted_gates(texts):
            then = files.get(gate.day, {}).get(gate.table)
            if gate.day == day and then == arrived.get(gate.table):
                gates[gate.table] = gate
    return gates | {gate.table: gate for gate in given if gate.day == day}


@dataclass(frozen=True)
class Quality:
    """The rows of a landing table and arrival date in numbers, and the bad ones among them.

    `reasons` has bad rows by reason, `quarantined` how many there are, `bad` themselves, as
    quarantine rows; late rows and those of an unknown window are none of them.
    """

    table: str
    day: date
    rows: int
    quarantined: int
    reasons: Counter[str]
    bad: DataFrame


def counted(bad: Iterable[Row]) -> tuple[Counter[str], int]:
    """The `reasons` and the number of a Quality, of quarantine rows counted by `reasons`."""
    reasons, quarantined = Counter[str](), 0
    for row in bad:
        quarantined += row["count"]
        reasons.update(dict.fromkeys(row["reasons"], row["count"]))
    return reasons, quarantined


@dataclass
class QuarantineGates:
    """The gates of a night: those that were shut, and those that were let pass.

    The bad rows of a gate that stays shut are written to the folder `rejects`, where there is one.
    """

    night: date
    most: Decimal
    accepted: Mapping[date, Mapping[str, AcceptedGate]]
    rejects: Location | None = None
    passed: list[str] = field(default_factory=list)

    def pass_all(self, judged: Iterable[Quality]) -> None:
        """InputError, with all that are shut, where too many rows of a table are bad."""
        problems: list[str] = []
        for one in judged:
            if one.quarantined <= self.most * one.rows:
                continue
            gate = self.accepted.get(one.day, {}).get(one.table)
            if gate is None:
                problems += [*_shut(one), *self._rejected(one)]
            elif str(gate) not in self.passed:
                self.passed.append(str(gate))
        if problems:
            raise InputError(
                f"{self.night} was not handled: more rows are bad than gates.max_quarantine_share "
                f"({self.most}) allows. Correct the files, set a wider gate, or let one pass with "
                "--accept-gate TABLE:DATE:REASON",
                problems,
            )

    def _rejected(self, judged: Quality) -> list[str]:
        """Writes the bad rows as Parquet, and says where; a failure is said, and stops nothing."""
        if self.rejects is None:
            return []
        place = self.rejects / f"{judged.table}-{judged.day}"
        try:
            judged.bad.write.mode("overwrite").parquet(place.address)
        except Exception as error:  # of an engine, which has errors of its own kinds
            return [f"  its bad rows could not be written to {place}: {reason(error)}"]
        return [f"  its {judged.quarantined:,} bad rows are in {place}"]


def _shut(judged: Quality) -> list[str]:
    reasons = ", ".join(f"{code} {number}" for code, number in judged.reasons.most_common())
    sample = judged.bad.select("reasons", "payload").limit(_SAMPLE).collect()
    share = f"{judged.quarantined} of {judged.rows} rows are bad ({reasons}), such as"
    return [
        f"{judged.table}, dt={judged.day}: {share}",
        *(f"  {', '.join(row['reasons'])}: {row['payload'][:200]}" for row in sample),
    ]
