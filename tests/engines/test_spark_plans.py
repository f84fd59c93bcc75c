"""What a night asks of Spark, by the plans and the tasks of its event log.

A night may only do what goes on as it grows: nothing that pairs all rows with all, nothing that one
task has to do for a whole date or a hot window, nothing in Python, and nothing that brings to the
driver, or to every executor, what grows with the participants. `benchmarks.event_log` reads the
log; docs/scale.md says what follows from it.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from benchmarks.event_log import EventLog, Job, Operator
from solatium import contracts
from solatium.generate.configuration import as_yaml, configuration
from solatium.generate.make import generate
from solatium.generate.spec import Spec

ROOT = Path(__file__).parents[2]
SMALL, LARGE = 2000, 20_000
FIRST, SECOND, THIRD = (date(2026, 11, day) for day in (1, 2, 3))

# As on data that is too large to be broadcast by its size: what is broadcast is asked for.
LIKE_LARGE = {
    "spark.sql.autoBroadcastJoinThreshold": "-1",
    "spark.sql.adaptive.autoBroadcastJoinThreshold": "-1",
}

# Columns that tell windows, dates or campaigns apart, and no participants.
FEW = {
    *("commodity_id", "window_id", "size", "campaign_id", "campaign", "business_date"),
    *("dt", "run_date", "reason", "reasons", "regime", "daily_budget", "table", "source"),
}

pytestmark = [pytest.mark.torture, pytest.mark.usefixtures("on_spark")]


@dataclass(frozen=True)
class Night:
    """A night of so many participations, and what Spark did in it."""

    participations: int
    log: EventLog

    def plans(self) -> Iterator[tuple[int, Operator]]:
        """All plans but Delta's own of its logs, with their execution; as they were, and became."""
        for execution, plans in self.log.plans.items():
            for plan in plans:
                if not is_of_delta(plan):
                    yield execution, plan


def is_of_delta(plan: Operator) -> bool:
    """Whether a plan reads nothing but the log of a table, which grows with its files."""
    leaves = [one.text for one in plan.all() if not one.children]
    return all("_delta_log" in text or "Delta Table State" in text for text in leaves)


@pytest.fixture(scope="module")
def nights(tmp_path_factory: pytest.TempPathFactory) -> list[Night]:
    """The third night of two sizes, with all that may happen: every policy, teams, weights over a
    past, caps, a budget that does not suffice, and a closed date with other files than before."""
    return [
        Night(number, observed(tmp_path_factory.mktemp("night"), number))
        for number in (SMALL, LARGE)
    ]


def observed(folder: Path, participations: int, later: int = 0) -> EventLog:
    spec = Spec(participations, nights=3, windows=8)
    made = generate(folder / "logs", spec)
    config = configuration(spec) | {"grace_days": 1}
    config["campaigns"]["campaign-1"]["bonus"]["daily_budget"] = Decimal("5.00")
    made.config.write_text(as_yaml(config))
    announce(made.landing, later)
    places = [str(made.landing), str(folder / "warehouse"), str(made.config)]
    options = [f"--{name}={place}" for name, place in zip(OPTIONS, places, strict=True)]
    nightly = ["solatium.cli", "nightly", "--engine=embedded", *options, f"--date={SECOND}"]
    python(*nightly)
    correct(made.landing)
    spark = [f"{key}={value}" for key, value in LIKE_LARGE.items()]
    python("benchmarks.observed_night", *places, str(THIRD), str(folder / "observed"), *spark)
    return EventLog.read(folder / "observed")


OPTIONS = ("landing", "warehouse", "config")


