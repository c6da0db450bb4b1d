"""A lock that its process holds as long as it lives, with the process and signs of life.

The system's own lock (``flock``) is reliable between the processes of a machine. On network disks, it may not
exist, or be known on one machine only. So the file also says which process holds the lock, and that process
touches it every two seconds. Another machine may take a lock that has not been touched for :data:`SILENCE`.
Ages are differences between times of files on the same disk, so no machine's clock matters.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from drawer_ipy.common.folders import open_regular, read_regular
from drawer_ipy.common.platform import file_locks
from drawer_ipy.common.process_ids import ProcessPlace, here, start_of

fcntl: Any = file_locks()

SILENCE = 30.0
"""Seconds without a sign of life after which a process on another machine no longer holds its lock."""

HEARTBEAT = 2.0
"""Seconds between two signs of life."""

_CONFIRM = 2.5
"""How many heartbeats to wait before a lock of another machine is taken: its clock may have been set."""

_SETTLE = 0.2
"""Seconds after which two processes that took a lock at once see which one has it."""

_MOMENT = 0.02

_ALONE = 1.0
"""Most seconds to wait for other processes that are taking locks in the same folder."""

HELD, FREE, UNKNOWN = range(3)
"""What the system says of its own lock."""


@dataclass(frozen=True, slots=True)
class Holder:
    """A process that holds a lock.

    Attributes:
        pid: its number, 0 if that is not known.
        host: the name of its machine, ``""`` for this one.
        silence: for another machine, seconds since its last sign of life.
    """

    pid: int
    host: str = ""
    silence: float = 0.0

    @property
    def where(self) -> str:
        """Where it is, as words that follow "running": `` in pid 5``; ``""`` if that is not known."""
        if not self.host:
            return f" in pid {self.pid}" if self.pid else ""
        seen = f", last seen {round(self.silence)} s ago" if self.silence else ""
        return f" on {self.host} (pid {self.pid}){seen}"


@dataclass(frozen=True, slots=True)
class _Owner:
    """What a lock says of the process that took it."""

    pid: int
    place: ProcessPlace
    start: str

    def lives(self) -> bool:
        """Whether the process lives; its place is this machine."""
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return False
        except (OSError, OverflowError):
            pass
        return not self.start or start_of(self.pid) == self.start


class Lock:
    """The lock of a file, in a file beside it.

    Args:
        path: the file; the lock's name ends with ``.lock``.
    """

    def __init__(self, path: Path) -> None:
        self._path = path.with_suffix(".lock")
        self._handle: int | None = None
        self._content = b""
        self._works = False
        self._beat_at = 0.0

    def take(self) -> bool:
        """Take the lock; return False if another process, or another run of this one, holds it.

        Raises:
            OSError: the file of the lock cannot be created.
        """
        for _ in range(10):
            handle = open_regular(self._path, os.O_RDWR | os.O_CREAT, 0o600)
            try:
                with _alone_in(self._path.parent):
                    found = self._try(handle)
            except BaseException:
                with contextlib.suppress(OSError):
                    os.close(handle)
                raise
            if found:
                self._handle = handle
                return True
            os.close(handle)
            if found is not None:
                return False
        return False

    def _try(self, handle: int) -> bool | None:
        """Take the lock in an open file; return ``None`` to try again with another file."""
        state = lock_state(handle, exclusive=True)
        # The holder before removes the file when it lets go, perhaps after it was opened here.
        if not _is_at(handle, self._path):
            return None
        owner = _read_owner(self._path)
        if state == HELD and owner is None:  # perhaps only by a process that looks who holds it
            time.sleep(_MOMENT)
            return None
        if _living(owner, state, self._path) is not None:
            return False
        if state == HELD:
            os.unlink(self._path)  # only a child of the process that took it still has it
            return None
        if owner is not None and not owner.place.is_here and not owner.place.is_same_start:
            if not owner.place.is_earlier_start and _gives_sign(self._path):
                return False
            os.unlink(self._path)  # by a new file, a process that was only slow sees that it has lost it
            return None
        self._content = _own_content()
        self._works = state == FREE
        os.ftruncate(handle, 0)
        os.write(handle, self._content)
        if self._works:
            return True if _is_at(handle, self._path) else None
        time.sleep(_SETTLE)
        return _read(self._path) == self._content

    def is_held(self) -> bool:
        """Whether this object still has the lock: another machine may have taken it after a long silence."""
        handle = self._handle
        if handle is None:
            return False
        return _is_at(handle, self._path) and (self._works or _read(self._path) == self._content)

    def beat(self) -> None:
        """Give a sign of life, if one is due."""
        now = time.monotonic()
        if self._handle is not None and now - self._beat_at >= HEARTBEAT:
            self._beat_at = now
            with contextlib.suppress(OSError):
                os.utime(self._handle if os.utime in os.supports_fd else self._path)

    def release(self) -> None:
        """Let go of the lock and remove its file; without the lock, do nothing."""
        is_held, handle, self._handle = self.is_held(), self._handle, None
        if handle is None:
            return
        if is_held:
            with contextlib.suppress(OSError):
                os.unlink(self._path)
        os.close(handle)


@contextlib.contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Keep other processes of this machine from taking locks in `folder`.

    A process that has just got the system's lock of a file has not written its own number into it yet.
    Another one would find the number of a process that has ended, and remove the file.
    """
    handle = -1
    if fcntl is not None:
        with contextlib.suppress(OSError):  # a folder that may be written, but not read
            handle = os.open(folder, os.O_RDONLY)
    try:
        until = time.monotonic() + _ALONE
        while handle >= 0 and lock_state(handle, exclusive=True) == HELD and time.monotonic() < until:
            time.sleep(_MOMENT / 10)
        yield
    finally:
        if handle >= 0:
            os.close(handle)


