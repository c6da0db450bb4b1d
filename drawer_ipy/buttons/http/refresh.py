"""``meta_refresh: true``: follow the meta refresh of pages, as browsers do.

A refresh is followed like a redirect: the same limit and checks apply, and headers that may be credentials
are removed once it leaves the origin.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from html.parser import HTMLParser

from yarl import URL

from drawer_ipy.buttons.http.body_types import parse_content_type, read_text
from drawer_ipy.buttons.http.failure import RequestFailed
from drawer_ipy.buttons.http.redirect import without_body
from drawer_ipy.buttons.http.request import Request, abroad
from drawer_ipy.buttons.http.response import Response
from drawer_ipy.buttons.http.rules import origin
from drawer_ipy.buttons.http.template import UrlTemplate
from drawer_ipy.errors import ArgumentError
from drawer_ipy.scrape.addresses import joined
from drawer_ipy.scrape.sniff import HTML, looks_like

_MOST = 10
_LOOKED_AT = 64 * 1024
_LONGEST_DELAY = 100.0
"""Seconds; a page with a longer delay is meant to be shown, and reloads itself now and then."""

_REFRESH = re.compile(r"\s*(\d+|(?=\.))[\d.]*\s*(?:$|(?:(?<=\s)|[;,])[\s;,]*(.*))", re.DOTALL)
_URL = re.compile(r"url\s*=\s*", re.IGNORECASE)
_ANY = UrlTemplate("{{url}}", "meta_refresh")

AskPage = Callable[[Request, bool], Awaitable[Response]]


async def refreshed(request: Request, response: Response, ask: AskPage) -> Response:
    """Return the response that the refreshes of `response` lead to; `response` itself if it has none.

    Args:
        request: the request that got `response`.
        ask: sends a further request. Its second argument says whether all requests so far, including this
            one, stayed at the origin of the first, so that it may carry credentials.

    Raises:
        RequestFailed: a request fails, or there are too many.
        DrawerError: a request is refused.
    """
    at_home = True
    for _ in range(_MOST):
        url = refresh_target(response)
        if url is None or url == response.url.with_fragment(None):
            return response
        # A redirect in between may have left the origin, too.
        stays = origin(url) == origin(response.url) == origin(request.url)
        at_home = at_home and stays
        headers = without_body(request.headers) if stays else abroad(request.headers)
        request = Request("GET", url, headers)
        last, response = response, await ask(request, at_home)
        response.elapsed += last.elapsed
        response.attempts += last.attempts - 1
        response.pushed_back = response.pushed_back or last.pushed_back
    if refresh_target(response) is None:
        return response
    raise RequestFailed(f"more than {_MOST} meta refreshes, the last to {request}", final=True)


def refresh_target(response: Response) -> URL | None:
    """Return the URL that a page refreshes to within reasonable time; ``None`` if there is none."""
    if not response.ok or not response.body:
        return None
    url = str(response.url)
    header = response.headers.get("Refresh", "")
    address = _address(header) if header else None
    if address is None:
        kind, charset = parse_content_type(response.headers.get("Content-Type", ""))
        if kind not in ("text/html", "application/xhtml+xml") and looks_like(response.body) != HTML:
            return None
        found = _Refreshes()
        found.feed(read_text(kind, charset, response.body[:_LOOKED_AT]).text)
        address, url = found.address, joined(url, found.base)
    if address is None:
        return None
    try:
        return URL(_ANY.fill({"url": joined(url, address)}), encoded=True).with_fragment(None)
    except (ArgumentError, ValueError):
        return None


def _address(content: str) -> str | None:
    """Return the address in the content of a refresh; ``None`` if it is missing or its delay is too long."""
    found = _REFRESH.fullmatch(content)
    if found is None or not found[2] or float(found[1] or 0) > _LONGEST_DELAY:
        return None
    rest = found[2]
    if named := _URL.match(rest):
        rest = rest[named.end() :]
    if rest[:1] in ("'", '"'):
        rest = rest[1:].partition(rest[0])[0]
    return rest.strip() or None


class _Refreshes(HTMLParser):
    """Find the first refresh of a page, ignoring ``noscript``.

    Attributes:
        address: the address as written, ``None`` if there is none.
        base: the base address of the page's relative addresses, ``""`` if there is none.
    """

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.address: str | None = None
        self.base = ""
        self._hidden = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("noscript", "template"):
            self._hidden += 1
        elif tag == "base" and not self.base:
            self.base = dict(attrs).get("href") or ""
        elif tag == "meta" and self.address is None and not self._hidden:
            named = dict(reversed(attrs))
            if (named.get("http-equiv") or "").strip().lower() == "refresh":
                self.address = _address(named.get("content") or "")

    def handle_endtag(self, tag: str) -> None:
        if tag in ("noscript", "template") and self._hidden:
            self._hidden -= 1
