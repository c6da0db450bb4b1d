"""``python -m benchmarks.http_server``: the smallest server that keeps connections, in a process of its own.

It answers every GET with the same page. A framework would cost more than the clients that are measured, and
hide what they cost.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

_PAGE = ("<!doctype html><title>An item</title>" + "<p>Some text about it.</p>" * 80).encode()
_ANSWER = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nDate: Mon, 01 Jan 2024 00:00:00 GMT\r\n"
    b"Server: bench\r\nContent-Length: %d\r\n\r\n%s" % (len(_PAGE), _PAGE)
)
PAGE = _PAGE.decode()


class _Connection(asyncio.Protocol):
    """Counts requests by the empty lines they end with."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._rest = b""

    def data_received(self, data: bytes) -> None:
        data = self._rest + data
        self._rest = data[data.rfind(b"\r\n\r\n") + 4 :] if b"\r\n\r\n" in data else data
        self._transport.write(_ANSWER * data.count(b"\r\n\r\n"))  # type: ignore[attr-defined]


async def _serve() -> None:
    server = await asyncio.get_running_loop().create_server(_Connection, "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.to_thread(sys.stdin.read)  # until whoever started it closes its end, or dies


@contextmanager
def running() -> Iterator[str]:
    """Its origin, as long as the block lasts."""
    command = [sys.executable, "-m", __name__]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        finally:
            process.terminate()


if __name__ == "__main__":
    asyncio.run(_serve())
