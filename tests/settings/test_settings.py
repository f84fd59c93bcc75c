"""Settings: the defaults, what a configuration may say, and what it is told where it may not."""

import json
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError
from refusals import problems_of

from solatium.errors import UsageError
from solatium.settings.load import Settings, Tier, from_mapping, load

# docs/rules.md section 9, word for word, with money as text.
DEFAULTS: dict[str, Any] = {
    "timezone": "Asia/Shanghai",
    "grace_days": 2,
    "rescan_days": 35,
    "retention_days": 90,
    "embedded_memory_mb": None,
    "outcome_source": "replay",
    "screening": {
        "min_account_age_days": 0,
        "min_credit_score": None,
        "max_accounts_per_device": None,
    },
    "draw": {"weight_cap": 20},
    "history": {
        "scope": "all",
        "forfeit_resets_streak": True,
        "streak_expiry_days": None,
        "min_advance": "0.00",
        "attempt_within_seconds": None,
        "max_failures_per_day": 3,
    },
    "bonus": {
        "currency": "CNY",
        "trigger": "every",
        "tiers": [
            {"min_failures": 3, "amount": "2.00"},
            {"min_failures": 5, "amount": "5.00"},
            {"min_failures": 10, "amount": "20.00"},
        ],
        "max_single_award": "50000.00",
        "max_per_account_per_day": None,
        "daily_budget": None,
        "clawback": False,
        "pay_from": None,
    },
    "gates": {
        "max_quarantine_share": "0.01",
        "required_tables": [],
        "min_share_of_usual": None,
    },
    "ignored_files": [],
    "sources": {},
    "changes": [],
    "campaigns": {},
}


def setting(path: str, value: Any) -> dict[str, Any]:
    """The configuration that says one thing: `setting("draw.weight_cap", 3)`."""
    for key in reversed(path.split(".")):
        value = {key: value}
    return value


def value_of(settings: Settings, path: str) -> Any:
    found: Any = settings
    for key in path.split("."):
        found = getattr(found, key)
    return found


def tiers(*given: dict[str, Any]) -> dict[str, Any]:
    return setting("bonus.tiers", list(given))


@pytest.fixture
def file(tmp_path: Path):
    """Writes a configuration file, and gives its path."""

    def write(content: str | bytes) -> Path:
        path = tmp_path / "night.yaml"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write


# Defaults


def test_the_defaults_are_those_of_the_rules() -> None:
    dumped = load(None).model_dump(mode="json", exclude_none=False)
    for tier in dumped["bonus"]["tiers"]:
        assert tier.pop("advance_share") is None
    assert dumped == DEFAULTS


def test_the_file_of_defaults_names_every_key_so_that_it_teaches_them_all() -> None:
    text = (Path(__file__).parents[2] / "conf" / "defaults.yaml").read_text(encoding="utf-8")
    written = yaml.safe_load(text)
    assert list(written) == list(DEFAULTS)
    for section in ("screening", "draw", "history", "bonus", "gates"):
        assert list(written[section]) == list(DEFAULTS[section])


def test_no_file_an_empty_file_and_comments_alone_are_the_defaults(file: Any) -> None:
    for settings in (from_mapping({}), load(file("")), load(file("# nothing differs\n"))):
        assert settings == load(None)
        assert settings.digest() == load(None).digest()


def test_the_file_of_defaults_given_as_configuration_changes_nothing() -> None:
    path = Path(__file__).parents[2] / "conf" / "defaults.yaml"
    assert load(path) == load(None)


def test_mappings_merge_and_lists_replace() -> None:
    settings = from_mapping(
        {"history": {"streak_expiry_days": 30}, **tiers({"min_failures": 1, "amount": 1})}
    )
    assert settings.history.streak_expiry_days == 30
    assert settings.history.max_failures_per_day == 3
    assert settings.bonus.currency == "CNY"
    assert settings.bonus.tiers == (Tier(min_failures=1, amount=Decimal("1.00")),)


def test_settings_are_frozen() -> None:
    settings = load(None)
    with pytest.raises(ValidationError):
        settings.grace_days = 3  # type: ignore[misc]
    with pytest.raises(ValidationError):
        settings.bonus.tiers[0].amount = Decimal(1)  # type: ignore[misc]


