"""The backend ``threads``: presses run in threads of the kernel, as they do without a backend."""

from __future__ import annotations

from collections.abc import Callable

from drawer_ipy.engine.backends.base import Answer, Need, Work


class ThreadsBackend:
    """Runs presses in the run's threads, whose number is only limited by the engine.

    See :class:`~drawer_ipy.engine.backends.base.Backend`.
    """

    name = "threads"
    ends_presses = False
    places: int | None = None

    def __init__(self, address: str = "") -> None:  # noqa: ARG002 - as other backends
        self._ticket = _Ticket()

    def check(self, need: Need) -> None:
        """Accept everything, since nothing is sent."""

    async def open(self, need: Need) -> None:
        """Do nothing: threads start when they are needed."""

    def has_place(self, *, at_once: bool = False) -> bool:  # noqa: ARG002 - a press never waits here
        """Return ``True``: there are as many places as are needed."""
        return True

    async def ticket(self, *, at_once: bool = False) -> _Ticket:  # noqa: ARG002 - a press never waits here
        """Return a place at once."""
        return self._ticket

    async def aclose(self) -> None:
        """Do nothing: the run closes its threads."""


class _Ticket:
    """The place of every press."""

    where = "a thread of the kernel"

    async def press(
        self,
        work: Work,
        begun: Callable[[], None] | None,
        log: Callable[[str], None] | None,  # noqa: ARG002 - a thread prints in this process
    ) -> Answer:
        """Press in this process; see :class:`~drawer_ipy.engine.backends.base.Ticket`."""
        if begun is not None:
            begun()
        outcome = await work.here()
        return Answer(outcome.output, outcome.error, outcome.stdout, outcome.stderr)

    def give_back(self) -> None:
        """Do nothing: there are as many places as are needed."""
