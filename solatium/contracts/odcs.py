"""Reads a contract from `schemas/`: one YAML file per table, in the form of the Open Data Contract
Standard v3.

A key that is not used here is refused, so that a slip of the pen is an error and not a rule that
is silently missing.
"""

from __future__ import annotations

from typing import Any

import yaml

from solatium.contracts.model import Column, ContractError, Table, types_of
from solatium.resources import data_folder

# The same as PyYAML's own safe loader, in a tenth of the time where PyYAML was built with libyaml.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_TABLE_KEYS = {"name", "logicalType", "physicalType", "description", "customProperties"}
_COLUMN_KEYS = {
    "name",
    "logicalType",
    "physicalType",
    "required",
    "primaryKey",
    "primaryKeyPosition",
    "partitioned",
    "partitionKeyPosition",
    "description",
    "logicalTypeOptions",
    "enum",
    "items",
    "relationships",
    "customProperties",
}


def read(name: str) -> Table:
    """The contract of `schemas/<name>.yaml`; ContractError names the file and every problem."""
    try:
        text = (data_folder("schemas") / f"{name}.yaml").read_text(encoding="utf-8")
        document = yaml.load(text, Loader=_LOADER)
    except (OSError, yaml.YAMLError) as error:
        raise ContractError(f"schemas/{name}.yaml: {error}") from error
    try:
        return _table(name, document)
    except ContractError as error:
        raise ContractError(f"schemas/{name}.yaml: {error}") from None
    except KeyError as error:
        raise ContractError(f"schemas/{name}.yaml: has no {error}") from error
    except (TypeError, AttributeError, ValueError) as error:
        raise ContractError(f"schemas/{name}.yaml: not a data contract: {error}") from error


def _table(name: str, document: dict[str, Any]) -> Table:
    if document["kind"] != "DataContract" or not document["apiVersion"].startswith("v3."):
        raise ContractError("not a DataContract of apiVersion v3")
    (table,) = document["schema"]
    problems = _unknown(table, _TABLE_KEYS | {"properties"}, "the table")
    if name != document["name"] or name != table["name"]:
        problems.append(f"is named {document['name']} and {table['name']}")
    properties = table["properties"]
    columns = []
    for item in properties:
        try:
            columns.append(_column(item))
        except ContractError as error:
            problems.append(str(error))
    names = [item.get("name") for item in properties]
    problems += [
        f"{twice} stands twice" for twice in sorted({n for n in names if names.count(n) > 1})
    ]
    if problems:
        raise ContractError("; ".join(problems))
    custom = _custom(table)
    return Table(
        name=name,
        purpose=_line(document["description"]["purpose"]),
        meaning=_line(table["description"]),
        rules=custom["rules"],
        columns=tuple(columns),
        key=_positions(properties, "primaryKey", "primaryKeyPosition"),
        partition_by=_positions(properties, "partitioned", "partitionKeyPosition"),
    )


def _column(item: dict[str, Any]) -> Column:
    name = item["name"]
    problems = _unknown(item, _COLUMN_KEYS, name)
    problems += [
        f"{name} has no {key}"
        for key in ("logicalType", "physicalType", "required", "description")
        if key not in item
    ]
    if problems:
        raise ContractError("; ".join(problems))
    try:
        logical = types_of(item["physicalType"])[0]
    except KeyError:
        raise ContractError(f"{name} has the unknown type {item['physicalType']}") from None
    if logical != item["logicalType"]:
        raise ContractError(f"{name} is {item['logicalType']}, its type {logical}")
    limits = item.get("logicalTypeOptions", {})
    custom = _custom(item)
    problems = _unknown(limits, {"minimum", "exclusiveMinimum"}, f"the options of {name}")
    problems += _unknown(custom, {"identifier", "unit"}, f"the custom properties of {name}")
    allowed = item["items"] if logical == "array" else item
    values = tuple(entry["value"] for entry in allowed.get("enum", []))
    problems += [f"{name} allows {v!r}, not text" for v in values if not isinstance(v, str)]
    if not isinstance(item["required"], bool):
        problems.append(f"required of {name} is neither true nor false")
    if problems:
        raise ContractError("; ".join(problems))
    return Column(
        name=name,
        type=item["physicalType"],
        required=item["required"],
        meaning=_line(item["description"]),
        values=values,
        identifier=custom.get("identifier", False),
        minimum=limits.get("exclusiveMinimum", limits.get("minimum")),
        exclusive="exclusiveMinimum" in limits,
        unit=custom.get("unit", ""),
        refers_to=_refers_to(item),
    )


def _refers_to(item: dict[str, Any]) -> str:
    """The `to` of the only foreign key of a column; empty without one."""
    keys = item.get("relationships", [])
    if any(sorted(key) != ["to", "type"] or key["type"] != "foreignKey" for key in keys):
        raise ContractError(f"{item['name']}: a relationship that is no foreignKey with a `to`")
    return keys[0]["to"] if keys else ""


def _unknown(mapping: dict[str, Any], known: set[str], where: str) -> list[str]:
    return [f"{where} has the unknown {key}" for key in sorted(set(mapping) - known)]


def _custom(element: dict[str, Any]) -> dict[str, Any]:
    return {entry["property"]: entry["value"] for entry in element.get("customProperties", [])}


def _positions(properties: list[dict[str, Any]], flag: str, position: str) -> tuple[str, ...]:
    """Names of the flagged columns, in the order of their positions, which count from 1."""
    places = {item[position]: item["name"] for item in properties if item.get(flag)}
    flagged = sum(bool(item.get(flag)) or position in item for item in properties)
    if sorted(places) != list(range(1, flagged + 1)):
        raise ContractError(f"{flag}: positions do not count from 1 to {flagged}")
    return tuple(places[place] for place in sorted(places))


def _line(text: str) -> str:
    return " ".join(text.split())
