"""Connections through a SOCKS proxy, using python-socks (extra ``socks``)."""

from __future__ import annotations

import contextlib
import importlib
import socket
from typing import Any

import aiohttp
from yarl import URL

_LONG = 1e6
"""Seconds; practically no limit, because the caller sets the timeout of a connection."""


class SocksRefused(aiohttp.ClientConnectionError):
    """A SOCKS proxy was reached but did not connect; the message says why."""


async def open_through(proxy: URL, at: str, host: str, port: int) -> socket.socket:
    """Return a socket that is connected to `host` through a SOCKS proxy.

    Args:
        proxy: the proxy's address, with user and password.
        at: the proxy's IP address.
        host: the target: an IP address, or a name for the proxy to resolve.

    Raises:
        SocksRefused: the proxy refused, or did not respond with SOCKS.
        OSError: the proxy was not reached.
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
    if not text or text[:1].isdigit():  # the number of bytes that did not arrive
        return "it closed the connection"
    return text


@contextlib.contextmanager
def closed_on_failure(opened: socket.socket) -> Any:
    """Close `opened` if the block fails."""
    try:
        yield
    except BaseException:
        opened.close()
        raise
