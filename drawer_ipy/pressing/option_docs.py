"""The documentation of options that several functions take: written once, and added to each docstring."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from textwrap import dedent, indent
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])

_COMMON = """\
check: raise if the run does not end ok; with ``False``, return its Results instead.
quiet: do not show progress.
"""

_ENTRY = re.compile(r"^(\w+): .*(?:\n .*)*", re.MULTILINE)


def documents(*options: type, ends: str = "") -> Callable[[F], F]:
    """Return a decorator that completes the docstring of a function.

    Parameters that its section ``Args`` does not describe get the text of the attribute of the same name.

    Args:
        options: classes whose docstrings have a section ``Attributes``; the first with a name decides.
        ends: sections to add at the end.
    """

    def decorate(function: F) -> F:
        text = inspect.getdoc(function)
        if text is None:  # Python runs without docstrings
            return function
        sources = [_section(inspect.getdoc(kind) or "", "Attributes") for kind in options]
        known: dict[str, str] = {}
        for source in (_section(text, "Args"), *sources, _COMMON):
            known = {found[1]: found[0] for found in _ENTRY.finditer(source)} | known
        names = [name for name in inspect.signature(function).parameters if name in known]
        listed = "\n".join(known[name] for name in names)
        head, _, rest = text.partition("Args:\n")
        tail = rest[len(_body(rest)) :].strip() or inspect.cleandoc(ends)
        function.__doc__ = f"{head}Args:\n{indent(listed, '    ')}\n\n{tail}\n"
        return function

    return decorate


def _section(text: str, name: str) -> str:
    """Return the text below the heading `name` of a docstring."""
    return dedent(_body(text.partition(f"{name}:\n")[2]))


def _body(text: str) -> str:
    """Return the indented and the empty lines at the beginning of `text`."""
    found = re.match(r"(?:[ ]{4}.*(?:\n|$)|\n)*", text)
    return "" if found is None else found[0]