# What may be said

ACCEPTED = [
    ("timezone", "UTC", "UTC"),
    ("grace_days", 0, 0),
    ("rescan_days", 0, 0),
    ("rescan_days", 100_000, 100_000),
    ("retention_days", 1, 1),
    ("embedded_memory_mb", 256, 256),
    ("embedded_memory_mb", None, None),
    ("outcome_source", "platform", "platform"),
    ("screening.min_account_age_days", 30, 30),
    ("screening.min_credit_score", -5, -5),
    ("screening.max_accounts_per_device", 1, 1),
    ("draw.weight_cap", 0, 0),
    ("history.forfeit_resets_streak", False, False),
    ("history.streak_expiry_days", 0, 0),
    ("history.min_advance", "10.5", Decimal("10.50")),
    ("history.attempt_within_seconds", 1, 1),
    ("history.max_failures_per_day", None, None),
    ("history.max_failures_per_day", 1, 1),
    ("bonus.currency", "EUR", "EUR"),
    ("bonus.trigger", "at_threshold", "at_threshold"),
    ("bonus.tiers", [], ()),
    ("bonus.max_single_award", 0, Decimal("0.00")),
    ("bonus.clawback", True, True),
    ("bonus.pay_from", date(2026, 3, 10), date(2026, 3, 10)),
    ("bonus.pay_from", "2026-03-10", date(2026, 3, 10)),
    ("gates.max_quarantine_share", 0, Decimal(0)),
    ("gates.max_quarantine_share", "1.0", Decimal(1)),
    ("gates.max_quarantine_share", Decimal("0.0001"), Decimal("0.0001")),
    ("sources", {}, {}),
    ("changes", [], ()),
    ("campaigns", {}, {}),
    ("history.scope", "campaign", "campaign"),
    ("bonus.max_per_account_per_day", "5", Decimal("5.00")),
    ("bonus.daily_budget", 0, Decimal("0.00")),
]


@pytest.mark.parametrize(("path", "given", "meant"), ACCEPTED)
def test_a_possible_value_is_taken(path: str, given: Any, meant: Any) -> None:
    assert value_of(from_mapping(setting(path, given)), path) == meant


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        (2, "2.00"),
        (0, "0.00"),
        ("2", "2.00"),
        ("2.5", "2.50"),
        ("+2.50", "2.50"),
        (".5", "0.50"),
        ("-0.00", "0.00"),
        ("1e3", "1000.00"),
        ("9999999999999999.99", "9999999999999999.99"),
        (Decimal("0.10"), "0.10"),
        (Decimal("1E+2"), "100.00"),
    ],
)
def test_money_is_text_whole_or_decimal_and_kept_with_two_places(given: Any, meant: str) -> None:
    (tier,) = from_mapping(tiers({"min_failures": 1, "amount": given})).bonus.tiers
    assert str(tier.amount) == meant


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("2.00", "2.00"),
        ("0.1", "0.10"),
        ("0.29", "0.29"),
        ("1e3", "1000.00"),
        ("1.5e+1", "15.00"),
        ("'2.50'", "2.50"),
        ("7", "7.00"),
        ("9007199254740993.01", "9007199254740993.01"),  # a float would make it ...992
    ],
)
def test_money_in_a_file_is_read_from_its_text(file: Any, written: str, meant: str) -> None:
    settings = load(file(f"history: {{min_advance: {written}}}"))
    assert str(settings.history.min_advance) == meant


@pytest.mark.parametrize(
    ("given", "meant"),
    [("0.1", "0.1"), ("0.250000", "0.25"), ("0.000001", "0.000001"), (1000, "1000"), (1, "1")],
)
def test_a_tier_may_pay_a_share_of_the_advance(given: Any, meant: str) -> None:
    (tier,) = from_mapping(tiers({"min_failures": 1, "advance_share": given})).bonus.tiers
    assert (str(tier.advance_share), tier.amount) == (meant, None)


