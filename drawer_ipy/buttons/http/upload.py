"""Bodies that are read from disk while they are sent, so that large files need no memory."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from drawer_ipy.buttons.http.failure import RequestFailed
from drawer_ipy.errors import ArgumentError, Code

_CHUNK = 256 * 1024

InThread = Callable[[Callable[[], Any]], Awaitable[Any]]


async def _at_once(work: Callable[[], Any]) -> Any:
    return work()


@dataclass(frozen=True, slots=True)
class Upload:
    """A body that is assembled while it is sent; it can be sent any number of times.

    Attributes:
        pieces: bytes, and files whose content takes their place.
        in_thread: runs blocking calls.
    """

    pieces: Sequence[bytes | Path]
    in_thread: InThread = _at_once

    def reading(self, in_thread: InThread) -> Upload:
        """Return a copy that reads files by `in_thread`."""
        return replace(self, in_thread=in_thread)

    def identity(self) -> tuple[Any, ...]:
        """Return a key for the body: its bytes, and the path, size and modification time of its files."""
        return tuple(piece if isinstance(piece, bytes) else _identity(piece) for piece in self.pieces)

    def sizes(self) -> list[int]:
        """Return the current size of each piece in bytes.

        Raises:
            RequestFailed: a file cannot be read.
        """
        return [len(piece) if isinstance(piece, bytes) else _size(piece) for piece in self.pieces]

    async def chunks(self, sizes: Sequence[int]) -> AsyncIterator[bytes]:
        """Yield the bytes of the body, for each piece exactly as many as `sizes` says.

        Raises:
            RequestFailed: a file cannot be read, or no longer has that size.
        """
        for piece, size in zip(self.pieces, sizes, strict=True):
            if isinstance(piece, bytes):
                yield piece
            else:
                async for chunk in self._file(piece, size):
                    yield chunk

    async def _file(self, path: Path, size: int) -> AsyncIterator[bytes]:
        file = await self._read(path, partial(path.open, "rb"))
        try:
            left = size
            while left:
                chunk = await self._read(path, partial(file.read, min(_CHUNK, left)))
                left -= len(chunk)
                # Refuse a file that has grown, too: its length was declared, and the rest would be lost.
                if not chunk or (not left and await self._read(path, partial(file.read, 1))):
                    raise _changed(path)
                yield chunk
        finally:
            file.close()

    async def _read(self, path: Path, work: Callable[[], Any]) -> Any:
        try:
            return await self.in_thread(work)
        except OSError as error:
            raise _unreadable(path, error) from None


def check_file(path: Path, what: str) -> Path:
    """Return `path` after checking that it can be sent; `what` names it in messages.

    Raises:
        ArgumentError: there is no readable file.
    """
    where = path.expanduser()
    try:
        readable = where.is_file() and os.access(where, os.R_OK)
    except (OSError, ValueError):
        readable = False
    if readable:
        return where
    why = "is a folder" if where.is_dir() else "cannot be read" if where.exists() else "does not exist"
    raise ArgumentError(
        f"{what} is the file {str(path)!r}, which {why}",
        remediation=f"relative paths start at the working folder, {os.getcwd()}",
    )


def body_identity(body: bytes | Upload | None) -> Any:
    """Return a key that identifies a request's body."""
    return body.identity() if isinstance(body, Upload) else body


def _identity(path: Path) -> tuple[str, int, int]:
    try:
        stat = path.stat()
    except OSError:
        return str(path), -1, 0
    return str(path.absolute()), stat.st_size, stat.st_mtime_ns


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError as error:
        raise _unreadable(path, error) from None


def _unreadable(path: Path, error: OSError) -> RequestFailed:
    message = f"the file {path} cannot be read: {error.strerror or error}"
    return RequestFailed(message, code=Code.VALIDATION_ERROR, final=True)


def _changed(path: Path) -> RequestFailed:
    return RequestFailed(
        f"the file {path} changed while it was sent, so the request was aborted",
        code=Code.VALIDATION_ERROR,
        remediation="try again when no other program is writing to the file",
        final=True,
    )
