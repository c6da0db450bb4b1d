"""The exceptions and error values of this package, as a shallow tree under :class:`DrawerError`.

An error has a code (one of a fixed set of words, e.g. ``RESOLVE_ERROR``), a message that says what is wrong
and where, and, if possible, a remediation that says how to fix it.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    pass


class Code:
    """The error codes; scripts and other programs may rely on these words."""

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
    WORKER_LOST = "WORKER_LOST"
    BACKEND_ERROR = "BACKEND_ERROR"
    NOT_SAVED = "NOT_SAVED"
    INTERNAL = "INTERNAL"


CODES = frozenset(code for name, code in vars(Code).items() if name.isupper())
"""All error codes."""

_IN_RECORDS = {Code.HTTP_ERROR: Code.SCRIPT_ERROR}
"""Codes that the original does not have, and its code for the same failure."""

RAN_AND_FAILED = frozenset({Code.SCRIPT_ERROR, Code.HTTP_ERROR, Code.FUNCTION_ERROR})
"""The codes that the original combines as ``SCRIPT_ERROR``: the button ran and failed."""


@dataclass(slots=True)
class ErrorInfo:
    """Why one step, item or run failed.

    Attributes:
        code: a constant of :class:`Code`, or the class name of a family of Python exceptions.
        message: what went wrong: one sentence, or the end of the button's output.
        remediation: how to fix it; ``""`` if there is no hint.
        index: for a ``for_each``, the lowest index that failed by itself; otherwise ``None``.
        exception: the Python exception that a function button raised; otherwise ``None``.
        status: the HTTP status code of the response; ``None`` if there was no response or no request.
    """

    code: str
    message: str
    remediation: str = ""
    index: int | None = None
    exception: BaseException | None = None
    status: int | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return ``{code, message, remediation?, index?, status?}`` as JSON values."""
        out: dict[str, Any] = {"code": self.code, "message": self.message}
        if self.remediation:
            out["remediation"] = self.remediation
        if self.index is not None:
            out["index"] = self.index
        if self.status is not None:
            out["status"] = self.status
        return out

    def to_record(self) -> dict[str, Any]:
        """Return :meth:`to_dict` with the original's code, for drawers and tools written for the original.

        There, a failed request is a ``SCRIPT_ERROR``.
        """
        return {**self.to_dict(), "code": _IN_RECORDS.get(self.code, self.code)}

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"


class Alarm(str):
    """A note that the user must not overlook; it is shown in red if colours are available."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Problem:
    """One finding about a definition.

    Attributes:
        severity: ``"error"`` (the drawer cannot be pressed) or ``"warning"``.
        message: what is wrong.
        step_id: id of the step, dotted for nested steps (``each.work``); ``""`` for the drawer itself.
        arg: the argument or field concerned, or ``""``.
        ref: the reference concerned, without ``${}``, or ``""``.
        remediation: how to fix it.
        line, column: 1-based place in the definition's text; ``None`` if there is no text.
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
        """Return the fields that are set, as JSON values.

        ``step_id`` is the id of the step itself, as the original reports it; ``path`` is the dotted id of a
        nested step.
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


MOST_LISTED = 20
"""Most problems that a message lists; ``problems`` has all of them."""

_WIDTH = 160
"""Characters of a line that are shown around a problem."""

_LONGEST = 2_000
"""Most characters of one problem that are shown."""

# Some programs treat these characters as line ends; a quoted line must stay one line.
_BREAKS = dict.fromkeys(map(ord, "\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029"), "\N{SYMBOL FOR NEWLINE}")
# Unpaired surrogates cannot be written to a terminal or a notebook.
_HALVES = dict.fromkeys(range(0xD800, 0xE000), "\N{REPLACEMENT CHARACTER}")
_SHOWN_AS = {ord("\t"): " ", **_BREAKS, **_HALVES}


def lines_of(text: str) -> list[str]:
    """Split `text` into lines as editors count them: at line feeds only, unlike ``str.splitlines``."""
    return text.split("\n")


def excerpt(problem: Problem, text: Sequence[str]) -> list[str]:
    """Return the line of `text` that contains `problem` and a caret below its column; ``[]`` without a place.

    A very long line is cut to the part around the column.
    """
    if problem.line is None or problem.line > len(text):
        return []
    line = text[problem.line - 1]
    if not line.strip():
        return []  # a caret would have nothing to point at
    at = (problem.column or 1) - 1
    if len(line) > _WIDTH:
        start = max(0, min(at - _WIDTH // 2, len(line) - _WIDTH))
        end = start + _WIDTH
        before, after = "..." if start else "", "..." if end < len(line) else ""
        line, at = before + line[start:end] + after, at - start + len(before)
    return [line.translate(_SHOWN_AS), " " * at + "^"]


def problem_text(problem: Problem) -> str:
    """Return `problem` as text, shortened if it is very long."""
    text = str(problem)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


class DrawerError(Exception):
    """Base of all exceptions that this package raises deliberately.

    Attributes:
        code: a constant of :class:`Code`.
        message: what is wrong.
        remediation: how to fix it; ``""`` if there is no hint.
    """

    default_code: ClassVar[str] = Code.VALIDATION_ERROR

    def __init__(self, message: str, *, code: str | None = None, remediation: str = "") -> None:
        super().__init__(message)
        self.code: str = code or self.default_code
        self.message = message
        self.remediation = remediation

    def __str__(self) -> str:
        hint = f"\n  {self.remediation}" if self.remediation else ""
        return f"{self.message}{hint}"

    def info(self) -> ErrorInfo:
        """Return this error as the value that records keep."""
        return ErrorInfo(self.code, self.message, self.remediation)

    def _render_traceback_(self) -> list[str]:
        """Return what IPython shows: the message, without the engine's frames."""
        return [f"{type(self).__name__}: {self}"]


