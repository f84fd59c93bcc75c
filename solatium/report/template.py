"""Templates of pages, with what all pages share: styles, scripts, tables and figures."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup


@cache
def template(package: str = "solatium.report") -> Any:
    """The template `page.html.jinja` of a package."""
    shared = files("solatium.report")
    environment = Environment(
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        loader=FunctionLoader(lambda name: (shared / name).read_text("utf-8")),
    )
    environment.globals["style"] = Markup((shared / "page.css").read_text("utf-8"))
    environment.globals["script"] = Markup((shared / "page.js").read_text("utf-8"))
    return environment.from_string((files(package) / "page.html.jinja").read_text("utf-8"))
