"""What a server answered: its body as a value, and the whole of it as a record or an outcome."""

from __future__ import annotations

import http
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from drawer_ipy.buttons.base import Outcome
from drawer_ipy.buttons.http_text import MARKUP, decode, is_binary, is_json, parse_content_type
from drawer_ipy.buttons.http_waiting import is_busy, seconds_to_wait
from drawer_ipy.buttons.output import parse_output
from drawer_ipy.errors import Code, ErrorInfo

SHOWN = 64 * 1024
"""Characters kept of the body of a failed request."""


@dataclass(slots=True)
class Response:
    """A whole answer, whatever its status.

    Attributes:
        method: of the request that was answered, after redirects.
        url: where it was answered, after redirects.
        status, reason: of the answer; ``reason`` may be ``""``.
        headers: as sent; names in any case, values in order.
        body: decompressed; ``b""`` when it was saved to a file.
        elapsed: seconds from sending until the body was there, redirects included, waiting for a turn not.
        attempts: how often it was asked for.
        pushed_back: whether an earlier try was answered by 429 or 503.
        address: the URL as text where it is at hand; ``""`` where it has to be made.
        path, size: the file the body was saved to, and its bytes; ``None`` when it was not.
        note: what a user should know of it; not of single URLs, since it is told once a run.
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
        """Whether its status is one of 200 to 299, or 300 or 304: no redirect that leads nowhere."""
        return 200 <= self.status < 300 or self.status in (300, 304)

    @property
    def busy(self) -> bool:
        """Whether the server says that it has too much to do."""
        return is_busy(self.status, self.headers)

    @property
    def content_type(self) -> str:
        """The type its header declares, in lower case; ``""`` when none."""
        return parse_content_type(self.headers.get("Content-Type", ""))[0]

    @property
    def status_line(self) -> str:
        """``HTTP 404 Not Found``."""
        return f"HTTP {self.status} {self.reason or _phrase(self.status)}".rstrip()

    @property
    def retry_after(self) -> float | None:
        """Seconds the server asks to wait; ``None`` when it does not."""
        return seconds_to_wait(self.status, self.headers)

    def text(self) -> str:
        """The body as text, in its declared or detected encoding."""
        return decode(*parse_content_type(self.headers.get("Content-Type", "")), self.body)

    def value(self) -> Any:
        """JSON as its value, text as text, images and archives as bytes; ``None`` for an empty body.

        Text that is neither markup nor declared as JSON follows the rule for what a script prints: it is a
        value when it is exactly one (the original's rule).
        """
        if not self.body:
            return None
        kind, charset = parse_content_type(self.headers.get("Content-Type", ""))
        if is_binary(kind, charset, self.body):
            return self.body
        text = decode(kind, charset, self.body)
        return text if kind in MARKUP else parse_output(text)

    def about(self) -> About:
        """``{status, url, headers, elapsed}``, what records keep beside the body; fit for JSON."""
        # Kept for every item of a loop: a URL is six times as large as its text.
        url = self.address or str(self.url)
        return About(self.status, url, self.headers, self.elapsed, self.attempts)

    def content(self) -> dict[str, Any]:
        """The body as ``json``, ``text`` or ``bytes``, or the ``path`` and ``size`` of its file."""
        if self.path is not None:
            return {"path": str(self.path), "size": self.size}
        kind, charset = parse_content_type(self.headers.get("Content-Type", ""))
        if is_binary(kind, charset, self.body):
            return {"bytes": self.body}
        text = decode(kind, charset, self.body)
        value = parse_output(text) if is_json(kind) else text
        # JSON that cannot be read is told as the text it is; a string is JSON only with its quotes.
        return {"text" if value is text else "json": value}

    def record(self) -> dict[str, Any]:
        """The whole answer: :meth:`about` and :meth:`content`."""
        return {**self.about(), **self.content()}


class About(Mapping[str, Any]):
    """What a record keeps of an answer beside its body, as a mapping that is made when it is looked at.

    ``status``, ``url`` (after redirects), ``headers`` by lower-case name, ``elapsed`` (seconds), and
    ``attempts`` where it was asked for several times.
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


def outcome_of(response: Response, full: bool = False) -> Outcome:
    """What is :attr:`Response.ok` is; anything else an error that shows the beginning of the body.

    Args:
        full: whether the output is the whole record and not the body alone.
    """
    if not response.ok:
        return _failed(response)
    about = response.about()
    if full:
        return Outcome({**about, **response.content()}, about=about)
    return Outcome(response.value() if response.path is None else str(response.path), about=about)


def _failed(response: Response) -> Outcome:
    status = response.status_line
    remediation = ""
    if response.busy:
        remediation = "lower `parallelism`, set `rate`, or repeat it: `retries: 3` on the button"
    elif 300 <= response.status < 400:
        remediation = "the server redirects, but its answer has no Location that says where to"
    elif response.status in (401, 403):
        remediation = "check the credentials in its headers"
    text = response.text()
    return Outcome(
        status="error",
        error=ErrorInfo(Code.HTTP_ERROR, f"{status} for {response.method} {response.url}", remediation),
        exit_code=response.status,
        stdout=text if len(text) <= SHOWN else f"{text[:SHOWN]}\n[truncated]",
        stderr=status,
        retry_after=response.retry_after,
        about=response.about(),
    )


def plain_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """Headers by lower-case name; values of one that came several times are joined by a comma (by a line
    break for cookies, which hold commas).
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
    """A header's value as text: UTF-8, or Latin-1 where it is none, as HTTP had it before."""
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
