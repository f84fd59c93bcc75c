"""A simulation as a page."""

from __future__ import annotations

from solatium.simulate.simulation import Simulated


def page_of(simulated: Simulated) -> str:
    """The page."""
    raise NotImplementedError
