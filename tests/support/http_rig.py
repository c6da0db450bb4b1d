"""HTTP buttons in loops against a demo site, and what is left open afterwards."""

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
from drawer_ipy.buttons import Call, HttpButton, Outcome, Resources
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
    """The results of `drawer`, pressed with `ids`; failures are for the caller to look at.

    Args:
        quiet: whether notes are not printed.
    """
    return await apress(drawer, {"ids": ids}, quiet=quiet, check=False)


def button(url: str, **fields: Any) -> HttpButton:
    """A button that may go to this computer."""
    fields.setdefault("allow_private_networks", True)
    return HttpButton(ButtonSpec.model_validate({"name": "b", "url": url, **fields}))


def connections(port: int) -> list[Any]:
    """This process's TCP sockets that have `port` at either end, whoever opened them; listeners not."""
    return [
        found
        for found in psutil.Process().net_connections("tcp")
        if found.raddr and port in (found.laddr.port, found.raddr.port)
    ]


def until(true: Callable[[], bool], seconds: float = 5.0) -> bool:
    """Whether `true` comes to be so in time."""
    end = time.monotonic() + seconds
    while not true():
        if time.monotonic() > end:
            return False
        time.sleep(0.01)
    return True


def assert_nothing_open(site: DemoSite) -> None:
    """No connection at either end, no request at work at the site, no warning of something not closed.

    The site's thread may need a moment to see that its clients have gone.
    """
    port = int(site.url.rpartition(":")[2])
    assert until(lambda: not connections(port)), connections(port)
    assert until(lambda: site.stats().in_flight == 0), site.stats()
    gc.collect()  # what was dropped unclosed warns here, and warnings are errors


Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
Answer = Callable[["RawServer", str, asyncio.StreamWriter], Awaitable[None]]


@dataclass
class RawServer:
    """A server that sends what a test says, byte by byte.

    Attributes:
        url: where it is.
        heads: of every request, in the order they came: request line and headers.
        connections: how many were made.
        open: how many are open now.
    """

    url: str = ""
    heads: list[str] = field(default_factory=list)
    connections: int = 0
    open: int = 0


@contextlib.asynccontextmanager
async def listening(talk: Talk, context: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """The port of a server on loopback, each of whose connections is `talk`'s until the block ends."""
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
    """A server on loopback that has each request (without a body) answered by `answer`; its connections stay
    open until that, or the client, closes them. With `context` it speaks TLS.
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
    """A whole answer; ``Content_Type`` names the header Content-Type."""
    lines = [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    head = "\r\n".join([f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *lines])
    return f"{head}\r\n\r\n".encode() + body


@contextlib.asynccontextmanager
async def one_run(timeout: float | None = 10.0) -> AsyncIterator[Call]:
    """What presses of one run share."""
    resources = Resources()
    try:
        yield Call(resources, timeout)
    finally:
        await resources.aclose()


async def press(pressed: HttpButton, call: Call, **args: Any) -> Outcome:
    """What `pressed` comes to with `args`."""
    return await pressed.press(pressed.bind(args), call)
