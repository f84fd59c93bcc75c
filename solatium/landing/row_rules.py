"""The row rules of the quarantine, made from the contracts (docs/rules.md section 2).

A rule is a reason and the condition under which a row has it; one that is null does not hold. Sail
takes twice the time where each of them is brought to true or false by itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from operator import or_

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from solatium import contracts
from solatium.contracts import EVENTS, ID_LENGTH, NOT_IN_ID, Table
from solatium.contracts.keys import WINDOW
from solatium.dataframes.event_keys import text
from solatium.landing.contract_frames import FOUND, NONEXISTENT, OUT

_BARE = r"^(-?(0|[1-9][0-9]*)|true|false)\z"  # what JSON has without quotes
Rule = tuple[str, Column]

QUARANTINED_LATER = ("event_id_conflict", "unknown_window", "late")


def rules(contract: Table, besides: Sequence[str] = ()) -> list[Rule]:
    """Every reason that a row of a landing table can have by itself, in the order of the rules.

    The columns `besides` are left out.
    """
    columns = [column for column in contract.columns if column.name not in besides]
    found = [
        (f"null_{c.name}", F.col(c.name).isNull() & ~_is_unfit(c)) for c in columns if c.required
    ]
    found += [(f"bad_id_{c.name}", is_bad_id(F.col(c.name))) for c in columns if c.identifier]
    found += [(f"unknown_{c.name}", ~F.col(c.name).isin(*c.values)) for c in columns if c.values]
    found += [(f"out_of_range_{c.name}", _out(c.name)) for c in columns if c.type != "string"]
    found += [
        (f"nonexistent_{c.name}", _nonexistent(c.name)) for c in columns if c.type == "timestamp"
    ]
    found += [
        (f"not_positive_{c.name}", F.col(c.name) <= F.lit(c.minimum))
        for c in columns
        if c.minimum is not None and c.exclusive
    ]
    found += [
        (f"negative_{c.name}", F.col(c.name) < F.lit(c.minimum))
        for c in columns
        if c.minimum is not None and not c.exclusive
    ]
    if contract.name == "windows":
        found.append(("invalid_window", _is_invalid_window()))
    return found


def well_formed(rows: DataFrame, contract: Table) -> DataFrame:
    """The rows that break no rule, with the contract's columns."""
    return rows.where(~_holds(is_malformed(contract))).select(*contract.names)


def is_malformed(contract: Table, besides: Sequence[str] = ()) -> Column:
    """Whether a row breaks a rule in other columns than `besides`; null may stand for no."""
    return _any(rules(contract, besides))


def names_no_window() -> Column:
    """Whether the ids of a row's window break a rule; null may stand for no."""
    return reduce(or_, (F.col(name).isNull() | is_bad_id(F.col(name)) for name in WINDOW))


def malformed(rows: DataFrame, contract: Table, dt: Column) -> DataFrame:
    """Quarantine rows of the rows that break a rule, each with every reason that holds."""
    broken = rules(contract)
    reasons = F.array_compact(F.array(*(F.when(holds, F.lit(code)) for code, holds in broken)))
    found = {c.name: F.col(FOUND.format(c.name)) for c in contract.columns}
    return rows.where(_any(broken)).select(
        F.lit(contract.name).alias("source"),
        dt.alias("dt"),
        (F.col("event_id") if contract.name in EVENTS else F.lit(None)).alias("event_id"),
        reasons.alias("reasons"),
        _json(contract, found).alias("payload"),
    )


def set_aside(rows: DataFrame, contract: Table) -> DataFrame:
    """Quarantine rows of well-formed rows that have a `reason`, from their typed columns."""
    values = {c.name: text(F.col(c.name), c.type) for c in contract.columns}
    return rows.select(
        F.lit(contract.name).alias("source"),
        "dt",
        (F.col("event_id") if contract.name in EVENTS else F.lit(None)).alias("event_id"),
        F.array("reason").alias("reasons"),
        _json(contract, values).alias("payload"),
    )


def _out(column: str) -> Column:
    return F.col(OUT.format(column))


def _nonexistent(column: str) -> Column:
    return F.col(NONEXISTENT.format(column))


def _is_unfit(column: contracts.Column) -> Column:
    """Whether there is a value, but none of the column's type."""
    out = _out(column.name)
    return out | _nonexistent(column.name) if column.type == "timestamp" else out


def _holds(condition: Column) -> Column:
    """The same, false where it is null."""
    return F.coalesce(condition, F.lit(False))


def _any(broken: list[Rule]) -> Column:
    return reduce(or_, (holds for _, holds in broken))


def is_bad_id(value: Column) -> Column:
    """Whether a text can be no id; null where there is none."""
    return ~F.length(value).between(1, ID_LENGTH) | value.rlike(NOT_IN_ID)


def _is_invalid_window() -> Column:
    opens, closes = F.col("application_open"), F.col("application_close")
    rush, ends = F.col("rush_open"), F.col("rush_close")
    has_times = opens.isNotNull() & closes.isNotNull() & rush.isNotNull() & ends.isNotNull()
    in_order = (opens < closes) & (closes <= rush) & (rush < ends)
    least, most = F.col("team_min"), F.col("team_max")
    has_team_sizes = _holds((least >= 1) & (least <= most)) | _out("team_min") | _out("team_max")
    is_team = _holds(F.col("unit") == "team")
    return has_times & ~(in_order & (~is_team | has_team_sizes))


# The payload: JSON written here, as the engines differ in how they escape control characters


def _json(contract: Table, values: dict[str, Column]) -> Column:
    pairs = [
        F.concat(F.lit(f'"{c.name}":'), _json_value(values[c.name], c.type))
        for c in contract.columns
    ]
    whole = F.concat(F.lit("{"), F.concat_ws(",", *pairs), F.lit("}"))
    return F.when(whole.rlike(r"[\x00-\x1f]"), _without_controls(whole)).otherwise(whole)


def _json_value(value: Column, kind: str) -> Column:
    value = value.cast("string")
    escaped = F.replace(F.replace(value, F.lit("\\"), F.lit("\\\\")), F.lit('"'), F.lit('\\"'))
    quoted = F.concat(F.lit('"'), escaped, F.lit('"'))
    # what was found in the place of a number or a truth value may be any text
    if kind in ("int", "bigint", "boolean"):
        return F.when(value.rlike(_BARE), value).otherwise(quoted)
    return quoted


def _without_controls(value: Column) -> Column:
    """Control characters as `\\u00xx`, the others as they are."""
    controls = F.array(*(F.lit(chr(code)) for code in range(0x20)))

    def escaped(done: Column, control: Column) -> Column:
        code = F.lower(F.lpad(F.hex(control), 2, "0"))
        return F.replace(done, control, F.concat(F.lit("\\u00"), code))

    return F.aggregate(controls, value, escaped)
