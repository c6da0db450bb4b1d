"""The text of an ``%%each`` cell and the problems found in it."""

from __future__ import annotations

from collections.abc import Sequence

from drawer_ipy.errors import DefinitionError, Problem

MAGIC = "%%each"


class EachText:
    """The cell as its user sees it; problems are reported with places in it.

    Args:
        line: the text after the magic's name.
        body: the lines below; they begin at line 2 of the cell.

    Attributes:
        whole: the cell's text, with the magic.
        body_line: the cell's line on which the body begins.
    """

    body_line = 2

    def __init__(self, line: str, body: str) -> None:
        self.line = line
        self.body = body
        self.head: str = f"{MAGIC} {line}"
        self.whole: str = f"{self.head}\n{body}"

    def column_of(self, offset: int) -> int:
        """Return the 1-based column of the character at `offset` of the line after the magic."""
        return len(MAGIC) + 1 + offset + 1

    def error(self, message: str, hint: str = "", *, line: int = 1, column: int = 1) -> DefinitionError:
        """Return the error of one problem at a place of the cell, both numbers 1-based."""
        return self.errors([problem(message, hint, line=line, column=column)])

    def errors(self, problems: Sequence[Problem]) -> DefinitionError:
        """Return the error of several problems."""
        return DefinitionError(problems, self.whole, "this cell")


def problem(message: str, hint: str = "", *, line: int, column: int, severity: str = "error") -> Problem:
    """Return a problem of the cell at a place, both numbers 1-based."""
    return Problem(severity, message, remediation=hint, line=line, column=column)
