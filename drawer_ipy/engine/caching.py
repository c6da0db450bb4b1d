"""Answer presses with cached results, and make identical concurrent presses only once.

Nothing here fails a run: if a result cannot be looked up, the button is pressed; if it cannot be kept, a note
says so.
"""

from __future__ import annotations

import asyncio
import hashlib
import math
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from drawer_ipy.buttons.base import Bound, Button, Caching, Call, Outcome
from drawer_ipy.cache.canonical import Uncacheable, canonical
from drawer_ipy.cache.packing import pack, unpack, unseal
from drawer_ipy.cache.private import private_key
from drawer_ipy.cache.sources import Sources
from drawer_ipy.cache.store import Store
from drawer_ipy.cache.trouble import CacheTrouble
from drawer_ipy.cache.writer import WriteJob, Writer
from drawer_ipy.common.threads import Threads
from drawer_ipy.engine.secrets.redactor import Redactor
from drawer_ipy.record.waits import Reason, Why

PressFunction = Callable[[Bound], Awaitable[Outcome]]

_KEPT_BEYOND = 30 * 86400.0
"""Seconds that a response is kept after it expires if it can be revalidated, which saves the transfer."""

_CLOCK_SLACK = 60.0
_FLAT = frozenset({str, bytes, int, float, bool, type(None)})
_SHORT = 1000
"""Longest list or dict that is packed on the event loop, without the detour through a thread."""

_OPENING = Reason(Why.SHARED, "the cache file")


@dataclass(frozen=True, slots=True)
class CacheablePress:
    """A requested press.

    Attributes:
        button: the button.
        caching: how its results are cached.
        bound, call: its arguments.
        press: presses the button, within the run's limits; a cached result does not wait for them.
        redactor: returns the current redactor; results with secrets are not cached.
    """

    button: Button
    caching: Caching
    bound: Bound
    call: Call
    press: PressFunction
    redactor: Callable[[], Redactor]


@dataclass(frozen=True, slots=True)
class _Open:
    """The open cache file."""

    key: bytes
    store: Store
    writer: Writer


@dataclass(frozen=True, slots=True)
class _Cached:
    """A cached result and its age in seconds."""

    data: bytes
    age: float


@dataclass(frozen=True, slots=True)
class _Shared:
    """The outcome of a press, for the other presses that wait for it.

    Attributes:
        button: the button that was pressed.
        data: the packed result; ``None`` if it cannot be shared.
        failure: the failure; ``None`` if it succeeded, or if the same press might succeed elsewhere.
    """

    button: Button
    data: bytes | None = None
    failure: Outcome | None = None


def _is_quick(part: Any) -> bool:
    kind = type(part)
    return kind in _FLAT or (kind in (dict, list, tuple) and len(part) <= _SHORT)


