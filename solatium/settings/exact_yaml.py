"""YAML for people who write money: numbers keep their text, and no key is given twice.

PyYAML's own reading turns 2.10 into a float, 010 into 8, 1:30 into 90, and lets the later of two
equal keys win in silence. Here a number is plain decimal digits, read exactly (a Decimal where it
has a point or an exponent), and whatever else looks like one stays text, as dates do, so that the
reader of the values can say what is wrong with them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any, ClassVar

import yaml

# Plain digits without leading zeros: 010 is 8 to some readers of YAML, and 10 to others. Two digits
# of exponent are more than any amount has, and keep a number from unfolding into gigabytes.
NUMBER = re.compile(r"[-+]?(?:(?:0|[1-9][0-9]*)(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]{1,2})?")

_TAG = "tag:yaml.org,2002:"
_WHOLE = re.compile(r"[-+]?(?:0|[1-9][0-9]*)$")
_NULL = re.compile(r"(?:~|null|Null|NULL|)$")
_TRUE = ("yes", "true", "on")
_FALSE = ("no", "false", "off")
_BOOLEAN = re.compile(
    "(?:"
    + "|".join(w for word in _TRUE + _FALSE for w in (word, word.title(), word.upper()))
    + ")$"
)


class _ExactLoader(yaml.SafeLoader):
    """Knows null, truth values, numbers, text, lists and mappings; refuses every other tag."""

    yaml_implicit_resolvers = dict[Any, Any]()  # noqa: RUF012, so PyYAML declares it
    yaml_constructors: ClassVar[dict[Any, Any]] = {
        tag: yaml.SafeLoader.yaml_constructors[tag]
        for tag in (*(_TAG + name for name in ("null", "str", "seq", "map")), None)
    }

    def scalar(self, node: yaml.ScalarNode) -> Any:
        text = str(self.construct_scalar(node))
        try:
            return _READ[node.tag](text)
        except ValueError:
            kind = node.tag.removeprefix(_TAG)
            raise yaml.constructor.ConstructorError(
                None, None, f"not a readable {kind}", node.start_mark
            ) from None


def _truth(text: str) -> bool:
    if not _BOOLEAN.match(text):
        raise ValueError(text)
    return text.lower() in _TRUE


def _number(text: str) -> Decimal:
    if not NUMBER.fullmatch(text):
        raise ValueError(text)
    return Decimal(text)


_READ: dict[str, Callable[[str], Any]] = {
    _TAG + "bool": _truth,
    _TAG + "int": int,
    _TAG + "float": _number,
}
for _tag in _READ:
    _ExactLoader.add_constructor(_tag, _ExactLoader.scalar)
# The first that matches gives a plain scalar its meaning.
_ExactLoader.add_implicit_resolver(_TAG + "null", _NULL, ["~", "n", "N", ""])
_ExactLoader.add_implicit_resolver(_TAG + "bool", _BOOLEAN, list("yYnNtTfFoO"))
_ExactLoader.add_implicit_resolver(_TAG + "int", _WHOLE, list("-+0123456789"))
_ExactLoader.add_implicit_resolver(
    _TAG + "float", re.compile(NUMBER.pattern + "$"), list("-+0123456789.")
)
_ExactLoader.add_implicit_resolver(_TAG + "merge", re.compile("<<$"), ["<"])


def read(content: bytes) -> tuple[Any, list[str]]:
    """The document in `content`, and a line of text for every key that is given twice.

    Raises ValueError, in one line, where the content is not one YAML document.
    """
    try:
        loader = _ExactLoader(content)
        try:
            node = loader.get_single_node()
            if node is None:
                return None, []
            return loader.construct_document(node), list(_repeated(node, "", set()))
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f" (line {mark.line + 1}, column {mark.column + 1})" if mark else ""
        raise ValueError(f"{error.problem or error.context}{place}") from None
    except yaml.YAMLError as error:
        raise ValueError(" ".join(str(error).split())) from None
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _repeated(node: yaml.Node, path: str, seen: set[int]) -> Iterator[str]:
    if id(node) in seen:  # an alias; it may even lie within what it stands for
        return
    seen.add(id(node))
    if isinstance(node, yaml.SequenceNode):
        for place, item in enumerate(node.value):
            yield from _repeated(item, f"{path}[{place}]", seen)
    elif isinstance(node, yaml.MappingNode):
        lines: dict[Any, int] = {}  # by what is written and by what is meant: 1 is true to Python
        for key, value in node.value:
            name = str(key.value)
            where = f"{path}.{name}" if path else name
            line = key.start_mark.line + 1
            meant = _READ[key.tag](name) if key.tag in _READ else name
            if first := lines.get(name) or lines.get(meant):
                yield f"{where}: given twice, in line {first} and in line {line}"
            lines.setdefault(name, line)
            lines.setdefault(meant, line)
            yield from _repeated(value, where, seen)