class ResolveError(DrawerError):
    """A ``${...}`` reference has invalid syntax or no value.

    Attributes:
        offset: 0-based character offset of the error in the compiled text; ``None`` if the error
            occurred at evaluation.
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
    """A button received an invalid argument, or a required argument is missing."""


class ButtonNotFound(DrawerError):
    """No button has that name, in any place where a drawer looks buttons up."""

    default_code = Code.BUTTON_NOT_FOUND


class DrawerNotFound(DrawerError):
    """No drawer in the workspace has that name."""

    default_code = Code.DRAWER_NOT_FOUND


class UsageError(DrawerError):
    """An option, an input or a verb received an invalid value.

    Attributes:
        about: the input concerned, or ``""``.
        line: the line that was typed, ``""`` if there is none to show.
        column: 1-based place of the mistake in `line`; ``None`` if it is unknown.
    """

    def __init__(self, message: str, *, code: str | None = None, remediation: str = "") -> None:
        super().__init__(message, code=code, remediation=remediation)
        self.about = ""
        self.line: str = ""
        self.column: int | None = None

    def pointing_at(self, line: str, column: int | None) -> UsageError:
        """Return this error, which from now on shows `line` with a caret below `column`."""
        self.line, self.column = line, column
        return self

    def __str__(self) -> str:
        text = super().__str__()
        if self.column is None:
            return text
        place = Problem("error", self.message, line=1, column=self.column)
        typed = self.line.replace("\r", " ").replace("\n", " ")
        return "\n".join([text, *(f"    {line}" for line in excerpt(place, [typed]))])


class DefinitionError(DrawerError):
    """A definition is invalid; the error contains every problem found, not only the first.

    Attributes:
        problems: errors and warnings, in the order of the text.
        source: the text that their lines and columns refer to; ``""`` if the definition was not text.
    """

    def __init__(
        self,
        problems: Sequence[Problem],
        source: str = "",
        name: str = "",
        outcome: str = "was not run",
    ) -> None:
        self.problems: list[Problem] = list(problems)
        self.source = source
        super().__init__(self._render(name, outcome))

    def _render(self, name: str, outcome: str) -> str:
        errors = [p for p in self.problems if p.severity == "error"]
        what = "1 problem" if len(errors) == 1 else f"{len(errors):,} problems"
        lines = [f"{name or 'this drawer'} {outcome}: {what} in its definition"]
        text = lines_of(self.source)
        for problem in errors[:MOST_LISTED]:
            lines.append(f"  {problem_text(problem)}")
            lines += [f"    {line}" for line in excerpt(problem, text)]
        if len(errors) > MOST_LISTED:
            lines.append(f"  ... and {len(errors) - MOST_LISTED:,} more (all are in .problems)")
        return "\n".join(lines)


class BackendError(DrawerError):
    """A backend cannot be used: no client, different versions, a missing module, an object it cannot send."""

    default_code = Code.BACKEND_ERROR


def did_you_mean(word: str, known: Iterable[str], near: float = 0.6) -> str:
    """Return ``"did you mean 'x'?"`` for the nearest of `known`, or ``""`` if none is near.

    Args:
        near: the least similarity of two words; 1.0 means equal.
    """
    close = difflib.get_close_matches(str(word), list(known), n=1, cutoff=near)
    return f"did you mean {close[0]!r}?" if close else ""
