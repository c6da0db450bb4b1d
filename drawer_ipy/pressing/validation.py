"""The result of checking a drawer: an object that shows every problem with its line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from typing import Any

from drawer_ipy.errors import Problem, excerpt, lines_of, problem_text
from drawer_ipy.style.html_frame import block, scrolling
from drawer_ipy.style.palette import PARTIAL, look_of

_MOST_SHOWN = 50
"""Most problems that the repr shows; ``problems`` has all of them."""

_LOOKS = {"error": look_of("failed"), "warning": look_of(PARTIAL)}


class Validation:
    """The problems of one drawer; the repr lists them with the lines of the definition that they refer to.

    It has no truth value (``bool(...)`` raises TypeError), since that could mean "is ok" or "has problems".

    Args:
        problems: the problems, in the order of the text.
        name: the drawer's name, or ``""``.
        source: the text of the definition, or ``""`` if it was not loaded from text.
    """

    def __init__(self, problems: Sequence[Problem], name: str = "", source: str = "") -> None:
        self.problems: list[Problem] = list(problems)
        self.name = name
        self._lines = lines_of(source)

    @property
    def ok(self) -> bool:
        """Whether there are no errors; warnings do not matter."""
        return not self.errors

    @property
    def errors(self) -> list[Problem]:
        """The problems that prevent a press."""
        return [p for p in self.problems if p.severity == "error"]

    @property
    def warnings(self) -> list[Problem]:
        """The problems that do not prevent a press."""
        return [p for p in self.problems if p.severity != "error"]

    def to_dict(self) -> dict[str, Any]:
        """Return ``{ok, errors, warnings}``, the original's format of the report; lists are never null."""
        return {
            "ok": self.ok,
            "errors": [p.to_dict() for p in self.errors],
            "warnings": [p.to_dict() for p in self.warnings],
        }

    def __iter__(self) -> Iterator[Problem]:
        return iter(self.problems)

    def __len__(self) -> int:
        return len(self.problems)

    def __bool__(self) -> bool:
        raise TypeError("a validation has no truth value; use its `.ok`")

    def __repr__(self) -> str:
        lines = [self._headline()]
        for problem in self._listed():
            lines.append(f"  {problem.severity}: {problem_text(problem)}")
            lines += [f"    {line}" for line in excerpt(problem, self._lines)]
        return "\n".join([*lines, *([f"  {self._rest()}"] if self._rest() else [])])

    def _repr_html_(self) -> str:
        found = "".join(self._html(problem) for problem in self._listed())
        rest = f"<div style='margin:6px 0 0 12px'>{escape(self._rest())}</div>" if self._rest() else ""
        return block(f"<b>{escape(self._headline())}</b>{found}{rest}")

    def _listed(self) -> list[Problem]:
        """The problems to show; if there are too many, the first ones, with errors before warnings."""
        if len(self.problems) <= _MOST_SHOWN:
            return self.problems
        return [*self.errors, *self.warnings][:_MOST_SHOWN]

    def _rest(self) -> str:
        left = len(self.problems) - _MOST_SHOWN
        return f"... and {left:,} more (all are in .problems)" if left > 0 else ""

    def _headline(self) -> str:
        which = f"drawer {self.name!r}" if self.name else "this drawer"
        if not self.problems:
            return f"{which}: no problems"
        counts = (("error", len(self.errors)), ("warning", len(self.warnings)))
        described = ", ".join(f"{n:,} {word}{'s' if n > 1 else ''}" for word, n in counts if n)
        return f"{which}: {described}"

    def _html(self, problem: Problem) -> str:
        shown = "\n".join(excerpt(problem, self._lines))
        code = (
            f"<pre style='margin:2px 0 0 0;overflow-x:auto' {scrolling('the line')}>{escape(shown)}</pre>"
            if shown
            else ""
        )
        return (
            f"<div style='margin:6px 0 0 12px'><b style='color:{_LOOKS[problem.severity].text}'>"
            f"{_LOOKS[problem.severity].mark} {problem.severity}</b> "
            f"{escape(problem_text(problem))}{code}</div>"
        )
