"""The sections of the settings, and the overlays that put something else in their place.

docs/rules.md section 9. A section has all of its keys. An overlay has some of them: those of a
campaign, or those that change from a date on.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    StrictBool,
    create_model,
    model_validator,
)
from pydantic_core import CoreSchema

from solatium.settings.values import (
    DAYS,
    INT,
    calendar_date,
    landing_tables,
    list_of,
    mapping_of,
    money,
    or_null,
    portion,
    share_of_advance,
    shown,
    text_of,
    whole,
)

Days = Annotated[int, BeforeValidator(whole(0, DAYS))]
DaysKept = Annotated[
    int, BeforeValidator(whole(1, DAYS, reason="the tables of the newest date are always kept"))
]
MegabytesOrNull = Annotated[int | None, or_null(whole(256))]
Money = Annotated[Decimal, BeforeValidator(money)]
MoneyOrNull = Annotated[Decimal | None, or_null(money)]


class Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _is_mapping(cls, value: object) -> dict[str, Any]:
        return {
            key if isinstance(key, str) else shown(key): v for key, v in mapping_of(value).items()
        }


class Screening(Section):
    """Who qualifies (docs/rules.md section 4); null asks nothing."""

    min_account_age_days: Days
    min_credit_score: Annotated[int | None, or_null(whole(-INT))]
    max_accounts_per_device: Annotated[
        int | None,
        or_null(whole(1, reason="with 0 nobody who names a device qualifies; null sets no limit")),
    ]


class Draw(Section):
    """How a streak weighs in a weighted_lottery (docs/rules.md section 5)."""

    weight_cap: Annotated[int, BeforeValidator(whole(0))]


class History(Section):
    """What counts, and what it does to a streak (docs/rules.md section 7)."""

    scope: Literal["all", "campaign", "category"]
    forfeit_resets_streak: StrictBool
    # 0 has a meaning: the streak lasts for the outcomes of one business date
    streak_expiry_days: Annotated[int | None, or_null(whole(0, DAYS))]
    min_advance: Money
    attempt_within_seconds: Annotated[
        int | None,
        or_null(whole(1, reason="with 0 no first_come loss counts; null sets no limit")),
    ]
    max_failures_per_day: Annotated[
        int | None, or_null(whole(1, reason="with 0 no loss counts; null sets no limit"))
    ]


class Tier(Section):
    """What a streak of `min_failures` or more pays: a fixed `amount`, or a share of the advance.

    Exactly one of the two is not None. `advance_share` has at most six decimal places and is at
    most 1000, so that its product with an advance and a quantity is exact in 38 digits.
    """

    min_failures: Annotated[int, BeforeValidator(whole(1))]
    amount: MoneyOrNull = None
    advance_share: Annotated[Decimal | None, or_null(share_of_advance)] = None


def _ascending(tiers: tuple[Tier, ...]) -> tuple[Tier, ...]:
    return tuple(sorted(tiers, key=lambda tier: tier.min_failures))


class Bonus(Section):
    """What a counted loss pays (docs/rules.md section 8); money has two decimal places.

    `tiers` are in the order of `min_failures`, whatever order they were written in; none of them
    means that nothing is paid.
    """

    currency: Annotated[str, BeforeValidator(text_of)]
    trigger: Literal["every", "at_threshold"]
    tiers: Annotated[tuple[Tier, ...], BeforeValidator(list_of), AfterValidator(_ascending)]
    max_single_award: Money
    max_per_account_per_day: MoneyOrNull
    daily_budget: MoneyOrNull
    clawback: StrictBool
    pay_from: Annotated[date | None, or_null(calendar_date)]


class Gates(Section):
    """What stops a run before anything downstream of it changes (docs/rules.md section 2)."""

    max_quarantine_share: Annotated[Decimal, BeforeValidator(portion)]
    required_tables: Annotated[tuple[str, ...], BeforeValidator(landing_tables)]
    min_share_of_usual: Annotated[Decimal | None, or_null(portion)]


# Overlays


@dataclass(frozen=True)
class _Some:
    """Marks a field that holds some keys of a section, as a model that leaves the others unset."""

    section: type[Section]
    without: str = ""

    @cached_property
    def model(self) -> type[Section]:
        fields: dict[str, Any] = {
            name: (field.rebuild_annotation(), None)
            for name, field in self.section.model_fields.items()
            if name != self.without
        }
        return create_model(f"Some{self.section.__name__}", __base__=Section, **fields)

    def __get_pydantic_core_schema__(self, _: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return handler.generate_schema(self.model)


SomeScreening = Annotated[Any, _Some(Screening)]
SomeDraw = Annotated[Any, _Some(Draw)]
SomeHistory = Annotated[Any, _Some(History, without="scope")]  # a streak has one scope for ever
SomeBonus = Annotated[Any, _Some(Bonus)]


class Campaign(Section):
    """What one campaign has otherwise; what is unset is as for all."""

    screening: SomeScreening = None
    draw: SomeDraw = None
    bonus: SomeBonus = None


def _campaign_id(name: object) -> str:
    if not isinstance(name, str):
        raise ValueError(f"a campaign is named by text, not {shown(name)}; quotes make it text")
    if not name:  # windows without a campaign have none of their own settings
        raise ValueError("the name of a campaign must not be empty")
    return name


CampaignId = Annotated[str, BeforeValidator(_campaign_id)]
Campaigns = Annotated[dict[CampaignId, Campaign], BeforeValidator(mapping_of)]


class Change(Section):
    """What is otherwise from a business date on, `first_day`; what is unset stays as it is."""

    first_day: Annotated[date, BeforeValidator(calendar_date)] = Field(alias="from")
    screening: SomeScreening = None
    draw: SomeDraw = None
    history: SomeHistory = None
    bonus: SomeBonus = None
    campaigns: Campaigns = {}


def _by_date(changes: tuple[Change, ...]) -> tuple[Change, ...]:
    return tuple(sorted(changes, key=lambda change: change.first_day))


Changes = Annotated[tuple[Change, ...], BeforeValidator(list_of), AfterValidator(_by_date)]


class Regime(Section):
    """The settings in force on one business date for one campaign."""

    screening: Screening
    draw: Draw
    history: History
    bonus: Bonus
