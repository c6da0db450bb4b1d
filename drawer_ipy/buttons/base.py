"""What every button runtime offers the engine, and what it gets from it."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, cast

from drawer_ipy.common.cancellation import Stop
from drawer_ipy.common.notes import Note
from drawer_ipy.definition.models import ArgSpec, ButtonSpec, Queue
from drawer_ipy.record.attempt import Attempt

if TYPE_CHECKING:
    from drawer_ipy.cache.sources import Sources


BUSY = (429, 503)
"""HTTP statuses by which a server says that it has too much to do."""


Bound = Any
"""What :meth:`Button.bind` makes and :meth:`Button.press` takes: each runtime has a type of its own."""


class Closable(Protocol):
    """Something a run opened and closes when it ends."""

    async def aclose(self) -> None:
        """Give back what it holds; called once, also after a cancellation."""


ClosableT = TypeVar("ClosableT", bound=Closable)
LastingT = TypeVar("LastingT")

PressPlace = tuple[tuple[str, int | str, int | None], ...]
"""Where something stands in a run, the outermost first: the id of a step, which press of it (the attempt of a
loop or branch, the run id of a drawer), and the item's index in a loop.
"""


class Resources:
    """What lives as long as a run and is shared by its presses: an HTTP session, a pool of threads.

    Each is made the first time a button asks for it, by its class, and closed when the run ends.

    Args:
        lasting: what the runs that this one goes on with have remembered, by its class; this one adds to it.
    """

    def __init__(self, lasting: dict[type[Any], Any] | None = None) -> None:
        self._open: dict[type[Any], Closable] = {}
        self._lasting = {} if lasting is None else lasting

    def get(self, kind: type[ClosableT]) -> ClosableT:
        """The run's one `kind`, made now if this is the first time it is asked for."""
        found = self._open.get(kind)
        if found is None:
            found = self._open[kind] = kind()
        return cast(ClosableT, found)

    def lasting(self, kind: type[LastingT]) -> LastingT:
        """The one `kind` of this run and of those that go on with it; nothing closes it."""
        found = self._lasting.get(kind)
        if found is None:
            found = self._lasting[kind] = kind()
        return cast(LastingT, found)

    async def aclose(self) -> None:
        """Close everything, latest first; the first error is raised after all were closed."""
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
    """How one press of a button ended.

    Attributes:
        next: the address of the page that follows, or the cursor that asks for it, where pages are followed.
        note: what a user should know although nothing failed.
        notes: the same, each told once a run for what it is about.
        kept: what a cache needs to give this outcome again, where that is not the output (the response
            of a request, before anything was taken from it).
    """

    output: Any = field(default=None, kw_only=False)
    next: Any = field(default=None, kw_only=True)
    note: str = field(default="", kw_only=True)
    notes: tuple[Note, ...] = field(default=(), kw_only=True)
    kept: Any = field(default=None, kw_only=True)


def _keep_to_oneself(secret: str) -> None:
    """Nothing is recorded, so there is nothing to hide it from."""


@dataclass(slots=True)
class Call:
    """What a press gets beside its arguments.

    Attributes:
        resources: the run's shared things.
        timeout: seconds this attempt may take, ``None`` for no limit. The button keeps to it itself,
            since only it can keep what was captured until then.
        env: environment variables to add for a process (batteries).
        log: called with each line of progress, ``None`` when nobody listens.
        batteries: what ``${batteries.X}`` sees in a button's own texts.
        turn: waits for the next start that the button's rate allows; ``None`` when it has no rate. The first
            start is waited for already: this is for a press that sends more than one request.
        place, step: the place of the step that presses, and its id.
        stop: tells that the press is to end, whatever its code has made of the cancellation.
        helpers: the buttons that this one presses itself, by the names in its ``needs``.
        inputs: of the drawer, which fill the arguments of those.
        hide: called with each secret that turns up on the way, to keep it out of what is recorded.
    """

    resources: Resources
    timeout: float | None = None
    env: Mapping[str, str] = field(default_factory=dict)
    log: Callable[[str], None] | None = None
    batteries: Mapping[str, str] = field(default_factory=dict)
    turn: Callable[[], Awaitable[None]] | None = None
    place: PressPlace = ()
    step: str = ""
    stop: Stop = field(default_factory=Stop)
    helpers: Mapping[str, Button] = field(default_factory=dict)
    inputs: Mapping[str, Any] = field(default_factory=dict)
    hide: Callable[[str], None] = _keep_to_oneself

    def scope(self) -> dict[str, Any]:
        """The names that references in a button's own texts may use."""
        return {"batteries": self.batteries, "env": os.environ}


class Caching(Protocol):
    """How the results of a button's presses are kept.

    Attributes:
        lasts: seconds for which a result is used again; infinite for ever.
    """

    lasts: float

    def parts(self, bound: Bound, call: Call, sources: Sources) -> Any:
        """All that the outcome of a press depends on, fit for :func:`drawer_ipy.cache.canonical`.

        Raises:
            Uncacheable: nothing tells all of it; the message goes on after "was not cached: ".
        """

    def keep(self, outcome: Outcome) -> tuple[Any, ...]:
        """What is kept of a success.

        Raises:
            Uncacheable: it means nothing for a later press; the message goes on after "was not cached: ".
        """

    def take(self, kept: tuple[Any, ...], bound: Bound, call: Call) -> None:
        """Make sure that this press may have what was kept.

        Raises:
            CacheTrouble: it may not, or what was kept is no longer what it was.
        """

    def revive(self, kept: tuple[Any, ...], bound: Bound) -> Outcome:
        """The outcome of a press with `bound`, from what was kept."""

    def asking(self, bound: Bound, kept: tuple[Any, ...]) -> Bound | None:
        """What to press with to learn whether `kept` is still so; ``None`` when nobody can be asked."""

    def unchanged(self, outcome: Outcome) -> bool:
        """Whether `outcome`, of a press with what :meth:`asking` gave, says that it is still so."""


class Pages(Protocol):
    """How presses that follow one another make one outcome."""

    async def press(
        self,
        bound: Bound,
        one: Callable[[Bound], Awaitable[Outcome]],
        log: Callable[[str], None] | None,
    ) -> Outcome:
        """Press `one` with `bound`, then with what follows, as long as something does.

        Args:
            one: presses, when the limits let it, or has the result of an earlier press.
            log: called with each line of progress, ``None`` when nobody listens.
        """


class Button(Protocol):
    """One reusable action.

    Attributes:
        name: what a step calls it by.
        args: what it declares; a step's ``args`` and the drawer's inputs of the same name fill them.
        timeout: seconds a press may take when the step does not say, ``None`` for no limit.
        output_schema: JSON Schema of the output where the button declares one.
        open_args: whether it takes arguments it does not declare.
        kind: ``function``, ``script``, ``http`` or ``prompt``.
        rate: starts per time that all its presses in a run share, ``"5/s"``; ``None`` for no limit.
        queue: the pool of slots it shares with other buttons of a run.
        caching: how its results are kept, ``None`` when they are not.
        pages: how the pages that follow one another are pressed, ``None`` when a press is all.
        needs: names of the buttons that it presses itself.
        spec: what it was made of; ``None`` for a function.
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
        """Check and convert resolved arguments into what :meth:`press` takes.

        Raises:
            ArgumentError: code MISSING_ARG or VALIDATION_ERROR, naming the argument.
        """

    async def press(self, bound: Bound, call: Call) -> Outcome:
        """Do it once. Failures are outcomes, not exceptions; CancelledError is passed on after whatever
        was started has been ended."""
