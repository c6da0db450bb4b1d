"""Writes results from a thread, many at a time, so that the event loop never waits for the disk."""

from __future__ import annotations

import asyncio
import contextlib
import queue
import sqlite3
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from drawer_ipy.cache.packing import seal
from drawer_ipy.cache.store import Store, StoredRow, in_words, is_busy, is_damage

_GATHER = 0.1
"""Seconds to gather results before they are written together; what a crash can lose."""

_TOGETHER = 500
_WAITING_BYTES = 128 * 1024 * 1024
"""Bytes that may wait to be written; a disk that is slower than that keeps less."""

_PATIENCE = 0.5
"""Seconds after the end of a run after which a locked file is not tried again."""


@dataclass(slots=True)
class WriteJob:
    """A result on its way to the disk.

    Attributes:
        key, button, stored, expires: as in :class:`~drawer_ipy.cache.store.StoredRow`.
        data: packed.
    """

    key: bytes
    button: str
    stored: float
    expires: float | None
    data: bytes


class Writer:
    """One thread that writes to `store`, begun with the first result.

    Args:
        store: where to; nobody else writes through it.
        key: what results are sealed with.
        note: told, from the thread, why results could not be kept.
    """

    def __init__(self, store: Store, key: bytes, note: Callable[[str], None]) -> None:
        self._store = store
        self._key = key
        self._note = note
        self._jobs: queue.SimpleQueue[WriteJob | None] = queue.SimpleQueue()
        self._pending: dict[bytes, WriteJob] = {}
        self._bytes = 0
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._broken = False
        self._closing_at: float | None = None
        self._done: Callable[[], None] = lambda: None

    def pending(self, key: bytes) -> WriteJob | None:
        """The result of `key` that is not on disk yet."""
        return self._pending.get(key)

    def write(self, job: WriteJob) -> None:
        """Take over a result; returns at once. Whatever goes wrong with it is noted, never raised."""
        if self._broken:
            return
        size = len(job.data)
        with self._lock:
            if self._bytes + size > _WAITING_BYTES:
                self._note("some results were not kept: the disk is too slow for them")
                return
            self._bytes += size
            self._pending[job.key] = job
        if self._thread is None:
            self._thread = threading.Thread(target=self._live, name="drawer-cache", daemon=True)
            self._thread.start()
        self._jobs.put(job)

    async def aclose(self) -> None:
        """Write what is waiting, tidy up and let go of the store; gives up on a file that stays locked."""
        if self._thread is None:
            self._store.close()
            return
        loop, ended = asyncio.get_running_loop(), asyncio.Event()

        def tell() -> None:
            with contextlib.suppress(RuntimeError):  # a closed loop: nobody waits any more
                loop.call_soon_threadsafe(ended.set)

        self._done = tell
        self._closing_at = time.monotonic()
        self._jobs.put(None)
        await ended.wait()

    def _live(self) -> None:
        try:
            while self._serve():
                pass
            if not self._broken:
                self._store.tidy()
        except (sqlite3.Error, OSError):
            pass  # another run will tidy
        finally:
            self._store.close()
            self._done()

    def _serve(self) -> bool:
        """Write one lot; whether there may be more."""
        jobs, more = self._gather()
        if not jobs:
            return more
        try:
            self._keep([self._row(job) for job in jobs if not self._broken])
        except Exception as error:  # a full disk, a folder that is gone: the run must not notice
            self._broken = True
            self._note(f"results were not kept: {in_words(error)}")
        with self._lock:
            for job in jobs:
                self._bytes -= len(job.data)
                if self._pending.get(job.key) is job and not self._broken:
                    del self._pending[job.key]
        return more

    def _gather(self) -> tuple[list[WriteJob], bool]:
        jobs: list[WriteJob] = []
        until = 0.0
        while len(jobs) < _TOGETHER:
            try:
                job = self._jobs.get(timeout=max(0.0, until - time.monotonic()) if jobs else None)
            except queue.Empty:
                break
            if job is None:
                return jobs, False
            if not jobs:
                until = time.monotonic() + _GATHER
            jobs.append(job)
        return jobs, True

    def _row(self, job: WriteJob) -> StoredRow:
        body = seal(job.data, job.key, self._key)
        return StoredRow(job.key, job.button, job.stored, job.expires, body)

    def _keep(self, rows: list[StoredRow]) -> None:
        """Write `rows`, waiting for locks as long as the run goes on and a little beyond; mending once."""
        while True:
            try:
                self._store.put(rows)
                return
            except sqlite3.DatabaseError as error:
                if is_damage(error) and not self._store.mended:
                    self._note(
                        f"the file of results was damaged and begun anew ({self._store.path}); "
                        f"the old one is {self._store.aside.name}"
                    )
                    self._store.rebuild()
                    continue
                if not is_busy(error):
                    raise
                closing = self._closing_at
                if closing is not None and time.monotonic() > closing + _PATIENCE:
                    raise
