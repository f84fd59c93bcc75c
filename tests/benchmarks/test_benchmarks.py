"""Benchmarks: a night by hand has the tables of a night, and what is measured is told as it is."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
import yaml
from harness import Nights

from benchmarks import compare, duckdb_usual, landing, report, results
from benchmarks.landing import Shape
from benchmarks.measure import CommandError, measure
from benchmarks.results import Goal, Result, Run
from benchmarks.run import CONFIG, PEERS
from benchmarks.stages import REST, stages_of
from solatium.engine import Engine

SHAPE = Shape(participations=2_000)
BY_HAND = {"embedded": ("duckdb", "polars", "sail-sql"), "spark": ("spark-sql",)}
MACHINE = {"processor": "a", "cores": 2, "memory_gib": 4.0, "system": "b", "python": "3.11"}


@pytest.fixture(scope="module")
def judged(running: Engine, tmp_path_factory: pytest.TempPathFactory) -> Nights:
    """A made night, judged by the engine under test."""
    nights = Nights(tmp_path_factory.mktemp("judged"), running)
    nights.landing = landing.made(nights.landing, SHAPE)
    nights.run(SHAPE.last_day, yaml.safe_load(CONFIG.read_text(encoding="utf-8")))
    return nights


@pytest.fixture(scope="module")
def by_duckdb(judged: Nights, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return by_hand("duckdb", judged.landing, tmp_path_factory.mktemp("by_hand") / "duckdb")


def by_hand(name: str, logs: Path, out: Path) -> Path:
    """The tables of a night by hand, made as a process of its own."""
    ended = started(name, logs, out)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return out


def started(name: str, logs: Path, out: Path) -> subprocess.CompletedProcess[str]:
    module = f"benchmarks.{PEERS[name]}"
    command = [sys.executable, "-m", module, str(logs), str(out), str(SHAPE.last_day)]
    return subprocess.run(command, cwd=results.ROOT, capture_output=True, text=True)


@pytest.mark.spark_at_length
def test_a_night_by_hand_has_the_tables_of_a_night(judged: Nights, tmp_path: Path) -> None:
    for name in BY_HAND[judged.running.name]:
        tables = by_hand(name, judged.landing, tmp_path / name)
        assert list(map(str, compare.differences(tables, judged.warehouse))) == [], name


@pytest.mark.torture
def test_a_usual_night_by_hand_has_the_tables_of_a_night(embedded: Engine, tmp_path: Path) -> None:
    """Three dates are open, and for two of them rows have come late."""
    shape = Shape(participations=1_000, nights=4, late=0.5)
    nights = Nights(tmp_path, embedded)
    nights.landing = landing.made(tmp_path / "made", shape)
    config = yaml.safe_load((CONFIG.parent / "usual.yaml").read_text(encoding="utf-8"))
    nights.run(shape.day(3), config)
    duckdb_usual.state_of(nights.warehouse, tmp_path / "state")
    nights.run(shape.day(4), config)
    by_hand, day = tmp_path / "by_hand", shape.day(4)
    duckdb_usual.night(nights.landing, tmp_path / "state", by_hand, day)
    compared = duckdb_usual.compared(day)
    assert [*map(str, compare.differences(by_hand, nights.warehouse, compared))] == []
    assert pq.read_table(by_hand / "bonus_ledger.parquet").num_rows > 0
    state = pq.read_table(by_hand / "state" / "history.parquet").sort_by("account_id")
    ours = pa.Table.from_pylist(nights.rows("_account_history_closed"), state.schema)
    assert state.equals(ours.sort_by("account_id"))


def test_a_changed_row_is_found(judged: Nights, by_duckdb: Path, tmp_path: Path) -> None:
    for table in compare.TABLES:
        (tmp_path / f"{table}.parquet").symlink_to(by_duckdb / f"{table}.parquet")
    awards = pq.read_table(by_duckdb / "bonus_awards.parquet")
    changed = pc.replace_with_mask(
        awards["amount"],
        pa.array([row == 0 for row in range(awards.num_rows)]),
        pa.scalar(1, awards.schema.field("amount").type),
    )
    others = {
        "bonus_awards": awards.set_column(awards.schema.names.index("amount"), "amount", changed),
        "window_results": pq.read_table(by_duckdb / "window_results.parquet").drop(["stock"]),
        # the same row twice is another bag of rows
        "bonus_payouts": pa.concat_tables(
            2 * [pq.read_table(by_duckdb / "bonus_payouts.parquet").slice(0, 1)]
        ),
    }
    for table, rows in others.items():
        (tmp_path / f"{table}.parquet").unlink()
        pq.write_table(rows, tmp_path / f"{table}.parquet")
    (tmp_path / "refunds_due.parquet").unlink()

    found = {found.table: found for found in compare.differences(tmp_path, judged.warehouse)}
    assert sorted(found) == ["bonus_awards", "bonus_payouts", "refunds_due", "window_results"]
    assert (found["bonus_awards"].only_by_hand, found["bonus_awards"].only_in_warehouse) == (1, 1)
    text = str(found["bonus_awards"])
    assert "compared: account_id=" in text
    assert "amount=1.00" in text
    assert found["bonus_payouts"].only_by_hand == 1
    assert str(found["window_results"]).endswith("has no column stock")
    assert str(found["refunds_due"]).endswith("refunds_due.parquet is missing")


def test_a_night_by_hand_refuses_what_it_cannot_judge(judged: Nights, tmp_path: Path) -> None:
    logs = tmp_path / "landing"
    for table in ("payment", "orders", "windows", "accounts"):
        (logs / table).parent.mkdir(exist_ok=True)
        (logs / table).symlink_to(judged.landing / table)
    (day,) = (judged.landing / "participation").iterdir()
    rows = pq.read_table(day / "part-0.parquet", partitioning=None)
    (logs / "participation" / day.name).mkdir(parents=True)
    pq.write_table(
        pa.concat_tables([rows, rows.slice(0, 1)]),
        logs / "participation" / day.name / "part-0.parquet",
    )
    for name in ("duckdb", "polars"):
        ended = started(name, logs, tmp_path / name)
        assert ended.returncode != 0, name
        assert "participation: bad rows, ids that come twice" in ended.stderr


def test_made_nights_have_their_shape(tmp_path: Path) -> None:
    shape = replace(SHAPE, participations=20_000, nights=2)
    logs = landing.made(tmp_path, shape)

    def one(query: str, table: str) -> tuple[object, ...]:
        files = logs / table / "*" / "*.parquet"
        (row,) = duckdb.sql(f"SELECT {query} FROM '{files}'").fetchall()
        return tuple(row)

    withdrawals = "avg((event_type = 'withdraw')::INT)"
    hot = "avg((window_id LIKE '%-000000')::INT)"
    rows, left, drawn, days = one(
        f"count(*), {withdrawals}, {hot}, count(DISTINCT dt)", "participation"
    )
    assert (rows, days) == (40_000, 2)
    assert 0.015 < float(str(left)) < 0.025
    assert 0.28 < float(str(drawn)) < 0.32
    assert one("count(*), count(DISTINCT policy), count(DISTINCT unit)", "windows") == (40, 3, 2)
    assert one("count(*), count(DISTINCT account_id)", "accounts") == (5_000, 5_000)
    for table, share in (("payment", 0.85), ("orders", 1.0)):
        (rows,) = one("count(*)", table)
        assert abs(int(str(rows)) / 40_000 - share) < 0.02


def test_the_same_shape_is_made_once_and_gives_the_same_rows(tmp_path: Path) -> None:
    logs = landing.made(tmp_path / "a", SHAPE)
    (file,) = (logs / "orders").rglob("*.parquet")
    made = file.stat().st_mtime_ns
    assert landing.made(tmp_path / "a", SHAPE) == logs
    assert file.stat().st_mtime_ns == made
    again = landing.made(tmp_path / "b", SHAPE, threads=1) / file.relative_to(logs)
    assert pq.read_table(again).sort_by("event_id").equals(pq.read_table(file).sort_by("event_id"))
    landing.made(tmp_path / "a", replace(SHAPE, seed=2))
    assert not pq.read_table(file).equals(pq.read_table(again))


def test_children_are_measured_too(tmp_path: Path) -> None:
    child = "held = b'x' * 200_000_000\nfor n in range(30_000_000): pass"
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}])"
    took = measure([sys.executable, "-c", parent], tmp_path / "said.txt")
    assert took.peak > 200_000_000
    assert took.cpu > 0.1


def test_a_command_that_fails_is_told_with_what_it_said(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"status 3(.|\n)*no such night"):
        measure(
            [sys.executable, "-c", "print('no such night'); raise SystemExit(3)"],
            tmp_path / "said.txt",
        )


def test_the_page_is_made_from_results(tmp_path: Path) -> None:
    page = tmp_path / "performance.md"
    page.write_text(
        "# Mine\n<!-- begin goals -->\n<!-- end goals -->\nkept\n"
        "<!-- begin night -->\nold\n<!-- end night -->\n<!-- begin skew -->\n<!-- end skew -->\n"
    )
    runs = [Run("embedded", n, wall, 30.0, 2048.0) for n, wall in ((1, 28.0), (2, 26.0), (3, 32.0))]
    runs += [Run("duckdb", 1, 20.0, 40.0, 4096.0), Run("floor", 1, 5.0, 8.0, None)]
    Result("night", {"participations": 5_000_000}, MACHINE, ["duckdb"], runs).save(tmp_path)

    report.make(page, tmp_path)
    made = page.read_text()
    assert "| solatium, embedded | 28.00 | 30.00 | 2.00 | 1.40 | 0.75 | 0.50 |" in made
    assert "| reading and writing alone | 5.00 | 8.00 |  | 0.25 | 0.20 |  |" in made
    assert "wall time, solatium, embedded / DuckDB by hand | 1.30 | 1.40 (missed) |" in made
    assert "Medians of 3 rounds of nights of 5,000,000 participations on 2 cores" in made
    assert "equal, row by row, to those of solatium: DuckDB by hand." in made
    assert "make bench ARGS=skew" in made
    assert "old" not in made
    assert made.startswith("# Mine\n<!-- begin goals -->")
    assert "<!-- end goals -->\nkept\n" in made
    assert "<svg" in (tmp_path / "performance-night.svg").read_text()
    report.make(page, tmp_path)
    assert page.read_text() == made

    page.write_text("<!-- begin night -->\n")
    with pytest.raises(SystemExit, match="parts that begin"):
        report.make(page, tmp_path)


def test_every_part_of_the_page_is_of_a_scenario() -> None:
    parts = report.PAGE.read_text(encoding="utf-8").split("<!-- begin ")[1:]
    names = [part.split(" -->")[0] for part in parts]
    assert names == ["goals", "night", "skew", "size", "small", "history", "usual"]
    assert {goal.scenario for goal in results.GOALS} <= set(names)


def test_a_goal_that_was_not_measured_is_not_met() -> None:
    result = Result("small", {}, MACHINE, runs=[Run("1,000", 1, 4.0, 6.0, 500.0)])
    assert Goal("small", "1,000", "wall", 5.0).measured(result) == 4.0
    assert Goal("small", "1,000", "wall", 5.0, base="2,000").measured(result) is None


def test_a_stage_has_the_cpu_time_that_went_by_in_it() -> None:
    says = "\n".join(
        [
            "import time",
            "def until(used):",
            "    while time.process_time() < used: pass",
            "until(0.4)",
            "print('2026-11-01 screen: 9 rows in, 1.0 rows out, 0.0 s')",
            "start = time.monotonic()",
            "until(1.4)",
            "print(f'2026-11-01 read orders: 9 rows in, {time.monotonic() - start:.3f} s')",
            "time.sleep(0.2)",
        ]
    )
    found = stages_of([sys.executable, "-u", "-c", says])
    assert found.cpu.keys() == {"screen", "read", REST}
    assert found.cpu["read"] == pytest.approx(1.0, abs=0.3)
    assert found.cpu[REST] == pytest.approx(0.4, abs=0.3)
    with pytest.raises(SystemExit, match="no such night"):
        stages_of([sys.executable, "-c", "raise SystemExit('no such night')"])
