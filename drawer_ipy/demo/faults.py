"""Handlers that break the protocol on purpose, and plain bytes to fill a download."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import socket
import struct
from collections.abc import AsyncIterator

from aiohttp import web

from drawer_ipy.demo.params import path_int
from drawer_ipy.demo.streaming import send_pieces

MAX_BINARY = 16 * 1024 * 1024
TRUNCATED_PROMISED, TRUNCATED_SENT = 10_000, 4_000
_BLOCK = 65_536
_LINE = b"There is always more in the drawer.\n"


async def reset(request: web.Request) -> web.StreamResponse:
    """Reset the connection instead of sending a response."""
    if request.transport is not None:
        sock = request.transport.get_extra_info("socket")
        # Closing with a linger time of zero sends RST; a plain close would send FIN.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        request.transport.abort()
    return web.Response()  # never sent: the connection is gone


async def truncated(request: web.Request) -> web.StreamResponse:
    """Announce 10,000 bytes, send 4,000 and close the connection."""

    async def part() -> AsyncIterator[bytes]:
        yield b"." * TRUNCATED_SENT

    response = await send_pieces(request, part(), TRUNCATED_PROMISED)
    if request.transport is not None:
        request.transport.close()  # sends buffered data first, unlike abort
    return response


async def bad_gzip(_request: web.Request) -> web.Response:
    """Declare gzip for a body that is not compressed."""
    return web.Response(
        body=b"This is not gzip, whatever the header says.",
        content_type="text/plain",
        headers={"Content-Encoding": "gzip"},
    )


async def endless(request: web.Request) -> web.StreamResponse:
    """Send lines until the client disconnects or the site stops; both cancel this handler."""

    async def lines() -> AsyncIterator[bytes]:
        while True:
            yield _LINE * 100
            # About 3 MB/s, since there is often only one core.
            await asyncio.sleep(0.001)

    return await send_pieces(request, lines(), None)


async def binary(request: web.Request) -> web.StreamResponse:
    """Send pseudo-random bytes that are always the same; a shorter response is a prefix of a longer one.

    They repeat after 64 KiB, so that they are cheap to make.
    """
    size = path_int(request, "bytes", 0, MAX_BINARY)
    block = hashlib.shake_128(b"drawer_ipy demo").digest(_BLOCK)

    async def blocks() -> AsyncIterator[bytes]:
        for start in range(0, size, _BLOCK):
            yield block[: size - start]

    return await send_pieces(request, blocks(), size, "application/octet-stream")


async def excess(request: web.Request) -> web.StreamResponse:
    """Send more than was announced; the excess looks like the beginning of another response."""
    return await _raw(request, b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfourHTTP/1.1 200 OK\r\n\r\n")


async def half_headers(request: web.Request) -> web.StreamResponse:
    """Close the connection in the middle of the headers."""
    return await _raw(request, b"HTTP/1.1 200 OK\r\nContent-Type: text/pl")


async def slow_headers(request: web.Request) -> web.StreamResponse:
    """Send the headers one letter at a time over the requested time."""
    pause = path_int(request, "ms", 0, 30_000) / 1000
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Type: text/plain\r\n\r\n"
    for place in range(len(head)):
        if request.transport is None or request.transport.is_closing():
            break
        request.transport.write(head[place : place + 1])
        await asyncio.sleep(pause / len(head))
    return await _raw(request, b"ok")


async def bomb(_request: web.Request) -> web.Response:
    """Send about 100 kB of gzip that decompress to 100 MB."""
    body = gzip.compress(bytes(1_000_000)) * 100  # a gzip stream may consist of several members
    return web.Response(body=body, headers={"Content-Encoding": "gzip", "Content-Type": "text/plain"})


async def faulty(request: web.Request) -> web.StreamResponse:
    """Respond at once; one id in a hundred has one of the faults above, always the same."""
    number = path_int(request, "id", 0, 1_000_000)
    if number % 100 == 99:
        return await _FAULTS[number // 100 % len(_FAULTS)](request)
    return web.json_response({"id": number})


async def _raw(request: web.Request, data: bytes) -> web.StreamResponse:
    """Write the bytes unchanged, and close."""
    if request.transport is not None:
        request.transport.write(data)
        request.transport.close()
    return web.Response()  # never sent: the connection is gone


_FAULTS = (reset, truncated, bad_gzip, half_headers)
