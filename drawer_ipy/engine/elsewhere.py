"""Parts of presses and steps that run on a backend, while the kernel does the rest."""

from __future__ import annotations

from functools import partial
from typing import Any

from drawer_ipy.buttons.base import Outcome
from drawer_ipy.buttons.travelling import TravellingPart, Work
from drawer_ipy.common.threads import Threads
from drawer_ipy.engine.backends.base import Answer, BackendError
from drawer_ipy.engine.backends.travel import IN_KERNEL
from drawer_ipy.engine.context import Session
from drawer_ipy.engine.limits import Pausing, place_on


class Elsewhere:
    """Runs a part on a backend; one is made for each press.

    Args:
        part: the part.
        backend: the name of the backend.
        session: the run.
        pausing: shows that the press waits for a place.
    """

    __slots__ = ("_backend", "_part", "_pausing", "_session", "_where")

    def __init__(self, part: TravellingPart, backend: str, session: Session, pausing: Pausing) -> None:
        self._part, self._backend = part, backend
        self._session, self._pausing = session, pausing
        self._where = ""

    @property
    def where(self) -> str:
        """Where the press ran, in words."""
        return f"{IN_KERNEL}; {self._part.what} in {self._where}" if self._where else IN_KERNEL

    async def __call__(self, *args: Any) -> Answer:
        """Run the part with these arguments when a place is free. A cancellation ends it."""
        part = self._part
        work = Work(part.name, part.function, args, {}, part.names, partial(self._here, args))
        try:
            backend = await self._session.backend(self._backend)
            ticket = await place_on(backend, self._pausing, at_once=False)
        except BackendError as error:
            return Answer(error=error.info())
        try:
            self._where = ticket.where
            return await ticket.press(work, None, None)
        finally:
            ticket.give_back()

    async def _here(self, args: tuple[Any, ...]) -> Outcome:
        threads = self._session.resources.get(Threads)
        return Outcome(await threads.submit(partial(self._part.function, *args)))
