"""Reports when ``%%drawer`` or ``%%button`` is not the first line of its cell."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Sequence

from IPython.core.inputtransformer2 import TransformerManager

from drawer_ipy.errors import UsageError

_OURS = re.compile(r"[ \t]*(%%(?:drawer|each|button))(?=\s|$)")
_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")
_SHOWN = 60
_NO_PYTHON = "$$$\n"


def says_nothing(line: str) -> bool:
    """Whether a line of a cell is empty or a comment."""
    text = line.strip()
    return not text or text.startswith("#")


def editor_lines(lines: Sequence[str]) -> list[str]:
    """The lines of a cell as an editor counts them; IPython also ends lines at U+2028 or a form feed."""
    return _LINE.findall("".join(lines))


class MisplacedMagics:
    """An input transformer that rejects a cell with other code above ``%%drawer`` or ``%%button``."""

    has_side_effects = True
    """Prevents IPython from applying it to incomplete input."""

    def __call__(self, lines: list[str]) -> list[str]:
        """Return the `lines` of a cell unchanged.

        Raises:
            UsageError: ``%%drawer`` or ``%%button`` is below other code.
        """
        first = next((at for at, line in enumerate(lines) if not says_nothing(line)), None)
        if first is None or lines[first].lstrip().startswith("%%"):
            return lines
        if any(_OURS.match(line) for line in lines):
            _check(editor_lines(lines))
        return lines


def _check(lines: Sequence[str]) -> None:
    first = next(at for at, line in enumerate(lines) if not says_nothing(line))
    for at in range(first + 1, len(lines)):
        found = _OURS.match(lines[at])
        if found is not None and not _is_text(lines, at):
            raise _misplaced(found[1], lines, first, at)


def _misplaced(magic: str, lines: Sequence[str], first: int, at: int) -> UsageError:
    above = lines[first].strip()
    above = above if len(above) <= _SHOWN else f"{above[:_SHOWN]}..."
    return UsageError(
        f"{magic} on line {at + 1} must be the first line of its cell; "
        f"above it is `{above}` (line {first + 1})",
        remediation=f"put the code above {magic} into a separate cell, and run that first; "
        "only comments and empty lines may stay",
    )


def _is_text(lines: Sequence[str], at: int) -> bool:
    """Whether the line is part of a quoted text, as in a cell that writes a notebook."""
    try:
        # IPython would convert it to a line magic, which is valid Python anywhere.
        ast.parse(TransformerManager().transform_cell("".join([*lines[:at], _NO_PYTHON, *lines[at + 1 :]])))
    except SyntaxError:
        return _ends_in_quotes("".join(lines[:at]))
    return True  # the whole cell is Python


def _ends_in_quotes(text: str) -> bool:
    try:
        list(tokenize.generate_tokens(io.StringIO(text).readline))
    except tokenize.TokenError as error:
        return "multi-line string" in str(error) or "triple-quoted" in str(error)
    except SyntaxError:
        return False
    return False
