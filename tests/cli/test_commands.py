"""The command: exit status, what it says when it refuses, and what it does when it does not."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest
from compare import JUDGED
from harness import contents, table_rows, write_landing
from rows import DAY, days, entrant, landing, ordered, paid, window

from solatium import __version__, contracts
from solatium import engine as engines
from solatium.cli import app
from solatium.engine import Engine

CONFIG = "grace_days: 0\nbonus:\n  tiers: [{min_failures: 1, amount: 2.00}]\n"
NEXT = days(1)
NIGHTLY = ["nightly", "--landing", "x", "--warehouse", "y", "--date", "2026-03-10"]


@dataclass
class Said:
    """How the command ended, and what it said."""

    status: int
    out: str
    err: str
    log: str = ""

    @property
    def words(self) -> str:
        """All that it said, without the frames and line ends of a terminal."""
        return re.sub(r"[\s│╭╮╰╯─┏┓┗┛━┃┡┩└┘]+", " ", self.out + self.err)


Command = Callable[..., Said]


@pytest.fixture
def command(
    running: Engine,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> Command:
    """`solatium ...` in this process, on the engine of the session."""

    @contextmanager
    def already(name: str, *how: object, **more: object) -> Iterator[Engine]:
        assert name == running.name
        yield running

    monkeypatch.setattr(engines, "running", already)
    monkeypatch.setenv("COLUMNS", "200")

    def call(*arguments: object) -> Said:
        capsys.readouterr()
        caplog.clear()
        with pytest.raises(SystemExit) as end:
            app.main([str(argument) for argument in arguments])
        said = capsys.readouterr()
        assert "Traceback" not in said.err
        return Said(int(end.value.code or 0), said.out, said.err, caplog.text)

    return call


def process(*arguments: object) -> Said:
    """`python -m solatium.cli ...`, as a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "solatium.cli", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"COLUMNS": "200"},
    )
    return Said(done.returncode, done.stdout, done.stderr)


@dataclass
class Place:
    """A landing zone, a configuration and a warehouse, and the arguments that name them."""

    folder: Path

    @property
    def zone(self) -> Path:
        return self.folder / "landing"

    @property
    def warehouse(self) -> Path:
        return self.folder / "warehouse"

    @property
    def config(self) -> Path:
        return self.folder / "config.yaml"

    @property
    def named(self) -> tuple[object, ...]:
        where = ("--landing", self.zone, "--warehouse", self.warehouse)
        return (*where, "--config", self.config)

    def nightly(self, day: date) -> tuple[object, ...]:
        return ("nightly", *self.named, "--date", day)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """A landing zone of two days, and no warehouse yet."""
    made = Place(tmp_path)
    write_landing(made.zone, two_days())
    made.config.write_text(CONFIG)
    return made


def two_days() -> dict[str, list]:
    """On each of two days `a` and `b` apply for the one unit of a window."""
    windows = {DAY: "w1", NEXT: "w2"}
    return landing(
        [window(window=name, day=day) for day, name in windows.items()],
        [entrant(who, day=day, window=name) for day, name in windows.items() for who in "ab"],
        [ordered("a", window=name, day=day) for day, name in windows.items()],
    )


@pytest.fixture(scope="module")
def closed(running: Engine, tmp_path_factory: pytest.TempPathFactory) -> Place:
    """A warehouse in which two dates are closed and paid; tests copy what they change."""
    made = Place(tmp_path_factory.mktemp("closed"))
    write_landing(made.zone, two_days())
    made.config.write_text(CONFIG)
    # in a process of its own, as a user would: what it says is tested below
    done = process(*made.nightly(NEXT))
    (made.folder / "said.json").write_text(json.dumps([done.status, done.out, done.err]))
    assert done.status == 0, done.err
    return made


@pytest.fixture
def copied(closed: Place, tmp_path: Path) -> Place:
    """A copy of that warehouse and of what it was made from."""
    shutil.copytree(closed.folder, tmp_path / "copy")
    return Place(tmp_path / "copy")


# 0: done


