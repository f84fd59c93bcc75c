"""`solatium explain`: sentences for each kind of outcome, JSON, and what it refuses."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from datetime import timedelta

import pytest
from golden import race
from harness import Nights
from rows import account, days, entrant, joined, landing, ordered, paid, window, withdrew

import solatium
from solatium.cli import app
from solatium.engine import Engine
from solatium.errors import UsageError

DAY, NEXT = days(0), days(1)
CONFIG = {
    "grace_days": 0,
    "screening": {"max_accounts_per_device": 1, "min_credit_score": 600},
    "bonus": {
        "tiers": [{"min_failures": 1, "amount": "2.00"}],
        "max_per_account_per_day": "3.00",
        "daily_budget": "5.00",
    },
}
LATER = {"day": days(5), "dt": DAY}
LOGS = landing(
    # a draw: ann and ben are ready, the others are not, each for a reason of its own
    [window("draw", limit_per_account=2)],
    [entrant(who, commodity="draw") for who in ("ann", "ben")],
    [account("cat", blacklisted=True), joined("cat", "draw")],
    [account("dan", credit_score=1), joined("dan", "draw")],
    [account("eve"), joined("eve", "draw"), withdrew("eve", "draw")],
    [joined("unknown", "draw")],
    [account("fay"), joined("fay", "draw"), paid("fay", "draw", amount="4.00")],
    [account("hal"), joined("hal", "draw", quantity=3)],
    [entrant(who, commodity="draw", device_id="phone") for who in ("ida", "jon")],
    # windows without a draw
    [window("held", draw_seed=None), entrant("ann", commodity="held")],
    [window("few", min_qualified=9), entrant("ann", commodity="few")],
    [window("big", limit_per_account=9), entrant("ann", commodity="big", quantity=2)],
    # two races on the next day: ben wins both, kim loses both, lea never orders
    race("r1", "ben", "kim", day=NEXT),
    race("r2", "ben", "kim", day=NEXT),
    [entrant("lea", commodity="r1", day=NEXT)],
    [ordered("kim", "r2", day=NEXT, status="confirmed", clock="03:05")],
    [window("late", **LATER)],
)

Explained = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def nights(embedded_session: Engine, tmp_path_factory: pytest.TempPathFactory) -> Nights:
    made = Nights(tmp_path_factory.mktemp("explain"), embedded_session)
    made.land(LOGS)
    made.run(NEXT, CONFIG)
    return made


@pytest.fixture
def explained(nights: Nights, capsys: pytest.CaptureFixture[str]) -> Explained:
    """The command: its exit status, what it printed, and what went wrong."""

    def call(*arguments: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as end:
            app.main(["explain", "--warehouse", str(nights.warehouse), *arguments])
        said = capsys.readouterr()
        assert "Traceback" not in said.err
        return int(end.value.code or 0), said.out, said.err

    return call


@pytest.mark.parametrize(
    ("account_id", "commodity", "sentences"),
    [
        ("cat", "draw", ["Not qualified: The account was on the platform's blacklist."]),
        ("dan", "draw", ["The credit score was 1; at least 600 was required."]),
        ("eve", "draw", ["The account withdrew its application at", "did not compete"]),
        ("unknown", "draw", ["delivered no version of the account that was known by"]),
        ("fay", "draw", ["too small: 10.00 CNY required, 4.00 paid before the rush."]),
        ("hal", "draw", ["The application asked for 3; 1 to 2 were allowed."]),
        ("ida", "draw", ["2 accounts applied from the same device; at most 1 may."]),
        ("ann", "held", ["The draw has not taken place: its seed is not published yet."]),
        ("ann", "few", ["The window did not take place: too few accounts were ready."]),
        ("ann", "big", ["The entry asked for 2, more than the whole stock of 1."]),
        ("ben", "r1", ["Its place was 1 of 2 competing entries", "The account won."]),
        (
            "kim",
            "r1",
            [
                "The account lost: when its turn came, 0 of 1 were left, and the entry asked for 1",
                "The outcome counted: 0 failures in a row before it, 1 after it.",
                "Consolation: the tier from 1 failure on pays 2.00, here 2.00 CNY.",
                "Ledger, night of",
            ],
        ),
        (
            "kim",
            "r2",
            [
                "On the platform the account got its goods.",
                "by the rules the account should not have won",
                "The outcome counted: 1 failure in a row before it, 2 after it.",
                "It came to 0.00, because the platform had given the goods.",
            ],
        ),
        ("lea", "r1", ["placed no order while the rush was open", "did not count"]),
    ],
)
def test_sentences(
    explained: Explained, account_id: str, commodity: str, sentences: list[str]
) -> None:
    arguments = ["--account", account_id, "--commodity", commodity, "--window", "w1"]
    status, said, _ = explained(*arguments)
    assert status == 0
    assert said.startswith(f"Account {account_id} as of {NEXT}\n")
    for sentence in sentences:
        assert sentence in said


def test_all_windows_come_in_history_order_and_json_has_the_same(explained: Explained) -> None:
    status, said, _ = explained("--account", "kim")
    assert (status, said.index("window w1 of r1") < said.index("window w1 of r2")) == (0, True)
    facts = json.loads(explained("--account", "kim", "--json")[1])
    assert (facts["account_id"], facts["as_of"]) == ("kim", str(NEXT))
    assert [w["commodity_id"] for w in facts["windows"]] == ["r1", "r2"]
    [history] = facts["history"]
    assert (history["failures"], history["consecutive_failures"]) == (2, 2)
    assert sum(float(row["amount"]) for row in facts["payouts"]) == 2.0


def test_the_line_for_a_shell_gives_the_ticket(nights: Nights) -> None:
    answer = solatium.open(nights.warehouse).explain("ann", commodity="draw", window="w1")
    [facts] = answer.facts["windows"]
    done = subprocess.run(
        ["bash", "-c", facts["ticket_command"]], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == facts["ticket"]


def test_as_of_an_earlier_date(explained: Explained) -> None:
    status, _, problem = explained("--account", "kim", "--as-of", str(DAY - timedelta(days=9)))
    assert (status, "nothing had been handled by" in problem) == (2, True)
    status, _, problem = explained("--account", "kim", "--as-of", str(DAY))
    assert (status, f"there is no account kim as of {DAY}" in problem) == (2, True)


def test_an_account_that_took_no_part_in_a_window(explained: Explained) -> None:
    status, said, _ = explained("--account", "kim", "--commodity", "draw", "--window", "w1")
    assert status == 0
    assert "The account took no part in this window." in said


@pytest.mark.parametrize(
    ("arguments", "problems"),
    [
        (["--account", "kin"], ["there is no account kin", "did you mean kim"]),
        (["--account", "kim", "--window", "w1"], ["give --commodity and --window"]),
        (
            ["--account", "kim", "--commodity", "draws", "--window", "w1"],
            ["there is no window w1 of commodity draws", "did you mean draw"],
        ),
        (
            ["--account", "kim", "--commodity", "late", "--window", "w1"],
            ["is not due yet", str(LATER["day"])],
        ),
    ],
)
def test_what_is_unknown_is_refused_with_near_names(
    explained: Explained, arguments: list[str], problems: list[str]
) -> None:
    status, said, problem = explained(*arguments)
    assert (status, said) == (2, "")
    for text in problems:
        assert text in problem


def test_python_refuses_half_a_window(nights: Nights) -> None:
    with pytest.raises(UsageError, match="give the commodity and the window"):
        solatium.open(nights.warehouse).explain("kim", window="w1")
