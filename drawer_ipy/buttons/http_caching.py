"""How the answers to requests are kept: whole, so that what is taken from them may change; and confirmed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from drawer_ipy.buttons.base import Call, Outcome
from drawer_ipy.buttons.http_request import Request
from drawer_ipy.buttons.http_response import Response
from drawer_ipy.buttons.http_upload import body_identity
from drawer_ipy.cache.canonical import Uncacheable
from drawer_ipy.cache.sources import Sources
from drawer_ipy.cache.trouble import CacheTrouble

_NOT_MODIFIED = 304
_FAILED = 400
_LASTING_FAILURES = frozenset({404, 405, 410, 414, 501})
_CONDITIONS = frozenset(
    {"if-match", "if-none-match", "if-modified-since", "if-unmodified-since", "if-range", "range"}
)
_NOT_KEPT = frozenset({"set-cookie", "set-cookie2"})
"""Headers that may hold what opens somebody's session."""


class HttpCaching:
    """Keeps the answers to a button's requests, by the request that goes out.

    Args:
        lasts: seconds for which an answer is used again.
        whole: gives the request of a press with all its headers; raises DrawerError.
        outcome: gives the outcome that an answer comes to, for a press with these arguments.
        cookies: whether requests bring the cookies of earlier ones along.
    """

    def __init__(
        self,
        lasts: float,
        whole: Callable[[Mapping[str, Any], Call], Request],
        outcome: Callable[[Response], Outcome],
        *,
        cookies: bool,
    ) -> None:
        self.lasts = lasts
        self._whole = whole
        self._outcome = outcome
        self._cookies = cookies

    def parts(self, bound: Mapping[str, Any], call: Call, sources: Sources) -> Any:
        """See base.Caching."""
        if self._cookies:
            raise Uncacheable("it keeps cookies, and answers depend on those of earlier requests")
        request = self._whole(bound, call)
        headers = sorted((name.lower(), value) for name, value in request.headers.items())
        save = None if bound["save"] is None else str(bound["save"])
        # The server never sees the fragment.
        url, body = str(request.url.with_fragment(None)), body_identity(request.body)
        return "http", request.method, url, headers, body, save

    def keep(self, outcome: Outcome) -> tuple[Any, ...] | None:
        """See base.Caching. Of failures, those are kept that are likely to last (RFC 9110, 15.1)."""
        answer: Response = outcome.kept
        if answer.status >= _FAILED and answer.status not in _LASTING_FAILURES:
            return None
        headers = [(n, v) for n, v in answer.headers.items() if n.lower() not in _NOT_KEPT]
        path = None if answer.path is None else str(answer.path)
        about = (answer.method, str(answer.url), answer.status, answer.reason)
        return (*about, headers, answer.body, answer.elapsed, path, answer.size)

    def revive(self, kept: tuple[Any, ...], bound: Mapping[str, Any]) -> Outcome:
        """See base.Caching.

        Raises:
            CacheTrouble: the file that the body was saved to is gone, or another.
        """
        answer = _response(kept)
        if answer.path is not None and _size(answer.path) != answer.size:
            raise CacheTrouble(f"{answer.path} is not there any more")
        return self._outcome(answer)

    def asking(self, bound: Mapping[str, Any], kept: tuple[Any, ...]) -> Mapping[str, Any] | None:
        """See base.Caching: the same request with what the answer was marked with, if it was."""
        request: Request = bound["request"]
        answer = _response(kept)
        conditional = any(name.lower() in _CONDITIONS for name in request.headers)
        if request.method not in ("GET", "HEAD") or conditional or answer.path is not None:
            return None
        marks = {
            "If-None-Match": answer.headers.get("ETag"),
            "If-Modified-Since": answer.headers.get("Last-Modified"),
        }
        known = {name: mark for name, mark in marks.items() if mark}
        return {**bound, "request": request.with_headers(known)} if known else None

    def unchanged(self, outcome: Outcome) -> bool:
        """See base.Caching."""
        return isinstance(outcome.kept, Response) and outcome.kept.status == _NOT_MODIFIED


def _response(kept: tuple[Any, ...]) -> Response:
    method, url, status, reason, headers, body, elapsed, path, size = kept
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
    )


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except OSError:
        return None
