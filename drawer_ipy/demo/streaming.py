"""Sending a body piece by piece, so that a large or slow one holds up nobody else."""

from __future__ import annotations

from collections.abc import AsyncIterator

from aiohttp import web

TEXT = "text/plain; charset=utf-8"


async def send_pieces(
    request: web.Request, pieces: AsyncIterator[bytes], length: int | None, content_type: str = TEXT
) -> web.StreamResponse:
    """Send the headers, then each piece as it comes; a HEAD request gets the headers alone.

    ``length`` is the number of bytes to promise, or None to promise nothing. Each write waits for
    a client that reads slowly, and raises ConnectionError where it has left.
    """
    response = web.StreamResponse(headers={"Content-Type": content_type})
    response.content_length = length
    await response.prepare(request)
    if request.method != "HEAD":
        async for piece in pieces:
            await response.write(piece)
    return response
