"""What went wrong with a connection, in plain words, from the exceptions of aiohttp and the system."""

from __future__ import annotations

import errno

import aiohttp

from drawer_ipy.buttons.http.decode import Damaged
from drawer_ipy.buttons.http.failure import RequestFailed
from drawer_ipy.buttons.http.proxy import Proxy
from drawer_ipy.buttons.http.socks import SocksRefused
from drawer_ipy.common.tracebacks import first_line
from drawer_ipy.errors import Code


def connection_failed(error: BaseException, what: str, proxy: Proxy | None = None) -> RequestFailed:
    """Return the error for an exception of aiohttp or the system.

    Args:
        proxy: the proxy of the request; ``None`` for a direct connection.
    """
    failed = _failed(error, what, proxy)
    if proxy is not None and proxy.url is not None:
        # A failed connection may be the fault of the proxy as well as of the target.
        if not failed.sent and proxy.place not in failed.message:
            failed.message += f", through the proxy {proxy.place}"
        failed.message = proxy.without_password(failed.message)
        failed.detail = proxy.without_password(failed.detail)
    return failed


def _failed(error: BaseException, what: str, proxy: Proxy | None) -> RequestFailed:
    detail = f"{type(error).__name__}: {error}"
    hint = _check(proxy)
    if isinstance(error, aiohttp.ConnectionTimeoutError):
        message = f"no connection was established in time: {what}"
        return RequestFailed(message, code=Code.TIMEOUT, sent=False, detail=detail, remediation=hint)
    if isinstance(error, aiohttp.ServerTimeoutError):
        message = f"the server sent nothing for too long: {what}"
        hint = "raise `read_timeout_seconds` of the button if the server needs longer"
        return RequestFailed(message, code=Code.TIMEOUT, remediation=hint, detail=detail)
    if isinstance(error, aiohttp.InvalidURL):
        message = f"{what} cannot be sent because its URL is invalid: {first_line(error)}"
        return RequestFailed(message, code=Code.VALIDATION_ERROR, sent=False, final=True)
    words, remediation = _of_proxy(error, proxy) or _in_words(error)
    sent = not isinstance(error, aiohttp.ClientConnectorError | aiohttp.ClientHttpProxyError | SocksRefused)
    status = error.status if isinstance(error, aiohttp.ClientHttpProxyError) else None
    return RequestFailed(
        f"{words} for {what}",
        remediation=remediation or ("" if sent else hint),
        sent=sent,
        detail=detail,
        status=status,
    )


def _check(proxy: Proxy | None) -> str:
    """Return a hint on what to check if a proxy may be at fault; ``""`` without a proxy."""
    if proxy is None or proxy.url is None:
        return ""
    if proxy.source.startswith("`proxy`"):
        return f"check {proxy.source}"
    return f"check {proxy.source}, or set `proxy: none` on the button to connect directly"


def _of_proxy(error: BaseException, proxy: Proxy | None) -> tuple[str, str] | None:
    """Return a message and a hint for a failure of the proxy itself; ``None`` if it did not fail."""
    if proxy is None or proxy.url is None:
        return None
    hint = _check(proxy)
    if isinstance(error, aiohttp.ClientHttpProxyError):
        return f"the proxy responded with {error.status} {error.message}", hint
    if isinstance(error, SocksRefused):
        return f"the proxy {proxy.place} did not connect ({first_line(error)})", hint
    if not isinstance(error, aiohttp.ClientConnectorError):
        return None
    at_proxy = (error.host, error.port) == (proxy.url.raw_host, proxy.url.port)
    if isinstance(error, aiohttp.ClientProxyConnectionError):
        return f"no connection to the proxy {proxy.place} ({error.os_error.strerror or error.os_error})", hint
    if at_proxy and isinstance(error, aiohttp.ClientConnectorDNSError):
        return f"the proxy's host {error.host!r} was not found", hint
    return (_in_words(error)[0], hint) if at_proxy else None


def _in_words(error: BaseException) -> tuple[str, str]:
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return f"the host {error.host!r} was not found", "check the spelling and the network"
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return f"no secure connection to {error.host}:{error.port} ({error.certificate_error})", ""
    if isinstance(error, aiohttp.ClientSSLError):
        return f"no secure connection to {error.host}:{error.port} ({error.os_error or error})", ""
    if isinstance(error, aiohttp.ClientConnectorError):
        return _os_words(error.os_error, f"{error.host}:{error.port}")
    if isinstance(error, aiohttp.ServerDisconnectedError):
        return "the server closed the connection without a response", ""
    if isinstance(error, aiohttp.ClientPayloadError | Damaged):
        return f"the response is incomplete or damaged ({_reason(error)})", ""
    if isinstance(error, aiohttp.ClientResponseError):
        return f"the response is not valid HTTP ({_reason(error)})", ""
    if isinstance(error, OSError):
        return _os_words(error, "the server")
    return first_line(error), ""


def _os_words(error: OSError, place: str) -> tuple[str, str]:
    if error.errno == errno.ECONNREFUSED:
        return f"{place} refused the connection", "is the server running, on that port?"
    if error.errno in (errno.ECONNRESET, errno.EPIPE):
        return f"{place} reset the connection", ""
    if error.errno in (errno.EHOSTUNREACH, errno.ENETUNREACH):
        return f"{place} is unreachable", "check the network"
    if error.errno in (errno.EMFILE, errno.ENFILE):
        return "too many connections are open", "lower `parallelism`"
    return f"no connection to {place} ({error.strerror or error})", ""


def _reason(error: BaseException) -> str:
    """Return aiohttp's message, without its class names and status code."""
    for one in (error.__cause__, error):
        message = getattr(one, "message", None)
        if isinstance(message, str) and message:
            return " ".join(message.split()).rstrip(".")
    return first_line(error)
