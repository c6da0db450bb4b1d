"""A response whose headers have arrived, from whatever sent its request."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from multidict import CIMultiDictProxy


class Occupied(Protocol):
    """What a response occupies until it is read."""

    def release(self) -> None:
        """Let others use it if the response was read to its end, otherwise close it."""

    def close(self) -> None:
        """Close it."""


class ArrivingBody(Protocol):
    """A body that arrives in pieces; the methods of aiohttp's StreamReader that are used."""

    def is_eof(self) -> bool:
        """Whether all of it has arrived."""

    def read_nowait(self) -> bytes:
        """Return what has arrived."""

    async def read(self) -> bytes:
        """Return the rest."""

    def iter_any(self) -> AsyncIterator[bytes]:
        """Yield each piece as it arrives."""


class OpenResponse:
    """A response whose body is still to be read; call :meth:`close` or :meth:`release` at the end.

    Attributes:
        status, reason, headers: the beginning of the response.
        content: the body as sent, still in its Content-Encoding.
    """

    __slots__ = ("_connection", "content", "headers", "reason", "status")

    def __init__(
        self,
        connection: Occupied,
        status: int,
        reason: str,
        headers: CIMultiDictProxy[str],
        content: ArrivingBody,
    ) -> None:
        self._connection = connection
        self.status: int = status
        self.reason: str = reason
        self.headers: CIMultiDictProxy[str] = headers
        self.content: ArrivingBody = content

    @property
    def length(self) -> int | None:
        """The declared length of the body in bytes; ``None`` if not declared."""
        text = self.headers.get("Content-Length")
        return int(text) if text is not None and text.isascii() and text.isdigit() else None

    def release(self) -> None:
        """Keep the connection for further requests if the body was read to its end, otherwise close it."""
        self._connection.release()

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()
