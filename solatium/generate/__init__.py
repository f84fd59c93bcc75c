"""Logs to try the pipeline with: rush sales of any size, made up from a seed.

`generate` writes a landing zone (docs/rules.md section 2) and a configuration that fits it.
"""

from solatium.generate.make import Made, generate
from solatium.generate.spec import Spec

__all__ = ["Made", "Spec", "generate"]
