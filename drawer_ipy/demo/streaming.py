"""Bodies that are sent in pieces, so that a large or slow one does not delay other requests."""

from __future__ import annotations

from collections.abc import AsyncIterator

from aiohttp import web

TEXT = "text/plain; charset=utf-8"


async def send_pieces(
    request: web.Request, pieces: AsyncIterator[bytes], length: int | None, content_type: str = TEXT
) -> web.StreamResponse:
    """Send the headers, then each piece when it is ready; a HEAD request gets only the headers.

    ``length`` is the Content-Length to announce, or None for none. Each write waits for a client that reads
    slowly, and raises ConnectionError if the client has disconnected.
    """
    response = web.StreamResponse(headers={"Content-Type": content_type})
    response.content_length = length
    await response.prepare(request)
    if request.method != "HEAD":
        async for piece in pieces:
            await response.write(piece)
    return response