def python(*arguments: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", *arguments], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-5000:]


def announce(landing: Path, number: int) -> None:
    """Windows of a date much later, which are known from the first date on."""
    folder = landing / "windows" / f"dt={FIRST}"
    first = pq.read_table(folder / "part-0.parquet").slice(0, 1).to_pylist()[0]
    later = {k: v + timedelta(300) for k, v in first.items() if isinstance(v, datetime)}
    rows = [first | later | {"commodity_id": f"later-{n}"} for n in range(number)]
    schema = pq.read_schema(folder / "part-0.parquet")
    pq.write_table(pa.Table.from_pylist(rows, schema), folder / "part-1.parquet")


def correct(landing: Path) -> None:
    """Takes a row in twenty out of a file of each log of the first date."""
    for name in (*contracts.EVENTS, "accounts"):
        place = landing / name / f"dt={FIRST}" / "part-0.parquet"
        rows = pq.read_table(place)
        pq.write_table(rows.filter(pa.array(n % 20 > 0 for n in range(rows.num_rows))), place)


# Plans


def test_no_plan_pairs_all_rows_with_all(nights: list[Night]) -> None:
    assert operators(nights, r"CartesianProduct|NestedLoop") == []


def test_no_plan_needs_python(nights: list[Night]) -> None:
    assert operators(nights, r"Python|Pandas|ArrowEval|^Scan ExistingRDD$") == []


def test_one_task_gets_only_what_tasks_have_summed_up(nights: list[Night]) -> None:
    """Or few rows: those at hand, and sums by windows, dates or campaigns."""
    alone = [
        (execution, beneath(one))
        for night in nights
        for execution, plan in night.plans()
        for one in plan.all()
        if one.name == "Exchange" and "SinglePartition" in one.text
    ]
    assert alone, "there are some"
    assert [(number, one.text) for number, one in alone if not is_little(one)] == []


def is_little(one: Operator) -> bool:
    """Whether an operator gives few rows, however many participants there are."""
    if one.name == "Filter":
        return is_little(beneath(one))
    is_sum = r"\w*Aggregate\(keys?=\[\], functions=\[(partial|merge)_|(Local|Collect)Limit"
    if one.name == "LocalTableScan" or re.match(is_sum, one.text):
        return True
    grouped = re.match(r"\w*Aggregate\(keys=\[([^\]]+)\]", one.text)
    keys = set(re.findall(r"(\w+)#", grouped[1])) if grouped else set()
    return bool(keys) and keys <= FEW and "collect_" not in one.text


def test_no_task_gets_a_whole_window(nights: list[Night]) -> None:
    """What is spread by windows alone is counted, or few of each: it does not grow tenfold."""
    small, large = (by_windows(night) for night in nights)
    assert small
    # bands, and entries that are put in order: a thousand of each window that has more
    bound = 2 * max(small.values())
    assert bound < LARGE / 4
    assert {text: rows for text, rows in large.items() if rows > bound} == {}


def operators(nights: list[Night], pattern: str) -> list[tuple[int, str]]:
    """Operators by name, with the execution that they are of."""
    return [
        (execution, one.text)
        for night in nights
        for execution, plan in night.plans()
        for one in plan.all()
        if re.search(pattern, one.name)
    ]


def beneath(one: Operator) -> Operator:
    """The operator that really works beneath one."""
    (child,) = one.children
    idle = r"WholeStageCodegen|InputAdapter|Project|ShuffleQueryStage|AQEShuffleRead|ResultQuery"
    while re.match(idle, child.name):
        (child,) = child.children
    return child


def by_windows(night: Night) -> dict[str, int]:
    """Rows that shuffles spread by columns of FEW, the most of one execution, by the shuffle."""
    rows: Counter[str] = Counter()
    for _, plan in night.plans():
        for one in plan.all():
            spread = re.match(r"Exchange hashpartitioning\((.*), \d+\)", one.text)
            if spread and set(re.findall(r"(\w+)#", spread[1])) <= FEW:
                told = f"{plain(one.text)} of {plain(beneath(one).text)}"
                written = night.log.metrics.get(one.metrics["shuffle records written"], 0)
                rows[told] = max(rows[told], written)
    return dict(rows)


def plain(text: str) -> str:
    """The text of an operator without the numbers and names that are others each time."""
    return re.sub(r"#\d+L?|\[plan_id=\d+\]|(?<=_scratch/)[0-9a-f]{32}/", "", text)


# What comes to the driver, and goes from it


def test_what_comes_to_the_driver_does_not_grow(nights: list[Night]) -> None:
    small, large = (max(results(night).values()) for night in nights)
    assert large < 1.5 * small


def test_what_is_broadcast_does_not_grow(nights: list[Night]) -> None:
    small, large = (broadcast(night) for night in nights)
    assert small
    assert {text: rows for text, rows in large.items() if rows > max(small.values())} == {}


def test_windows_of_dates_that_are_not_evaluated_are_not_broadcast(tmp_path: Path) -> None:
    later = 4000
    night = Night(SMALL, observed(tmp_path, SMALL, later))
    assert 8 <= max(broadcast(night).values()) < later


def results(night: Night) -> Counter[Job]:
    """Bytes that the tasks of a job sent to the driver."""
    sizes: Counter[Job] = Counter()
    for task in night.log.tasks:
        if task.is_last:
            sizes[task.job] += task.result
    return sizes


def broadcast(night: Night) -> dict[str, int]:
    """Rows that were broadcast, the most of one execution, by what they were."""
    rows: Counter[str] = Counter()
    for _, plan in night.plans():
        for one in plan.all():
            if one.name == "BroadcastExchange":
                sent = night.log.metrics.get(one.metrics["number of output rows"], 0)
                told = plain(beneath(one).text)
                rows[told] = max(rows[told], sent)
    return dict(rows)


def test_the_night_had_all_that_may_happen(nights: list[Night]) -> None:
    """Or the plans of it would not have been seen."""
    read = {plain(one.text) for night in nights for _, plan in night.plans() for one in plan.all()}
    scratch = {found for text in read for found in re.findall(r"_scratch/([\w/-]+)", text)}
    seen = {re.sub(r"_2026.*", "", name) for path in scratch for name in path.split("/")}
    assert seen >= {
        *("activity", "activity_looked_into", "judged_alone", "ready_teams", "entries"),
        *("selection_in_order", "winners", "cut_awards", "restated", "participation_gone"),
        *("accounts_corrected", "repeats_orders", "participants_with_other_versions"),
    }
