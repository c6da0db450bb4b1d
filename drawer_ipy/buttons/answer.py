"""What comes back from a press, or from a part of one, that a backend ran."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from drawer_ipy.errors import ErrorInfo


@dataclass(slots=True)
class Answer:
    """The result of a press that a backend ran.

    Attributes:
        output: what the function returned; ``None`` if it failed.
        error: why it failed; ``None`` if it did not.
        stdout: what the function printed, of bounded length.
        stderr: the traceback of the exception, from the user's first frame on.
        about: further facts, as in :class:`~drawer_ipy.record.attempt.Attempt`.
    """

    output: Any = None
    error: ErrorInfo | None = None
    stdout: str = ""
    stderr: str = ""
    about: Mapping[str, Any] = field(default_factory=dict)
