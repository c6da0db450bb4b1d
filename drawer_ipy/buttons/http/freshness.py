"""Caching of responses: whole, so that the extraction may change later, and with revalidation."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from drawer_ipy.buttons.base import Call, Outcome
from drawer_ipy.buttons.http.bound import BoundRequest
from drawer_ipy.buttons.http.failure import RequestFailed
from drawer_ipy.buttons.http.request import Condition, Request
from drawer_ipy.buttons.http.response import Response
from drawer_ipy.buttons.http.save import SavePath
from drawer_ipy.buttons.http.saved import SavedFiles
from drawer_ipy.buttons.http.upload import body_identity
from drawer_ipy.cache.canonical import Uncacheable
from drawer_ipy.cache.sources import Sources
from drawer_ipy.cache.trouble import CacheTrouble

_NOT_MODIFIED = 304
_CONDITIONS = frozenset(
    {"if-match", "if-none-match", "if-modified-since", "if-unmodified-since", "if-range", "range"}
)
_LASTING = frozenset({300, 404, 405, 410, 414, 501})
_NOT_KEPT = frozenset({"set-cookie", "set-cookie2"})
"""Headers that may contain session credentials."""

_PARTS = 10
"""Number of parts that are stored of a response."""


class HttpCaching:
    """Cache the responses to a button's requests, by the request that is sent.

    Args:
        lasts: seconds for which a response is valid.
        whole: returns the request of a press with all its headers; raises DrawerError.
        outcome: returns the outcome of a response.
        cookies: whether requests send the cookies of earlier ones.
        save: where bodies are saved; ``None`` if they are not saved to files.
        variant: other settings that the response depends on.
        verified: whether certificates are verified; unverified responses are stored separately.
    """

    def __init__(
        self,
        lasts: float,
        whole: Callable[[BoundRequest, Call], Request],
        outcome: Callable[[Response, Call], Awaitable[Outcome]],
        *,
        cookies: bool,
        save: SavePath | None = None,
        variant: str = "",
        verified: bool = True,
    ) -> None:
        self.lasts = lasts
        self._whole = whole
        self._outcome = outcome
        self._cookies = cookies
        self._save = save
        self._variant = variant
        self._kind = "http" if verified else "http, unverified"

    def parts(self, bound: BoundRequest, call: Call, sources: Sources) -> Any:  # noqa: ARG002 - as base.Caching
        """See base.Caching."""
        if self._cookies:
            raise Uncacheable("it uses cookies, so its responses depend on earlier requests")
        request = self._whole(bound, call)
        headers = sorted((name.lower(), value) for name, value in request.headers.items())
        save = None if bound.save is None else str(bound.save)
        parts = (self._kind, request.method, _place(request), headers, body_identity(request.body), save)
        return (*parts, self._variant) if self._variant else parts

    def keep(self, outcome: Outcome) -> tuple[Any, ...]:
        """See base.Caching. Failures are stored if they are likely to last (RFC 9110, 15.1)."""
        answer: Response = outcome.kept
        if not _is_final(answer.status):
            raise Uncacheable(f"the server responded with {answer.status_line}, which is not final")
        headers = [(n, v) for n, v in answer.headers.items() if n.lower() not in _NOT_KEPT]
        path = None if answer.path is None else str(answer.path)
        address = answer.address or str(answer.url)
        about = (answer.method, address, answer.status, answer.reason)
        return (*about, headers, answer.body, answer.elapsed, path, answer.size, _changed(answer.path))

    def take(self, kept: tuple[Any, ...], bound: BoundRequest, call: Call) -> None:
        """See base.Caching: a saved body must still exist, and must not be another step's file."""
        answer = _response(kept)
        if answer.path is None or self._save is None or bound.save is None:
            return
        if kept[-1] is None or _changed(answer.path) != kept[-1]:
            raise CacheTrouble(f"{answer.path} is missing or was changed")
        saved = call.resources.lasting(SavedFiles)
        try:
            saved.keep(bound.save, self._save.folder, bound.request, call)
        except RequestFailed as error:
            raise CacheTrouble(error.message) from None

    async def revive(self, kept: tuple[Any, ...], bound: BoundRequest, call: Call) -> Outcome:  # noqa: ARG002 - as base.Caching
        """See base.Caching."""
        return await self._outcome(_response(kept), call)

    def asking(self, bound: BoundRequest, kept: tuple[Any, ...]) -> BoundRequest | None:
        """See base.Caching: return the same request with the validators of the response, if it had any.

        Validators belong to the URL that sent them; they are not sent if a redirect now leads elsewhere.
        """
        request: Request = bound.request
        answer = _response(kept)
        conditional = any(name.lower() in _CONDITIONS for name in request.headers)
        if request.method not in ("GET", "HEAD") or conditional or answer.path is not None:
            return None
        marks = {
            "If-None-Match": answer.headers.get("ETag"),
            "If-Modified-Since": answer.headers.get("Last-Modified"),
        }
        known = {name: mark for name, mark in marks.items() if mark}
        if not known:
            return None
        condition = Condition(_place(answer), known)
        return bound._replace(request=replace(request, condition=condition))

    def unchanged(self, outcome: Outcome) -> bool:
        """See base.Caching."""
        return isinstance(outcome.kept, Response) and outcome.kept.status == _NOT_MODIFIED


def _place(one: Request | Response) -> str:
    """Return its URL without the fragment, which no server sees."""
    return (one.address or str(one.url)).partition("#")[0]


def _is_final(status: int) -> bool:
    """Whether a response with `status` may be stored for the same request.

    Not 202 (the work is not finished), 206 (a part), or an error that may be temporary. Of the errors, those
    that RFC 9110 (15.1) allows caches to store; they get here if the button accepts them as results.
    """
    return (200 <= status < 300 and status not in (202, 206)) or status in _LASTING


def _response(kept: tuple[Any, ...]) -> Response:
    if len(kept) != _PARTS:
        raise CacheTrouble("it was stored by another version")
    method, url, status, reason, headers, body, elapsed, path, size, _ = kept
    return Response(
        method=method,
        url=URL(url, encoded=True),
        status=status,
        reason=reason,
        headers=CIMultiDictProxy(CIMultiDict(headers)),
        body=body,
        elapsed=elapsed,
        path=None if path is None else Path(path),
        size=size,
        address=url,
    )


def _changed(path: Path | None) -> tuple[int, int] | None:
    """Return size and modification time of a regular file; ``None`` if there is none."""
    with contextlib.suppress(OSError):
        about = None if path is None else os.lstat(path)
        if about is not None and stat.S_ISREG(about.st_mode):
            return about.st_size, about.st_mtime_ns
    return None
