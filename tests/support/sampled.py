"""Many cases of one kind: `make test` runs a sample, and `make torture` the rest."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

import pytest


def sampled(cases: Iterable[Any], sample: Collection[Any]) -> list[Any]:
    """The cases for `parametrize`; those that are not of the sample are marked `at_length`.

    A tuple is a case of several arguments.
    """
    cases = list(cases)
    assert any(case in sample for case in cases)
    at_length = pytest.mark.at_length
    return [
        case
        if case in sample
        else pytest.param(*(case if isinstance(case, tuple) else [case]), marks=at_length)
        for case in cases
    ]
