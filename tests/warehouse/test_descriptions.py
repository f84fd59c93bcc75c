"""Delta tables say what they hold: their contract's description, and a comment for each column."""

from __future__ import annotations

import json

import pytest
from deltalake import DeltaTable
from harness import Nights

from solatium.contracts.internal import TABLES


def comments(path: str) -> dict[str, str]:
    """The comment of each column, as the newest version of a Delta table has it."""
    fields = json.loads(DeltaTable(path).schema().to_json())["fields"]
    return {field["name"]: field["metadata"].get("comment", "") for field in fields}


@pytest.mark.spark_at_length
def test_tables_that_nights_have_written_to_say_what_they_hold(after_two_nights: Nights) -> None:
    for table in TABLES:
        path = str(after_two_nights.warehouse / table.name)
        assert DeltaTable(path).metadata().description == table.description(), table.name
        assert comments(path) == {c.name: c.meaning for c in table.columns}, table.name
