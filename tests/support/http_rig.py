"""HTTP buttons in loops, servers of a test's own, and a check that no connection stays open."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import psutil

from drawer_ipy import Results, apress
from drawer_ipy.buttons import Call, Outcome, Resources
from drawer_ipy.buttons.http.button import HttpButton
from drawer_ipy.definition.models import ButtonSpec
from drawer_ipy.demo import DemoSite


def loop(url: str, parallelism: int = 10, on_item_failure: str = "continue", **fields: Any) -> dict[str, Any]:
    """A drawer whose one step presses a button with `url` for each ``id`` of its input ``ids``."""
    step = {"id": "got", "button": "get", "args": {"id": "${id}"}}
    each = {"id": "each", "kind": "for_each", "over": "${inputs.ids}", "as": "id", "steps": [step]}
    each |= {"parallelism": parallelism, "on_item_failure": on_item_failure}
    return {
        "buttons": {"get": {"url": url, "args": ["id"], **fields}},
        "inputs": {"ids": "list"},
        "steps": [each],
    }


async def fetch_each(drawer: dict[str, Any], ids: list[Any], quiet: bool = True) -> Results:
    """Press `drawer` with `ids` and return its results; a failure does not raise an error.

    Args:
        quiet: whether to suppress the printing of notes.
    """
    return await apress(drawer, {"ids": ids}, quiet=quiet, check=False)


def button(url: str, **fields: Any) -> HttpButton:
    """An HTTP button that may call this machine."""
    fields.setdefault("allow_private_networks", True)
    return HttpButton(ButtonSpec.model_validate({"name": "b", "url": url, **fields}))


def connections(port: int) -> list[Any]:
    """This process's TCP connections with `port` at either end; listening sockets do not count."""
    return [
        found
        for found in psutil.Process().net_connections("tcp")
        if found.raddr and port in (found.laddr.port, found.raddr.port)
    ]


def until(true: Callable[[], bool], seconds: float = 5.0) -> bool:
    """Wait up to `seconds` until `true` returns true, and return whether it did."""
    end = time.monotonic() + seconds
    while not true():
        if time.monotonic() > end:
            return False
        time.sleep(0.01)
    return True


def assert_nothing_open(site: DemoSite) -> None:
    """Assert that no connection is open, no request is in progress, and no object warns that it is unclosed.

    The site's thread may need a moment to notice that its clients have gone.
    """
    port = int(site.url.rpartition(":")[2])
    assert until(lambda: not connections(port)), connections(port)
    assert until(lambda: site.stats().in_flight == 0), site.stats()
    gc.collect()  # unclosed objects warn here, and the tests turn warnings into errors


Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
Answer = Callable[["RawServer", str, asyncio.StreamWriter], Awaitable[None]]


@dataclass
class RawServer:
    """A server whose test writes each response as bytes.

    Attributes:
        url: the address of the server.
        heads: request line and headers of every request, in the order of arrival.
        connections: number of connections that clients opened.
        open: number of connections that are open now.
    """

    url: str = ""
    heads: list[str] = field(default_factory=list)
    connections: int = 0
    open: int = 0


@contextlib.asynccontextmanager
async def listening(talk: Talk, context: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """Yield the port of a server on loopback that calls `talk` for each connection until the block ends."""
    tasks = set()

    async def tracked(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks.add(asyncio.current_task())
        await talk(reader, writer)

    listener = await asyncio.start_server(tracked, "127.0.0.1", 0, ssl=context)
    try:
        yield listener.sockets[0].getsockname()[1]
    finally:
        listener.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@contextlib.asynccontextmanager
async def raw_server(answer: Answer, context: ssl.SSLContext | None = None) -> AsyncIterator[RawServer]:
    """A server on loopback that calls `answer` for each request; requests must not have a body.

    Its connections stay open until `answer` or the client closes them. With `context` it speaks TLS.
    """
    server = RawServer()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server.connections += 1
        server.open += 1
        try:
            while not writer.is_closing():
                head = (await reader.readuntil(b"\r\n\r\n")).decode(errors="surrogateescape")
                server.heads.append(head)
                await answer(server, head.split()[1], writer)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            server.open -= 1
            writer.close()

    async with listening(talk, context) as port:
        server.url = f"{'http' if context is None else 'https'}://127.0.0.1:{port}"
        yield server


def answer_of(body: bytes = b"ok", status: str = "200 OK", **headers: str) -> bytes:
    """A whole response; ``Content_Type`` names the header Content-Type."""
    lines = [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    head = "\r\n".join([f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *lines])
    return f"{head}\r\n\r\n".encode() + body


@contextlib.asynccontextmanager
async def one_run(timeout: float | None = 10.0) -> AsyncIterator[Call]:
    """The call that the presses of one run share."""
    resources = Resources()
    try:
        yield Call(resources, timeout)
    finally:
        await resources.aclose()


async def press(pressed: HttpButton, call: Call, **args: Any) -> Outcome:
    """Press the button `pressed` with `args` and return the outcome."""
    return await pressed.press(pressed.bind(args), call)
