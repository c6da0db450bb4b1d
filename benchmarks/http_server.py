"""``python -m benchmarks.http_server [ROWS]``: the smallest server that keeps connections, as a process.

It answers every GET with the same page: a short one, or a list of ROWS products. A framework would cost more
than the clients that are measured, and hide what they cost.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

PAGE = "<!doctype html><title>An item</title>" + "<p>Some text about it.</p>" * 80
_ROW = (
    '<li class="product"><a class="name" href="/product/{0}"><b>Product {0}</b></a>'
    '<span class="price">{0}.99 EUR</span><p class="text">Some words about product {0}, which say little but '
    'are part of every page.</p><span class="stock">in stock</span></li>'
)


def page_of(rows: int) -> str:
    """A page with a list of `rows` products, about 260 bytes each; with 0, :data:`PAGE`."""
    return f"<!doctype html><ul>{''.join(map(_ROW.format, range(rows)))}</ul>" if rows else PAGE


def _answer(page: str) -> bytes:
    body = page.encode()
    return (
        b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\n"
        b"Date: Mon, 01 Jan 2024 00:00:00 GMT\r\nServer: bench\r\nContent-Length: %d\r\n\r\n%s"
        % (len(body), body)
    )


class _Connection(asyncio.Protocol):
    """Counts requests by the empty lines they end with."""

    def __init__(self, answer: bytes) -> None:
        self._answer = answer

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._rest = b""

    def data_received(self, data: bytes) -> None:
        data = self._rest + data
        self._rest = data[data.rfind(b"\r\n\r\n") + 4 :] if b"\r\n\r\n" in data else data
        self._transport.write(self._answer * data.count(b"\r\n\r\n"))  # type: ignore[attr-defined]


async def _serve(rows: int) -> None:
    answer = _answer(page_of(rows))
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Connection(answer), "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.to_thread(sys.stdin.read)  # until whoever started it closes its end, or dies


@contextmanager
def running(rows: int = 0) -> Iterator[str]:
    """Its origin, as long as the block lasts; see :func:`page_of` for `rows`."""
    command = [sys.executable, "-m", __name__, str(rows)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        finally:
            process.terminate()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1]) if len(sys.argv) > 1 else 0))
