"""What a server answered, as an outcome: the body bounded and decoded, failures in plain words."""

from __future__ import annotations

import codecs
import errno
import http
import re
import time
from email.utils import parsedate_to_datetime
from typing import Any

import aiohttp

from drawer_ipy.buttons.base import Outcome
from drawer_ipy.buttons.output import parse_output
from drawer_ipy.errors import Code, ErrorInfo

_SHOWN = 64 * 1024
"""Characters kept of the body of a failed request."""

_META_CHARSET = re.compile(rb"""<meta[^>]+charset=["']?\s*([\w.:-]+)""", re.IGNORECASE)
_BINARY_TYPES = ("image/", "audio/", "video/", "font/")
_BINARY = frozenset(
    f"application/{kind}"
    for kind in (
        "octet-stream", "pdf", "zip", "gzip", "x-gzip", "x-tar", "x-7z-compressed", "x-bzip2", "zstd",
        "msword", "vnd.ms-excel", "vnd.apache.parquet", "vnd.apache.arrow.file", "x-parquet", "wasm",
    )
)  # fmt: skip
_MARKUP = frozenset({"text/html", "application/xhtml+xml", "text/xml", "application/xml", "text/csv"})
_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))


class TooLarge(Exception):
    """The body is longer than the button's limit."""


async def read_body(response: aiohttp.ClientResponse, limit: int) -> bytes:
    """The whole body, decompressed.

    Raises:
        TooLarge: as soon as there is more than `limit` bytes; no more than that (and one chunk) is held.
    """
    chunks: list[bytes] = []
    size = 0
    async for chunk in response.content.iter_any():
        size += len(chunk)
        if size > limit:
            raise TooLarge
        chunks.append(chunk)
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)


def outcome_of(response: aiohttp.ClientResponse, body: bytes) -> Outcome:
    """Status 200 to 399 is ok, with the body as output; anything else an error that shows its beginning."""
    if 200 <= response.status < 400:
        return Outcome(_output(response, body))
    status = status_line(response)
    remediation = ""
    if response.status in (429, 503):
        remediation = (
            "lower `parallelism`, set `rate`, or retry: `on_failure: {action: retry, max_attempts: 3}`"
        )
    elif response.status in (401, 403):
        remediation = "check the credentials in its headers"
    text = _text(response, body)
    shown = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}\n[truncated]"
    return Outcome(
        status="error",
        error=ErrorInfo(Code.HTTP_ERROR, f"{status} for {response.method} {response.url}", remediation),
        exit_code=response.status,
        stdout=shown,
        stderr=status,
        retry_after=retry_after(response.headers.get("Retry-After", "")),
    )


def status_line(response: aiohttp.ClientResponse) -> str:
    """``HTTP 404 Not Found``."""
    reason = response.reason
    if not reason:
        try:
            reason = http.HTTPStatus(response.status).phrase
        except ValueError:
            reason = ""
    return f"HTTP {response.status} {reason}".rstrip()


def retry_after(text: str) -> float | None:
    """A Retry-After header in seconds from now; ``None`` when there is none to be read."""
    text = text.strip()
    if text.isdigit():
        return float(text)
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - time.time())
    except (ValueError, TypeError):
        return None


def _output(response: aiohttp.ClientResponse, body: bytes) -> Any:
    """JSON as its value, text as text, images and archives as bytes; ``None`` for an empty body."""
    if not body:
        return None
    if _is_binary(response, body):
        return body
    text = _text(response, body)
    return text if response.content_type in _MARKUP else parse_output(text)


def _is_binary(response: aiohttp.ClientResponse, body: bytes) -> bool:
    kind = response.content_type
    if "Content-Type" in response.headers:
        if kind.startswith("text/") or kind.endswith(("json", "xml", "javascript", "+yaml", "-urlencoded")):
            return False
        if kind in _BINARY or kind.startswith((*_BINARY_TYPES, "application/vnd.openxmlformats")):
            return True
    if response.charset is not None:
        return False
    # A type nobody declared or we do not know: text if it reads as text.
    try:
        body.decode("utf-8")
    except UnicodeDecodeError:
        return True
    return b"\0" in body


def _text(response: aiohttp.ClientResponse, body: bytes) -> str:
    """The body by the declared charset, its byte order mark, its meta tag, UTF-8 or Windows-1252."""
    for charset in _charsets(response, body):
        try:
            return body.decode(charset, errors="replace")
        except LookupError:
            continue  # a charset nobody knows
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        markup = response.content_type in _MARKUP
        return body.decode("cp1252" if markup else "utf-8", errors="replace")


def _charsets(response: aiohttp.ClientResponse, body: bytes) -> list[str]:
    found = [name for mark, name in _MARKS if body.startswith(mark)]
    if response.charset:
        found.append(response.charset)
    if response.content_type == "text/html" and (meta := _META_CHARSET.search(body, 0, 2048)):
        name = meta.group(1).decode("ascii", errors="replace")
        # A page whose tag can be read as ASCII is not in UTF-16, whatever the tag says (the HTML standard).
        found.append("utf-8" if name.lower().startswith("utf-16") else name)
    return found


def connection_failure(error: BaseException, method: str, url: str) -> Outcome:
    """What went wrong before there was a whole answer, in plain words."""
    what, remediation = _in_words(error)
    info = ErrorInfo(Code.HTTP_ERROR, f"{what} for {method} {url}", remediation)
    return Outcome(status="error", error=info, exit_code=-1, stderr=f"{type(error).__name__}: {error}")


def _in_words(error: BaseException) -> tuple[str, str]:
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return f"no host named {error.host!r} was found", "check the spelling, or the network"
    if isinstance(error, aiohttp.ClientSSLError):
        return f"no secure connection to {error.host}:{error.port} ({error.os_error or error})", ""
    if isinstance(error, aiohttp.ClientConnectorError):
        return _os_words(error.os_error, f"{error.host}:{error.port}")
    if isinstance(error, aiohttp.ServerDisconnectedError):
        return "the server closed the connection without an answer", ""
    if isinstance(error, aiohttp.ClientPayloadError):
        return f"the answer broke off or is damaged ({_first_line(error)})", ""
    if isinstance(error, aiohttp.ClientResponseError):
        return f"the answer is not HTTP as it should be ({_first_line(error)})", ""
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


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
