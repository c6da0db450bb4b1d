"""Redirects: where they lead, and which parts of the request they keep."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from multidict import CIMultiDict
from yarl import URL

from drawer_ipy.buttons.http.failure import RequestFailed
from drawer_ipy.buttons.http.request import Request, abroad
from drawer_ipy.buttons.http.rules import origin
from drawer_ipy.buttons.http.url import resolved
from drawer_ipy.errors import ArgumentError

if TYPE_CHECKING:
    from drawer_ipy.buttons.http.open_response import OpenResponse

_REDIRECTING = frozenset({301, 302, 303, 307, 308})
_OF_A_BODY = frozenset(
    {
        "content-type",
        "content-encoding",
        "content-language",
        "content-location",
        "content-disposition",
        "content-md5",
        "content-digest",
        "repr-digest",
        "digest",
        "expect",
    }
)
"""Headers that describe the body: they are sent only together with it."""

_USER = re.compile(r"//[^/?#]*@")


def without_body(headers: CIMultiDict[str]) -> CIMultiDict[str]:
    """Return `headers` without those that describe a body, for a request without one."""
    return CIMultiDict((n, v) for n, v in headers.items() if n.lower() not in _OF_A_BODY)


def leads_to(request: Request, answer: OpenResponse) -> str | None:
    """Return the address that a response redirects to, as written; ``None`` if it is not a redirect.

    Raises:
        RequestFailed: it names several addresses.
    """
    if answer.status not in _REDIRECTING:
        return None
    said = dict.fromkeys(one.strip() for one in answer.headers.getall("Location", ()))
    said.pop("", None)
    if len(said) > 1:
        raise RequestFailed(f"{request} is redirected to {len(said)} different addresses", final=True)
    return next(iter(said), None)


def redirected(request: Request, status: int, location: str) -> Request:
    """Return the request that a redirect leads to instead of `request`.

    Raises:
        ArgumentError: it leads to something that is not a URL.
    """
    try:
        address = resolved(request.address or str(request.url), location)
        there = URL(address, encoded=True)
    except ValueError:
        shown = _USER.sub("//", location[:200])
        raise ArgumentError(f"{request} is redirected to {shown!r}, which is not a URL") from None
    method, headers, body = request.method, request.headers, request.body
    if status == 303 or (status in (301, 302) and method == "POST"):
        method, body = "HEAD" if method == "HEAD" else "GET", None
        headers = without_body(headers)
    if headers.get("Authorization", "").startswith("Digest "):  # valid for one address only
        headers = CIMultiDict((n, v) for n, v in headers.items() if n.lower() != "authorization")
    if not _trusted(request.url, there):
        about_body = [] if body is None else [p for p in headers.items() if p[0].lower() in _OF_A_BODY]
        headers = abroad(headers)
        headers.extend(about_body)
    return Request(method, there, headers, body, address, request.condition)


def _trusted(here: URL, there: URL) -> bool:
    """Whether credentials for one URL may go to the other: same origin, or same host and now with TLS."""
    return origin(here) == origin(there) or (
        here.host == there.host
        and (here.scheme, here.port) == ("http", 80)
        and (there.scheme, there.port) == ("https", 443)
    )
