"""The settings of a run: read once, checked whole, then frozen and passed down.

docs/rules.md section 9 says what each key means; conf/defaults.yaml has the defaults, and no others
are written here. `load` and `from_mapping` are the ways to a Settings: they alone check what
concerns several keys at once, and they report every problem, not the first.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    StrictBool,
    ValidationError,
    field_validator,
    model_validator,
)

from solatium.errors import UsageError
from solatium.exact_yaml import read
from solatium.resources import data_folder
from solatium.setting_problems import problems
from solatium.setting_values import (
    DAYS,
    INT,
    calendar_date,
    list_of,
    mapping_of,
    money,
    or_null,
    portion,
    share_of_advance,
    shown,
    text_of,
    time_zone,
    whole,
)

# The keys that this version only knows by name, and the one value of each that it can follow.
_NOT_YET: dict[str, Any] = {
    "history.scope": "all",
    "bonus.max_per_account_per_day": None,
    "bonus.daily_budget": None,
    "sources": {},
    "changes": [],
    "campaigns": {},
}

Days = Annotated[int, BeforeValidator(whole(0, DAYS))]
Money = Annotated[Decimal, BeforeValidator(money)]
MoneyOrNull = Annotated[Decimal | None, or_null(money)]


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _is_mapping(cls, value: object) -> dict[str, Any]:
        return {
            key if isinstance(key, str) else shown(key): v for key, v in mapping_of(value).items()
        }


class Screening(_Section):
    """Who qualifies (docs/rules.md section 4); null asks nothing."""

    min_account_age_days: Days
    min_credit_score: Annotated[int | None, or_null(whole(-INT))]
    max_accounts_per_device: Annotated[
        int | None,
        or_null(whole(1, reason="with 0 nobody who names a device qualifies; null sets no limit")),
    ]


class Draw(_Section):
    """How a streak weighs in a weighted_lottery (docs/rules.md section 5)."""

    weight_cap: Annotated[int, BeforeValidator(whole(0))]


class History(_Section):
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


class Tier(_Section):
    """What a streak of `min_failures` or more pays: a fixed `amount`, or a share of the advance.

    Exactly one of the two is not None. `advance_share` has at most six decimal places and is at
    most 1000, so that its product with an advance and a quantity is exact in 38 digits.
    """

    min_failures: Annotated[int, BeforeValidator(whole(1))]
    amount: MoneyOrNull = None
    advance_share: Annotated[Decimal | None, or_null(share_of_advance)] = None


class Bonus(_Section):
    """What a counted loss pays (docs/rules.md section 8); money has two decimal places.

    `tiers` are in the order of `min_failures`, whatever order they were written in; none of them
    means that nothing is paid.
    """

    currency: Annotated[str, BeforeValidator(text_of)]
    trigger: Literal["every", "at_threshold"]
    tiers: Annotated[tuple[Tier, ...], BeforeValidator(list_of)]
    max_single_award: Money
    max_per_account_per_day: MoneyOrNull
    daily_budget: MoneyOrNull
    clawback: StrictBool
    pay_from: Annotated[date | None, or_null(calendar_date)]

    @field_validator("tiers")
    @classmethod
    def _ascending(cls, tiers: tuple[Tier, ...]) -> tuple[Tier, ...]:
        return tuple(sorted(tiers, key=lambda tier: tier.min_failures))


class Gates(_Section):
    """What stops a run before anything downstream of it changes (docs/rules.md section 2)."""

    max_quarantine_share: Annotated[Decimal, BeforeValidator(portion)]


class Settings(_Section):
    """One whole configuration (docs/rules.md section 9). Equal settings have equal digests."""

    timezone: Annotated[str, BeforeValidator(time_zone)]
    grace_days: Days
    rescan_days: Days
    outcome_source: Literal["replay", "platform"]
    screening: Screening
    draw: Draw
    history: History
    bonus: Bonus
    gates: Gates
    sources: Annotated[dict[str, Any], BeforeValidator(mapping_of)]
    changes: Annotated[tuple[Any, ...], BeforeValidator(list_of)]
    campaigns: Annotated[dict[str, Any], BeforeValidator(mapping_of)]

    def digest(self) -> str:
        """Lower-case hex SHA-256 of all settings, as JSON with sorted keys."""
        return sha256(_canonical(self.model_dump(mode="json")).encode()).hexdigest()

    def judging(self) -> dict[str, str]:
        """Dotted key -> canonical text, of every key that decides how a date is judged.

        That is all but `rescan_days` and `gates`, which decide what a run looks at and whether it
        goes on. Two configurations judge alike when these are equal; the keys that differ are what
        a refusal names.
        """
        flat: dict[str, str] = {}
        for key, value in self.model_dump(mode="json", exclude={"rescan_days", "gates"}).items():
            if isinstance(getattr(self, key), _Section):
                flat |= {f"{key}.{name}": _canonical(inner) for name, inner in value.items()}
            else:
                flat[key] = _canonical(value)
        return flat


def _canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def load(path: Path | None) -> Settings:
    """The settings of a YAML file over the defaults, or with None the defaults.

    An empty file changes nothing. Raises UsageError with the file's name and every problem.
    """
    if path is None:
        return from_mapping({})
    try:
        document, repeated = read(Path(path).read_bytes())
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror or error}") from None
    except ValueError as error:
        raise UsageError(f"{path}: not YAML: {error}") from None
    if document is None:
        document = {}
    if not isinstance(document, dict):
        raise UsageError(f"{path}: must be a mapping of settings, not {shown(document)}")
    return _settings(document, str(path), repeated)


def from_mapping(mapping: Mapping[str, Any]) -> Settings:
    """The settings of a mapping over the defaults, checked as those of a file are.

    Money is Decimal, text or int, never float; dates are date or text YYYY-MM-DD. Raises
    UsageError with every problem.
    """
    if not isinstance(mapping, Mapping):
        raise UsageError(f"settings must be a mapping, not {shown(mapping)}")
    return _settings(mapping, "settings", [])


@cache
def _defaults() -> dict[str, Any]:
    document, repeated = read((data_folder("conf") / "defaults.yaml").read_bytes())
    if repeated or not isinstance(document, dict):
        raise UsageError("conf/defaults.yaml: not a mapping of settings", repeated)
    return document


def _settings(given: Mapping[str, Any], source: str, repeated: list[str]) -> Settings:
    merged = _merged(_defaults(), given)
    settings = None
    found: list[tuple[str, str]] = []
    try:
        settings = Settings.model_validate(merged)
    except ValidationError as error:
        found = problems(Settings, error)
    found += _tier_problems(merged)
    found += _not_yet_problems(merged, {path for path, _ in found})
    lines = repeated + [f"{path}: {reason}" for path, reason in found]
    if settings is None or lines:
        count = "1 problem" if len(lines) == 1 else f"{len(lines)} problems"
        raise UsageError(f"{source}: {count}, nothing was run", lines)
    return settings


def _merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Mappings merge, everything else is replaced."""
    merged = dict(base)
    for key, value in over.items():
        below = base.get(key)
        if isinstance(below, Mapping) and isinstance(value, Mapping):
            value = _merged(below, value)
        merged[key] = value
    return merged


