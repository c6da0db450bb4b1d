"""The protocol between the engine and backends.

The unit that a backend runs is one press: a call of one function. The record, limits, queues, rates, cache,
retries and secrets stay in the kernel, so they mean the same on every backend.

A run makes a backend for each name that its steps use, and calls ``check`` and ``open`` once. A press waits
for a ticket, which is a place for one press, then for its turn under rates, and is then sent with
``Ticket.press``. At the end of the run, ``aclose`` ends everything that the backend has started.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from drawer_ipy.buttons.answer import Answer as Answer
from drawer_ipy.buttons.travelling import Work as Work
from drawer_ipy.errors import BackendError as BackendError


@dataclass(frozen=True, slots=True)
class Sent:
    """A function that will be pressed, with what is known of its arguments.

    Attributes:
        button: the name of the button.
        function: the function.
        arguments: the arguments that are the same for all presses and are known before the run.
    """

    button: str
    function: Callable[..., Any]
    arguments: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Need:
    """What a run needs from a backend.

    Attributes:
        sent: the functions that will be pressed. A sub-drawer adds its own when it is first pressed.
        note: called with notes for the user.
    """

    sent: Sequence[Sent] = ()
    note: Callable[[str], None] = lambda _text: None


class Ticket(Protocol):
    """A place for one press.

    Attributes:
        where: where the press runs, in words, for ``explain()``: ``"process 4711"``.
    """

    where: str

    async def press(
        self, work: Work, begun: Callable[[], None] | None, log: Callable[[str], None] | None
    ) -> Answer:
        """Run `work` and return its result. A failure is an answer with an error, not an exception.

        A cancellation ends the press at once and is re-raised; it is also how a timeout ends it.

        Args:
            begun: called when the function begins, from which timeouts count; ``None`` if it does not matter.
            log: called with each line that the function prints, soon after it was printed; ``None`` to print
                it in this process.
        """

    def give_back(self) -> None:
        """Free the place; called once, also after a failure or a cancellation."""


class Backend(Protocol):
    """Runs presses for one run.

    Attributes:
        name: its name.
        ends_presses: whether a press that is cancelled or has timed out ends, rather than being abandoned.
        places: most presses at once, ``None`` for no limit or if it is not known; valid after ``open``.
    """

    name: str
    ends_presses: bool
    places: int | None

    def check(self, need: Need) -> None:
        """Refuse what cannot be sent; called before the run, without an event loop. Nothing is started.

        Raises:
            BackendError: a function or an argument cannot be sent; the message names it.
        """

    async def open(self, need: Need) -> None:
        """Get ready.

        Raises:
            BackendError: it cannot be used.
        """

    def has_place(self, *, at_once: bool) -> bool:
        """Whether :meth:`ticket` returns without waiting for another press to end."""

    async def ticket(self, *, at_once: bool) -> Ticket:
        """Wait for a place, first come, first served.

        Args:
            at_once: whether a press in this place must begin as soon as it is sent, since a rate times its
                start. Otherwise it may wait in the backend for presses that end soon.

        Raises:
            BackendError: there can be no place any more.
        """

    async def aclose(self) -> None:
        """End everything that was started; nothing of it runs afterwards."""