def test_the_largest_share_of_the_largest_advance_is_exact_in_38_digits() -> None:
    (tier,) = from_mapping(tiers({"min_failures": 1, "advance_share": "999.999999"})).bonus.tiers
    assert tier.advance_share is not None
    in_units = int(tier.advance_share.scaleb(6)) * (10**18 - 1) * (2**31 - 1)
    assert in_units < 10**38


def test_a_null_beside_the_other_is_not_a_second_payment() -> None:
    given = {"min_failures": 1, "amount": "1.00", "advance_share": None}
    assert from_mapping(tiers(given)) == from_mapping(tiers({"min_failures": 1, "amount": 1}))


def test_tiers_are_kept_in_the_order_of_min_failures() -> None:
    low, high = {"min_failures": 2, "amount": 1}, {"min_failures": 4, "amount": 3}
    assert from_mapping(tiers(high, low)) == from_mapping(tiers(low, high))
    assert [t.min_failures for t in from_mapping(tiers(high, low)).bonus.tiers] == [2, 4]


def test_dates_truth_values_and_anchors_of_a_file(file: Any) -> None:
    settings = load(
        file(
            "bonus:\n"
            "  pay_from: 2026-03-10\n"
            "  clawback: yes\n"
            "  max_single_award: &most 3.00\n"
            "history:\n"
            "  min_advance: *most\n"
        )
    )
    assert settings.bonus.pay_from == date(2026, 3, 10)
    assert settings.bonus.clawback is True
    assert settings.history.min_advance == Decimal("3.00")


# What may not

LEADING = "must be a number in plain digits, such as 12.50, not "
AT_LEAST_ONE = "must be 1 or more, not 0: with 0"
REFUSED = [
    ("timezone", 8, "must be text, not 8; quotes make it text"),
    ("timezone", "", "must not be empty"),
    (
        "timezone",
        "Asia/Shangai",
        "'Asia/Shangai' is not an IANA time zone; did you mean Asia/Shanghai?",
    ),
    ("timezone", "+08:00", "'+08:00' is not an IANA time zone, such as Asia/Shanghai"),
    ("timezone", "../UTC", "'../UTC' is not an IANA time zone, such as Asia/Shanghai"),
    ("timezone", "Asia", "'Asia' is not an IANA time zone, such as Asia/Shanghai"),
    ("timezone", "localtime", "'localtime' is not an IANA time zone, such as Asia/Shanghai"),
    ("grace_days", -1, "must be 0 or more, not -1"),
    ("grace_days", True, "must be a whole number, not true"),
    ("grace_days", None, "must be a whole number, not null"),
    ("grace_days", "2", "must be a whole number, not '2'"),
    ("grace_days", Decimal("2.0"), "must be a whole number, not 2.0"),
    ("grace_days", 2.0, "must be a whole number, not 2.0"),
    ("grace_days", 100_001, "must be 100000 or less, not 100001"),
    ("rescan_days", -1, "must be 0 or more, not -1"),
    ("rescan_days", 100_001, "must be 100000 or less, not 100001"),
    (
        "retention_days",
        0,
        "must be 1 or more, not 0: the tables of the newest date are always kept",
    ),
    ("embedded_memory_mb", 255, "must be 256 or more, not 255"),
    ("outcome_source", "audit", "must be replay or platform, not 'audit'"),
    ("outcome_source", ["replay"], "must be replay or platform, not a list"),
    ("screening.min_account_age_days", -1, "must be 0 or more, not -1"),
    ("screening.min_account_age_days", None, "must be a whole number, not null"),
    ("screening.min_credit_score", Decimal("0.5"), "must be a whole number, not 0.5"),
    ("screening.min_credit_score", False, "must be a whole number, not false"),
    ("screening.min_credit_score", 2**31, "must be 2147483647 or less, not 2147483648"),
    (
        "screening.max_accounts_per_device",
        0,
        f"{AT_LEAST_ONE} nobody who names a device qualifies; null sets no limit",
    ),
    ("draw.weight_cap", -1, "must be 0 or more, not -1"),
    ("draw.weight_cap", None, "must be a whole number, not null"),
    ("history.scope", "sku", "must be all, campaign or category, not 'sku'"),
    ("history.forfeit_resets_streak", 1, "must be true or false, not 1"),
    ("history.forfeit_resets_streak", "true", "must be true or false, not 'true'"),
    ("history.streak_expiry_days", -1, "must be 0 or more, not -1"),
    ("history.min_advance", "-0.01", "must not be negative, as '-0.01' is"),
    ("history.min_advance", None, "must be a number, not null"),
    (
        "history.attempt_within_seconds",
        0,
        f"{AT_LEAST_ONE} no first_come loss counts; null sets no limit",
    ),
    (
        "history.max_failures_per_day",
        0,
        f"{AT_LEAST_ONE} no loss counts; null sets no limit",
    ),
    ("bonus.currency", " ", "must not be empty"),
    ("bonus.currency", None, "must be text, not null; quotes make it text"),
    ("bonus.trigger", "once", "must be every or at_threshold, not 'once'"),
    ("bonus.tiers", None, "must be a list, not null"),
    ("bonus.tiers", {"min_failures": 3}, "must be a list, not a mapping"),
    ("bonus.max_single_award", None, "must be a number, not null"),
    ("bonus.max_per_account_per_day", -1, "must not be negative, as -1 is"),
    ("bonus.daily_budget", "much", LEADING + "'much'"),
    ("bonus.clawback", None, "must be true or false, not null"),
    ("bonus.pay_from", "2026-02-30", "2026-02-30 is not in the calendar"),
    ("bonus.pay_from", "20260310", "must be a date YYYY-MM-DD, not '20260310'"),
    ("bonus.pay_from", 20260310, "must be a date YYYY-MM-DD, not 20260310"),
    (
        "bonus.pay_from",
        datetime(2026, 3, 10),
        "must be a date YYYY-MM-DD, not 2026-03-10 00:00:00",
    ),
    ("gates.max_quarantine_share", "1.01", "must be a share from 0 to 1, not '1.01'"),
    ("gates.max_quarantine_share", Decimal("-0.1"), "must not be negative, as -0.1 is"),
    ("gates.max_quarantine_share", None, "must be a number, not null"),
    (
        "gates.max_quarantine_share",
        0.01,
        "0.01 is a float, which is not exact; give it as text or Decimal",
    ),
    ("screening", None, "must be a mapping, not null"),
    ("bonus", [], "must be a mapping, not a list"),
    ("sources", [], "must be a mapping, not a list"),
    ("changes", {}, "must be a list, not a mapping"),
    ("campaigns", None, "must be a mapping, not null"),
]


