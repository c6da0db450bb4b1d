"""Responses: the body as a value, and the whole response as a record or an outcome."""

from __future__ import annotations

import http
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from drawer_ipy.buttons.base import Outcome
from drawer_ipy.buttons.http.body import Content, body_text, read_body, read_value
from drawer_ipy.buttons.http.body_types import parse_content_type
from drawer_ipy.buttons.http.retry_after import is_busy, seconds_to_wait
from drawer_ipy.common.json_text import BadJson
from drawer_ipy.common.notes import Note
from drawer_ipy.definition.statuses import is_plain_success
from drawer_ipy.errors import Code, ErrorInfo

SHOWN = 64 * 1024
"""Number of characters that are kept of the body of a failed request."""


@dataclass(slots=True)
class Response:
    """A complete response, whatever its status.

    Attributes:
        method: the method of the request, after redirects.
        url: the URL of the request, after redirects.
        status, reason: the status line; ``reason`` may be ``""``.
        headers: the headers as sent; names are case-insensitive, values are in order.
        body: the decompressed body; ``b""`` if it was saved to a file.
        elapsed: seconds from sending until the body was complete, including redirects but not the waiting
            for a turn.
        attempts: number of attempts.
        pushed_back: whether an earlier attempt got 429 or 503.
        address: the URL as text if available; ``""`` if it must be formatted.
        path, size: the file that the body was saved to, and its size in bytes; ``None`` otherwise.
        note: a message for the user; without the URL, because a run shows it once.
    """

    method: str
    url: URL
    status: int
    reason: str = ""
    headers: Mapping[str, str] = field(default_factory=lambda: CIMultiDictProxy(CIMultiDict()))
    body: bytes = b""
    elapsed: float = 0.0
    attempts: int = 1
    pushed_back: bool = False
    address: str = ""
    path: Path | None = None
    size: int | None = None
    note: str = ""

    @property
    def ok(self) -> bool:
        """Whether the status is a success for a button without ``ok_status``."""
        return is_plain_success(self.status)

    @property
    def busy(self) -> bool:
        """Whether the server says that it is overloaded."""
        return is_busy(self.status, self.headers)

    @property
    def content_type(self) -> str:
        """The type that the header declares, in lower case; ``""`` if there is none."""
        return parse_content_type(self.headers.get("Content-Type", ""))[0]

    @property
    def status_line(self) -> str:
        """``HTTP 404 Not Found``."""
        return f"HTTP {self.status} {self.reason or _phrase(self.status)}".rstrip()

    @property
    def retry_after(self) -> float | None:
        """Seconds that the server asks to wait; ``None`` if it does not."""
        return seconds_to_wait(self.status, self.headers)

    def text(self) -> str:
        """Return the body as text, in its declared or detected encoding; JSON in the encoding of JSON."""
        return body_text(*parse_content_type(self.headers.get("Content-Type", "")), self.body)

    def body_as(self, *, as_text: bool = False) -> Content:
        """Return the body as ``json``, ``text`` or ``bytes``, see :func:`read_body`.

        Raises:
            BadJson: the type is JSON, but the body is not valid JSON.
        """
        kind, charset = parse_content_type(self.headers.get("Content-Type", ""))
        return read_body(kind, charset, self.body, as_text=as_text)

    def value(self) -> Content:
        """Return the body as the value of a press, see :func:`read_value`.

        Raises:
            BadJson: the type is JSON, but the body is not valid JSON.
        """
        return read_value(*parse_content_type(self.headers.get("Content-Type", "")), self.body)

    def about(self) -> About:
        """Return ``{status, url, headers, elapsed}``, which records keep besides the body, as JSON values."""
        # This is kept for every item of a loop: a URL object is six times as large as its text.
        url = self.address or str(self.url)
        return About(self.status, url, self.headers, self.elapsed, self.attempts)

    def content(self) -> dict[str, Any]:
        """Return the body as ``json``, ``text`` or ``bytes``, or the ``path`` and ``size`` of its file.

        Invalid JSON is returned as text.
        """
        if self.path is not None:
            return {"path": str(self.path), "size": self.size}
        try:
            content = self.body_as()
        except BadJson:
            content = self.body_as(as_text=True)
        return {content.kind: content.value}

    def record(self) -> dict[str, Any]:
        """Return the whole response: :meth:`about` and :meth:`content`."""
        return {**self.about(), **self.content()}


