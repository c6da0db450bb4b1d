"""The interface between the engine and button runtimes."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, cast

from drawer_ipy.buttons.answer import Answer
from drawer_ipy.common.cancellation import Stop
from drawer_ipy.common.notes import Note
from drawer_ipy.definition.models import ArgSpec, ButtonSpec, Queue
from drawer_ipy.record.attempt import Attempt
from drawer_ipy.record.waits import Reason

if TYPE_CHECKING:
    from drawer_ipy.cache.sources import Sources


BUSY = (429, 503)
"""HTTP status codes by which a server says that it is overloaded."""


Bound = Any
"""What :meth:`Button.bind` returns and :meth:`Button.press` accepts; each runtime has its own type."""


class Closable(Protocol):
    """A resource that a run opened and closes at its end."""

    async def aclose(self) -> None:
        """Release the resource; called once, also after a cancellation."""


ClosableT = TypeVar("ClosableT", bound=Closable)
LastingT = TypeVar("LastingT")

PressPlace = tuple[tuple[str, int | str, int | None], ...]
"""A place in a run, outermost level first. Each level has the id of a step, the press of that step (the
attempt of a loop or branch, the run id of a drawer), and the index of the item in a loop.
"""


class Resources:
    """Resources that live as long as a run and are shared by its presses: an HTTP session, a thread pool.

    Each is created from its class when a button first requests it, and closed when the run ends.

    Args:
        lasting: state from the runs that this run continues, by class; this run adds to it.
        loop: see the attribute.

    Attributes:
        loop: the event loop of the run, ``None`` if it is not known.
    """

    def __init__(
        self,
        lasting: dict[type[Any], Any] | None = None,
        loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        self.loop: asyncio.AbstractEventLoop | None = loop
        self._open: dict[type[Any], Closable] = {}
        self._lasting = {} if lasting is None else lasting

    def get(self, kind: type[ClosableT]) -> ClosableT:
        """Return the run's only instance of `kind`; create it on first use."""
        found = self._open.get(kind)
        if found is None:
            found = self._open[kind] = kind()
        return cast(ClosableT, found)

    def found(self, kind: type[ClosableT]) -> ClosableT | None:
        """Return the run's instance of `kind`, ``None`` if no button has used one."""
        return cast("ClosableT | None", self._open.get(kind))

    def lasting(self, kind: type[LastingT]) -> LastingT:
        """Return the instance of `kind` that this run shares with runs that continue it; it is not closed."""
        found = self._lasting.get(kind)
        if found is None:
            found = self._lasting[kind] = kind()
        return cast(LastingT, found)

    async def aclose(self) -> None:
        """Close all resources, newest first; raise the first error after all are closed."""
        first: BaseException | None = None
        while self._open:
            _, resource = self._open.popitem()
            try:
                await resource.aclose()
            except Exception as error:
                first = first or error
        if first is not None:
            raise first


@dataclass(slots=True, eq=False)
class Outcome(Attempt):
    """The result of one press of a button.

    Attributes:
        next: the address of the next page, or the cursor for it, if the button follows pages.
        note: a message for the user although nothing failed.
        notes: further such messages; a run shows one per subject.
        kept: what a cache must store to reproduce this outcome, if that is not the output (the response
            to a request, before values were extracted from it).
    """

    output: Any = field(default=None, kw_only=False)
    next: Any = field(default=None, kw_only=True)
    note: str = field(default="", kw_only=True)
    notes: tuple[Note, ...] = field(default=(), kw_only=True)
    kept: Any = field(default=None, kw_only=True)


class Waiter(Protocol):
    """The step that a press belongs to, as its button sees it.

    Attributes:
        place: the place of the step.
    """

    @property
    def place(self) -> PressPlace: ...

    def hide(self, secret: str) -> None:
        """Keep a secret that turned up during the press out of the record."""

    def pausing(self, reason: Reason, seconds: float | None = None) -> AbstractContextManager[None]:
        """Return the context in which the press waits and does nothing else.

        Args:
            reason: why; shown during the run, and kept in the record.
            seconds: how long, ``None`` if that is unknown. A short wait is not shown.
        """

    def retried(self) -> None:
        """Count a request that the button itself repeats after a failure."""


class _Unseen:
    """The waiter of a press outside a run: nothing is shown or recorded."""

    place: PressPlace = ()

    def hide(self, secret: str) -> None:
        pass

    def pausing(self, *_: object) -> AbstractContextManager[None]:
        return nullcontext()

    def retried(self) -> None:
        pass


_UNSEEN = _Unseen()


