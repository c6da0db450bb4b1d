"""Requests that came to no whole answer: what happened, in plain words."""

from __future__ import annotations

import errno
from dataclasses import replace
from typing import ClassVar

import aiohttp

from drawer_ipy.buttons.http.decode import Damaged
from drawer_ipy.buttons.http.proxy import Proxy
from drawer_ipy.buttons.http.socks import SocksRefused
from drawer_ipy.errors import Code, DrawerError, ErrorInfo


class RequestFailed(DrawerError):
    """A request was sent, or was to be sent, and there is no whole answer.

    Attributes:
        timed_out: whether it took too long.
        sent: whether the server may have begun to act on it.
        final: whether asking again would come to the same.
        detail: the exception behind it, for stderr.
        status: what a proxy answered instead of passing the request on, else ``None``.
        retry_after: seconds the server asked to be left alone for; ``None`` when it did not.
    """

    default_code: ClassVar[str] = Code.HTTP_ERROR

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        remediation: str = "",
        sent: bool = True,
        final: bool = False,
        detail: str = "",
        status: int | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message, code=code, remediation=remediation)
        self.timed_out = self.code == Code.TIMEOUT
        self.sent = sent
        self.final = final
        self.detail = detail
        self.status = status
        self.retry_after = retry_after

    def info(self) -> ErrorInfo:
        """See the base."""
        return replace(super().info(), status=self.status)


def timed_out(seconds: float | None, what: str) -> RequestFailed:
    """The error for a request, told as ``GET https://...``, that took longer than it may."""
    return RequestFailed(
        f"timed out after {seconds:g} s: {what}",
        code=Code.TIMEOUT,
        remediation="raise `timeout_seconds` of the step or the button if the server needs longer",
    )


def too_large(limit: int, what: str) -> RequestFailed:
    """The error for an answer longer than the button's limit."""
    return RequestFailed(
        f"the answer to {what} is longer than {limit:,} bytes",
        remediation="raise `max_response_bytes` of the button (it may be up to 2 GiB)",
        final=True,
    )


def connection_failed(error: BaseException, what: str, proxy: Proxy | None = None) -> RequestFailed:
    """The error for what aiohttp or the system raised.

    Args:
        proxy: what the request went through, or was to go; ``None`` for nothing.
    """
    failed = _failed(error, what, proxy)
    if proxy is not None and proxy.url is not None:
        # A connection that does not come about may be the proxy's fault as well as the target's.
        if not failed.sent and proxy.place not in failed.message:
            failed.message += f", through the proxy {proxy.place}"
        failed.message = proxy.without_password(failed.message)
        failed.detail = proxy.without_password(failed.detail)
    return failed


def _failed(error: BaseException, what: str, proxy: Proxy | None) -> RequestFailed:
    detail = f"{type(error).__name__}: {error}"
    hint = _check(proxy)
    if isinstance(error, aiohttp.ConnectionTimeoutError):
        message = f"no connection came about in time: {what}"
        return RequestFailed(message, code=Code.TIMEOUT, sent=False, detail=detail, remediation=hint)
    if isinstance(error, aiohttp.ServerTimeoutError):
        message = f"the server sent nothing for too long: {what}"
        hint = "raise `read_timeout_seconds` of the button if the server needs longer"
        return RequestFailed(message, code=Code.TIMEOUT, remediation=hint, detail=detail)
    if isinstance(error, aiohttp.InvalidURL):
        message = f"{what} cannot be requested, its URL is none: {_first_line(error)}"
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
    """What to look at when a proxy may be at fault; ``""`` when there is none."""
    if proxy is None or proxy.url is None:
        return ""
    if proxy.source.startswith("`proxy`"):
        return f"check {proxy.source}"
    return f"check {proxy.source}, or write `proxy: none` on the button to go without it"


def _of_proxy(error: BaseException, proxy: Proxy | None) -> tuple[str, str] | None:
    """Words for what went wrong at the proxy itself; ``None`` when it did not."""
    if proxy is None or proxy.url is None:
        return None
    hint = _check(proxy)
    if isinstance(error, aiohttp.ClientHttpProxyError):
        return f"the proxy answered {error.status} {error.message}", hint
    if isinstance(error, SocksRefused):
        return f"the proxy {proxy.place} did not connect ({_first_line(error)})", hint
    if not isinstance(error, aiohttp.ClientConnectorError):
        return None
    at_proxy = (error.host, error.port) == (proxy.url.raw_host, proxy.url.port)
    if isinstance(error, aiohttp.ClientProxyConnectionError):
        return f"no connection to the proxy {proxy.place} ({error.os_error.strerror or error.os_error})", hint
    if at_proxy and isinstance(error, aiohttp.ClientConnectorDNSError):
        return f"no host named {error.host!r}, the proxy, was found", hint
    return (_in_words(error)[0], hint) if at_proxy else None


def _in_words(error: BaseException) -> tuple[str, str]:
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return f"no host named {error.host!r} was found", "check the spelling, or the network"
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return f"no secure connection to {error.host}:{error.port} ({error.certificate_error})", ""
    if isinstance(error, aiohttp.ClientSSLError):
        return f"no secure connection to {error.host}:{error.port} ({error.os_error or error})", ""
    if isinstance(error, aiohttp.ClientConnectorError):
        return _os_words(error.os_error, f"{error.host}:{error.port}")
    if isinstance(error, aiohttp.ServerDisconnectedError):
        return "the server closed the connection without an answer", ""
    if isinstance(error, aiohttp.ClientPayloadError | Damaged):
        return f"the answer broke off or is damaged ({_reason(error)})", ""
    if isinstance(error, aiohttp.ClientResponseError):
        return f"the answer is not HTTP as it should be ({_reason(error)})", ""
    if isinstance(error, OSError):
        return _os_words(error, "the server")
    return _first_line(error), ""


def _os_words(error: OSError, place: str) -> tuple[str, str]:
    if error.errno == errno.ECONNREFUSED:
        return f"{place} refused the connection", "is the server running, on that port?"
    if error.errno in (errno.ECONNRESET, errno.EPIPE):
        return f"{place} broke the connection off", ""
    if error.errno in (errno.EHOSTUNREACH, errno.ENETUNREACH):
        return f"{place} cannot be reached from here", "check the network"
    if error.errno in (errno.EMFILE, errno.ENFILE):
        return "too many connections are open", "lower `parallelism`"
    return f"no connection to {place} ({error.strerror or error})", ""


def _reason(error: BaseException) -> str:
    """What aiohttp says is wrong, without the names of its classes and the status it would answer with."""
    for one in (error.__cause__, error):
        message = getattr(one, "message", None)
        if isinstance(message, str) and message:
            return " ".join(message.split()).rstrip(".")
    return _first_line(error)


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
