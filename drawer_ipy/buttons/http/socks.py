"""Connections through a SOCKS proxy, for which python-socks speaks the protocol (extra ``socks``)."""

from __future__ import annotations

import contextlib
import importlib
import socket
from typing import Any

import aiohttp
from yarl import URL

_LONG = 1e6
"""Seconds; how long a connection may take is for whoever asks for it to say."""


class SocksRefused(aiohttp.ClientConnectionError):
    """A SOCKS proxy was reached and did not connect; the message says why."""


async def open_through(proxy: URL, at: str, host: str, port: int) -> socket.socket:
    """A socket that is connected to `host` through a SOCKS proxy.

    Args:
        proxy: its address, with user and password.
        at: its IP address.
        host: where to: an IP address, or a name for the proxy to look up.

    Raises:
        SocksRefused: it answered that it does not, or nothing that is SOCKS.
        OSError: it was not reached.
    """
    library = importlib.import_module("python_socks")
    client = importlib.import_module("python_socks.async_.asyncio").Proxy
    kind = library.ProxyType.SOCKS4 if proxy.scheme.startswith("socks4") else library.ProxyType.SOCKS5
    through = client(kind, at, proxy.port, username=proxy.user, password=proxy.password, rdns=True)
    try:
        opened: socket.socket = await through.connect(host, port, timeout=_LONG)
    except library.ProxyError as error:
        raise SocksRefused(_reason(error)) from None
    return opened


def _reason(error: Exception) -> str:
    text = str(error).strip()
    if not text or text[:1].isdigit():  # how many bytes it waited for in vain
        return "it broke off"
    return text


@contextlib.contextmanager
def closed_on_failure(opened: socket.socket) -> Any:
    """Close `opened` when the block fails."""
    try:
        yield
    except BaseException:
        opened.close()
        raise
