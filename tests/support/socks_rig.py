"""A SOCKS proxy on loopback: versions 4, 4a and 5, with or without a password."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from http_rig import listening


@dataclass
class SocksProxy:
    """A SOCKS proxy that records its requests.

    Attributes:
        port: the port it listens on.
        login: the required user and password, or ``None`` to accept every client. SOCKS 4 has only a user.
        refuses: whether it refuses every connection.
        requests: the version, the host as it was sent and the user of each request.
    """

    port: int = 0
    login: tuple[str, str] | None = None
    refuses: bool = False
    requests: list[tuple[int, str, str]] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection."""
        opened = [writer]
        try:
            version = (await reader.readexactly(1))[0]
            target = await (self._four(reader, writer) if version == 4 else self._five(reader, writer))
            if target is not None:
                # Every name leads to this machine.
                there, back = await asyncio.open_connection("127.0.0.1", target)
                opened.append(back)
                writer.write(b"\0\x5a" + bytes(6) if version == 4 else b"\5\0\0\1" + bytes(6))
                await asyncio.gather(_pump(reader, back), _pump(there, writer))
        except (asyncio.IncompleteReadError, OSError):
            pass
        finally:
            for one in opened:
                one.close()

    async def _four(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> int | None:
        head = await reader.readexactly(7)
        port, address = int.from_bytes(head[1:3]), ipaddress.IPv4Address(head[3:7])
        user = (await reader.readuntil(b"\0"))[:-1].decode()
        host = str(address)
        if host.startswith("0.0.0."):
            host = (await reader.readuntil(b"\0"))[:-1].decode()
        self.requests.append((4, host, user))
        if self.refuses or (self.login is not None and self.login[0] != user):
            writer.write(b"\0\x5b" + bytes(6))
            return None
        return port

    async def _five(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> int | None:
        methods = await reader.readexactly((await reader.readexactly(1))[0])
        user = ""
        if self.login is None:
            writer.write(b"\5\0")
        elif 2 not in methods:
            writer.write(b"\5\xff")
            return None
        else:
            writer.write(b"\5\2")
            await reader.readexactly(1)
            user = (await reader.readexactly((await reader.readexactly(1))[0])).decode()
            password = (await reader.readexactly((await reader.readexactly(1))[0])).decode()
            writer.write(b"\1" + bytes([(user, password) != self.login]))
            if (user, password) != self.login:
                return None
        kind = (await reader.readexactly(4))[3]
        size = {1: 4, 4: 16}.get(kind) or (await reader.readexactly(1))[0]
        raw = await reader.readexactly(size)
        host = raw.decode() if kind == 3 else str(ipaddress.ip_address(raw))
        port = int.from_bytes(await reader.readexactly(2))
        self.requests.append((5, host, user))
        if self.refuses:
            writer.write(b"\5\5\0\1" + bytes(6))
            return None
        return port


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while piece := await reader.read(65536):
            writer.write(piece)
            await writer.drain()
    writer.close()


@contextlib.asynccontextmanager
async def socks_proxy(
    login: tuple[str, str] | None = None, refuses: bool = False
) -> AsyncIterator[SocksProxy]:
    """Run a proxy until the block ends."""
    proxy = SocksProxy(login=login, refuses=refuses)
    async with listening(proxy.serve) as proxy.port:
        yield proxy