def test_a_night_ends_with_a_summary(closed: Place) -> None:
    said = Said(*json.loads((closed.folder / "said.json").read_text()))
    assert said.status == 0
    assert "2 night(s) handled" in said.out
    assert re.search(rf"business date +┃ all 2 judged ┃ {DAY} ┃ {NEXT} ", said.out)
    assert re.search(r"winners +│ +2 │ +1 │ +1 ", said.out)
    for word in ("winners", "losers", "bonuses", "quarantined", "ledger entries", "Seconds"):
        assert word in said.out
    # off a terminal, a line a stage instead of a bar
    assert re.search(rf"{DAY} read participation: 2 rows in, 2 rows out, \d+\.\d s", said.err)
    assert {row["outcome"] for row in table_rows(closed.warehouse, "allocations")} >= {"lost"}


def test_version(command: Command) -> None:
    said = command("--version")
    assert (said.status, said.out) == (0, f"solatium {__version__}\n")


# What is there to learn


@pytest.mark.parametrize(
    ("name", "taught"),
    [
        (
            "nightly",
            [
                "Handle every date up to --date that is not handled yet, and what is late for open",
                "solatium nightly --landing logs --warehouse wh --date 2026-11-01",
                "Parquet files under TABLE/dt=YYYY-MM-DD/",
                "a folder of Delta tables, made if it is missing",
                "Settings in YAML; without it, the defaults of conf/defaults.yaml",
                "embedded (in this process, no Java) or spark",
                "Let changed settings judge closed dates again as well",
                "of all arrival dates, not only recent",
            ],
        ),
        (
            "backfill",
            [
                "Judge a range of handled dates again; the dates after it follow",
                "solatium backfill --landing logs --warehouse wh --from 2026-11-01 --to 2026-11-05",
                "The first date to judge again",
                "The last date to judge again",
            ],
        ),
        (
            "config",
            [
                "Check the settings, and show which are in force, and where each of them comes",
                "solatium config --config night.yaml --date 2026-11-01 --campaign spring",
                "without it, the settings before any change",
            ],
        ),
        (
            "audit-ledger",
            [
                "Check the ledger: entries, digests, balances and payouts; name the first bad",
                "solatium audit-ledger --warehouse wh",
                "also while a run goes on",
            ],
        ),
        (
            "tables",
            [
                "List the tables: what a row of each is",
                "The tables of this warehouse",
                "solatium tables --warehouse wh --as-of 2026-11-01",
            ],
        ),
        (
            "vacuum",
            [
                "Remove the files of versions that are no longer kept",
                "solatium vacuum --warehouse wh --dry-run",
            ],
        ),
        ("demo", ["36,695 applications", "Keep the logs and the warehouse in this new folder"]),
    ],
)
def test_the_help_of_a_command_teaches(command: Command, name: str, taught: list[str]) -> None:
    said = command(name, "--help")
    assert said.status == 0
    for sentence in taught:
        assert sentence in said.words


def test_help_says_where_to_start_and_what_exit_statuses_mean(command: Command) -> None:
    said = command("--help")
    assert said.status == 0
    for sentence in (
        "Start with: solatium demo",
        "0 done; 2 wrong usage or configuration; 3 input refused; 4 another run holds the",
        *("nightly", "backfill", "config", "audit-ledger", "tables", "vacuum", "demo"),
    ):
        assert sentence in said.words


def test_tables_lists_every_table(command: Command) -> None:
    said = command("tables")
    assert said.status == 0
    for name in contracts.WAREHOUSE:
        assert name in said.out


def test_tables_of_a_warehouse_have_versions_and_rows(
    closed: Place, tmp_path: Path, command: Command
) -> None:
    odd = tmp_path / "it's 100% #1 [a]*? ü語"
    shutil.copytree(closed.warehouse, odd)
    for place in (closed.warehouse, odd):
        said = command("tables", "--warehouse", place)
        assert said.status == 0
        assert f"as of {NEXT}, commit 2" in said.out
        (line,) = (line for line in said.out.splitlines() if "│ participation " in line)
        assert re.search(r"│ +\d+ │ +4 │$", line)
        said = command("tables", "--warehouse", place, "--as-of", DAY)
        assert f"as of {DAY}, commit 1" in said.out
        (line,) = (line for line in said.out.splitlines() if "│ participation " in line)
        assert not re.search(r"│ +4 │$", line)


