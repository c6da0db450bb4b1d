"""The result of an attempt: the fields shared by a button's outcome and a step's result."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from drawer_ipy.errors import ErrorInfo


@dataclass(slots=True, eq=False, kw_only=True)
class Attempt:
    """The result of an attempt.

    Attributes:
        output: the value; ``None`` on failure.
        status: ``ok``, ``error`` (it ran and failed), ``timeout`` or ``failed`` (it could not run).
        error: why it failed; ``None`` if it did not.
        exit_code: a script's exit code, -1 for a signal, a timeout or a script that never started; for a
            request, the status code if it is 400 or above; 1 for functions and prompts that fail; else 0.
        stdout, stderr: captured text of bounded length; for a function that raised, stderr is its traceback.
        retry_after: seconds that the server asked to wait before the next attempt, or ``None``.
        about: what a button reports beside its output, as JSON values: for a request its status, final URL,
            headers and seconds; ``None`` for nothing.
        pushed_back: whether the server reported overload, even if a later attempt succeeded.
        cached: whether the output is from an earlier press.
    """

    output: Any = None
    status: str = "ok"
    error: ErrorInfo | None = None
    exit_code: int = 0
    stdout: str = ""
    stderr: str = ""
    retry_after: float | None = None
    about: Mapping[str, Any] | None = None
    pushed_back: bool = False
    cached: bool = False

    def take(self, other: Attempt) -> None:
        """Copy the result of `other`; :attr:`pushed_back` is never reset."""
        self.output = other.output
        self.status = other.status
        self.error = other.error
        self.exit_code = other.exit_code
        self.stdout = other.stdout
        self.stderr = other.stderr
        self.retry_after = other.retry_after
        self.about = other.about
        self.pushed_back = self.pushed_back or other.pushed_back
        self.cached = other.cached
