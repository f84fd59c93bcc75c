"""Packages that only some installations have: each comes with an extra of solatium."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from solatium.errors import SolatiumError


def optional(module: str, *, extra: str) -> Any:
    """A module of a package that comes with an extra; SolatiumError where it is missing."""
    try:
        return import_module(module)
    except ImportError as error:
        raise SolatiumError(
            f"{module} is not installed: {error}",
            [f"pip install 'solatium[{extra}]'"],
        ) from error
