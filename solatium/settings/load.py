"""The settings of a run: read once, checked whole, then frozen and passed down.

docs/rules.md section 9 says what each key means; conf/defaults.yaml has the defaults, and no others
are written here. `load` and `from_mapping` are the ways to a Settings: they alone check what
concerns several keys at once, and they report every problem, not the first.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import date
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, ValidationError

from solatium.errors import UsageError
from solatium.resources import data_folder
from solatium.settings.exact_yaml import read
from solatium.settings.problems import problems
from solatium.settings.sections import (
    Bonus,
    Campaigns,
    Changes,
    Days,
    DaysKept,
    Draw,
    Gates,
    History,
    MegabytesOrNull,
    Regime,
    Screening,
    Section,
    Tier,
)
from solatium.settings.sources import Sources, source_problems
from solatium.settings.values import patterns, shown, time_zone


class Settings(Section):
    """One whole configuration (docs/rules.md section 9). Equal settings have equal digests."""

    timezone: Annotated[str, BeforeValidator(time_zone)]
    grace_days: Days
    rescan_days: Days
    retention_days: DaysKept
    embedded_memory_mb: MegabytesOrNull
    outcome_source: Literal["replay", "platform"]
    screening: Screening
    draw: Draw
    history: History
    bonus: Bonus
    gates: Gates
    ignored_files: Annotated[tuple[str, ...], BeforeValidator(patterns)]
    sources: Sources
    changes: Changes
    campaigns: Campaigns

    def on(self, day: date, campaign_id: str | None) -> Regime:
        """The settings in force: changes first, in order of their dates, then the campaign's."""
        whole = {name: getattr(self, name).model_dump() for name in Regime.model_fields}
        campaigns = _set(self, "campaigns")
        for change in self.changes:
            if change.first_day <= day:
                over = change.model_dump(exclude_unset=True, exclude={"first_day"})
                campaigns = merged(campaigns, over.pop("campaigns", {}))
                whole = merged(whole, over)
        return Regime.model_validate(merged(whole, campaigns.get(campaign_id or "", {})))

    def named_campaigns(self) -> list[str]:
        """The campaigns for which something is otherwise, on some date."""
        names = {*self.campaigns, *(name for change in self.changes for name in change.campaigns)}
        return sorted(names)

    def first_days(self) -> list[date]:
        """The dates from which something is otherwise, ascending."""
        return sorted({change.first_day for change in self.changes})

    def digest(self) -> str:
        """Lower-case hex SHA-256 of all settings, as JSON with sorted keys.

        Keys that an earlier release did not have are left out while they have their defaults, so
        that the same configuration keeps its digest.
        """
        said, plain = self._as_json(), from_mapping({})._as_json()
        for section, *names in _LATER:
            inside = said if not names else said[section]
            for name in names or [section]:
                if inside[name] == (plain if not names else plain[section])[name]:
                    del inside[name]
        return sha256(canonical(said).encode()).hexdigest()

    def _as_json(self) -> dict[str, Any]:
        sections = self.model_dump(mode="json", exclude={*_PARTIAL})
        return sections | _set(self, *_PARTIAL, mode="json")

    def judging(self) -> dict[str, str]:
        """Dotted key -> canonical text, of every key that decides how a date is judged.

        That is all but those that decide what a run looks at, how long tables are kept, what memory
        an engine may take, and whether a run goes on. Two configurations judge alike when these are
        equal; the keys that differ are what a refusal names.
        """
        flat: dict[str, str] = {}
        for key, value in self._as_json().items():
            if key in _NOT_JUDGING:
                continue
            if isinstance(getattr(self, key), Section):
                flat |= {f"{key}.{name}": canonical(inner) for name, inner in value.items()}
            else:
                flat[key] = canonical(value)
        return flat

    @staticmethod
    def from_judging(flat: Mapping[str, str]) -> Settings:
        """The settings that gave `judging()`; keys that judge nothing have their defaults."""
        nested: dict[str, Any] = {}
        for key, text in flat.items():
            section, _, name = key.rpartition(".")
            inside = nested.setdefault(section, {}) if section else nested
            inside[name] = json.loads(text)
        return from_mapping(nested)


# Keys that the first release did not have.
_LATER = (("gates", "required_tables", "min_share_of_usual"), ("ignored_files",))

_NOT_JUDGING = ("rescan_days", "retention_days", "embedded_memory_mb", "gates", "ignored_files")
_PARTIAL = ("sources", "changes", "campaigns")  # of these, what is unset is not there


def _set(settings: Settings, *names: str, mode: Literal["python", "json"] = "python") -> Any:
    """Keys of _PARTIAL as they were written: what is set, and nothing else."""
    dumped = settings.model_dump(mode=mode, include={*names}, exclude_unset=True, by_alias=True)
    return dumped if len(names) > 1 else dumped[names[0]]


def canonical(value: Any) -> str:
    """A value as JSON: equal values give equal text."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def load(path: Path | None) -> Settings:
    """The settings of a YAML file over the defaults, or with None the defaults.

    An empty file changes nothing. Raises UsageError with the file's name and every problem.
    """
    if path is None:
        return from_mapping({})
    return _settings(*_document(path))


def written(path: Path | None) -> dict[str, Any]:
    """What a YAML file says by itself, unchecked; with None nothing."""
    return _document(path)[0] if path else {}


def _document(path: Path) -> tuple[dict[str, Any], str, list[str]]:
    """What a file says, its name, and the keys that it gives twice."""
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
    return document, str(path), repeated


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
    whole = merged(_defaults(), given)
    settings = None
    found: list[tuple[str, str]] = []
    try:
        settings = Settings.model_validate(whole)
    except ValidationError as error:
        found = problems(Settings, error)
    found += _tier_problems(whole)
    found += source_problems(whole.get("sources"))
    lines = repeated + [f"{path}: {reason}" for path, reason in found]
    if settings is None or lines:
        count = "1 problem" if len(lines) == 1 else f"{len(lines)} problems"
        raise UsageError(f"{source}: {count}, nothing was run", lines)
    return settings


def merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Mappings merge, everything else is replaced."""
    result = dict(base)
    for key, value in over.items():
        below = base.get(key)
        if isinstance(below, Mapping) and isinstance(value, Mapping):
            value = merged(below, value)
        result[key] = value
    return result


def _tier_problems(whole: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What one tier, and all of a list, must fulfil, looked at whatever else is wrong."""
    yield from _tier_list_problems(whole.get("bonus"), "bonus")
    yield from _campaign_tier_problems(whole.get("campaigns"), "campaigns")
    changes = whole.get("changes")
    for place, change in enumerate(changes if isinstance(changes, list | tuple) else []):
        if isinstance(change, Mapping):
            at = f"changes[{place}]"
            yield from _tier_list_problems(change.get("bonus"), f"{at}.bonus")
            yield from _campaign_tier_problems(change.get("campaigns"), f"{at}.campaigns")


def _campaign_tier_problems(campaigns: object, at: str) -> Iterator[tuple[str, str]]:
    for name, campaign in campaigns.items() if isinstance(campaigns, Mapping) else ():
        if isinstance(campaign, Mapping):
            yield from _tier_list_problems(campaign.get("bonus"), f"{at}.{name}.bonus")


def _tier_list_problems(bonus: object, at: str) -> Iterator[tuple[str, str]]:
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
            yield f"{at}.tiers[{place}]", reason
        least = tier.get("min_failures")
        if isinstance(least, int) and first.setdefault(least, place) != place:
            reason = f"{shown(least)} is that of {at}.tiers[{first[least]}] too"
            yield f"{at}.tiers[{place}].min_failures", reason