@pytest.mark.parametrize(("path", "given", "reason"), REFUSED)
def test_an_impossible_value_is_refused_with_the_reason(path: str, given: Any, reason: str) -> None:
    assert problems_of(setting(path, given)) == (f"{path}: {reason}",)


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ("2.001", "money has at most two decimal places, '2.001' has more"),
        ("2.000", "money has at most two decimal places, '2.000' has more"),
        ("1e-3", "money has at most two decimal places, '1e-3' has more"),
        (-1, "must not be negative, as -1 is"),
        (Decimal("-0.01"), "must not be negative, as -0.01 is"),
        (2.5, "2.5 is a float, which is not exact; give it as text or Decimal"),
        (True, "must be a number, not true"),
        ([2], "must be a number, not a list"),
        ("010", LEADING + "'010'"),  # 8 to some readers of YAML, 10 to others
        ("1_000", LEADING + "'1_000'"),
        ("1,000.00", LEADING + "'1,000.00'"),
        ("2,50", LEADING + "'2,50'"),
        ("2.00 CNY", LEADING + "'2.00 CNY'"),
        ("٢", LEADING + "'٢'"),
        ("", LEADING + "''"),
        ("nan", LEADING + "'nan'"),
        (".inf", LEADING + "'.inf'"),
        (Decimal("NaN"), LEADING + "NaN"),
        (Decimal("Infinity"), LEADING + "Infinity"),
        ("1e999", LEADING + "'1e999'"),
        (10**16, "money has at most 16 digits before the point, this has more"),
        ("1e99", "money has at most 16 digits before the point, this has more"),
    ],
)
def test_what_is_not_money_is_refused(given: Any, reason: str) -> None:
    problems = problems_of(tiers({"min_failures": 1, "amount": given}))
    assert problems == (f"bonus.tiers[0].amount: {reason}",)


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (0, "must be more than 0; for a tier that pays nothing write amount: 0"),
        ("-0.1", "must not be negative, as '-0.1' is"),
        ("0.0000001", "has at most 6 decimal places, '0.0000001' has more"),
        ("1000.01", "must be 1000 or less, not '1000.01'"),
        (0.1, "0.1 is a float, which is not exact; give it as text or Decimal"),
        ("10%", LEADING + "'10%'"),
    ],
)
def test_what_is_not_a_share_of_the_advance_is_refused(given: Any, reason: str) -> None:
    problems = problems_of(tiers({"min_failures": 1, "advance_share": given}))
    assert problems == (f"bonus.tiers[0].advance_share: {reason}",)


