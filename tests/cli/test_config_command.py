"""`solatium config`: the settings in force, and where each of them comes from."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from rich.console import Console
from rows import DAY, days

from solatium.cli import app, show
from solatium.errors import UsageError
from solatium.settings.in_force import InForce, in_force
from solatium.settings.load import load

NEXT = days(1)
FILE = f"""
grace_days: 2
screening: {{min_credit_score: 600}}
bonus: {{trigger: at_threshold, daily_budget: 100}}
changes:
  - from: {NEXT}
    draw: {{weight_cap: 1}}
    bonus: {{tiers: [{{min_failures: 2, advance_share: 0.50}}, {{min_failures: 4, amount: 3}}]}}
  - from: {DAY}
    draw: {{weight_cap: 2}}
    campaigns:
      spring: {{bonus: {{daily_budget: 5.5}}}}
      late: {{draw: {{weight_cap: 4}}}}
campaigns:
  spring: {{draw: {{weight_cap: 3}}, bonus: {{daily_budget: null}}}}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "night.yaml"
    path.write_text(FILE)
    return path


def facts(found: InForce) -> dict[str, tuple[str, str]]:
    """Key -> value and source, a file by its last name."""
    return {
        line.key: (line.value, line.source.rpartition("/")[2] or line.source)
        for line in found.lines
    }


# What it finds


def test_without_a_file_all_are_defaults() -> None:
    found = in_force(None, None, None)
    assert found.title == "Settings before any change"
    assert found.notes == []
    assert {line.source for line in found.lines} == {"default"}
    values = {line.key: line.value for line in found.lines}
    assert values["timezone"] == "Asia/Shanghai"
    assert values["screening.min_credit_score"] == "null"
    assert values["history.forfeit_resets_streak"] == "true"
    assert values["bonus.tiers[2]"] == "{min_failures: 10, amount: 20.00}"
    assert values["gates.max_quarantine_share"] == "0.01"
    assert values["sources"] == "{}"


def test_every_key_is_shown_in_the_order_of_the_rules() -> None:
    shown = dict.fromkeys(line.key.split("[")[0] for line in in_force(None, DAY, "x").lines)
    dumped = load(None).model_dump(exclude={"changes", "campaigns"})
    assert list(shown) == [
        f"{key}.{name}" if name else key
        for key, value in dumped.items()
        for name in (value if isinstance(value, dict) and value else [""])
    ]


BUDGET, CAP = "bonus.daily_budget", "draw.weight_cap"
TIERS = "bonus.tiers[0]"
USUAL = ("{min_failures: 3, amount: 2.00}", "default")
HALF = ("{min_failures: 2, advance_share: 0.5}", f"night.yaml: changes[0] (from {NEXT})")


@pytest.mark.parametrize(
    ("day", "campaign", "expected"),
    [
        (None, None, {CAP: ("20", "default"), BUDGET: ("100.00", "night.yaml"), TIERS: USUAL}),
        (
            None,
            "spring",
            {
                CAP: ("3", "night.yaml: campaigns.spring"),
                BUDGET: ("null", "night.yaml: campaigns.spring"),
            },
        ),
        (days(-1), "late", {CAP: ("20", "default")}),
        (
            DAY,
            None,
            {CAP: ("2", f"night.yaml: changes[1] (from {DAY})"), BUDGET: ("100.00", "night.yaml")},
        ),
        (DAY, "late", {CAP: ("4", f"night.yaml: changes[1].campaigns.late (from {DAY})")}),
        (
            NEXT,
            "spring",
            {
                CAP: ("3", "night.yaml: campaigns.spring"),
                BUDGET: ("5.50", f"night.yaml: changes[1].campaigns.spring (from {DAY})"),
                TIERS: HALF,
                "bonus.tiers[1]": ("{min_failures: 4, amount: 3.00}", HALF[1]),
                "bonus.trigger": ("at_threshold", "night.yaml"),
                "screening.min_credit_score": ("600", "night.yaml"),
                "grace_days": ("2", "night.yaml"),  # the default, and yet said
                "rescan_days": ("35", "default"),
            },
        ),
        (NEXT, None, {CAP: ("1", f"night.yaml: changes[0] (from {NEXT})"), TIERS: HALF}),
    ],
)
def test_a_value_comes_from_the_last_place_that_says_it(
    file: Path, day: date | None, campaign: str | None, expected: dict[str, tuple[str, str]]
) -> None:
    found = facts(in_force(file, day, campaign))
    assert {key: found[key] for key in expected} == expected


