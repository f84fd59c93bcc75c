"""What a model of settings refuses, as the person who wrote the settings is told it."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from solatium.setting_values import shown


def _section_of(section: type[BaseModel], field: str) -> type[BaseModel] | None:
    """The model of a field's value, or of the items of its list."""
    annotation = section.model_fields[field].annotation
    for kind in (annotation, *get_args(annotation)):
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            return kind
    return None


def _all_keys(section: type[BaseModel], prefix: str = "") -> Iterator[str]:
    for name in section.model_fields:
        yield prefix + name
        if inner := _section_of(section, name):
            yield from _all_keys(inner, f"{prefix}{name}.")


def _unknown(model: type[BaseModel], location: tuple[str | int, ...]) -> str:
    section = model
    for step in location[:-1]:
        if isinstance(step, str):
            section = _section_of(section, step) or section
    known, name = list(section.model_fields), str(location[-1])
    elsewhere = [path for path in _all_keys(model) if path.rsplit(".", 1)[-1] == name]
    near = elsewhere or get_close_matches(name, known, n=1)
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