def test_tables_as_of_a_date_need_a_warehouse_that_had_begun(
    closed: Place, command: Command
) -> None:
    said = command("tables", "--as-of", DAY)
    assert (said.status, "requires --warehouse" in said.err) == (2, True)
    said = command("tables", "--warehouse", closed.warehouse, "--as-of", days(-1))
    assert (said.status, f"nothing had been handled by {days(-1)}" in said.err) == (2, True)


def test_the_audit_of_a_ledger_says_what_it_checked(closed: Place, command: Command) -> None:
    said = command("audit-ledger", "--warehouse", closed.warehouse, "--engine", "embedded")
    assert said.status == 0, said.err
    assert said.out.startswith(f"sound as of           {NEXT}\n")
    lines = dict(re.split(r"  +", line) for line in said.out.splitlines())
    assert lines.pop("newest digest") in {
        row["digest"] for row in table_rows(closed.warehouse, "bonus_ledger_digests")
    }
    assert lines == {
        "sound as of": str(NEXT),
        "closed up to": str(NEXT),
        "entries": "2",
        "accounts and windows": "2",
        "postings": "2",
        "total CNY": "4.00",
    }


def test_the_audit_of_a_forged_ledger_names_what_is_wrong(copied: Place, command: Command) -> None:
    record = copied.warehouse / "_commits" / "0000000002.json"
    facts = json.loads(record.read_text())
    facts["tables"]["bonus_ledger"] -= 1  # as if the second posting had not been
    record.write_text(json.dumps(facts))
    said = command("audit-ledger", "--warehouse", copied.warehouse, "--engine", "embedded")
    assert said.status == 1
    assert said.err.startswith(
        f"solatium: {copied.warehouse}: the ledger is not sound, as of {NEXT}; "
    )
    assert "sealed were 1 entries of 2.00, there are 0 of 0.00" in said.err


def test_tables_of_no_warehouse(tmp_path: Path, command: Command) -> None:
    said = command("tables", "--warehouse", tmp_path)
    assert said.status == 2
    assert said.err == f"solatium: {tmp_path}: there is no warehouse; solatium nightly makes one\n"


