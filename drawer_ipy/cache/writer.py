"""Writes results in batches from a thread, so that the event loop never waits for the disk."""

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
from drawer_ipy.common.platform import has_threads

_GATHER = 0.1
"""Seconds to gather results before writing them together, and the most that a crash can lose."""

_TOGETHER = 500
_WAITING_BYTES = 128 * 1024 * 1024
"""Maximum bytes waiting to be written; on a slower disk, further results are dropped."""

_PATIENCE = 0.5
"""Seconds after the end of a run during which writing to a locked file is still retried."""


@dataclass(slots=True)
class WriteJob:
    """A result that is waiting to be written.

    Attributes:
        key, button, stored, expires: as in :class:`~drawer_ipy.cache.store.StoredRow`.
        data: the packed result.
    """

    key: bytes
    button: str
    stored: float
    expires: float | None
    data: bytes


class Writer:
    """One thread that writes to `store`, started with the first result.

    Without threads, results are held in memory until the run ends, and are written then.

    Args:
        store: the store, which has no other writer.
        key: the key to seal results with.
        note: called from the thread with the reason if results could not be stored.
    """

    def __init__(self, store: Store, key: bytes, note: Callable[[str], None]) -> None:
        self._store = store
        self._key = key
        self._note = note
        self._jobs: queue.SimpleQueue[WriteJob | None] = queue.SimpleQueue()
        self._pending: dict[bytes, WriteJob] = {}
        self._bytes = 0
        self._lock = threading.Lock()
        self._begun = False
        self._broken = False
        self._closing_at: float | None = None
        self._done: Callable[[], None] = lambda: None

    def pending(self, key: bytes) -> WriteJob | None:
        """Return the result for `key` if it is not on disk yet."""
        return self._pending.get(key)

    def write(self, job: WriteJob) -> None:
        """Accept a result and return at once. Errors are noted, never raised."""
        if self._broken:
            return
        size = len(job.data)
        with self._lock:
            if self._bytes + size > _WAITING_BYTES:
                self._note("some results were not cached: the disk is too slow")
                return
            self._bytes += size
            self._pending[job.key] = job
        if not self._begun:
            self._begun = True
            if has_threads():
                threading.Thread(target=self._live, name="drawer-cache", daemon=True).start()
        self._jobs.put(job)

    async def aclose(self) -> None:
        """Write waiting results, tidy up and close the store; give up on a file that stays locked."""
        if not self._begun:
            self._store.close()
            return
        loop, ended = asyncio.get_running_loop(), asyncio.Event()

        def tell() -> None:
            with contextlib.suppress(RuntimeError):  # the loop is closed, so nothing waits any more
                loop.call_soon_threadsafe(ended.set)

        self._done = tell
        self._closing_at = time.monotonic()
        self._jobs.put(None)
        if not has_threads():
            self._live()
        await ended.wait()

    def _live(self) -> None:
        try:
            while self._serve():
                pass
            if not self._broken:
                self._store.tidy()
        except (sqlite3.Error, OSError):
            pass  # the next run tidies up
        finally:
            self._store.close()
            self._done()

    def _serve(self) -> bool:
        """Write one batch; return whether there may be more."""
        jobs, more = self._gather()
        if not jobs:
            return more
        try:
            self._keep([self._row(job) for job in jobs if not self._broken])
        except Exception as error:  # a full disk or a missing folder must not affect the run
            self._broken = True
            self._note(f"results were not cached: {in_words(error)}")
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
        """Write `rows`; retry while locked, until shortly after the run; repair damage once."""
        while True:
            try:
                self._store.put(rows)
                return
            except sqlite3.DatabaseError as error:
                if is_damage(error) and not self._store.mended:
                    self._note(
                        f"the cache file was damaged and was replaced by a new one ({self._store.path}); "
                        f"the old one is {self._store.aside.name}"
                    )
                    self._store.rebuild()
                    continue
                if not is_busy(error):
                    raise
                closing = self._closing_at
                if closing is not None and time.monotonic() > closing + _PATIENCE:
                    raise