@dataclass(slots=True)
class Call:
    """The context of a press, besides its arguments.

    Attributes:
        resources: the shared resources of the run.
        timeout: limit for this attempt in seconds, ``None`` for no limit. The button enforces it itself,
            because only the button can keep the output captured so far.
        env: environment variables to add for a process (batteries).
        log: called with each line of progress; ``None`` if there is no listener.
        batteries: the values of ``${batteries.X}`` in a button's own texts.
        turn: waits until the button's rate allows another start; ``None`` without a rate. The engine has
            already waited for the first start: this is for presses that send several requests.
        step: the id of the step that presses the button.
        stop: says that the press must end, even if the user's code swallowed the cancellation.
        helpers: the buttons that this button presses itself, by the names in its ``needs``.
        inputs: the inputs of the drawer, which fill the arguments of helpers.
        waiter: the step: shows what the press waits for, hides the secrets that turn up.
        elsewhere: runs the button's ``part`` on a backend, given its arguments; ``None`` to run it here. See
            :class:`~drawer_ipy.buttons.travelling.TravellingPart`.
    """

    resources: Resources
    timeout: float | None = None
    env: Mapping[str, str] = field(default_factory=dict)
    log: Callable[[str], None] | None = None
    batteries: Mapping[str, str] = field(default_factory=dict)
    turn: Callable[[], Awaitable[None]] | None = None
    step: str = ""
    stop: Stop = field(default_factory=Stop)
    helpers: Mapping[str, Button] = field(default_factory=dict)
    inputs: Mapping[str, Any] = field(default_factory=dict)
    waiter: Waiter = _UNSEEN
    elsewhere: Callable[..., Awaitable[Answer]] | None = None

    @property
    def place(self) -> PressPlace:
        """The place of the step that presses the button."""
        return self.waiter.place

    def hide(self, secret: str) -> None:
        """Keep a secret that turned up during the press out of the record."""
        self.waiter.hide(secret)

    def scope(self) -> dict[str, Any]:
        """Return the names that references in a button's own texts may use."""
        return {"batteries": self.batteries, "env": os.environ}


class Caching(Protocol):
    """How the results of a button's presses are cached.

    Attributes:
        lasts: seconds for which a cached result is valid; infinite for no expiry.
    """

    lasts: float

    def parts(self, bound: Bound, call: Call, sources: Sources) -> Any:
        """Return everything that the outcome of a press depends on, for :func:`drawer_ipy.cache.canonical`.

        Raises:
            Uncacheable: it cannot be determined; the message completes "was not cached: ".
        """

    def keep(self, outcome: Outcome) -> tuple[Any, ...]:
        """Return what to store of a success.

        Raises:
            Uncacheable: it is of no use to a later press; the message completes "was not cached: ".
        """

    def take(self, kept: tuple[Any, ...], bound: Bound, call: Call) -> None:
        """Check that this press may use a stored result.

        Raises:
            CacheTrouble: it may not, or the stored result is no longer valid.
        """

    async def revive(self, kept: tuple[Any, ...], bound: Bound, call: Call) -> Outcome:
        """Return the outcome of a press with `bound`, restored from a stored result."""

    def asking(self, bound: Bound, kept: tuple[Any, ...]) -> Bound | None:
        """Return what to press with to check that `kept` is still valid; ``None`` if it cannot be checked."""

    def unchanged(self, outcome: Outcome) -> bool:
        """Whether `outcome`, of a press with the value from :meth:`asking`, says that it is still valid."""


class Pages(Protocol):
    """How the presses of consecutive pages are combined into one outcome."""

    async def press(
        self,
        bound: Bound,
        one: Callable[[Bound], Awaitable[Outcome]],
        log: Callable[[str], None] | None,
    ) -> Outcome:
        """Press `one` with `bound`, then with each following page until there is none.

        Args:
            one: presses one page when the limits allow it, or returns an earlier result.
            log: called with each line of progress; ``None`` if there is no listener.
        """


class Button(Protocol):
    """A reusable action.

    Attributes:
        name: the name that a step presses it by.
        args: the declared arguments, filled by a step's ``args`` and the drawer's inputs of the same name.
        timeout: limit for a press in seconds if the step sets none, ``None`` for no limit.
        output_schema: JSON Schema of the output, if the button declares one.
        open_args: whether it accepts undeclared arguments.
        kind: ``function``, ``script``, ``http`` or ``prompt``.
        rate: the limit on starts that all its presses in a run share, ``"5/s"``; ``None`` for no limit.
        queue: the pool of slots that it shares with other buttons of a run.
        caching: how its results are cached, ``None`` if they are not.
        pages: how consecutive pages are pressed, ``None`` if a press is complete by itself.
        needs: names of the buttons that it presses itself.
        spec: the specification it was made from; ``None`` for a function.
    """

    name: str
    args: tuple[ArgSpec, ...]
    timeout: float | None
    output_schema: Mapping[str, Any] | None
    open_args: bool
    kind: str
    rate: Any
    queue: Queue | None
    caching: Caching | None
    pages: Pages | None
    needs: tuple[str, ...]
    spec: ButtonSpec | None

    def bind(self, args: Mapping[str, Any]) -> Bound:
        """Check resolved arguments and convert them to what :meth:`press` accepts.

        Raises:
            ArgumentError: code MISSING_ARG or VALIDATION_ERROR, naming the argument.
        """

    async def press(self, bound: Bound, call: Call) -> Outcome:
        """Run the button once. Failures are outcomes, not exceptions; CancelledError is re-raised after
        everything that was started has ended."""