def holder(path: Path) -> Holder | None:
    """Return the process that holds the lock of `path`; ``None`` if no living process does."""
    lock = path.with_suffix(".lock")
    if fcntl is None:
        return _holder_on_windows(lock)
    try:
        handle = open_regular(lock, os.O_RDWR)
    except OSError:
        return None
    try:
        state = lock_state(handle, exclusive=False)
        return _living(_read_owner(lock), state, lock)
    finally:
        os.close(handle)


def is_held_here(path: Path) -> bool:
    """Whether this process holds the lock of `path`."""
    found = None if fcntl is None else holder(path)
    return found is not None and not found.host and found.pid == os.getpid()


def lock_state(handle: int, *, exclusive: bool) -> int:
    """Take the system's lock of an open file; return :data:`FREE` if that worked, or why not."""
    if fcntl is None:
        return FREE
    try:
        fcntl.flock(handle, (fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH) | fcntl.LOCK_NB)
    except BlockingIOError:
        return HELD
    except OSError:  # a disk without such locks
        return UNKNOWN
    return FREE


def _living(owner: _Owner | None, state: int, lock: Path) -> Holder | None:
    """Return the living process that holds a lock, whose system's lock is in `state`."""
    if owner is None:
        return Holder(0) if state == HELD else None
    place = owner.place
    if place.is_here:
        return Holder(owner.pid) if state != FREE and owner.lives() else None
    silence = 0.0 if state == HELD else _silence(lock)
    if state != HELD and (place.is_earlier_start or (place.is_same_start and state == FREE)):
        return None
    return None if abs(silence) > SILENCE else Holder(owner.pid, place.host, max(0.0, silence))


def _silence(lock: Path) -> float:
    """Return the seconds since a lock was touched, by the clock of its disk."""
    try:
        touched = os.stat(lock).st_mtime
        with tempfile.TemporaryFile(dir=lock.parent) as probe:
            return os.fstat(probe.fileno()).st_mtime - touched
    except OSError:  # a disk that cannot be written
        with contextlib.suppress(OSError):
            return time.time() - os.stat(lock).st_mtime
    return 0.0


def _gives_sign(lock: Path) -> bool:
    """Wait for a few heartbeats; return whether a lock was touched meanwhile."""
    before = os.stat(lock).st_mtime_ns
    until = time.monotonic() + _CONFIRM * HEARTBEAT
    while time.monotonic() < until:
        time.sleep(0.1)
        try:
            os.close(os.open(lock, os.O_RDONLY))  # asks the server of a network disk
            if os.stat(lock).st_mtime_ns != before:
                return True
        except FileNotFoundError:
            return False
    return False


def _is_at(handle: int, path: Path) -> bool:
    """Whether an open file is the one at `path`."""
    try:
        there = os.lstat(path)
    except OSError:
        return False
    mine = os.fstat(handle)
    return (mine.st_ino, mine.st_dev) == (there.st_ino, there.st_dev)


def _own_content() -> bytes:
    pid = os.getpid()
    return f"{pid}\n{json.dumps([*dataclasses.astuple(here()), start_of(pid)])}\n".encode()


def _read(lock: Path) -> bytes:
    try:
        return read_regular(lock, 2000)
    except OSError:
        return b""


def _read_owner(lock: Path) -> _Owner | None:
    """Return the process in a lock, ``None`` if it does not say."""
    try:
        first, second = _read(lock).decode().splitlines()
        host, machine, boot, space, start = map(str, json.loads(second))
        return _Owner(int(first), ProcessPlace(host, machine, boot, space), start)
    except (ValueError, TypeError):
        return None


def _holder_on_windows(lock: Path) -> Holder | None:
    """As :func:`holder`, where an open file cannot be removed."""
    owner = _read_owner(lock)
    try:
        os.unlink(lock)
    except FileNotFoundError:
        return None
    except OSError:
        return Holder(0 if owner is None else owner.pid)
    return None
