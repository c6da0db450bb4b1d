"""What one attempt came to, whoever made it: the fields that a button's outcome and a step's result share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from drawer_ipy.errors import ErrorInfo


@dataclass(slots=True, eq=False, kw_only=True)
class Attempt:
    """What one attempt came to.

    Attributes:
        output: the value; ``None`` on failure.
        status: ``ok``, ``error`` (it ran and failed), ``timeout`` or ``failed`` (it could not run).
        error: why it failed, ``None`` when it did not.
        exit_code: of a script; -1 for a signal, a timeout or a script that never started; the HTTP status of
            a request that was answered with 400 or above; 1 for functions and prompts that fail; else 0.
        stdout, stderr: captured text, bounded; for a function that raised, stderr is its traceback.
        retry_after: seconds that the server asked to wait before another attempt, ``None`` when it did not.
        about: what a button reports beside its output, fit for JSON: for a request its status, final URL,
            headers and seconds; ``None`` when there is nothing.
        pushed_back: whether the server reported overload on the way, also where a later try succeeded.
        cached: whether the output is that of an earlier press.
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
        """Become what `other` came to; :attr:`pushed_back` stays set once it was."""
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
