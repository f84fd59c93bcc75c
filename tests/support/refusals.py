"""What is refused, and in what words."""

from __future__ import annotations

from typing import Any

import pytest

from solatium.errors import UsageError
from solatium.settings.load import from_mapping


def problems_of(mapping: dict[str, Any]) -> tuple[str, ...]:
    with pytest.raises(UsageError) as refused:
        from_mapping(mapping)
    return refused.value.problems
