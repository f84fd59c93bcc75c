"""Settings that are otherwise from a date on, or for a campaign: what they may say, and what holds.

docs/rules.md section 9.2 and 9.3.
"""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from pyspark.sql import Column
from pyspark.sql import functions as F
from rows import DAY, days

from solatium.engine import Engine
from solatium.errors import UsageError
from solatium.settings.differences import differences, differences_of_all_dates
from solatium.settings.load import Settings, from_mapping
from solatium.settings.regimes import Regimes

NEXT = days(1)
LATER = days(30)
AMOUNTS = {"min_failures": 1, "amount": "1.00"}


def change(first: object = DAY, **sections: Any) -> dict[str, Any]:
    """One element of `changes`."""
    return {"from": first, **sections}


def changed(*changes: Any) -> Settings:
    return from_mapping({"changes": list(changes)})


def problems_of(mapping: dict[str, Any]) -> tuple[str, ...]:
    with pytest.raises(UsageError) as refused:
        from_mapping(mapping)
    return refused.value.problems


def capped(weight_cap: int) -> dict[str, Any]:
    """An overlay that says one thing."""
    return {"draw": {"weight_cap": weight_cap}}


# What an overlay may not say

ONE_OF = "must have exactly one of amount and advance_share, and has"
NO_LOSS = "must be 1 or more, not 0: with 0 no loss counts; null sets no limit"
NO_DEVICE = (
    "must be 1 or more, not 0: with 0 nobody who names a device qualifies; null sets no limit"
)
ALL_CAMPAIGNS = "is the same for all campaigns; set {} outside of campaigns"
ALL_DATES = "is the same for all dates; set {} outside of changes"
KNOWN = "unknown key; known are from, screening, draw, history, bonus, campaigns"


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({}, "[0].from: is missing"),
        (3, "[0]: must be a mapping, not 3"),
        (change(None), "[0].from: must be a date YYYY-MM-DD, not null"),
        (change("soon"), "[0].from: must be a date YYYY-MM-DD, not 'soon'"),
        (change(20260310), "[0].from: must be a date YYYY-MM-DD, not 20260310"),
        (change("2026-02-30"), "[0].from: 2026-02-30 is not in the calendar"),
        (change(first_day=DAY), f"[0].first_day: {KNOWN}"),
        (change(changes=[]), f"[0].changes: {KNOWN}"),
        (change(bonos={}), "[0].bonos: unknown key; did you mean bonus?"),
        (change(weight_cap=3), "[0].weight_cap: unknown key; did you mean draw.weight_cap?"),
        (
            change(timezone="UTC"),
            f"[0].timezone: {ALL_DATES.format('timezone')}",
        ),
        (change(gates={}), f"[0].gates: {ALL_DATES.format('gates')}"),
        (
            change(history={"scope": "all"}),
            f"[0].history.scope: {ALL_DATES.format('history.scope')}",
        ),
        (change(bonus=None), "[0].bonus: must be a mapping, not null"),
        (change(bonus={"teirs": []}), "[0].bonus.teirs: unknown key; did you mean tiers?"),
        (change(bonus={"tiers": None}), "[0].bonus.tiers: must be a list, not null"),
        (
            change(bonus={"trigger": "once"}),
            "[0].bonus.trigger: must be every or at_threshold, not 'once'",
        ),
        (
            change(bonus={"daily_budget": "1.001"}),
            "[0].bonus.daily_budget: money has at most two decimal places, '1.001' has more",
        ),
        (
            change(draw={"weight_cap": None}),
            "[0].draw.weight_cap: must be a whole number, not null",
        ),
        (
            change(screening={"min_credit_score": "high"}),
            "[0].screening.min_credit_score: must be a whole number, not 'high'",
        ),
        (
            change(history={"max_failures_per_day": 0}),
            f"[0].history.max_failures_per_day: {NO_LOSS}",
        ),
        (change(bonus={"tiers": [{"min_failures": 1}]}), f"[0].bonus.tiers[0]: {ONE_OF} neither"),
        (change(campaigns=None), "[0].campaigns: must be a mapping, not null"),
        (change(campaigns={"c1": None}), "[0].campaigns.c1: must be a mapping, not null"),
        (
            change(campaigns={"c1": {"history": {}}}),
            f"[0].campaigns.c1.history: {ALL_CAMPAIGNS.format('history')}",
        ),
    ],
)
def test_an_impossible_change_is_refused_with_the_reason(given: Any, problem: str) -> None:
    assert problems_of({"changes": [given]}) == (f"changes{problem}",)


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({7: {}}, ": a campaign is named by text, not 7; quotes make it text"),
        ({None: {}}, ": a campaign is named by text, not null; quotes make it text"),
        ({"": {}}, ": the name of a campaign must not be empty"),
        ({"c1": []}, ".c1: must be a mapping, not a list"),
        ({"c1": {"boni": {}}}, ".c1.boni: unknown key; did you mean bonus?"),
        (
            {"c1": {"clawback": True}},
            ".c1.clawback: unknown key; did you mean bonus.clawback?",
        ),
        (
            {"c1": {"bonus": {"clawbak": True}}},
            ".c1.bonus.clawbak: unknown key; did you mean clawback?",
        ),
        (
            {"c1": {"min_advance": "1.00"}},
            f".c1.min_advance: {ALL_CAMPAIGNS.format('history.min_advance')}",
        ),
        ({"c1": {"campaigns": {}}}, ".c1.campaigns: unknown key; known are screening, draw, bonus"),
        # campaigns that are named like keys
        ({"bonus": {"zzz": 1}}, ".bonus.zzz: unknown key; known are screening, draw, bonus"),
        ({"bonus": {"draw": {"zzz": 1}}}, ".bonus.draw.zzz: unknown key; known are weight_cap"),
        (
            {"c1": {"screening": {"max_accounts_per_device": 0}}},
            f".c1.screening.max_accounts_per_device: {NO_DEVICE}",
        ),
        (
            {"c1": {"bonus": {"tiers": [AMOUNTS | {"advance_share": "0.1"}]}}},
            f".c1.bonus.tiers[0]: {ONE_OF} both",
        ),
        (
            {"c1": {"bonus": {"tiers": [AMOUNTS, AMOUNTS]}}},
            ".c1.bonus.tiers[1].min_failures: 1 is that of campaigns.c1.bonus.tiers[0] too",
        ),
    ],
)
def test_an_impossible_campaign_is_refused_with_the_reason(given: Any, problem: str) -> None:
    assert problems_of({"campaigns": given}) == (f"campaigns{problem}",)


