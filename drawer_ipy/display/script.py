"""The scripts of the widgets: modules without a build step, joined into the one that anywidget loads."""

from __future__ import annotations

import re
from pathlib import Path

from drawer_ipy.style.html_frame import block

_IMPORT = re.compile(r'^import \{[^}]*\} from "(?P<path>\.\.?/[\w./-]+\.js)";\n', re.MULTILINE)

MOUNT = "drawer-mount"
"""The class of every element into which a script may put a view; see `mount.js`."""

ENDED = "drawer-ended"
"""The class of such elements whose HTML is final."""


def script(path: Path) -> str:
    """The module at `path`, after the modules that it imports by a relative path, each once.

    The modules share one scope, so their top-level names must differ, and imports cannot rename.

    Raises:
        ValueError: modules import each other in a circle.
    """
    return "\n".join(_parts(path.resolve(), [], []))


def _parts(path: Path, before: list[Path], done: list[Path]) -> list[str]:
    if path in done:
        return []
    if path in before:
        raise ValueError(f"{path.name} imports itself")
    text = path.read_text(encoding="utf-8")
    parts = []
    for found in _IMPORT.finditer(text):
        parts += _parts((path.parent / found["path"]).resolve(), [*before, path], done)
    done.append(path)
    return [*parts, _IMPORT.sub("", text)]


def mount_html(place: str, html: str, *, css: str = "") -> str:
    """Put `html` into an element in which a script shows a view.

    Args:
        place: what the script passes to `mount()`: letters, digits, hyphens.
        html: what is shown where no script runs.
        css: further CSS classes, separated by spaces.
    """
    return block(html, css=f"{MOUNT} drawer-{place} {css}".rstrip())