class RunCache:
    """One run's access to the cache.

    Args:
        folder: the cache folder; with ``None`` nothing is kept, but identical presses are still made once.
        threads: returns the threads for blocking work.
        notes: receives notes for the user.
    """

    def __init__(self, folder: Path | None, threads: Callable[[], Threads], notes: list[str]) -> None:
        self._folder = folder
        self._threads = threads
        self._notes = notes
        self._opening: asyncio.Future[_Open | None] | None = None
        self._open: _Open | None = None
        self._flights: dict[bytes, asyncio.Future[_Shared | None]] = {}
        self._sources = Sources()

    async def press(self, request: CacheablePress) -> Outcome:
        """Return the outcome of the press, from the cache if possible.

        Raises:
            asyncio.CancelledError: re-raised; another press that waits for the result then makes it.
        """
        if self._open is None and self._folder is not None:
            with request.call.waiter.pausing(_OPENING):
                await self._wait_until_open(self._folder)
        try:
            name = self._name(request)
        except Uncacheable as reason:
            self._note(f"button {request.button.name!r} was not cached: {reason}")
            return await request.press(request.bound)
        while (flight := self._flights.get(name)) is not None:
            # Shielded: if one waiting press is cancelled, the others must still get the result.
            with request.call.waiter.pausing(Reason(Why.SHARED, request.button.name)):
                shared = await asyncio.shield(flight)
            outcome = await self._from_shared(shared, request)
            if outcome is not None:
                return outcome
        found = self._find(name)
        if found is not None and found.age < request.caching.lasts:
            outcome = await self._revived(found.data, request)
            if outcome is not None:
                return outcome
        return await self._lead(request, name, found)

    def _name(self, request: CacheablePress) -> bytes:
        """Return the key of a press: an opaque hash of everything that its outcome depends on."""
        parts = request.caching.parts(request.bound, request.call, self._sources)
        key = self._open.key if self._open is not None else b""
        content = canonical(parts, self._sources.of_code)
        return hashlib.blake2b(content, key=key, digest_size=20, person=b"drawer key").digest()

    async def _lead(self, request: CacheablePress, name: bytes, found: _Cached | None) -> Outcome:
        """Press, cache the result, and pass it to the presses that wait for it."""
        flight: asyncio.Future[_Shared | None] = asyncio.get_running_loop().create_future()
        self._flights[name] = flight
        shared: _Shared | None = None
        try:
            outcome = await self._confirmed(request, name, found) if found is not None else None
            if outcome is None:
                outcome = await request.press(request.bound)
            if outcome.cached and found is not None:
                shared = _Shared(request.button, found.data)
            elif outcome.error is None:
                shared = _Shared(request.button, await self._keep(request, name, outcome))
            elif outcome.status == "error":
                shared = _Shared(request.button, failure=outcome)
            return outcome
        finally:
            del self._flights[name]
            flight.set_result(shared)

    async def _confirmed(self, request: CacheablePress, name: bytes, found: _Cached) -> Outcome | None:
        """Revalidate a cached result with the server; return it if still current, else a new outcome.

        ``None`` if the result cannot be revalidated.
        """
        try:
            again = request.caching.asking(request.bound, unpack(found.data))
        except CacheTrouble:
            return None
        if again is None:
            return None
        outcome = await request.press(again)
        if not request.caching.unchanged(outcome):
            return outcome
        revived = await self._revived(found.data, request)
        if revived is not None:
            self._write(request, name, found.data, confirmable=True)
        return revived

    async def _keep(self, request: CacheablePress, name: bytes, outcome: Outcome) -> bytes | None:
        """Cache a success; return the packed bytes, or ``None`` if it cannot be cached."""
        who = request.button.name
        try:
            kept = request.caching.keep(outcome)
        except Uncacheable as reason:
            self._note(f"button {who!r} was not cached: {reason}")
            return None
        try:
            if all(map(_is_quick, kept)):
                data = pack(kept)
            else:
                # Packing an instance of a user's class may take any time.
                data = await self._threads().submit(lambda: pack(kept))
        except CacheTrouble as reason:
            self._note(f"button {who!r} was not cached: its result is or contains {reason}")
            return None
        redactor = request.redactor()
        if redactor and (redactor.holds(kept) or redactor.holds(data)):
            self._note(f"button {who!r} was not cached: its result contains a secret")
            return None
        self._write(request, name, data, confirmable=request.caching.asking(request.bound, kept) is not None)
        return data

    def _write(self, request: CacheablePress, name: bytes, data: bytes, *, confirmable: bool) -> None:
        if self._open is None:
            return
        now, lasts = time.time(), request.caching.lasts
        expires = None if math.isinf(lasts) else now + lasts + (_KEPT_BEYOND if confirmable else 0.0)
        self._open.writer.write(WriteJob(name, request.button.name, now, expires, data))

    def _find(self, name: bytes) -> _Cached | None:
        """Return the result cached under `name`, even if it has expired."""
        there = self._open
        if there is None:
            return None
        pending = there.writer.pending(name)
        if pending is not None:
            return _Cached(pending.data, time.time() - pending.stored)
        try:
            entry = there.store.get(name)
        except CacheTrouble as trouble:
            self._note(f"cached results could not be looked up: {trouble}")
            return None
        if entry is None:
            return None
        data = unseal(entry.body, name, there.key)
        age = time.time() - entry.stored
        # If the clock was set back, a result must not last for ever.
        return None if data is None or age < -_CLOCK_SLACK else _Cached(data, age)

    async def _from_shared(self, shared: _Shared | None, request: CacheablePress) -> Outcome | None:
        """Return the outcome of the shared press for this one; ``None`` if this one has to press itself."""
        if shared is None:
            return None
        if shared.failure is not None:
            return replace(shared.failure) if shared.button is request.button else None
        return None if shared.data is None else await self._revived(shared.data, request)

    async def _revived(self, data: bytes, request: CacheablePress) -> Outcome | None:
        try:
            kept = unpack(data)
            request.caching.take(kept, request.bound, request.call)
            outcome = await request.caching.revive(kept, request.bound, request.call)
        except CacheTrouble:
            return None  # its class is gone or has changed since
        outcome.cached = True
        return outcome

    async def _wait_until_open(self, folder: Path) -> None:
        """Open the file in a thread, since it may be locked; concurrent callers share the one attempt."""
        if self._opening is None:
            self._opening = self._threads().submit(lambda: self._begin(folder))
        self._open = await asyncio.shield(self._opening)
        if self._open is None:
            self._folder = None

    def _begin(self, folder: Path) -> _Open | None:
        try:
            key = private_key()
            store = Store(folder)
        except CacheTrouble as trouble:
            self._note(f"nothing was cached: {trouble}")
            return None
        if store.mended:
            self._note(
                f"the cache file was damaged and has been replaced by a new one ({store.path}); "
                f"the old file is {store.aside.name}"
            )
        return _Open(key, store, Writer(store, key, self._note))

    def _note(self, text: str) -> None:
        if text not in self._notes:
            self._notes.append(text)

    async def aclose(self) -> None:
        """Finish pending writes and close the file."""
        if self._opening is not None:
            self._open = await asyncio.shield(self._opening)
        if self._open is not None:
            await self._open.writer.aclose()