def test_every_problem_of_overlays_is_shown_with_its_whole_path() -> None:
    tiers = [AMOUNTS | {"advance_share": "0.1"}, {"min_failures": 1, "amout": 2}]
    given = change(
        history={"scope": "all", "min_advance": "0.001"},
        campaigns={"c1": {"bonus": {"tiers": tiers}}, 7: {}},
    )
    at = "changes[1].campaigns.c1.bonus.tiers"
    assert set(problems_of({"changes": [change(), given]})) == {
        f"changes[1].history.scope: {ALL_DATES.format('history.scope')}",
        "changes[1].history.min_advance: money has at most two decimal places, '0.001' has more",
        "changes[1].campaigns: a campaign is named by text, not 7; quotes make it text",
        f"{at}[0]: {ONE_OF} both",
        f"{at}[1].amout: unknown key; did you mean amount?",
        f"{at}[1].min_failures: 1 is that of {at}[0] too",
    }


# What holds on a date, for a campaign


def weight_cap(settings: Settings, day: date, campaign: str | None = None) -> int:
    return settings.on(day, campaign).draw.weight_cap


def test_a_change_holds_from_its_date_on() -> None:
    settings = changed(change(DAY, **capped(3)))
    assert [weight_cap(settings, day) for day in (days(-1), DAY, LATER)] == [20, 3, 3]


def test_changes_apply_in_order_of_their_dates_and_equal_ones_in_list_order() -> None:
    later, first, second = (change(NEXT, **capped(1)), *(change(DAY, **capped(n)) for n in (2, 3)))
    settings = changed(later, first, second)
    assert [weight_cap(settings, day) for day in (DAY, NEXT)] == [3, 1]
    assert weight_cap(changed(second, first), DAY) == 2


def test_in_changes_mappings_merge_and_lists_replace() -> None:
    settings = changed(
        change(DAY, bonus={"trigger": "at_threshold", "daily_budget": "9.00"}),
        change(NEXT, bonus={"tiers": [AMOUNTS], "daily_budget": None}),
    )
    before, then = settings.on(DAY, None).bonus, settings.on(NEXT, None).bonus
    assert [tier.min_failures for tier in before.tiers] == [3, 5, 10]
    assert [tier.amount for tier in then.tiers] == [Decimal("1.00")]
    assert (before.trigger, then.trigger) == ("at_threshold", "at_threshold")
    assert (before.daily_budget, then.daily_budget) == (Decimal("9.00"), None)
    assert then.currency == "CNY"


def test_the_settings_of_a_campaign_lie_over_those_of_the_date() -> None:
    settings = from_mapping(
        {"campaigns": {"spring": capped(5)}, "changes": [change(DAY, **capped(1))]}
    )
    for day, of_all in ((days(-1), 20), (DAY, 1)):
        assert weight_cap(settings, day, "spring") == 5
        assert weight_cap(settings, day, "autumn") == of_all
        assert weight_cap(settings, day, None) == of_all


