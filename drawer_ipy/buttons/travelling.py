"""Presses that can run outside the kernel: what is sent, and what comes back."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from drawer_ipy.buttons.answer import Answer
from drawer_ipy.buttons.base import Bound, Call, Outcome
from drawer_ipy.errors import Code


@dataclass(slots=True, eq=False)  # one is made for each press, and a frozen one takes three times as long
class Work:
    """One press that a backend runs: a call of a function. It is not changed.

    Attributes:
        button: the name of the button, for messages.
        function: what is called. It is the same object for all presses of the button in a run.
        args, kwargs: its arguments.
        names: the names of `args`.
        here: presses in this process instead, on the running event loop and in threads.
    """

    button: str
    function: Callable[..., Any]
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]
    names: tuple[str, ...]
    here: Callable[[], Awaitable[Outcome]]


@dataclass(frozen=True, slots=True)
class TravellingPart:
    """A part of a button's presses, or of a step, that a backend can run while the kernel does the rest.

    Attributes:
        name: the name of the button or the step, for messages.
        what: the part in words.
        function: what is called, the same object in the whole run.
        names: the names of its arguments.
    """

    name: str
    what: str
    function: Callable[..., Any]
    names: tuple[str, ...]


class Travelling(Protocol):
    """A button whose presses a backend may run.

    Attributes:
        name: its name.
        stays: why its presses stay in the kernel nevertheless, as a clause; ``""`` if they can travel.
        backend: the backend that the button itself names, ``""`` for none.
        function: what its presses call.
    """

    name: str
    stays: str
    backend: str
    function: Callable[..., Any]

    def work(self, bound: Bound, call: Call) -> Work:
        """Return the press of the button with `bound`, ready to be sent."""

    def answered(self, answer: Answer) -> Outcome:
        """Return the outcome of a press whose function has returned on a backend."""


def travelling(button: Any) -> Travelling | None:
    """Return `button` if a backend can run its presses."""
    if getattr(button, "work", None) is None or button.stays:
        return None
    found: Travelling = button
    return found


def travelling_part(button: Any) -> TravellingPart | None:
    """Return the part of the presses of `button` that a backend can run."""
    found: TravellingPart | None = getattr(button, "part", None)
    return found


def failed_outcome(answer: Answer, about: Mapping[str, Any] | None) -> Outcome:
    """Return the outcome of a press whose function, or part, failed on a backend.

    Args:
        about: facts of the attempt.
    """
    error = answer.error
    code = -1 if error is not None and error.code == Code.WORKER_LOST else 1
    return Outcome(
        status="error",
        error=error,
        exit_code=code,
        stdout=answer.stdout,
        stderr=answer.stderr,
        about=about,
    )
