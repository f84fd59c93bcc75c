"""Where the files lie that are not code: contracts, settings, expectations and pages."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable


def data_folder(name: str) -> Traversable:
    """The folder `name` (schemas, conf, expectations or docs), to be read with `/` and `read_text`.

    An installed package, or a zip of one on sys.path, carries it inside; in a checkout it lies
    beside the package. Raises FileNotFoundError where neither is so.
    """
    inside = files("solatium") / name
    if inside.is_dir():
        return inside
    beside = Path(__file__).resolve().parent.parent / name
    if beside.is_dir():
        return beside
    raise FileNotFoundError(f"no folder {name}: neither {inside} nor {beside}")
