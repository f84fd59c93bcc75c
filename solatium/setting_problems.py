"""What a model of settings refuses, as the person who wrote the settings is told it."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from solatium.setting_values import shown


def _names(section: type[BaseModel]) -> dict[str, str]:
    """The keys of a section as people write them, and the names of their fields."""
    return {field.alias or name: name for name, field in section.model_fields.items()}


def _section_of(section: type[BaseModel], field: str) -> type[BaseModel] | None:
    """The model of a field's value, or of the items of its list or mapping."""
    info = section.model_fields[field]
    kinds = [info.annotation, *get_args(info.annotation)]
    kinds += [getattr(mark, "model", None) for mark in info.metadata]
    for kind in kinds:
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            return kind
    return None


def _all_keys(section: type[BaseModel], prefix: str = "") -> Iterator[str]:
    for key, name in _names(section).items():
        yield prefix + key
        if inner := _section_of(section, name):
            yield from _all_keys(inner, f"{prefix}{key}.")


def _unknown(model: type[BaseModel], location: tuple[str | int, ...]) -> str:
    section = model
    for step in location[:-1]:
        name = _names(section).get(str(step))  # else a place in a list, or the name of a campaign
        section = (_section_of(section, name) if name else None) or section
    known, key = list(_names(section)), str(location[-1])
    elsewhere = [path for path in _all_keys(model) if path.rsplit(".", 1)[-1] == key]
    near = get_close_matches(key, known, n=1) or elsewhere[:1]
    return f"unknown key; {f'did you mean {near[0]}?' if near else 'known are ' + ', '.join(known)}"


def _path(location: tuple[str | int, ...]) -> str:
    steps = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in location)
    return steps.removeprefix(".")


def _problem(model: type[BaseModel], detail: Any) -> tuple[str, str]:
    location, context = detail["loc"], detail.get("ctx", {})
    match detail["type"]:
        case "extra_forbidden":
            reason = _unknown(model, location)
        case "value_error":
            reason = str(context["error"])
        case "literal_error":
            words = context["expected"].replace("'", "")
            reason = f"must be {words}, not {shown(detail['input'])}"
        case "bool_type":
            reason = f"must be true or false, not {shown(detail['input'])}"
        case "missing":
            reason = "is missing"
        case _:
            reason = detail["msg"]
    return _path(location), reason


def problems(model: type[BaseModel], error: ValidationError) -> list[tuple[str, str]]:
    """All that `error` found in the input of `model`, as (dotted path, reason)."""
    return [_problem(model, detail) for detail in error.errors(include_url=False)]
