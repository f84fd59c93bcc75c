"""The suites of `expectations/`, and what Great Expectations finds of small frames by them.

The suites are GX's own files, one per table. They are judged on pandas: each frame of `laws` is
small and is computed once by the engine, where GX on the engine's frame computes it again for each
expectation, which takes ten times as long. GX keeps everything in memory here: no project folder,
no usage statistics, no progress bars. Nothing here knows an engine, so that `suites_apart` can
have all of it done by a process of its own.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from solatium.errors import UsageError
from solatium.resources import data_folder

if TYPE_CHECKING:
    import pandas as pd
    from great_expectations import ExpectationSuite
    from great_expectations.core import ExpectationValidationResult
    from great_expectations.expectations.expectation_configuration import ExpectationConfiguration

# The frames that an expectation may look at, by the name that its meta `rows` gives.
FRAMES = (
    "participation",
    "payment",
    "orders",
    "windows",
    "accounts",
    "rush",
    "streaks",
    "budgets",
    "unearned",
    "balances",
    "payouts",
)

# Of the bad rows that an expectation finds, so many are named.
SAMPLE = 5

_META = {"law", "rules", "rows", "keys"}
_META_OPTIONAL = {"counts"}


class ExpectationsError(UsageError):
    """A suite that is malformed or cannot be judged; the message names the file and the problem."""


@dataclass(frozen=True)
class Finding:
    """An expectation of a table that does not hold of a frame, and a few keys where not.

    `columns` are those that it is about; `count` is how many rows break it, or of what else it
    `counts`; `sample` names some of them.
    """

    table: str
    law: str
    rules: str
    expectation: str
    frame: str
    columns: str
    count: int
    counts: str
    sample: tuple[str, ...]

    def __str__(self) -> str:
        found = f"{self.counts} that break this: {self.count}"
        if self.sample:
            found += f", such as {'; '.join(self.sample)}"
        return f"{self.table}: {self.law} ({self.rules}; {self.expectation}). {found}"


class Suites:
    """The suites of `tables`, by default of all that have one, ready to judge.

    With `docs` it keeps all results in full, for Data Docs. Without, GX first only says yes or no,
    which takes half the time, and looks again at what is not so.

    Raises an ExpectationsError where a suite is malformed.
    """

    def __init__(self, tables: Iterable[str] | None = None, *, docs: bool = False) -> None:
        self.tables = suite_names() if tables is None else tuple(tables)
        self._first_look = "SUMMARY" if docs else "BOOLEAN_ONLY"
        self._definitions: dict[str, dict[str, Any]] = {name: {} for name in FRAMES}
        if self.tables:
            self._gx = _load()
            self._context = _context()
            self._source = self._context.data_sources.add_pandas("solatium")
        for table in self.tables:
            self._define(table)

    def judge(
        self, frames: Iterable[tuple[str, pa.Table]], day: date, parameters: Mapping[str, Any]
    ) -> list[Finding]:
        """What does not hold of frames, which are named as in FRAMES.

        `parameters` are what suites name as `$PARAMETER`. Raises an ExpectationsError where a suite
        cannot be judged: it names a column that is not there, say.
        """
        findings = []
        for frame, arrow in frames:
            rows = _plain(arrow)
            for table, definition in self._definitions[frame].items():
                for result in self._results(definition, rows, day, parameters):
                    if not result.success:
                        findings.append(_finding(table, frame, result, rows))
        return findings

    def write_docs(self, folder: Path) -> None:
        """Writes Data Docs of all that was judged: pages that begin at `index.html`."""
        if not self.tables:
            return
        name = str(folder.resolve())
        site = {
            "class_name": "SiteBuilder",
            "show_how_to_buttons": False,
            "store_backend": {
                "class_name": "TupleFilesystemStoreBackend",
                "base_directory": name,
            },
            "site_index_builder": {"class_name": "DefaultSiteIndexBuilder"},
        }
        if name not in self._context.get_site_names():
            self._context.add_data_docs_site(site_name=name, site_config=site)
        self._context.build_data_docs(site_names=[name])

    def _define(self, table: str) -> None:
        """A validation for each frame that a suite looks at."""
        suite = read_suite(table)
        parts: dict[str, list[ExpectationConfiguration]] = {}
        for expectation in suite.expectations:
            configuration = expectation.configuration
            assert configuration.meta is not None  # read_suite has seen to it
            configuration.description = configuration.meta["law"]  # which Data Docs then show
            parts.setdefault(configuration.meta["rows"], []).append(configuration)
        for frame, expectations in parts.items():
            title = table if frame == table else f"{table}-{frame}"
            part = self._gx.ExpectationSuite(
                name=title, expectations=expectations, meta=suite.meta, notes=suite.notes
            )
            batch = self._source.add_dataframe_asset(title)
            self._definitions[frame][table] = self._context.validation_definitions.add(
                self._gx.ValidationDefinition(
                    name=title,
                    data=batch.add_batch_definition_whole_dataframe("whole"),
                    suite=self._context.suites.add(part),
                )
            )

    def _results(
        self, definition: Any, rows: pd.DataFrame, day: date, parameters: Mapping[str, Any]
    ) -> Iterable[ExpectationValidationResult]:
        # without a time Great Expectations takes midnight of the local zone, which may be in year 0
        noon = datetime.combine(day, time(12), UTC)
        for result_format in dict.fromkeys((self._first_look, "SUMMARY")):
            found = definition.run(
                batch_parameters={"dataframe": rows},
                expectation_parameters=dict(parameters),
                result_format=_result_format(definition.suite, result_format),
                run_id=self._gx.RunIdentifier(run_name=day.isoformat(), run_time=noon),
            )
            if found.success:
                break
        return found.results


def suite_names() -> tuple[str, ...]:
    """The tables that have a suite."""
    files = data_folder("expectations").iterdir()
    return tuple(sorted(file.name[:-5] for file in files if file.name.endswith(".json")))


def read_suite(table: str) -> ExpectationSuite:
    """The suite of a table; every expectation says its law, and which keys to name.

    Raises an ExpectationsError where a part of it is malformed. A suite that GX makes of a whole
    file would leave out what it does not understand; so each expectation is made by itself.
    """
    gx = _load()
    from great_expectations.expectations.expectation_configuration import ExpectationConfiguration

    where = f"expectations/{table}.json"
    try:
        text = (data_folder("expectations") / f"{table}.json").read_text(encoding="utf-8")
        document = json.loads(text)
        stated = document["expectations"]
        document["expectations"] = [
            ExpectationConfiguration(**expectation).to_domain_obj() for expectation in stated
        ]
        suite: ExpectationSuite = gx.ExpectationSuite(**document)
    except Exception as error:
        raise ExpectationsError(f"{where}: {error}") from error
    problems = []
    if suite.name != table:
        problems.append(f"is named {suite.name}")
    for number, expectation in enumerate(stated, 1):
        meta = expectation.get("meta") or {}
        problems += [f"expectation {number} has no {key}" for key in sorted(_META - meta.keys())]
        unknown = sorted(meta.keys() - _META - _META_OPTIONAL)
        problems += [f"expectation {number} has the unknown {key}" for key in unknown]
        if meta.get("rows", FRAMES[0]) not in FRAMES:
            problems.append(f"expectation {number}: rows is none of {', '.join(FRAMES)}")
    if problems:
        raise ExpectationsError(f"{where}: {'; '.join(problems)}")
    return suite


def columns_of(expectation: ExpectationConfiguration) -> str:
    """The columns that an expectation is about."""
    kwargs = expectation.kwargs
    named = [kwargs[key] for key in ("column", "column_A", "column_B") if key in kwargs]
    return ", ".join([*named, *kwargs.get("column_list", [])])


def _load() -> Any:
    import great_expectations

    return great_expectations


def _context() -> Any:
    """GX with all that it keeps in memory, and without its say over progress and usage."""
    from great_expectations.data_context.types.base import (
        DataContextConfig,
        InMemoryStoreBackendDefaults,
        ProgressBarsConfig,
    )

    config = DataContextConfig(
        store_backend_defaults=InMemoryStoreBackendDefaults(),
        analytics_enabled=False,
        progress_bars=ProgressBarsConfig(globally=False),
    )
    return _load().get_context(mode="ephemeral", project_config=config)


def _plain(rows: pa.Table) -> pd.DataFrame:
    """Rows for GX; dates as text and times without their zone: what people and JSON read."""
    for position, column in enumerate(rows.schema):
        if pa.types.is_date(column.type):
            rows = rows.set_column(position, column.name, rows.column(position).cast(pa.string()))
        elif pa.types.is_timestamp(column.type):
            rows = rows.set_column(
                position, column.name, rows.column(position).cast(pa.timestamp("us"))
            )
    return rows.to_pandas()


def _result_format(suite: ExpectationSuite, name: str) -> dict[str, Any]:
    """How GX is to tell what it finds: never `COMPLETE`, and with the keys of a few bad rows."""
    keys = dict.fromkeys(key for e in suite.expectations for key in (e.meta or {})["keys"])
    if name == "BOOLEAN_ONLY" or not keys:
        return {"result_format": name, "partial_unexpected_count": SAMPLE}
    return {
        "result_format": name,
        "partial_unexpected_count": SAMPLE,
        "unexpected_index_column_names": list(keys),
    }


def _finding(
    table: str, frame: str, result: ExpectationValidationResult, rows: pd.DataFrame
) -> Finding:
    config = result.expectation_config
    assert config is not None
    meta = config.meta or {}  # read_suite has seen to it that there is one
    columns = columns_of(config)
    expectation = f"{config.type} of {columns}" if columns else config.type
    if "unexpected_count" not in result.result and "observed_value" not in result.result:
        raise ExpectationsError(
            f"expectations/{table}.json: {expectation} cannot be judged: {_trouble(result)}"
        )
    count = result.result.get("unexpected_count", 1)
    if config.kwargs.get("max_value") == 0:  # a column that counts what must not be
        count = int(rows[columns].sum())
    found = result.result.get("partial_unexpected_index_list") or []
    if not meta["keys"]:
        found = [rows.iloc[0].to_dict()] if len(rows) else []
    names = dict.fromkeys([*meta["keys"], *columns.split(", ")])
    return Finding(
        table=table,
        law=meta["law"],
        rules=meta["rules"],
        expectation=expectation,
        frame=frame,
        columns=columns,
        count=count,
        counts=meta.get("counts", "rows"),
        sample=sampled(found, names),
    )


def sampled(rows: Iterable[Mapping[str, Any]], names: Iterable[str]) -> tuple[str, ...]:
    """Rows in words, by those of the columns that they have."""
    names = tuple(names)
    return tuple(
        " ".join(f"{name}={row[name]}" for name in names if name in row)
        for row in list(rows)[:SAMPLE]
    )


def _trouble(result: ExpectationValidationResult) -> str:
    info = result.exception_info or {}
    parts = [info, *(part for part in info.values() if isinstance(part, dict))]
    told = [str(part["exception_message"]) for part in parts if part.get("exception_message")]
    return "; ".join(told) or "it gives no result"