def test_a_change_to_a_campaign_merges_with_what_the_campaign_has() -> None:
    settings = from_mapping(
        {
            "campaigns": {"spring": {**capped(5), "bonus": {"trigger": "at_threshold"}}},
            "changes": [
                change(NEXT, **capped(1)),  # later than the campaign's own, and yet under it
                change(DAY, campaigns={"spring": capped(6), "new": {"bonus": {"tiers": []}}}),
            ],
        }
    )
    assert [weight_cap(settings, day, "spring") for day in (days(-1), DAY, NEXT)] == [5, 6, 6]
    assert [weight_cap(settings, day, "new") for day in (DAY, NEXT)] == [20, 1]
    assert settings.on(DAY, "spring").bonus.trigger == "at_threshold"
    assert settings.on(days(-1), "new").bonus.tiers != ()
    assert settings.on(DAY, "new").bonus.tiers == ()
    assert settings.named_campaigns() == ["new", "spring"]
    assert settings.first_days() == [DAY, NEXT]


def test_null_in_an_overlay_is_a_value_and_not_silence() -> None:
    budget = {"bonus": {"daily_budget": "9.00"}}
    free = from_mapping(budget | {"campaigns": {"spring": {"bonus": {"daily_budget": None}}}})
    silent = from_mapping(budget | {"campaigns": {"spring": {"bonus": {}}}})
    assert free.on(DAY, "spring").bonus.daily_budget is None
    assert silent.on(DAY, "spring").bonus.daily_budget == Decimal("9.00")
    assert free.digest() != silent.digest()


# Kept and read back

BUSY = {
    "timezone": "UTC",
    "bonus": {"tiers": [{"min_failures": 2, "advance_share": "0.5"}], "pay_from": DAY},
    "campaigns": {"spring": {"bonus": {"daily_budget": None, "tiers": [AMOUNTS]}}, "a.b 语": {}},
    "changes": [
        change(NEXT, screening={"min_credit_score": 600}, history={"min_advance": "0.50"}),
        change(DAY, campaigns={"spring": {"draw": {"weight_cap": 0}}}),
    ],
}


def test_settings_come_back_from_what_a_commit_record_keeps() -> None:
    settings = from_mapping(BUSY)
    kept = json.loads(json.dumps(settings.judging()))
    again = Settings.from_judging(kept)
    assert again.judging() == settings.judging()
    for day in (days(-1), DAY, NEXT):
        for campaign in (None, "spring", "a.b 语", "other"):
            assert again.on(day, campaign) == settings.on(day, campaign)


def test_a_record_of_a_version_with_fewer_keys_has_the_defaults_for_them() -> None:
    kept = from_mapping(BUSY).judging()
    del kept["history.max_failures_per_day"]
    assert Settings.from_judging(kept).history.max_failures_per_day == 3


# What differs

WINDOWS = {DAY: {None}, NEXT: {None, "spring"}, LATER: {"spring", "autumn"}}


def told(now: dict[str, Any], then: dict[str, Any] | None = None, judged: Any = WINDOWS) -> list:
    found = differences(from_mapping(now), from_mapping(then or {}), judged)
    return [str(difference) for difference in found]


def test_equal_settings_differ_nowhere() -> None:
    assert told(BUSY, BUSY) == []
    assert told({"rescan_days": 1, "gates": {"max_quarantine_share": 1}}) == []
    # said in another way
    assert told({"changes": [change(DAY, **capped(20))]}) == []


def test_a_key_differs_from_the_first_to_the_last_date_that_was_judged_by_it() -> None:
    assert told(capped(3)) == [f"draw.weight_cap: was 20, now 3 ({DAY} to {LATER})"]
    assert told(capped(3), judged={DAY: {None}}) == [f"draw.weight_cap: was 20, now 3 ({DAY})"]


def test_a_change_differs_from_its_date_on() -> None:
    assert told({"changes": [change(NEXT, **capped(3))]}) == [
        f"draw.weight_cap: was 20, now 3 ({NEXT} to {LATER})"
    ]
    assert told({"changes": [change(days(1, LATER), **capped(3))]}) == []


def test_a_change_moved_to_another_date_differs_between_the_two() -> None:
    then, now = ({"changes": [change(day, **capped(3))]} for day in (NEXT, LATER))
    assert told(now, then) == [f"draw.weight_cap: was 3, now 20 ({NEXT})"]