BOTH = "must have exactly one of amount and advance_share, and has both"
NEITHER = "must have exactly one of amount and advance_share, and has neither"


def test_a_tier_pays_an_amount_or_a_share_and_never_both() -> None:
    both = {"min_failures": 1, "amount": "1.00", "advance_share": "0.1"}
    assert problems_of(tiers(both)) == (f"bonus.tiers[0]: {BOTH}",)


def test_a_tier_without_a_payment_is_refused() -> None:
    assert problems_of(tiers({"min_failures": 1})) == (f"bonus.tiers[0]: {NEITHER}",)
    null = {"min_failures": 1, "amount": None, "advance_share": None}
    assert problems_of(tiers(null)) == (f"bonus.tiers[0]: {NEITHER}",)


def test_a_tier_starts_at_one_failure_or_more() -> None:
    for least, shown in ((0, "0"), (-3, "-3")):
        problems = problems_of(tiers({"min_failures": least, "amount": 1}))
        assert problems == (f"bonus.tiers[0].min_failures: must be 1 or more, not {shown}",)
    missing = problems_of(tiers({"amount": 1}))
    assert missing == ("bonus.tiers[0].min_failures: is missing",)


def test_no_two_tiers_start_at_the_same_failure() -> None:
    same = [{"min_failures": n, "amount": 1} for n in (3, 5, 3)]
    assert problems_of(tiers(*same)) == (
        "bonus.tiers[2].min_failures: 3 is that of bonus.tiers[0] too",
    )


def test_a_tier_is_a_mapping() -> None:
    problems = problems_of(setting("bonus.tiers", [3]))
    assert problems == ("bonus.tiers[0]: must be a mapping, not 3",)


# Unknown keys


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        (setting("grace_day", 1), "grace_day: unknown key; did you mean grace_days?"),
        (setting("Timezone", "UTC"), "Timezone: unknown key; did you mean timezone?"),
        (
            setting("screening.min_acount_age_days", 1),
            "screening.min_acount_age_days: unknown key; did you mean min_account_age_days?",
        ),
        (
            tiers({"min_failures": 1, "amount": 1}, {"min_failures": 3, "amout": 2}),
            "bonus.tiers[1].amout: unknown key; did you mean amount?",
        ),
        (setting("weight_cap", 3), "weight_cap: unknown key; did you mean draw.weight_cap?"),
        (
            setting("history.pay_from", "2026-03-10"),
            "history.pay_from: unknown key; did you mean bonus.pay_from?",
        ),
        (setting("draw.zzz", 3), "draw.zzz: unknown key; known are weight_cap"),
        ({"draw": {7: 3}}, "draw.7: unknown key; known are weight_cap"),
    ],
)
def test_an_unknown_key_is_refused_with_the_nearest_known_name(
    given: dict[str, Any], problem: str
) -> None:
    assert problems_of(given) == (problem,)


def test_a_key_given_twice_is_refused_with_both_lines(file: Any) -> None:
    path = file(
        "grace_days: 1\n"
        "bonus:\n"
        "  tiers:\n"
        "    - min_failures: 1\n"
        "      amount: 1.00\n"
        "      amount: 2.00\n"
        '"grace_days": 2\n'
    )
    with pytest.raises(UsageError) as refused:
        load(path)
    assert refused.value.problems == (
        "bonus.tiers[0].amount: given twice, in line 5 and in line 6",
        "grace_days: given twice, in line 1 and in line 7",
    )


