"""Input transformers for ``%%drawer`` cells, which IPython applies before it runs a cell.

One moves a magic above the blank lines and comments before it; the other converts the cell to an awaited call
of the same magic.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from IPython.core.interactiveshell import InteractiveShell

from drawer_ipy.notebook.misplaced_magics import editor_lines, says_nothing

AWAITED = "drawer_awaited"
"""The cell magic that a rewritten ``%%drawer`` cell calls; its result is awaited."""

EACH_AWAITED = "each_awaited"
"""The same for ``%%each``."""

AWAITED_VERB = "drawer_verb_awaited"
"""The line magic that a rewritten ``%drawer NAME press`` calls."""

_MAGICS = ("%%drawer", "%%each", "%%button")
_REWRITTEN = {"%%drawer": AWAITED, "%%each": EACH_AWAITED}


def magic_first(lines: list[str]) -> list[str]:
    """Move the magic above the blank lines and comments before it.

    These become empty lines of its body, so that line numbers still count from the top of the cell.
    """
    lines = whole_lines(lines)
    above = _first_said(lines)
    if above in (0, len(lines)) or not lines[above].lstrip().startswith(_MAGICS):
        return lines
    end = "" if lines[above].endswith("\n") else "\n"
    return [lines[above] + end, *["\n"] * above, *lines[above + 1 :]]


def whole_lines(lines: list[str]) -> list[str]:
    """Return the lines of a ``%%drawer`` or ``%%button`` cell as an editor counts them.

    IPython also ends lines at separators (U+2028, a form feed) that belong to a value.
    """
    whole = editor_lines(lines)
    first = _first_said(whole)
    ours = first < len(whole) and whole[first].lstrip().startswith((*_MAGICS, "%drawer"))
    return whole if ours else lines


def _first_said(lines: list[str]) -> int:
    """The index of the first line that is neither empty nor a comment."""
    return next((at for at, line in enumerate(lines) if not says_nothing(line)), len(lines))


class AwaitedCells:
    """Turns ``%%drawer`` and ``%%each`` cells, and ``%drawer NAME press``, into awaited calls where possible.

    Args:
        shell: IPython's shell.
        wanted: returns whether the user wants cells to be awaited; called for each cell.
    """

    has_side_effects = True
    """Prevents IPython from applying it to incomplete input, in which a cell magic ends at a blank line."""

    def __init__(self, shell: Any, wanted: Callable[[], bool]) -> None:
        self._shell = shell
        self._wanted = wanted

    def __call__(self, lines: list[str]) -> list[str]:
        """The lines of a cell, rewritten if it calls the magic (but not if it requests help on it)."""
        if not lines:
            return lines
        for magic, awaited in _REWRITTEN.items():
            called = _called(lines[0], magic)
            if called is not None and self._can_await():
                # IPython refuses an empty body, by the name of our magic.
                body = "".join(lines[1:]) or "\n"
                return [f"await get_ipython().run_cell_magic({awaited!r}, {called!r}, {body!r})\n"]
        words = _lone_verb(lines)
        if words is not None and self._can_await():
            return [f"await get_ipython().run_line_magic({AWAITED_VERB!r}, {words!r})\n"]
        return lines

    def _can_await(self) -> bool:
        asyncio_runner, _ = self._shell.loop_runner_map["asyncio"]
        if not self._wanted() or not self._shell.autoawait or self._shell.loop_runner is not asyncio_runner:
            return False
        # A cell that a running cell transforms (below %%time or %%capture) is compiled as ordinary code,
        # which cannot await. Only the call stack shows that, since cells of subshells overlap.
        frame = sys._getframe()
        while frame.f_back is not None:
            frame = frame.f_back
            if frame.f_code is InteractiveShell.run_code.__code__:
                return False
        return True


def _called(line: str, magic: str) -> str | None:
    """The arguments of `magic` in `line`; ``None`` if it does not call the magic, or requests help on it."""
    rest = line.removeprefix(magic)
    if rest == line or (rest and not rest[0].isspace()) or rest.strip().endswith("?"):
        return None
    return rest.strip(" \t\r\n")


def _lone_verb(lines: list[str]) -> str | None:
    """The words of ``%drawer NAME press`` if the cell contains nothing else, or ``None``."""
    said = [line for line in lines if not says_nothing(line)]
    if len(said) != 1:
        return None
    words = _called(said[0], "%drawer")
    return words if words is not None and words.split()[1:2] == ["press"] else None