def test_other_values_on_other_dates_are_told_apart() -> None:
    now = {"changes": [change(DAY, **capped(3)), change(NEXT), change(LATER, **capped(4))]}
    assert told(now) == [
        f"draw.weight_cap: was 20, now 3 ({DAY} to {NEXT})",
        f"draw.weight_cap: was 20, now 4 ({LATER})",
    ]
    back = {"changes": [change(day, **capped(n)) for day, n in ((DAY, 3), (NEXT, 20), (LATER, 3))]}
    assert told(back) == [
        f"draw.weight_cap: was 20, now 3 ({DAY})",
        f"draw.weight_cap: was 20, now 3 ({LATER})",
    ]


def test_what_differs_for_a_campaign_alone_names_it() -> None:
    assert told({"campaigns": {"spring": capped(3)}}) == [
        f"draw.weight_cap of campaign spring: was 20, now 3 ({NEXT} to {LATER})"
    ]
    both = capped(3) | {"campaigns": {"spring": capped(4), "autumn": capped(20)}}
    assert told(both) == [
        f"draw.weight_cap: was 20, now 3 ({DAY} to {NEXT})",
        f"draw.weight_cap of campaign spring: was 20, now 4 ({NEXT} to {LATER})",
    ]


def test_what_differs_alike_for_all_names_no_campaign() -> None:
    spring = {"campaigns": {"spring": {"bonus": {"trigger": "at_threshold"}}}}
    assert told(spring | capped(3), spring) == [
        f"draw.weight_cap: was 20, now 3 ({DAY} to {LATER})"
    ]


def test_settings_that_no_window_was_judged_by_do_not_differ() -> None:
    assert told({"campaigns": {"summer": capped(3)}}) == []
    assert told({"changes": [change(days(2), **capped(3)), change(LATER, **capped(20))]}) == []


def test_keys_of_all_dates_differ_on_all_of_them() -> None:
    now = {"timezone": "UTC", "grace_days": 3, "history": {"scope": "campaign"}}
    found = differences_of_all_dates(from_mapping(now), from_mapping({}), DAY, LATER)
    assert [str(difference) for difference in found] == [
        f'timezone: was "Asia/Shanghai", now "UTC" ({DAY} to {LATER})',
        f"grace_days: was 2, now 3 ({DAY} to {LATER})",
        f'history.scope: was "all", now "campaign" ({DAY} to {LATER})',
    ]
    assert told(now) == []


# Regimes, as columns


def looked_up(running: Engine, settings: Settings, *columns: Any) -> list[tuple]:
    """For each date and campaign, what `columns` make of the regime's number."""
    regimes = Regimes(settings)
    places = [
        (place, day, campaign)
        for place, (day, campaign) in enumerate(
            (day, campaign)
            for day in (days(-1), DAY, NEXT, LATER)
            for campaign in (None, "spring", "other")
        )
    ]
    frame = running.spark.createDataFrame(places, "place int, day date, campaign string")
    numbered = frame.withColumn("regime", regimes.number(F.col("day"), F.col("campaign")))
    rows = numbered.select(
        "place", "day", "campaign", *(column(regimes) for column in columns)
    ).collect()
    return [tuple(row)[1:] for row in sorted(rows)]


def test_a_window_is_judged_by_the_regime_of_its_date_and_campaign(running: Engine) -> None:
    settings = from_mapping(BUSY)

    def least_failures(tiers: tuple) -> Column:
        return F.lit(tiers[0].min_failures)

    found = looked_up(
        running,
        settings,
        lambda r: r.setting(lambda regime: regime.draw.weight_cap, "int"),
        lambda r: r.setting(lambda regime: regime.history.min_advance, "decimal(18,2)"),
        lambda r: r.setting(lambda regime: regime.screening.min_credit_score, "int"),
        lambda r: r.setting(lambda regime: regime.bonus.pay_from, "date"),
        lambda r: r.by(lambda regime: regime.bonus.tiers, least_failures),
    )
    for day, campaign, *values in found:
        regime = settings.on(day, campaign)
        assert values == [
            regime.draw.weight_cap,
            regime.history.min_advance,
            regime.screening.min_credit_score,
            regime.bonus.pay_from,
            regime.bonus.tiers[0].min_failures,
        ]
    assert len({tuple(values) for _, _, *values in found}) == 5
    assert len(Regimes(settings).distinct) == 5


def test_without_overlays_there_is_one_regime(running: Engine) -> None:
    settings = from_mapping({"changes": [change(DAY)], "campaigns": {"spring": {}}})
    assert len(Regimes(settings).distinct) == 1
    found = looked_up(
        running,
        settings,
        lambda regimes: regimes.number(F.col("day"), F.col("campaign")),
        lambda regimes: regimes.setting(lambda regime: regime.draw.weight_cap, "int"),
    )
    assert {tuple(values) for _, _, *values in found} == {(0, 20)}
