"""The backends that the steps of a plan use: made once, opened before the first step, closed at the end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from drawer_ipy.buttons.travelling import Travelling, TravellingPart
from drawer_ipy.definition.backends import parse_backend
from drawer_ipy.engine.backends.base import Backend, BackendError, Need, Sent

Known = Callable[[Mapping[str, Any]], Mapping[str, Any]]
"""Returns the arguments of a step that are known before the run, given the drawer's inputs."""


@dataclass(frozen=True, slots=True)
class _Pressed:
    """A step that presses `button`, or a part of a button or of itself, on a backend."""

    button: Travelling | TravellingPart
    known: Known


class Backends:
    """The backends of one plan by the text that names them, such as ``processes`` or ``dask:tcp://host:1``."""

    def __init__(self) -> None:
        self._uses: dict[str, list[_Pressed]] = {}
        self._made: dict[str, Backend] = {}
        self._open: dict[str, Backend] = {}
        self._opening: dict[str, asyncio.Task[Backend]] = {}

    def add(self, name: str, button: Travelling | TravellingPart, known: Known = lambda _inputs: {}) -> None:
        """Take note that a step presses `button` on the backend `name`."""
        self._uses.setdefault(name, []).append(_Pressed(button, known))

    def check(self, inputs: Mapping[str, Any]) -> None:
        """Refuse what the backends cannot send; nothing is started.

        Raises:
            BackendError: a function or an argument cannot be sent.
        """
        for name, uses in self._uses.items():
            sent = [Sent(use.button.name, use.button.function, use.known(inputs)) for use in uses]
            self._backend(name).check(Need(sent))

    async def open(self, note: Callable[[str], None]) -> None:
        """Open the backends of the steps that are compiled so far.

        Raises:
            BackendError: one cannot be used.
        """
        for name in self._uses:
            await self.get(name, note)

    def opened(self, name: str) -> Backend | None:
        """Return the backend `name` if it is open."""
        return self._open.get(name)

    async def get(self, name: str, note: Callable[[str], None]) -> Backend:
        """Return the backend `name`, and open it first if necessary.

        Raises:
            BackendError: it cannot be used.
        """
        found = self._open.get(name)
        if found is not None:
            return found
        opening = self._opening.get(name)
        if opening is None:
            opening = self._opening[name] = asyncio.create_task(self._opened(name, note))
        # Shielded, since other presses may wait for the same backend.
        return await asyncio.shield(opening)

    async def _opened(self, name: str, note: Callable[[str], None]) -> Backend:
        backend = self._backend(name)
        sent = [Sent(use.button.name, use.button.function) for use in self._uses.get(name, ())]
        await backend.open(Need(sent, note))
        self._open[name] = backend
        return backend

    def _backend(self, name: str) -> Backend:
        made = self._made.get(name)
        if made is None:
            named = parse_backend(name)
            try:
                made = self._made[name] = named.kind.backend(named.address)
            except ImportError as error:
                raise BackendError(f"the backend {name!r} cannot be loaded: {error}") from None
        return made

    async def aclose(self) -> None:
        """Close all backends; raise the first error after all are closed."""
        for opening in self._opening.values():
            opening.cancel()
        await asyncio.gather(*self._opening.values(), return_exceptions=True)
        closing = [backend.aclose() for backend in self._made.values()]
        self._made, self._open, self._opening = {}, {}, {}
        for failure in await asyncio.gather(*closing, return_exceptions=True):
            if isinstance(failure, BaseException):
                raise failure
