"""The gate of a night: checks the laws of `expectations/` on the numbers of `laws`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from solatium.errors import InputError
from solatium.laws.suites import FRAMES, SAMPLE, ExpectationsError, Finding, Suites, sampled
from solatium.laws.worker import SuitesApart

if TYPE_CHECKING:
    from solatium.laws.counting import Laws


@dataclass(frozen=True)
class Expectations:
    """Checks what is given to it, by `suites`; one for a whole run."""

    suites: Suites | SuitesApart

    def check(
        self, laws: Mapping[str, Laws], *, day: date, parameters: Mapping[str, Any] | None = None
    ) -> list[Finding]:
        """What does not hold of `laws`, which are named as in FRAMES.

        `parameters` are what suites name as `$PARAMETER`. Raises an ExpectationsError where a suite
        is malformed or cannot be judged: it names a column that is not there, say.
        """
        unknown = sorted(laws.keys() - set(FRAMES))
        if unknown:
            raise ExpectationsError(f"no frames {', '.join(unknown)}; they are {', '.join(FRAMES)}")
        if not self.suites.tables:
            return []
        frames = ((name, law.rows.toArrow()) for name, law in laws.items())
        found = self.suites.judge(frames, day, parameters or {})
        looked_into = (_looked_into(finding, laws[finding.frame]) for finding in found)
        return sorted(
            (finding for finding in looked_into if finding.count), key=lambda found: found.table
        )

    def refuse(
        self, laws: Mapping[str, Laws], *, day: date, parameters: Mapping[str, Any] | None = None
    ) -> None:
        """InputError that names every expectation that fails, where one does."""
        findings = self.check(laws, day=day, parameters=parameters)
        if findings:
            raise InputError(
                f"{day} was not handled: {len(findings)} of the expectations on its tables do not "
                "hold. Nothing of it was made visible; this is an error of the pipeline or of what "
                "it read, so keep the landing files, and correct it before the date is run again",
                [str(finding) for finding in findings],
            )

    def write_docs(self, folder: Path) -> None:
        """Writes Data Docs of all that was checked: pages that begin at `index.html`."""
        self.suites.write_docs(folder)


def _looked_into(finding: Finding, laws: Laws) -> Finding:
    """The same with the rows that are bad by their own keys, where the law can list them."""
    look = laws.looks.get(finding.columns)
    if look is None:
        return finding
    bad = look()
    rows = [row.asDict() for row in bad.limit(SAMPLE).collect()]
    return replace(finding, count=bad.count(), sample=sampled(rows, bad.columns))


@contextmanager
def expectations_apart(*, docs: bool = False) -> Iterator[Expectations]:
    """A gate over all suites, judged in a process of its own; `docs` if Data Docs are wanted."""
    with closing(SuitesApart(docs=docs)) as suites:
        yield Expectations(suites)
