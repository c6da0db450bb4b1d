"""Hints for a button whose name is a Python expression."""

from __future__ import annotations

import re
from collections.abc import Collection

from drawer_ipy.expressions.habits import is_builtin

_CALL = re.compile(r"(?:await\s+)?([A-Za-z_][\w.]*)\s*\((.*)\)", re.DOTALL)
_DOTTED = re.compile(r"[A-Za-z_]\w*(?:\.\w+)+", re.ASCII)
_REFERENCE = re.compile(r"\$\{.*\}|\{\{?.*\}\}?", re.DOTALL)


def written_as_python(name: str, known: Collection[str]) -> str:
    """What to write instead of the unknown button `name`; ``""`` if it is not a Python expression.

    Args:
        known: the names of the existing buttons.
    """
    name = name.strip()
    if _REFERENCE.search(name):
        return "the name of a button must be fixed; choose between buttons with a `switch` step"
    if name.startswith("lambda"):
        return _wrapped("the same")
    called = _CALL.fullmatch(name)
    if called is not None:
        what, args = called[1], called[2].strip()
        below = ", and its arguments below `args:`" if args else ""
        if what in known or ("." not in what and not is_builtin(what)):
            return f"write only the name, `button: {what}`{below}"
        return _wrapped(f"{what}(...)")
    if _DOTTED.fullmatch(name):
        last = name.rpartition(".")[2]
        return f"write `button: {last}`" if last in known else _wrapped(f"{name}(...)")
    return _wrapped(f"{name}(...)") if is_builtin(name) else ""


def _wrapped(what: str) -> str:
    return (
        f"press a function of your own that returns {what}: define it with `def` in a cell above, "
        "and give its name"
    )