# 2: wrong usage or configuration


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        pytest.param(["--speed"], "No such option: --speed", id="unknown-option"),
        pytest.param(["nightli"], "No such command 'nightli'", id="unknown-command"),
        pytest.param(["nightly"], "Missing option '--landing'", id="nothing-given"),
        pytest.param(
            ["nightly", "--landing", "x", "--warehouse", "y", "--date", "2026-02-30"],
            "2026-02-30 is not in the calendar",
            id="impossible-date",
        ),
        pytest.param(
            ["nightly", "--landing", "x", "--warehouse", "y", "--date", "2026-3-1"],
            "must be a date YYYY-MM-DD, not '2026-3-1'",
            id="loose-date",
        ),
        pytest.param(
            ["nightly", "--landing", "x", "--warehouse", "y", "--date", "yesterday"],
            "must be a date YYYY-MM-DD, not 'yesterday'",
            id="no-date",
        ),
        pytest.param(
            [*NIGHTLY, "--accept-gate", "orders:2026-03-01: "],
            "'orders:2026-03-01: ': the reason is missing",
            id="gate-without-reason",
        ),
        pytest.param(
            [*NIGHTLY, "--accept-gate", "order:2026-03-01:seen", "--accept-gate", "orders:1.3.:x"],
            "'orders:1.3.:x': its date must be a date YYYY-MM-DD, not '1.3.'",
            id="gate-that-is-none",
        ),
        pytest.param(
            [*NIGHTLY, "--engine", "flink"],
            "--engine flink: expected embedded or spark",
            id="unknown-engine",
        ),
        pytest.param(
            ["nightly", "--landing", "ftp://logs", "--warehouse", "y", "--date", "2026-03-10"],
            "ftp://logs: ftp locations are not handled yet; give a local path, a file: URI, or",
            id="other-scheme",
        ),
        pytest.param(
            ["nightly", "--landing", "/no/logs", "--warehouse", "y", "--date", "2026-03-10"],
            "/no/logs: there is no landing zone; expected a folder",
            id="no-landing-zone",
        ),
        pytest.param(
            [*NIGHTLY, "--config", "/no/file.yaml"],
            "/no/file.yaml: cannot be read: No such file or directory",
            id="no-configuration",
        ),
        pytest.param(
            [
                "backfill",
                "--landing",
                "x",
                "--warehouse",
                "y",
                "--from",
                "2026-03-11",
                "--to",
                "2026-03-10",
            ],
            "--to 2026-03-10 is before --from 2026-03-11",
            id="backfill-backwards",
        ),
    ],
)
def test_wrong_arguments(
    command: Command,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    told: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    said = command(*arguments)
    assert said.status == 2
    assert told in said.words
    assert list(tmp_path.iterdir()) == []


def test_a_file_is_no_warehouse(place: Place, command: Command) -> None:
    place.warehouse.write_text("a file")
    said = command(*place.nightly(DAY))
    assert said.status == 2
    assert f"{place.warehouse}: expected a folder" in said.err


def test_landing_zone_and_warehouse_are_two_folders(place: Place, command: Command) -> None:
    where = ("--landing", place.zone, "--warehouse", place.zone / ".." / "landing")
    said = command("nightly", *where, "--date", DAY)
    assert said.status == 2
    assert "landing zone and warehouse must be two folders" in said.err
    assert "_lock" not in os.listdir(place.zone)


def test_a_date_before_the_newest_is_refused(copied: Place, command: Command) -> None:
    before = contents(copied.warehouse)
    said = command(*copied.nightly(DAY))
    assert said.status == 2
    assert f"{DAY} is before {NEXT}, the newest date that this warehouse has handled" in said.err
    assert f"give --date {NEXT} or later" in said.err
    assert "solatium backfill judges earlier dates again" in said.err
    assert contents(copied.warehouse) == before


def test_an_impossible_configuration_is_refused_with_every_problem(
    place: Place, command: Command
) -> None:
    place.config.write_text(
        "grace_day: 3\n"
        "timezone: Mars/Olympus\n"
        "rescan_days: -1\n"
        "bonus: {trigger: sometimes, max_single_award: 0.005}\n"
        "gates: {max_quarantine_share: 2}\n"
    )
    said = command(*place.nightly(DAY))
    assert said.status == 2
    assert said.err.startswith(f"solatium: {place.config}: 6 problems, nothing was run\n")
    for told in (
        "grace_day: unknown key; did you mean grace_days?",
        "timezone: ",
        "rescan_days: ",
        "bonus.trigger: must be every or at_threshold, not 'sometimes'",
        "bonus.max_single_award: ",
        "gates.max_quarantine_share: ",
    ):
        assert f"\n  - {told}" in said.err
    assert not place.warehouse.exists()


# 2, until --restate: other settings for closed dates


def test_other_settings_for_closed_dates_need_restate(copied: Place, command: Command) -> None:
    before = contents(copied.warehouse)
    copied.config.write_text(CONFIG.replace("2.00", "3.00") + "timezone: UTC\n")
    said = command(*copied.nightly(NEXT))
    assert said.status == 2
    assert f"the closed dates {DAY} to {NEXT} otherwise" in said.err
    assert "nothing was changed" in said.err
    assert re.search(r"bonus\.tiers: was .*2\.00.*, now .*3\.00", said.err)
    assert 'timezone: was "Asia/Shanghai", now "UTC"' in said.err
    assert "give --restate to judge the past again" in said.err
    assert f"to have them from {days(2)} on, the first date that is open" in said.err
    assert contents(copied.warehouse) == before

    # what a run looks at, or lets pass, judges nothing
    copied.config.write_text(CONFIG + "rescan_days: 3\ngates: {max_quarantine_share: 0.5}\n")
    assert command(*copied.nightly(NEXT)).status == 0
    after = contents(copied.warehouse)
    assert len(after["run_log"]) == len(before["run_log"]) + 1
    assert {name: after[name] for name in JUDGED} == {name: before[name] for name in JUDGED}


@pytest.mark.torture
def test_restate_judges_closed_dates_by_the_new_settings(copied: Place, command: Command) -> None:
    def amounts() -> list[tuple[str, str]]:
        ledger = table_rows(copied.warehouse, "bonus_ledger")
        return sorted((row["kind"], str(row["amount"])) for row in ledger)

    assert amounts() == [("award", "2.00"), ("award", "2.00")]
    copied.config.write_text(CONFIG.replace("2.00", "3.00"))
    said = command(*copied.nightly(NEXT), "--restate")
    assert said.status == 0
    assert "2 night(s) handled" in said.out
    assert f"judging again from {DAY} on: other settings: bonus.tiers" in said.log
    assert amounts() == [("adjustment", "1.00")] * 2 + [("award", "2.00")] * 2


# backfill


@pytest.mark.torture
def test_backfill_judges_a_range_anew_and_what_stands_on_it(
    copied: Place, command: Command
) -> None:
    """The earliest date alone is asked for; the later one that was handled follows."""
    before = {name: table_rows(copied.warehouse, name) for name in ("allocations", "bonus_ledger")}
    said = command("backfill", *copied.named, "--from", DAY, "--to", DAY)
    assert said.status == 0
    assert "2 night(s) handled" in said.out
    assert f"judging again from {DAY} on: as requested" in said.log
    for name, rows in before.items():
        assert sorted(map(repr, table_rows(copied.warehouse, name))) == sorted(map(repr, rows))
    assert [row["date"] for row in table_rows(copied.warehouse, "run_log")] == [NEXT, NEXT]

    said = command("backfill", *copied.named, "--from", NEXT, "--to", NEXT)
    assert said.status == 0
    assert "1 night(s) handled" in said.out


# 3: input refused


def test_bad_files_are_refused_before_an_engine_starts(place: Place) -> None:
    bad = place.zone / "payment" / f"dt={DAY}" / "bad.parquet"
    bad.write_bytes(b"not Parquet")
    (place.zone / "orders" / "dt=garbage").mkdir()
    said = process(*place.nightly(DAY))
    assert said.status == 3
    assert said.err.startswith("solatium: ")
    assert "dt=garbage: expected folders dt=YYYY-MM-DD here" in said.err
    assert "Traceback" not in said.err
    assert said.out == ""
    (place.zone / "orders" / "dt=garbage").rmdir()

    said = process(*place.nightly(DAY))
    assert said.status == 3
    assert "1 problem(s) with landing files; nothing was written" in said.err
    assert f"\n  - {bad}: expected a readable Parquet file, found 11 bytes: " in said.err
    assert "Traceback" not in said.err
    assert not list(place.warehouse.glob("*/_delta_log"))


def test_too_many_bad_rows_are_refused(place: Place, command: Command) -> None:
    write_landing(place.zone, landing(paid("c", amount="0.00")), part="bad")
    said = command(*place.nightly(DAY))
    assert said.status == 3
    assert said.err.startswith(f"solatium: {DAY} was not handled: more rows are bad than")
    assert "1 of 3 rows are bad (not_positive_amount 1)" in said.err


# 4: another run holds the warehouse


def test_a_warehouse_that_another_run_holds(place: Place) -> None:
    hold = (
        "import sys; from solatium.storage.location import Location\n"
        "with Location.parse(sys.argv[1]).held({'engine': 'spark', 'date': '2026-03-09'}):\n"
        "    print('held', flush=True); sys.stdin.read()\n"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", hold, str(place.warehouse)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdin is not None
    assert holder.stdout is not None
    try:
        assert holder.stdout.readline() == "held\n"
        said = process(*place.nightly(DAY))
    finally:
        holder.stdin.close()
        holder.wait()
        holder.stdout.close()
    assert said.status == 4
    assert said.err.startswith(f"solatium: {place.warehouse}: another run holds this warehouse\n")
    assert (
        f"pid {holder.pid}, host {os.uname().nodename}, engine spark, date 2026-03-09" in said.err
    )
    assert re.search(r"since 20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00", said.err)
    assert "wait until it has ended, then give the same command again" in said.err
    assert "Traceback" not in said.err
    assert not (place.warehouse / "_holder.json").exists()


# 1: anything else


def test_a_warehouse_with_a_hole_in_its_commits(copied: Place, command: Command) -> None:
    record = copied.warehouse / "_commits" / "0000000001.json"
    record.unlink()
    said = command(*copied.nightly(NEXT))
    assert said.status == 1
    assert said.err.startswith(
        f"solatium: {copied.warehouse}: commit record 1 is missing\n"
        f"  - restore {record} from a backup\n"
    )


def test_a_place_that_cannot_be_written_is_named(place: Place, command: Command) -> None:
    said = command("nightly", "--landing", place.zone, "--warehouse", "/proc/wh", "--date", DAY)
    assert said.status == 1
    assert said.err == "solatium: /proc/wh: No such file or directory\n"
