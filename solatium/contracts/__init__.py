"""The contracts: what every table holds, read once from `schemas/`, one YAML per table."""

from solatium.contracts.model import ID_LENGTH, NOT_IN_ID, Column, ContractError, Table
from solatium.contracts.tables import EVENTS, LANDING, REFERENCES, WAREHOUSE, landing, warehouse

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
