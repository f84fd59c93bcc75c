"""The suites judged by a process of their own, `python -m solatium.laws.worker`.

Of a small night, loading Great Expectations takes as long as all the rest, and in the same process
the two would wait for each other. The process reads requests from its standard input, each a line
of JSON and a frame as an Arrow stream, and answers in lines of JSON. It ends with its input, so it
does not outlive who started it.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any, BinaryIO, TextIO

import pyarrow as pa

from solatium import garbage
from solatium.errors import SolatiumError
from solatium.laws.sparing_imports import spare_imports
from solatium.laws.suites import ExpectationsError, Finding, Suites, suite_names


class SuitesApart:
    """All suites, as `Suites`, loaded beside whatever else is done until they are asked."""

    def __init__(self, *, docs: bool = False) -> None:
        self.tables = suite_names()
        # modules from where this process has them, and none from the folder it happens to be in
        places = (place or os.getcwd() for place in sys.path)
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", __name__, *(["--docs"] if docs else [])],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(places)},
        )

    def judge(
        self, frames: Iterable[tuple[str, pa.Table]], day: date, parameters: Mapping[str, Any]
    ) -> list[Finding]:
        """As `Suites.judge`; a frame is judged while the next one is still computed."""
        try:
            for frame, rows in frames:
                asked = {"frame": frame, "day": day.isoformat(), "parameters": dict(parameters)}
                self._ask(asked, _stream(rows))
        finally:
            findings = self._answer()  # also where a frame failed: what comes next begins again
        return [Finding(**{**facts, "sample": tuple(facts["sample"])}) for facts in findings]

    def write_docs(self, folder: Path) -> None:
        """As `Suites.write_docs`."""
        self._ask({"docs": str(folder.resolve())})
        self._answer()

    def close(self) -> None:
        """Ends the process; it holds nothing that would be lost."""
        self._process.terminate()
        self._process.communicate()

    def _ask(self, request: Mapping[str, Any], rows: bytes = b"") -> None:
        line = json.dumps({**request, "bytes": len(rows)})
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):  # it has ended, which is told where it should have answered
            self._process.stdin.write(line.encode() + b"\n" + rows)
            self._process.stdin.flush()

    def _answer(self) -> list[dict[str, Any]]:
        """What was found since the last answer; ExpectationsError where something was refused."""
        self._ask({"answer": True})
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise SolatiumError(
                "the process that judges expectations/ has ended with status "
                f"{self._process.wait()}, before it answered",
                ["nothing of this date was made visible; give the same command again"],
            )
        answer = json.loads(line)
        if answer["refused"]:
            raise ExpectationsError(answer["refused"])
        findings: list[dict[str, Any]] = answer["findings"]
        return findings


def _stream(rows: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, rows.schema) as writer:
        writer.write_table(rows)
    return sink.getvalue().to_pybytes()


def _serve(requests: BinaryIO, answers: TextIO, *, docs: bool) -> None:
    """Does what is asked until there is nothing more; answers once it is asked to."""
    suites, malformed, refused = None, "", ""
    findings: list[Finding] = []
    try:
        suites = Suites(docs=docs)
    except ExpectationsError as error:
        malformed = str(error)
    for line in requests:
        request = json.loads(line)
        rows = requests.read(request["bytes"])
        if "answer" in request:
            found = [asdict(finding) for finding in findings]
            answers.write(json.dumps({"findings": found, "refused": malformed or refused}) + "\n")
            answers.flush()
            findings, refused = [], ""
        elif suites is not None:
            try:
                if "docs" in request:
                    suites.write_docs(Path(request["docs"]))
                else:
                    frames = [(request["frame"], pa.ipc.open_stream(rows).read_all())]
                    day = date.fromisoformat(request["day"])
                    findings += suites.judge(frames, day, request["parameters"])
            except (ExpectationsError, OSError) as error:
                refused = refused or str(error)


def main(arguments: list[str]) -> None:
    """`python -m solatium.laws.worker [--docs]`, as SuitesApart starts it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever started this decides when it ends
    garbage.collect_rarely()
    spare_imports()
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as answers:
        os.dup2(2, 1)  # what libraries print is no answer
        _serve(sys.stdin.buffer, answers, docs="--docs" in arguments)


if __name__ == "__main__":
    main(sys.argv[1:])
