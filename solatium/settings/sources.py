"""Source mapping: how a platform's own logs map onto the contracts, as settings.

docs/rules.md sections 2 and 9. What may be written for a table follows from its contract: a key is
one of its columns, and a constant, or what a value is mapped to, is a value that the column may
have. Hence each table has models of its own, made here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import UTC, datetime
from difflib import get_close_matches
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, GetCoreSchemaHandler, create_model
from pydantic_core import CoreSchema, core_schema

from solatium import contracts
from solatium.contracts import ID_LENGTH, NOT_IN_ID, Column
from solatium.settings.sections import Section
from solatium.settings.values import INT, mapping_of, money, shown, text_of, time_zone, whole


class Source(Section):
    """How the files of one landing table are to be read; what is unset is as in the contract.

    `columns` names the columns of the files. `values` has what is found, as text. A time is text in
    UTC, as `2026-03-10T00:00:00.000000Z`.
    """

    columns: dict[str, str] = Field(default_factory=dict)
    constants: dict[str, Any] = Field(default_factory=dict)
    values: dict[str, dict[str, Any]] = Field(default_factory=dict)
    timezone: str | None = None

    def source_of(self, column: str) -> str:
        """The column of the files that stands for a column of the contract."""
        return self.columns.get(column, column)

    def why_unused(self, name: str, contract: Collection[str]) -> str:
        """Why a column of a file is not read, where `contract` has the contract's columns."""
        if name in self.constants:
            return "not in use, as there is a constant for it"
        if name in contract:
            return f"not in use, as {self.columns[name]} stands for it"
        return "not in the contract"


# What a column of a contract may be given


def _check_of(column: Column) -> Callable[[object], Any]:
    """The check of a value that a person gives for a column."""
    typed = _typed_check(column)

    def check(value: object) -> Any:
        if value is None:
            if column.required:
                raise ValueError(f"must not be null: {column.name} is never null")
            return None
        return typed(value)

    return check


def _typed_check(column: Column) -> Callable[[object], Any]:
    if column.type == "string":
        return lambda value: _text(value, column)
    if column.type == "int":
        return whole(-(2**31) if column.minimum is None else column.minimum, INT)
    if column.type == "bigint":
        return whole(-(2**63) if column.minimum is None else column.minimum, 2**63 - 1)
    if column.type == "boolean":
        return _truth
    if column.type == "timestamp":
        return _instant
    return lambda value: _money(value, column)


