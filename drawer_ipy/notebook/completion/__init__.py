"""Tab completion in a notebook and in IPython's terminal.

What is proposed depends on where the cursor stands: verbs and names after ``%drawer``, options after
``%%each``, options and inputs after ``%%drawer``; in the body of a ``%%drawer`` cell keys, words, names and
references, by the place in the YAML or JSON. It is one matcher of IPython's completer, and nothing it does
may fail.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from IPython.core.completer import SimpleCompletion, context_matcher

from drawer_ipy.notebook.completion.body import body_offer
from drawer_ipy.notebook.completion.half_written import outline
from drawer_ipy.notebook.completion.known_names import KnownNames
from drawer_ipy.notebook.completion.line import (
    button_line_offer,
    cell_line_offer,
    each_line_offer,
    verb_offer,
)
from drawer_ipy.notebook.completion.offers import Offer
from drawer_ipy.pressing.surroundings import Surroundings

MATCHER = "drawer_ipy"
"""The name of drawer_ipy's matcher in IPython's completer."""

_VERB = re.compile(r"\s*(?:[\w, ]+=\s*)?%drawer\s+(.*)", re.DOTALL)
_CELL = re.compile(r"%%(drawer|each|button)(\s.*|$)", re.DOTALL)


def register(shell: Any, surroundings: Callable[[], Surroundings]) -> None:
    """Add the matcher to the completer of `shell`; `surroundings` returns where names are looked up."""
    unregister(shell)

    @context_matcher(identifier=MATCHER)  # type: ignore[untyped-decorator]
    def matcher(context: Any) -> dict[str, Any]:
        try:
            lines = context.full_text.split("\n")
            offer = offer_at(lines, context.cursor_line, context.cursor_position, surroundings)
        except Exception:  # a failed completion proposes nothing, since an error would disturb typing
            offer = Offer()
        return {
            "completions": [SimpleCompletion(text=word.text, type=word.kind) for word in offer.words],
            "matched_fragment": offer.typed,
            "suppress": bool(offer.words),
            "ordered": True,
        }

    shell.Completer.custom_matchers.append(matcher)


def unregister(shell: Any) -> None:
    """Undo :func:`register`."""
    matchers = shell.Completer.custom_matchers
    matchers[:] = [m for m in matchers if getattr(m, "matcher_identifier", None) != MATCHER]


def offer_at(lines: list[str], row: int, column: int, surroundings: Callable[[], Surroundings]) -> Offer:
    """The proposals for a cell's `lines` with the cursor at `row` and `column`, both starting at 0."""
    line = lines[row][:column]
    begin = _magic_row(lines)
    if begin is not None and row >= begin:
        magic = _CELL.match(lines[begin])
        assert magic is not None
        return _in_cell(magic[1], lines, begin, row, column, surroundings)
    verb = _VERB.match(line)
    return verb_offer(verb[1], surroundings()) if verb is not None else Offer()


def _in_cell(
    magic: str, lines: list[str], begin: int, row: int, column: int, surroundings: Callable[[], Surroundings]
) -> Offer:
    line = lines[begin][: column if row == begin else None].partition(magic)[2]
    if magic == "each":  # below the line stands Python, which IPython completes itself
        return each_line_offer(line) if row == begin and line[:1].isspace() else Offer()
    if magic == "button":
        return button_line_offer(line) if row == begin and line[:1].isspace() else Offer()
    body = "\n".join(lines[begin + 1 :])
    if row == begin:
        root, _ = outline(body, 0)
        return cell_line_offer(line, KnownNames(surroundings(), root)) if line[:1].isspace() else Offer()
    cursor = sum(len(text) + 1 for text in lines[begin + 1 : row]) + column
    given = re.findall(r"(?:^|\s)([A-Za-z_][\w-]*)=", line)
    return body_offer(body, cursor, surroundings(), given)


def _magic_row(lines: list[str]) -> int | None:
    """The row of our cell magic: the first, below comments, empty lines and other magics."""
    for row, line in enumerate(lines):
        if _CELL.match(line):
            return row
        if line.strip() and not line.startswith(("#", "%%")):
            return None
    return None