# Every problem at once, and files


def test_every_problem_is_shown_at_once_with_the_name_of_the_file(file: Any) -> None:
    path = file(
        "grace_day: 3\n"
        "rescan_days: -1\n"
        "history: {scope: campaign, min_advance: 1.001}\n"
        "draw: {weight_cap: 3, weight_cap: 4}\n"
        "bonus:\n"
        "  currency: NO\n"  # a truth value to YAML
        "  tiers:\n"
        "    - {min_failures: 3, amout: 2.00}\n"
        "    - {min_failures: 3, amount: 010, advance_share: 0.1}\n"
        "sources: {payment: {colums: {}}}\n"
        "changes: [{form: 2026-03-10}]\n"
    )
    with pytest.raises(UsageError) as refused:
        load(path)
    assert refused.value.headline == f"{path}: 12 problems, nothing was run"
    assert set(refused.value.problems) == {
        "draw.weight_cap: given twice, in line 4 and in line 4",
        "grace_day: unknown key; did you mean grace_days?",
        "rescan_days: must be 0 or more, not -1",
        "history.min_advance: money has at most two decimal places, 1.001 has more",
        "bonus.currency: must be text, not false; quotes make it text",
        "bonus.tiers[0].amout: unknown key; did you mean amount?",
        f"bonus.tiers[1].amount: {LEADING}'010'",
        f"bonus.tiers[1]: {BOTH}",
        "bonus.tiers[1].min_failures: 3 is that of bonus.tiers[0] too",
        "sources.payment.colums: unknown key; did you mean columns?",
        "changes[0].from: is missing",
        "changes[0].form: unknown key; did you mean from?",
    }


def test_a_refused_configuration_is_wrong_usage() -> None:
    with pytest.raises(UsageError) as refused:
        from_mapping({"grace_days": -1})
    assert refused.value.exit_status == 2
    assert str(refused.value) == (
        "settings: 1 problem, nothing was run\n  - grace_days: must be 0 or more, not -1"
    )


def test_a_long_value_is_not_shown_whole() -> None:
    (problem,) = problems_of(setting("timezone", "x" * 10_000_000))
    assert len(problem) < 200


def test_a_file_that_is_not_there_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "absent.yaml"
    with pytest.raises(UsageError) as refused:
        load(path)
    assert str(refused.value) == f"{path}: cannot be read: No such file or directory"


def test_a_folder_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as refused:
        load(tmp_path)
    assert str(refused.value) == f"{tmp_path}: cannot be read: Is a directory"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("bonus: [1, 2", "expected ',' or ']', but got '<stream end>' (line 1, column 13)"),
        ("a: 1\n b: 2", "mapping values are not allowed here (line 2, column 3)"),
        ("\tgrace_days: 2", "found character '\\t' that cannot start any token (line 1, column 1)"),
        (b"PAR1\x00\x01", "unacceptable character"),
        (b"currency: \xff\xfe", "unacceptable character"),
        ("a: 1\n---\na: 2", "but found another document (line 2, column 1)"),
        ("bonus: !!python/object:os.system {}", "could not determine a constructor"),
        ("bonus: !!timestamp never", "could not determine a constructor"),
        ("grace_days: !!int two", "not a readable int (line 1, column 13)"),
        ("grace_days: " + "9" * 5000, "not a readable int (line 1, column 13)"),
        ("[1]: 2", "found unhashable key (line 1, column 1)"),
        ("[" * 2000, "nested too deeply"),
    ],
    ids=lambda content: str(content)[:30],
)
def test_a_file_that_is_not_yaml_is_refused_by_name(
    file: Any, content: str | bytes, reason: str
) -> None:
    path = file(content)
    with pytest.raises(UsageError) as refused:
        load(path)
    assert refused.value.headline.startswith(f"{path}: not YAML: ")
    assert reason in refused.value.headline
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("content", "shown"), [("- grace_days", "a list"), ("grace_days", "'grace_days'"), ("3", "3")]
)
def test_a_file_that_is_not_a_mapping_is_refused_by_name(
    file: Any, content: str, shown: str
) -> None:
    path = file(content)
    with pytest.raises(UsageError) as refused:
        load(path)
    assert str(refused.value) == f"{path}: must be a mapping of settings, not {shown}"


