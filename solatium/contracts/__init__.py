"""The contracts: what every table holds, read once from `schemas/`, one YAML per table."""

from solatium.contracts.tables import (
    EVENTS,
    ID_LENGTH,
    LANDING,
    NOT_IN_ID,
    REFERENCES,
    WAREHOUSE,
    Column,
    ContractError,
    Table,
    landing,
    warehouse,
)

__all__ = [
    "EVENTS",
    "ID_LENGTH",
    "LANDING",
    "NOT_IN_ID",
    "REFERENCES",
    "WAREHOUSE",
    "Column",
    "ContractError",
    "Table",
    "landing",
    "warehouse",
]
