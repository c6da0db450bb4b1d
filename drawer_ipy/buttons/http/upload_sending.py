"""Send a body that is read from disk, and listen meanwhile for an early response."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any

import aiohttp

from drawer_ipy.buttons.http.upload import Upload

if TYPE_CHECKING:
    from aiohttp.client_proto import ResponseHandler

_FAILED_STATUS = 400
_LAST_WORDS = 2.0
"""Seconds to wait for the response of a server that stopped reading the body."""


async def send_upload(
    protocol: ResponseHandler,
    head: bytes,
    upload: Upload,
    read: Callable[[], Awaitable[tuple[Any, Any]]],
) -> tuple[Any, Any]:
    """Send `head` (without its last line) and the body; return the response, as `read` returns it.

    A server may respond before it has the whole body: an error response then stops the sending, as in curl.

    Raises:
        RequestFailed: a file cannot be read, or has changed; the connection cannot be used again.
    """
    sizes = upload.sizes()
    transport = protocol.transport
    if transport is None:
        raise aiohttp.ServerDisconnectedError
    transport.write(b"%bContent-Length: %d\r\n\r\n" % (head, sum(sizes)))
    sending = asyncio.ensure_future(_send(protocol, upload, sizes))
    answering = asyncio.ensure_future(read())
    try:
        await asyncio.wait((sending, answering), return_when=asyncio.FIRST_COMPLETED)
        if not sending.done():
            message, _ = answering.result()
            if message.code < _FAILED_STATUS:
                await sending
            else:
                protocol.force_close()
            return answering.result()
        if not await _sent(sending, answering):
            protocol.force_close()
        protocol.start_timeout()  # the read timeout between two pieces of the response
        return await answering
    finally:
        for task in (sending, answering):
            task.cancel()
        await asyncio.gather(sending, answering, return_exceptions=True)


async def _sent(sending: asyncio.Future[None], answering: asyncio.Future[Any]) -> bool:
    """Whether the whole body was sent; if the connection broke, the server may have sent an error first."""
    try:
        sending.result()
    except (OSError, aiohttp.ClientError):
        await asyncio.wait((answering,), timeout=_LAST_WORDS)
        if not answering.done() or answering.exception() is not None:
            raise
        return False
    return True


async def _send(protocol: ResponseHandler, upload: Upload, sizes: Sequence[int]) -> None:
    async for chunk in upload.chunks(sizes):
        transport = protocol.transport
        if transport is None or transport.is_closing():
            raise aiohttp.ClientConnectionResetError("the connection was closed while the body was sent")
        transport.write(chunk)
        await protocol._drain_helper()  # noqa: SLF001 - how aiohttp's own writer waits