def _text(value: object, column: Column) -> str | None:
    if not isinstance(value, str):
        raise ValueError(f"must be text, not {shown(value)}; quotes make it text")
    if column.values and value not in column.values:
        near = get_close_matches(value[:40], column.values, n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise ValueError(f"must be one of {', '.join(column.values)}, not {shown(value)}{hint}")
    if not value and not column.required:
        return None  # as an empty text in a file is
    if column.identifier and not _is_id(value):
        raise ValueError(
            f"must be an id of 1 to {ID_LENGTH} characters, none of them | or a control "
            f"character, not {shown(value)}"
        )
    return value


def _is_id(value: str) -> bool:
    return 1 <= len(value) <= ID_LENGTH and not re.search(NOT_IN_ID, value)


def _truth(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"must be true or false, not {shown(value)}")
    return value


def _money(value: object, column: Column) -> Any:
    amount = money(value)
    if column.exclusive and not amount:
        raise ValueError(f"must be more than {column.minimum}, not {shown(value)}")
    return amount


def _instant(value: object) -> str:
    told = "must be a time with its zone, such as 2026-03-10T08:00:00+08:00, not"
    try:
        time = datetime.fromisoformat(value) if isinstance(value, str) else value
    except ValueError:
        raise ValueError(f"{told} {shown(value)}") from None
    if not isinstance(time, datetime) or time.tzinfo is None:
        raise ValueError(f"{told} {shown(value)}")
    try:
        utc = time.astimezone(UTC).replace(tzinfo=None)
    except OverflowError:
        raise ValueError(f"{shown(value)} is outside of the years 1 to 9999 in UTC") from None
    return utc.isoformat(timespec="microseconds") + "Z"


# The models, one of each for every table


def _mapped(given: object) -> dict[str, Any]:
    """Source value, as text -> contract value; keys that are no such value are told elsewhere."""
    found: dict[str, Any] = {}
    for key, value in mapping_of(given).items():
        if _is_code(key):
            found.setdefault(code_text(key), value)
    return found


def _is_code(key: object) -> bool:
    return isinstance(key, str | int)


def code_text(key: str | int) -> str:
    """A source value as the text that it is compared as."""
    return str(key).lower() if isinstance(key, bool) else str(key)


def _no_values(_: object) -> object:
    raise ValueError("times are not mapped by value; only text, numbers and truth values are")


def _values_of(column: Column) -> Any:
    if column.type == "timestamp":
        return Annotated[Any, BeforeValidator(_no_values)]
    value = Annotated[Any, BeforeValidator(_check_of(column))]
    return Annotated[dict[str, value], BeforeValidator(_mapped)]


def _model(name: str, fields: Mapping[str, Any]) -> type[Section]:
    """A section whose keys may all be absent."""
    optional: dict[str, Any] = {key: (kind, None) for key, kind in fields.items()}
    return create_model(name, __base__=Section, **optional)


def _source_model(table: str) -> type[Section]:
    columns = contracts.landing(table).columns
    names = {c.name: Annotated[str, BeforeValidator(text_of)] for c in columns}
    constants = {c.name: Annotated[Any, BeforeValidator(_check_of(c))] for c in columns}
    values = {c.name: _values_of(c) for c in columns}
    return _model(
        table,
        {
            "columns": _model("columns", names),
            "constants": _model("constants", constants),
            "values": _model("values", values),
            "timezone": Annotated[str, BeforeValidator(time_zone)],
        },
    )


class _ByTable:
    """Marks a field that maps landing tables to their Source."""

    model = _model("sources", {table: _source_model(table) for table in contracts.LANDING})

    def __get_pydantic_core_schema__(self, _: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(
            _sources,
            handler.generate_schema(self.model),
            serialization=core_schema.simple_ser_schema("any"),
        )


Sources = Annotated[Any, _ByTable()]


def _sources(given: Section) -> dict[str, Source]:
    """Table -> Source, without what says nothing, so that equal mappings are equal."""
    found: dict[str, Source] = {}
    for table, said in given.model_dump(exclude_unset=True).items():
        own = {key: name for key, name in said.pop("columns", {}).items() if key != name}
        values = {key: codes for key, codes in said.pop("values", {}).items() if codes}
        says = {key: value for key, value in said.items() if value != {}}
        says |= {"columns": own} if own else {}
        says |= {"values": values} if values else {}
        if says:
            found[table] = Source(**says)
    return found


# What concerns several keys at once


def source_problems(sources: object) -> Iterator[tuple[str, str]]:
    """What is wrong between the keys of one table, looked at whatever else is wrong."""
    for table, source in _items(sources):
        at = f"sources.{table}"
        parts = {part: dict(_items(_get(source, part))) for part in ("columns", "values")}
        for column in dict(_items(_get(source, "constants"))):
            if column in parts["columns"]:
                reason = f"is in {at}.columns too; a column is read, or it is a constant"
                yield f"{at}.constants.{column}", reason
            if column in parts["values"]:
                reason = f"is in {at}.values too; a constant is not mapped, write what it is"
                yield f"{at}.constants.{column}", reason
        for column, codes in parts["values"].items():
            yield from _code_problems(codes, f"{at}.values.{column}")


def _code_problems(codes: object, at: str) -> Iterator[tuple[str, str]]:
    first: dict[str, object] = {}
    for key, _ in _items(codes):
        if not _is_code(key):
            yield f"{at}.{shown(key)}", "must be text, a whole number, true or false; quotes help"
        elif (code := code_text(key)) in first:
            yield f"{at}.{code}", f"is there twice, as {shown(first[code])} and as {shown(key)}"
        else:
            first[code] = key


def _items(value: object) -> Iterator[tuple[Any, Any]]:
    yield from value.items() if isinstance(value, Mapping) else ()


def _get(value: object, key: str) -> object:
    return value.get(key) if isinstance(value, Mapping) else None
