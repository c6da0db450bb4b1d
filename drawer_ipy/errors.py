"""Everything that can go wrong, as a shallow tree under :class:`DrawerError`.

An error has a code (one of the engine's fixed words, e.g. ``RESOLVE_ERROR``), a message that says what
is wrong and where, and, where there is one, a remediation that says how to mend it.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    pass


class Code:
    """The engine's error codes; scripts and other programs may rely on these words."""

    MISSING_INPUT = "MISSING_INPUT"
    MISSING_ARG = "MISSING_ARG"
    BUTTON_NOT_FOUND = "BUTTON_NOT_FOUND"
    DRAWER_NOT_FOUND = "DRAWER_NOT_FOUND"
    RESOLVE_ERROR = "RESOLVE_ERROR"
    RETURN_ERROR = "RETURN_ERROR"
    VALIDATION_ERROR = "VALIDATION_ERROR"
    SCRIPT_ERROR = "SCRIPT_ERROR"
    FUNCTION_ERROR = "FUNCTION_ERROR"
    HTTP_ERROR = "HTTP_ERROR"
    TIMEOUT = "TIMEOUT"
    RUNTIME_MISSING = "RUNTIME_MISSING"
    EXTRACT_ERROR = "EXTRACT_ERROR"
    PROMPT_ERROR = "PROMPT_ERROR"
    KIND_NOT_IMPLEMENTED = "KIND_NOT_IMPLEMENTED"
    FOREACH_ITEM_FAILED = "FOREACH_ITEM_FAILED"
    SUBDRAWER_FAILED = "SUBDRAWER_FAILED"
    CANCELLED = "CANCELLED"
    SKIPPED = "SKIPPED"
    PARALLEL_DEADLOCK = "PARALLEL_DEADLOCK"
    FLOW_RUNTIME_REQUIRED = "FLOW_RUNTIME_REQUIRED"
    INTERNAL = "INTERNAL"


_IN_RECORDS = {Code.HTTP_ERROR: Code.SCRIPT_ERROR}
"""Codes of ours, and what the original calls the same failure."""

RAN_AND_FAILED = frozenset({Code.SCRIPT_ERROR, Code.HTTP_ERROR, Code.FUNCTION_ERROR})
"""All that the original calls ``SCRIPT_ERROR``: the button ran, and failed."""


@dataclass(slots=True)
class ErrorInfo:
    """Why one step, item or run failed.

    Attributes:
        code: one of :class:`Code`'s words, or the class name of a Python exception's family.
        message: what went wrong, one sentence or the tail of what the button printed.
        remediation: how to mend it; ``""`` when there is nothing to say.
        index: for a ``for_each``, the lowest index that really failed; else ``None``.
        exception: the Python exception a function button raised, when there was one.
        status: the HTTP status a request was answered with; ``None`` where there was no answer or no request.
    """

    code: str
    message: str
    remediation: str = ""
    index: int | None = None
    exception: BaseException | None = None
    status: int | None = None

    def to_dict(self) -> dict[str, Any]:
        """``{code, message, remediation?, index?, status?}``, fit for JSON."""
        out: dict[str, Any] = {"code": self.code, "message": self.message}
        if self.remediation:
            out["remediation"] = self.remediation
        if self.index is not None:
            out["index"] = self.index
        if self.status is not None:
            out["status"] = self.status
        return out

    def to_record(self) -> dict[str, Any]:
        """:meth:`to_dict` with the original's code, for what the original's drawers and tools read.

        A failed request is ``SCRIPT_ERROR`` there.
        """
        return {**self.to_dict(), "code": _IN_RECORDS.get(self.code, self.code)}

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"