class About(Mapping[str, Any]):
    """The part of a record about a response besides its body, as a mapping that is built on access.

    It has ``status``, ``url`` (after redirects), ``headers`` by lower-case name, ``elapsed`` (seconds), and
    ``attempts`` if there were several.
    """

    __slots__ = ("_attempts", "_elapsed", "_headers", "_status", "_url")

    def __init__(
        self, status: int, url: str, headers: Mapping[str, str], elapsed: float, attempts: int
    ) -> None:
        self._status = status
        self._url = url
        self._headers = headers
        self._elapsed = elapsed
        self._attempts = attempts

    def __getitem__(self, key: str) -> Any:
        match key:
            case "status":
                return self._status
            case "url":
                return self._url
            case "headers":
                return plain_headers(self._headers)
            case "elapsed":
                return round(self._elapsed, 6)
            case "attempts" if self._attempts > 1:
                return self._attempts
        raise KeyError(key)

    def _keys(self) -> tuple[str, ...]:
        always = ("status", "url", "headers", "elapsed")
        return always if self._attempts == 1 else (*always, "attempts")

    def __iter__(self) -> Iterator[str]:
        return iter(self._keys())

    def __len__(self) -> int:
        return len(self._keys())

    def __repr__(self) -> str:
        return repr(dict(self))


def outcome_of(
    response: Response,
    full: bool = False,
    as_text: bool = False,
    accepts: Callable[[int], bool] = is_plain_success,
) -> Outcome:
    """Return the outcome of a response.

    A status that `accepts` allows is a success. Any other status, and invalid JSON, is an error that shows
    the beginning of the body.

    Args:
        full: whether the output is the whole record instead of only the body.
        as_text: whether the body is text whatever its type is.
        accepts: returns whether a status is a success, for buttons with their own rule.
    """
    if not accepts(response.status):
        return _failed(response)
    about = response.about()
    if response.path is not None:
        return Outcome(response.record() if full else str(response.path), about=about)
    try:
        content = response.body_as(as_text=as_text) if full or as_text else response.value()
    except BadJson as error:
        return _unreadable(response, error)
    output = {**about, content.kind: content.value} if full else content.value
    return Outcome(output, about=about, notes=located(content.notes, response) if content.notes else ())


def located(notes: tuple[Note, ...], response: Response) -> tuple[Note, ...]:
    """Return `notes` on a body, with its URL added."""
    return tuple(Note(f"{response.url}: {note.text}", note.about) for note in notes)


def _unreadable(response: Response, error: BadJson) -> Outcome:
    kind = response.content_type
    message = f"the response to {response.method} {response.url} has type {kind} but is not JSON: {error}"
    hint = "use `output: text` on the button to get it as text; stdout shows its beginning"
    info = ErrorInfo(Code.HTTP_ERROR, message, hint, status=response.status)
    shown = shortened(response.text())
    return Outcome(status="error", error=info, exit_code=1, stdout=shown, about=response.about())


def shortened(text: str) -> str:
    """Return the beginning of `text`, as failed requests show it."""
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}\n[truncated]"


def _failed(response: Response) -> Outcome:
    status = response.status_line
    remediation = ""
    if response.busy:
        remediation = "lower `parallelism`, set `rate`, or retry: `retries: 3` on the button"
    elif 300 <= response.status < 400:
        remediation = "the server redirects, but its response has no Location header"
    elif response.status in (401, 403):
        remediation = "check the credentials in the headers"
    message = f"{status} for {response.method} {response.url}"
    return Outcome(
        status="error",
        error=ErrorInfo(Code.HTTP_ERROR, message, remediation, status=response.status),
        exit_code=response.status,
        stdout=shortened(response.text()),
        stderr=status,
        retry_after=response.retry_after,
        about=response.about(),
    )


def plain_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """Return headers by lower-case name; repeated values are joined by a comma (by a line break for cookies,
    which contain commas).
    """
    out: dict[str, str] = {}
    for given, sent in headers.items():
        name, value = given.lower(), sent if sent.isascii() else _as_text(sent)
        if name in out:
            out[name] += f"\n{value}" if name == "set-cookie" else f", {value}"
        else:
            out[name] = value
    return out


def _as_text(value: str) -> str:
    """Decode the value of a header: as UTF-8, or as Latin-1, HTTP's earlier encoding, if that fails."""
    raw = value.encode(errors="surrogateescape")
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def _phrase(status: int) -> str:
    try:
        return http.HTTPStatus(status).phrase
    except ValueError:
        return ""
