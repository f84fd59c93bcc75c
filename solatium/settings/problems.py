"""What a model of settings refuses, as the person who wrote the settings is told it."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches
from typing import Any, get_args, get_origin

from pydantic import BaseModel, ValidationError

from solatium.settings.values import shown


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


def _way(
    model: type[BaseModel], location: tuple[str | int, ...]
) -> Iterator[tuple[type[BaseModel], str]]:
    """The sections that lead to a place, each with the key that leads on from it.

    Places in a list, and the names of campaigns, are no keys.
    """
    section, is_item = model, False
    for step in location:
        if is_item:
            is_item = False
            continue
        yield section, str(step)
        name = _names(section).get(str(step))
        inner = _section_of(section, name) if name else None
        if name and inner:
            is_item = get_origin(section.model_fields[name].annotation) in (dict, list, tuple)
            section = inner


# Overlays, and what the keys that they lack are the same for.
_OF_ALL = {"changes": "dates", "campaigns": "campaigns"}


def _unknown(model: type[BaseModel], location: tuple[str | int, ...]) -> str:
    way = list(_way(model, location))
    (section, key), keys = way[-1], [key for _, key in way]
    overlays = [place for place, key in enumerate(keys[:-1]) if key in _OF_ALL]
    start = overlays[-1] + 1 if overlays else 0
    known, path = list(_names(section)), ".".join(keys[start:])
    near = get_close_matches(key, known, n=1) or _ending_in(key, way[start][0])[:1]
    outside = [path] if path in _all_keys(model) else [] if near else _ending_in(key, model)
    outside = [path for path in outside if path.split(".")[0] not in _OF_ALL]
    if overlays and outside:
        overlay = keys[start - 1]
        return f"is the same for all {_OF_ALL[overlay]}; set {outside[0]} outside of {overlay}"
    return f"unknown key; {f'did you mean {near[0]}?' if near else 'known are ' + ', '.join(known)}"


def _ending_in(key: str, section: type[BaseModel]) -> list[str]:
    return [path for path in _all_keys(section) if path.rsplit(".", 1)[-1] == key]


def _path(location: tuple[str | int, ...]) -> str:
    steps = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in location)
    return steps.removeprefix(".")


def _problem(model: type[BaseModel], detail: Any) -> tuple[str, str]:
    location, context = detail["loc"], detail.get("ctx", {})
    if location[-1:] == ("[key]",):  # the reason tells which
        location = location[:-2]
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