def test_settings_that_are_not_a_mapping_are_refused() -> None:
    with pytest.raises(UsageError, match="settings must be a mapping, not a list"):
        from_mapping([])  # type: ignore[arg-type]


# Comparing configurations

# Another value for every key.
OTHER: dict[str, Any] = {
    "timezone": "UTC",
    "grace_days": 3,
    "rescan_days": 36,
    "retention_days": 91,
    "embedded_memory_mb": 4096,
    "outcome_source": "platform",
    "screening.min_account_age_days": 1,
    "screening.min_credit_score": 600,
    "screening.max_accounts_per_device": 2,
    "draw.weight_cap": 21,
    "history.scope": "category",
    "history.forfeit_resets_streak": False,
    "history.streak_expiry_days": 30,
    "history.min_advance": "0.01",
    "history.attempt_within_seconds": 60,
    "history.max_failures_per_day": 4,
    "bonus.currency": "EUR",
    "bonus.trigger": "at_threshold",
    "bonus.tiers": [],
    "bonus.max_single_award": "49999.99",
    "bonus.max_per_account_per_day": "5.00",
    "bonus.daily_budget": 0,
    "bonus.clawback": True,
    "bonus.pay_from": "2026-03-10",
    "gates.max_quarantine_share": "0.02",
    "sources": {"payment": {"timezone": "UTC"}},
    "changes": [{"from": "2026-03-10", "draw": {"weight_cap": 1}}],
    "campaigns": {"spring": {"draw": {"weight_cap": 1}}},
}
NOT_JUDGING = {
    "rescan_days",
    "retention_days",
    "embedded_memory_mb",
    "gates.max_quarantine_share",
}


def test_judging_names_every_key_but_those_of_looking_keeping_and_stopping() -> None:
    assert set(load(None).judging()) == set(OTHER) - NOT_JUDGING


@pytest.mark.parametrize("path", OTHER)
def test_another_value_changes_the_digest_and_exactly_its_key_of_judging(path: str) -> None:
    usual, other = load(None), from_mapping(setting(path, OTHER[path]))
    assert other.digest() != usual.digest()
    before, after = usual.judging(), other.judging()
    assert {key for key in before if before[key] != after[key]} == {path} - NOT_JUDGING


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (setting("history.min_advance", 0), setting("history.min_advance", "0.0")),
        (setting("history.min_advance", "1e1"), setting("history.min_advance", Decimal("10.00"))),
        (setting("bonus.pay_from", "2026-03-10"), setting("bonus.pay_from", date(2026, 3, 10))),
        (
            setting("gates.max_quarantine_share", "0.010"),
            setting("gates.max_quarantine_share", Decimal("1e-2")),
        ),
        (
            tiers({"min_failures": 1, "advance_share": "0.50"}, {"min_failures": 2, "amount": 1}),
            tiers({"min_failures": 2, "amount": "1.0"}, {"min_failures": 1, "advance_share": ".5"}),
        ),
    ],
)
def test_two_ways_to_say_the_same_have_one_digest(
    one: dict[str, Any], other: dict[str, Any]
) -> None:
    assert from_mapping(one).digest() == from_mapping(other).digest()
    assert from_mapping(one).judging() == from_mapping(other).judging()


def test_the_digest_is_sha256_and_stays_the_same_from_release_to_release() -> None:
    digest = load(None).digest()
    assert digest == "4347f235fcde38f2eca9a022b3cb1029ff21bdaf9873aa921322772ed084db21"


def test_judging_is_text_that_can_be_kept_and_read_back() -> None:
    kept = load(None).judging()
    assert json.loads(json.dumps(kept)) == kept
    assert kept["timezone"] == '"Asia/Shanghai"'
    assert kept["bonus.pay_from"] == "null"
    assert json.loads(kept["bonus.tiers"])[0] == {
        "min_failures": 3,
        "amount": "2.00",
        "advance_share": None,
    }
