"""References of other languages, which are plain text here: ``{item}``, ``{{item}}``, ``$item``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

_NAME = r"[A-Za-z_]\w{0,100}(?:-\w{1,100}){0,10}"
_MEMBERS = r"(?:\.\w{1,100}(?:-\w{1,100}){0,10}|\[\w{1,100}\]){0,20}"
_FORMS = tuple(
    re.compile(form.replace("PATH", f"(?P<path>(?P<root>{_NAME}){_MEMBERS})"))
    for form in (
        r"(?<![$\\{])\{\{[ \t]{0,9}PATH[ \t]{0,9}\}\}(?!\})",  # Jinja, Mustache
        r"(?<![$#%\\{])\{PATH(?:![rsa])?\}(?!\})",  # Python's f-strings and format()
        r"#\{PATH\}",  # Ruby
        r"(?<![\w$\\])\$\(PATH\)",  # make
        r"(?<![\w$\\])\$PATH(?![\w({])",  # the shell, string.Template
        r"%\(PATH\)[sdrf]",  # Python's %
    )
)
_SEARCHED = 100_000
"""Most characters of a text that are searched; a warning is not worth more."""


class LookAlike(NamedTuple):
    """Text that looks like a reference.

    Attributes:
        text: the text as written.
        path: the path in it.
        root: the first name of the path.
        offset: the offset of `text` in the whole text.
    """

    text: str
    path: str
    root: str
    offset: int


def may_hold_any(text: str) -> bool:
    """Whether `text` may contain a look-alike; a quick test that excludes most texts."""
    return "{" in text or "$" in text or "%(" in text


def look_alikes(text: str) -> Iterator[LookAlike]:
    """Return the references of other languages in `text`, each path once."""
    seen: set[str] = set()
    for form in _FORMS:
        for found in form.finditer(text, 0, _SEARCHED):
            if found["path"] not in seen:
                seen.add(found["path"])
                yield LookAlike(found[0], found["path"], found["root"], found.start())