def test_of_changes_from_one_date_the_later_in_the_list_is_named(tmp_path: Path) -> None:
    path = tmp_path / "night.yaml"
    path.write_text("changes:\n" + f"  - {{from: {DAY}, draw: {{weight_cap: 1}}}}\n" * 2)
    assert facts(in_force(path, DAY, None))[CAP] == (
        "1",
        f"night.yaml: changes[1] (from {DAY})",
    )


def test_of_a_source_mapping_is_shown_what_it_says(tmp_path: Path) -> None:
    path = tmp_path / "night.yaml"
    path.write_text(
        "sources:\n"
        "  payment:\n"
        "    values: {kind: {1: advance_paid, no: balance_paid}}\n"
        "    constants: {amount: 1.5}\n"
        "  orders: {}\n"
    )
    told = {
        key: said for key, said in facts(in_force(path, None, None)).items() if "sources" in key
    }
    assert told == {
        "sources.payment.constants.amount": ("1.50", "night.yaml"),
        "sources.payment.values.kind.1": ("advance_paid", "night.yaml"),
        "sources.payment.values.kind.false": ("balance_paid", "night.yaml"),
    }


def test_notes_say_what_is_not_shown(file: Path) -> None:
    assert in_force(file, None, None).notes == [
        f"changes from {DAY}, {NEXT} on: give --date to see them",
        "campaigns with settings of their own: late, spring; give --campaign to see them",
    ]
    assert in_force(file, DAY, "spring").notes == []
    assert in_force(file, DAY, "sprnig").notes == [
        "campaign sprnig has no settings of its own; did you mean spring?"
    ]
    assert in_force(None, DAY, "x").notes == ["campaign x has no settings of its own"]


def test_an_impossible_file_is_refused_with_every_problem(file: Path) -> None:
    file.write_text("grace_day: 1\nchanges: [{form: 2026-03-10}]\n")
    with pytest.raises(UsageError) as refused:
        in_force(file, None, None)
    assert len(refused.value.problems) == 3


# What it shows

Said = tuple[int, list[str]]


@pytest.fixture
def config(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Said]:
    """`solatium config ...`, off a terminal: the exit status and the lines."""
    monkeypatch.setenv("COLUMNS", "40")

    def call(*arguments: object) -> Said:
        with pytest.raises(SystemExit) as end:
            app.main(["config", *map(str, arguments)])
        said = capsys.readouterr()
        return int(end.value.code or 0), (said.out + said.err).splitlines()

    return call


def test_off_a_terminal_each_key_is_a_line_of_aligned_text(
    file: Path, config: Callable[..., Said]
) -> None:
    status, lines = config("--config", file, "--date", NEXT, "--campaign", "spring")
    assert status == 0
    assert lines[0] == f"# Settings in force on {NEXT}, for campaign spring"
    rows = lines[1:]
    assert len(rows) == len(in_force(file, NEXT, "spring").lines)
    key, value = rows[0].index("Asia/Shanghai"), rows[0].index("default")
    assert {row[key - 2 : key] + row[value - 2 : value] for row in rows} == {"    "}
    assert f"{file}: campaigns.spring" in [row[value:] for row in rows]
    assert config("--config", file)[1][-2:] == [f"# {n}" for n in in_force(file, None, None).notes]


def test_on_a_terminal_there_is_a_table(file: Path) -> None:
    terminal = Console(width=80, force_terminal=True, color_system=None)
    with terminal.capture() as captured:
        terminal.print(show.settings(in_force(file, DAY, None)))
    shown = captured.get()
    assert f"Settings in force on {DAY}" in shown
    for line in in_force(file, DAY, None).lines:
        assert f"│ {line.key} " in shown
    assert "campaigns with settings of their own: late, spring" in shown
    assert "…" not in shown


def test_wrong_arguments_and_files_end_with_2(file: Path, config: Callable[..., Said]) -> None:
    assert config("--date", "yesterday")[0] == 2
    file.write_text("grace_day: 1\n")
    assert config("--config", file) == (
        2,
        [
            f"solatium: {file}: 1 problem, nothing was run",
            "  - grace_day: unknown key; did you mean grace_days?",
        ],
    )
