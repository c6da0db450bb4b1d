"""A server on loopback that keeps every request with its body as the bytes that arrived."""

from __future__ import annotations

import asyncio
import contextlib
import json
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from http_rig import answer_of, listening

from drawer_ipy import Results
from drawer_ipy.pressing.prepare import prepare
from drawer_ipy.pressing.surroundings import Surroundings
from drawer_ipy.workspace.lookup import Workspace


@dataclass
class Sent:
    """A request as the server received it.

    Attributes:
        line: the request line.
        headers: the last value of each header by its name in lower case.
        body: the bytes of the body.
    """

    line: str
    headers: dict[str, str]
    body: bytes

    @property
    def method(self) -> str:
        return self.line.split()[0]

    @property
    def target(self) -> str:
        return self.line.split()[1]

    @property
    def json(self) -> Any:
        return json.loads(self.body)


Reply = Callable[[Sent], "bytes | Awaitable[bytes]"]


@dataclass
class Wire:
    """The server.

    Attributes:
        url: the address of the server.
        sent: the requests, in the order of arrival.
    """

    url: str = ""
    sent: list[Sent] = field(default_factory=list)

    @property
    def targets(self) -> list[str]:
        return [sent.target for sent in self.sent]


def json_answer(value: Any, status: str = "200 OK", **headers: str) -> bytes:
    """A response with `value` as JSON."""
    return answer_of(json.dumps(value).encode(), status, Content_Type="application/json", **headers)


@contextlib.asynccontextmanager
async def wire_server(reply: Reply = lambda sent: answer_of(b"ok")) -> AsyncIterator[Wire]:
    """Run a server that sends what `reply` returns for each request."""
    wire = Wire()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                line, *rest = head.rstrip().split("\r\n")
                headers = {k.lower(): v.strip() for k, _, v in (one.partition(":") for one in rest)}
                body = await reader.readexactly(int(headers.get("content-length", 0)))
                sent = Sent(line, headers, body)
                wire.sent.append(sent)
                found = reply(sent)
                writer.write(found if isinstance(found, bytes) else await found)
                await writer.drain()
        writer.close()

    async with listening(talk) as port:
        wire.url = f"http://127.0.0.1:{port}"
        yield wire


async def pressed(
    drawer: Mapping[str, Any],
    inputs: Mapping[str, Any] | None = None,
    *,
    batteries: Mapping[str, str] | None = None,
    buttons: Mapping[str, Callable[..., Any]] | None = None,
) -> tuple[Results, list[str]]:
    """Press `drawer` and return its results and notes; its requests may call this machine.

    Args:
        batteries: secrets for ``${batteries.NAME}``.
        buttons: Python functions by name.
    """
    specs = {
        name: {"allow_private_networks": True, **spec} if "url" in spec else spec
        for name, spec in drawer.get("buttons", {}).items()
    }
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "batteries.json").write_text(json.dumps(batteries or {}))
        around = Surroundings(workspace=Workspace((Path(folder),)), namespace=dict(buttons or {}))
        job = prepare({**drawer, "buttons": specs}, inputs, around=around)
        record = await job.run.execute()
        return Results.of(record), job.run.notes


def loop_of(button: Mapping[str, Any], parallelism: int = 1, **more: Any) -> dict[str, Any]:
    """A drawer that presses `button` for each ``id`` of its input ``ids``, with the argument ``id``."""
    step = {"id": "got", "button": "get", "args": {"id": "${id}"}}
    each = {"id": "each", "kind": "for_each", "over": "${inputs.ids}", "as": "id", "steps": [step]}
    each |= {"parallelism": parallelism, "on_item_failure": "continue"}
    return {
        "buttons": {"get": {"args": ["id"], **button}, **more},
        "inputs": {"ids": "list"},
        "steps": [each],
    }
