"""The gate of a night: holds the laws of `expectations/` against the numbers of `laws`.

The suites are Great Expectations' own files, one per table. They are checked on pandas: each frame
of `laws` is small and is computed once by the engine, where GX on the engine's frame computes it
anew for each expectation, which takes ten times as long. Loading GX takes longer than all checks
of a small night, so a gate is made in the background, while the engine is at its first night.
GX keeps everything in memory here: no project folder, no usage statistics, no progress bars.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from solatium.errors import InputError
from solatium.laws import Laws
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

_SAMPLE = 5
_META = {"law", "rules", "rows", "keys"}
_META_OPTIONAL = {"counts"}


class ExpectationsError(ValueError):
    """A suite that is malformed or cannot be judged; the message names the file and the problem."""


@dataclass(frozen=True)
class Failure:
    """An expectation that does not hold: of which table, how often, and a few keys where not."""

    table: str
    law: str
    rules: str
    expectation: str
    count: int
    counts: str
    sample: tuple[str, ...]

    def __str__(self) -> str:
        found = f"{self.counts} that break this: {self.count}"
        if self.sample:
            found += f", such as {'; '.join(self.sample)}"
        return f"{self.table}: {self.law} ({self.rules}; {self.expectation}). {found}"


class Gate:
    """Checks what is given to it; one for a whole run.

    With `docs` it keeps all results in full, for Data Docs. Without, GX first only says yes or no,
    which takes half the time, and looks again at what is not so. `tables` are those whose suites
    are read, by default all that have one.
    """

    def __init__(self, tables: Iterable[str] | None = None, *, docs: bool = False) -> None:
        self.tables = tuple(suite_names() if tables is None else tables)
        self._first_look = "SUMMARY" if docs else "BOOLEAN_ONLY"
        self._definitions: dict[tuple[str, str], Any] = {}
        with_gx = ThreadPoolExecutor(max_workers=1)
        self._defined = with_gx.submit(self._define_all)
        with_gx.shutdown(wait=False)

    def _define_all(self) -> None:
        if not self.tables:
            return
        self._gx = _load()
        self._context = _context()
        self._source = self._context.data_sources.add_pandas("solatium")
        for table in self.tables:
            self._define(table)

    def check(
        self, laws: Mapping[str, Laws], *, day: date, parameters: Mapping[str, Any] | None = None
    ) -> list[Failure]:
        """What does not hold of `laws`, which are named as in FRAMES; others are not looked at.

        `parameters` are what suites name as `$PARAMETER`. Raises an ExpectationsError where a suite
        cannot be judged: it names a column that is not there, say.
        """
        unknown = sorted(laws.keys() - set(FRAMES))
        if unknown:
            raise ExpectationsError(f"no frames {', '.join(unknown)}; they are {', '.join(FRAMES)}")
        self._defined.result()
        looked_at = dict.fromkeys(name for _, name in self._definitions if name in laws)
        failures = []
        with ThreadPoolExecutor(max_workers=1) as pool:  # the engine computes while GX judges
            coming = {name: pool.submit(_small, laws[name]) for name in looked_at}
            for (table, name), definition in self._definitions.items():
                if name in laws:
                    rows = coming[name].result()
                    for result in self._results(definition, rows, day, parameters or {}):
                        failures += _failure(table, result, laws[name], rows)
        return failures

    def refuse(
        self, laws: Mapping[str, Laws], *, day: date, parameters: Mapping[str, Any] | None = None
    ) -> None:
        """InputError that names every expectation that fails, where one does."""
        failures = self.check(laws, day=day, parameters=parameters)
        if failures:
            raise InputError(
                f"{day} was not handled: {len(failures)} of the expectations on its tables do not "
                "hold. Nothing of it was made visible; this is an error of the pipeline or of what "
                "it read, so keep the landing files, and correct it before the date is run again",
                [str(failure) for failure in failures],
            )

    def data_docs(self, folder: Path) -> None:
        """Writes Data Docs of all that was checked: pages that begin at `index.html`."""
        self._defined.result()
        site = {
            "class_name": "SiteBuilder",
            "show_how_to_buttons": False,
            "store_backend": {
                "class_name": "TupleFilesystemStoreBackend",
                "base_directory": str(folder.resolve()),
            },
            "site_index_builder": {"class_name": "DefaultSiteIndexBuilder"},
        }
        name = str(folder.resolve())
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
        for name, expectations in parts.items():
            title = table if name == table else f"{table}-{name}"
            part = self._gx.ExpectationSuite(
                name=title, expectations=expectations, meta=suite.meta, notes=suite.notes
            )
            batch = self._source.add_dataframe_asset(title)
            self._definitions[table, name] = self._context.validation_definitions.add(
                self._gx.ValidationDefinition(
                    name=title,
                    data=batch.add_batch_definition_whole_dataframe("whole"),
                    suite=self._context.suites.add(part),
                )
            )

    def _results(
        self, definition: Any, rows: pd.DataFrame, day: date, parameters: Mapping[str, Any]
    ) -> Iterable[ExpectationValidationResult]:
        for result_format in dict.fromkeys((self._first_look, "SUMMARY")):
            found = definition.run(
                batch_parameters={"dataframe": rows},
                expectation_parameters=dict(parameters),
                result_format=_result_format(definition.suite, result_format),
                run_id=self._gx.RunIdentifier(run_name=day.isoformat()),
            )
            if found.success:
                break
        return found.results


def suite_names() -> list[str]:
    """The tables that have a suite."""
    return sorted(
        p.name[:-5] for p in data_folder("expectations").iterdir() if p.name.endswith(".json")
    )


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


def _result_format(suite: ExpectationSuite, name: str) -> dict[str, Any]:
    """How GX is to tell what it finds: never `COMPLETE`, and with the keys of a few bad rows."""
    keys = dict.fromkeys(key for e in suite.expectations for key in (e.meta or {})["keys"])
    if name == "BOOLEAN_ONLY" or not keys:
        return {"result_format": name, "partial_unexpected_count": _SAMPLE}
    return {
        "result_format": name,
        "partial_unexpected_count": _SAMPLE,
        "unexpected_index_column_names": list(keys),
    }


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


def _small(laws: Laws) -> pd.DataFrame:
    """The rows on the driver; dates as text, which is what people and JSON read."""
    rows: pd.DataFrame = laws.rows.toPandas()
    for name, kind in laws.rows.dtypes:
        if kind == "date":
            rows[name] = rows[name].map(str, na_action="ignore")
    return rows


def _failure(
    table: str, result: ExpectationValidationResult, laws: Laws, rows: pd.DataFrame
) -> list[Failure]:
    """The failure that a result is; none where it holds, or a closer look finds nothing."""
    if result.success:
        return []
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
    found = result.result.get("partial_unexpected_index_list") or []
    if not meta["keys"]:
        found = [rows.iloc[0].to_dict()] if len(rows) else []
    names = list(dict.fromkeys([*meta["keys"], *columns.split(", ")]))
    look = laws.looks.get(columns)
    if look is not None:
        bad = look()
        count = bad.count()
        found, names = [row.asDict() for row in bad.limit(_SAMPLE).collect()], bad.columns
        if count == 0:
            return []
    elif config.kwargs.get("max_value") == 0:  # a column that counts what must not be
        count = int(rows[columns].sum())
    sample = tuple(
        " ".join(f"{name}={row[name]}" for name in names if name in row) for row in found[:_SAMPLE]
    )
    counts = meta.get("counts", "rows")
    return [Failure(table, meta["law"], meta["rules"], expectation, count, counts, sample)]


def _trouble(result: ExpectationValidationResult) -> str:
    info = result.exception_info or {}
    parts = [info, *(part for part in info.values() if isinstance(part, dict))]
    told = [str(part["exception_message"]) for part in parts if part.get("exception_message")]
    return "; ".join(told) or "it gives no result"
