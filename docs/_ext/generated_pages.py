"""Pages that are written from the package when a build begins, so that they cannot differ from it.

They are written into ``docs/generated``, which is not under version control: the options of the magics
from their parsers, the command line from the help of its verbs, the settings from the traits of the magics,
and the notebooks.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx
from sphinx.config import Config

from drawer_ipy.definition.json_schema import json_schema
from drawer_ipy.notebook.each.options import each_parser
from drawer_ipy.notebook.line import option_parser
from drawer_ipy.notebook.magics import DrawerMagics
from drawer_ipy.verbs import VerbContext, run_verb
from drawer_ipy.verbs.dispatch import GENERAL, HELP, OF_DRAWER
from drawer_ipy.workspace.lookup import Workspace

WITHOUT_OWN_HELP = {"ls": "list", "rm": "remove"}
"""Short forms of verbs -> the verbs, which have the help."""


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the extension."""
    app.connect("config-inited", write_pages)
    return {"parallel_read_safe": True}


def write_pages(app: Sphinx, _config: Config) -> None:
    """Write all pages; a page whose text is the same keeps its time, so that it is not built again."""
    docs = Path(app.srcdir)
    folder = docs / "generated"
    folder.mkdir(exist_ok=True)
    for name, text in pages().items():
        _write(folder / name, text)
    notebooks = docs.parent / "notebooks"
    for path in [
        *notebooks.glob("*.ipynb"),
        *notebooks.glob("lesson/*.ipynb"),
        notebooks / "lesson" / "teacher.md",
    ]:
        copy = folder / path.relative_to(notebooks)
        copy.parent.mkdir(exist_ok=True)
        _write(copy, path.read_text(encoding="utf-8").replace("](../docs/", "](../"))


def pages() -> dict[str, str]:
    """Return file name -> Markdown of every page."""
    schemas = {what: json.dumps(json_schema(what), indent=2) for what in ("drawer", "button")}
    return {
        "drawer-options.md": _options(option_parser()),
        "each-options.md": _options(each_parser()),
        "settings.md": "\n".join(_settings()),
        "command-line.md": "\n".join(_verbs()),
        **{f"{what}.schema.json": text + "\n" for what, text in schemas.items()},
    }


def _options(parser: argparse.ArgumentParser) -> str:
    rows = ["| option | meaning | default |", "|---|---|---|"]
    for action in parser._actions:  # noqa: SLF001  # argparse has no public list of its options
        if action.help is argparse.SUPPRESS:
            continue
        value = _value_of(action)
        names = ", ".join(f"`{name}{value}`" for name in action.option_strings)
        meaning = (action.help or "") % {"default": action.default}
        rows.append(f"| {names} | {_cell(meaning)} | {_default(action.default)} |")
    return "\n".join(rows) + "\n"


def _value_of(action: argparse.Action) -> str:
    """What follows the option's name."""
    if action.nargs == 0:
        return ""
    value = "\\|".join(map(str, action.choices)) if action.choices else (action.metavar or "VALUE")
    return f" [{value}]" if action.nargs == "?" else f" {value}"


def _default(value: object) -> str:
    return "" if value in (None, False, "", argparse.SUPPRESS) else f"`{value}`"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _settings() -> Iterator[str]:
    yield "| setting | meaning | default |"
    yield "|---|---|---|"
    for name, trait in sorted(DrawerMagics.class_traits(config=True).items()):
        yield f"| `{name}` | {_cell(str(trait.help))} | {_default(trait.default_value)} |"
    yield ""


def _verbs() -> Iterator[str]:
    yield f"```text\n{HELP}\n```\n"
    context = VerbContext(Workspace.current())
    for title, verbs, before in (("Commands", GENERAL, []), ("Commands of a drawer", OF_DRAWER, ["NAME"])):
        yield f"## {title}\n"
        for verb in verbs:
            if verb in WITHOUT_OWN_HELP:
                continue
            yield f"### drawer {' '.join([*before, verb])}\n"
            yield f"```text\n{run_verb([*before, verb, '--help'], context).text}\n```\n"


def _write(path: Path, text: str) -> None:
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")
