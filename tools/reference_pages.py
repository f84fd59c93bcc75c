"""Pages of the site that come from code: commands from the command line, settings from YAML.

A hook of MkDocs (`hooks` in mkdocs.yml). The pages are made when the site is built, so they never
differ from the code. docs/tables.md is in the repository, for readers without the site; `make docs`
writes it, and a test compares it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parent.parent

_COMMANDS = """\
# Commands

Every command, as `solatium COMMAND --help` shows it.
"""
_SETTINGS = """\
# Settings

Settings are one YAML file that `--config` names. Every key is optional. These are the defaults,
with what each key means; a file holds only what differs. `solatium config --config FILE` checks a
file and shows what is in force, and where each value comes from.
[Section 9 of the rules](../rules.md) defines each key.

"""


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Adds the generated pages."""
    pages = {"reference/commands.md": commands_page(), "reference/settings.md": settings_page()}
    for name, text in pages.items():
        files.append(File.generated(config, name, content=text))
    return files


def on_page_markdown(markdown: str, page: Page, **_: Any) -> str:
    """Links from docs/ into the repository, which the site lacks, become plain names."""
    if "/" in page.file.src_uri:
        return markdown
    return re.sub(r"\[([^\]]+)\]\(\.\./[^)]*\)", r"`\1`", markdown)


def settings_page() -> str:
    """The default settings with their comments."""
    text = (ROOT / "conf" / "defaults.yaml").read_text(encoding="utf-8")
    return f"{_SETTINGS}```yaml\n{text.rstrip()}\n```\n"


def commands_page() -> str:
    """A section for each command: what it does, its arguments and its options."""
    from solatium.cli.app import app

    group: Any = typer.main.get_command(app)
    sections = [_COMMANDS, f"{_plain(group.help)}\n", f"{_plain(group.epilog)}\n"]
    for name, command in group.commands.items():
        if not command.hidden:
            sections += [f"## solatium {name}\n", *_command(command)]
    return "\n".join(sections)


def _command(command: Any) -> Iterator[str]:
    for paragraph in re.split(r"\n\s*\n", command.help or ""):
        text = _plain(paragraph)
        yield f"```bash\n{text}\n```\n" if text.startswith("solatium ") else f"{text}\n"
    yield "| option | value | needed | meaning |\n|---|---|---|---|"
    for parameter in command.params:
        yield _parameter(parameter)
    yield ""


def _parameter(parameter: Any) -> str:
    is_option = parameter.param_type_name == "option"
    is_flag = is_option and parameter.is_flag
    value = "" if is_flag else parameter.metavar or "TEXT"
    names = [*parameter.opts, *parameter.secondary_opts] if is_option else [parameter.name.upper()]
    meaning = _plain(parameter.help)
    if not is_flag and parameter.default is not None:
        meaning += f" Default: `{parameter.default}`."
    cells = [
        ", ".join(f"`{name}`" for name in names),
        f"`{value}`" if value and is_option else "",
        "yes" if parameter.required else "",
        meaning,
    ]
    return "| " + " | ".join(cell.replace("|", r"\|") for cell in cells) + " |"


def _plain(text: str | None) -> str:
    return " ".join((text or "").split())