class Alarm(str):
    """A note that a user must not overlook; it is shown in red where there are colours."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Problem:
    """One finding about a definition.

    Attributes:
        severity: ``"error"`` (a press refuses) or ``"warning"``.
        message: what is wrong.
        step_id: id of the step it is in, dotted for nested steps (``each.work``); ``""`` for the drawer.
        arg: the argument or field concerned, ``""`` when none.
        ref: the reference concerned, without ``${}``; ``""`` when none.
        remediation: how to mend it.
        line, column: 1-based place in the text it came from; ``None`` when there was no text.
    """

    severity: str
    message: str
    step_id: str = ""
    arg: str = ""
    ref: str = ""
    remediation: str = ""
    line: int | None = None
    column: int | None = None

    def to_dict(self) -> dict[str, Any]:
        """The fields that say something, fit for JSON.

        ``step_id`` is the id of the step itself, as the original reports it; ``path`` is the dotted one
        where the step is nested.
        """
        out: dict[str, Any] = {"severity": self.severity, "message": self.message}
        outer, _, own = self.step_id.rpartition(".")
        if own:
            out["step_id"] = own
        if outer:
            out["path"] = self.step_id
        for key in ("arg", "ref", "remediation", "line", "column"):
            value = getattr(self, key)
            if value not in ("", None):
                out[key] = value
        return out

    def __str__(self) -> str:
        where = f"line {self.line}, column {self.column}: " if self.line is not None else ""
        step = f"step {self.step_id!r}: " if self.step_id else ""
        hint = f" ({self.remediation})" if self.remediation else ""
        return f"{where}{step}{self.message}{hint}"


MOST_TOLD = 20
"""Problems that a message tells in full; all are in its ``problems``."""

_WIDTH = 160
"""Characters of a line that are shown around the place of a problem."""

_LONGEST = 2_000
"""Characters of one problem that are shown."""

# Characters that some programs take for the end of a line; one that is shown must not break the line in two.
_BREAKS = dict.fromkeys(map(ord, "\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029"), "\N{SYMBOL FOR NEWLINE}")
# Halves of characters cannot be written to a terminal or a notebook.
_HALVES = dict.fromkeys(range(0xD800, 0xE000), "\N{REPLACEMENT CHARACTER}")
_SHOWN_AS = {ord("\t"): " ", **_BREAKS, **_HALVES}


def lines_of(text: str) -> list[str]:
    """The lines of `text` as editors count them: other than ``str.splitlines``, by line feeds only."""
    return text.split("\n")


def excerpt(problem: Problem, text: Sequence[str]) -> list[str]:
    """The line of `text` that `problem` is in and a mark below its column; ``[]`` without a place.

    Of a very long line only what is around the column is shown.
    """
    if problem.line is None or problem.line > len(text):
        return []
    line = text[problem.line - 1]
    if not line.strip():
        return []  # nothing to point at
    at = (problem.column or 1) - 1
    if len(line) > _WIDTH:
        start = max(0, min(at - _WIDTH // 2, len(line) - _WIDTH))
        end = start + _WIDTH
        before, after = "..." if start else "", "..." if end < len(line) else ""
        line, at = before + line[start:end] + after, at - start + len(before)
    return [line.translate(_SHOWN_AS), " " * at + "^"]


def told(problem: Problem) -> str:
    """`problem` as text, cut where it is longer than anybody reads."""
    text = str(problem)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


class DrawerError(Exception):
    """Base of all errors this package raises on purpose.

    Attributes:
        code: one of :class:`Code`'s words.
        message: what is wrong.
        remediation: how to mend it, ``""`` when nothing is to be said.
    """

    default_code: ClassVar[str] = Code.VALIDATION_ERROR

    def __init__(self, message: str, *, code: str | None = None, remediation: str = "") -> None:
        super().__init__(message)
        self.code = code or self.default_code
        self.message = message
        self.remediation = remediation

    def __str__(self) -> str:
        hint = f"\n  {self.remediation}" if self.remediation else ""
        return f"{self.message}{hint}"

    def info(self) -> ErrorInfo:
        """This error as the value that records keep."""
        return ErrorInfo(self.code, self.message, self.remediation)

    def _render_traceback_(self) -> list[str]:
        """What IPython shows: the message, without the frames of the engine."""
        return [f"{type(self).__name__}: {self}"]


class ResolveError(DrawerError):
    """A ``${...}`` reference has bad syntax or no value.

    Attributes:
        offset: 0-based character offset of the trouble within the text given to the compiler;
            ``None`` when the trouble arose at evaluation.
    """

    default_code = Code.RESOLVE_ERROR

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        remediation: str = "",
        offset: int | None = None,
    ) -> None:
        super().__init__(message, code=code, remediation=remediation)
        self.offset = offset


class ArgumentError(DrawerError):
    """A button was given an argument it cannot take, or lacks one it needs."""


class ButtonNotFound(DrawerError):
    """No button of that name is anywhere a drawer may look."""

    default_code = Code.BUTTON_NOT_FOUND


class DrawerNotFound(DrawerError):
    """No drawer of that name is in the workspace."""

    default_code = Code.DRAWER_NOT_FOUND


class UsageError(DrawerError):
    """An option or a verb was given something it does not take."""


class DefinitionError(DrawerError):
    """A definition is wrong; every problem found is in it, not just the first.

    Attributes:
        problems: the findings, errors and warnings, in the order of the text.
        source: the text they point into, ``""`` when the definition was not text.
    """

    def __init__(
        self,
        problems: Sequence[Problem],
        source: str = "",
        name: str = "",
        outcome: str = "was not run",
    ) -> None:
        self.problems = list(problems)
        self.source = source
        super().__init__(self._render(name, outcome))

    def _render(self, name: str, outcome: str) -> str:
        errors = [p for p in self.problems if p.severity == "error"]
        what = "1 problem" if len(errors) == 1 else f"{len(errors):,} problems"
        lines = [f"{name or 'this drawer'} {outcome}: {what} in its definition"]
        text = lines_of(self.source)
        for problem in errors[:MOST_TOLD]:
            lines.append(f"  {told(problem)}")
            lines += [f"    {line}" for line in excerpt(problem, text)]
        if len(errors) > MOST_TOLD:
            lines.append(f"  ... and {len(errors) - MOST_TOLD:,} more (all are in .problems)")
        return "\n".join(lines)


def did_you_mean(word: str, known: Iterable[str], near: float = 0.6) -> str:
    """``"did you mean 'x'?"`` for the nearest of `known`, or ``""`` when nothing is near.

    Args:
        near: how much of the two words must be alike, 1.0 for all.
    """
    close = difflib.get_close_matches(str(word), list(known), n=1, cutoff=near)
    return f"did you mean {close[0]!r}?" if close else ""