def _tier_problems(merged: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What one tier, and all of them together, must fulfil, looked at whatever else is wrong."""
    bonus = merged["bonus"]
    tiers = bonus.get("tiers") if isinstance(bonus, Mapping) else None
    first: dict[int, int] = {}
    for place, tier in enumerate(tiers if isinstance(tiers, list | tuple) else []):
        if not isinstance(tier, Mapping):
            continue
        pays = [key for key in ("amount", "advance_share") if tier.get(key) is not None]
        slipped = tier.keys() - Tier.model_fields.keys()  # perhaps what was meant; reported already
        if len(pays) > 1 or (not pays and not slipped):
            has = "both" if pays else "neither"
            reason = f"must have exactly one of amount and advance_share, and has {has}"
            yield f"bonus.tiers[{place}]", reason
        least = tier.get("min_failures")
        if isinstance(least, int) and first.setdefault(least, place) != place:
            reason = f"{shown(least)} is that of bonus.tiers[{first[least]}] too"
            yield f"bonus.tiers[{place}].min_failures", reason


def _not_yet_problems(merged: Mapping[str, Any], wrong: set[str]) -> Iterator[tuple[str, str]]:
    """The keys of _NOT_YET whose value is sound, but not one that this version can follow."""
    for path, followed in _NOT_YET.items():
        value: Any = merged
        for step in path.split("."):
            value = value.get(step) if isinstance(value, Mapping) else followed
        if isinstance(value, tuple):
            value = list(value)
        if value != followed and path not in wrong:
            yield path, f"this version does not handle it yet; it must be {json.dumps(followed)}"
